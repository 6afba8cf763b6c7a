"""explain: new equations from the stored network, the user's choices recorded."""

import json

import pandas as pd
import pytest

from discovery import Discovery
from discovery.runs.explain import explain
from discovery.runs.manifest import MANIFEST, edits_accepted
from sciren.errors import ConfigError, DataError

WITH_PLACES = (
    MANIFEST,
    "config.yaml", "report.html", "equations.tex", "equations.md", "start.json",
)  # fmt: skip


@pytest.mark.usefixtures("pictures")
def test_nothing_changes_when_nothing_is_changed_however_often(light):
    before = {
        path.relative_to(light): path.read_bytes()
        for path in light.rglob("*")
        if path.is_file()
    }
    explain(light, quiet=True)
    for name, content in before.items():
        if name.name in WITH_PLACES:
            continue  # the run lies in another folder now
        assert (light / name).read_bytes() == content, name
    names = ["equations.tex", "equations.md"]  # which name the folder
    once = {name: (light / name).read_bytes() for name in names}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("discovery.runs.writing.save_figures", lambda *_: [])
        explain(light, quiet=True)
    for name, content in once.items():
        assert (light / name).read_bytes() == content, name


def test_choices_of_the_user_are_followed_and_recorded(light):
    network = (light / "model.safetensors").read_bytes()
    explain(
        light,
        [
            "discovery.pins={ta -> efficiency: quadratic}",
            "discovery.forbid={vpd -> efficiency: [exp, log]}",
            "discovery.families=[linear, quadratic, exp]",
        ],
        quiet=True,
    )
    found = Discovery.load(light)
    edges = found.equations.edges.set_index("source")
    assert edges.loc["ta", "family"] == "quadratic"
    assert edges.loc["ta", "chosen"] == "user"
    assert edges.loc["vpd", "chosen"] == "user"
    assert pd.read_csv(light / "edges.csv")["chosen"].tolist() == ["user", "user"]
    notes = " ".join(found.notes)
    assert "The user chose quadratic for ta -> efficiency." in notes
    assert "The user forbade exp, log for vpd -> efficiency." in notes
    assert "The user allowed the families linear, quadratic, exp." in notes
    assert "quadratic" in (light / "config.yaml").read_text()
    assert (light / "model.safetensors").read_bytes() == network
    assert set(found.scores["test"]) >= {"mlp", "constant latents"}
    explain(light, ["discovery.pins={}", "discovery.forbid={}"], quiet=True)
    again = Discovery.load(light)
    assert set(again.equations.edges["chosen"]) == {"auto"}
    assert "The user chose" not in " ".join(again.notes)


@pytest.mark.parametrize(
    "change", ["seed=3", "train.smooth=1", "discovery.baselines=0"]
)
def test_what_would_need_training_is_refused(light, change):
    with pytest.raises(ConfigError, match=r"without training only discovery.families"):
        explain(light, [change], quiet=True)


def test_a_name_leaves_the_earlier_run_as_it_was(light):
    before = {p: p.read_bytes() for p in light.rglob("*") if p.is_file()}
    pin = "discovery.pins={ta -> efficiency: quadratic}"
    new = explain(light, [pin], quiet=True, name="quadratic")
    assert new == light.parent / "quadratic"
    assert {p: p.read_bytes() for p in light.rglob("*") if p.is_file()} == before
    edges = Discovery.load(new).equations.edges.set_index("source")
    assert edges.loc["ta", "family"] == "quadratic"
    with pytest.raises(ConfigError, match="a run is there already"):
        explain(light, [pin], quiet=True, name="quadratic")


@pytest.mark.parametrize("name", ["light", " "])
def test_the_name_of_the_run_itself_is_refused(light, name):
    with pytest.raises(ConfigError, match="give the new run another name"):
        explain(light, quiet=True, name=name)


def test_wrong_choices_leave_the_run_as_it_was(light):
    before = (light / "equations.json").read_bytes()
    with pytest.raises(ConfigError, match="Closest names: ta -> efficiency"):
        explain(light, ["discovery.pins={tb -> efficiency: exp}"], quiet=True)
    assert (light / "equations.json").read_bytes() == before


def test_other_data_are_refused(light):
    record = json.loads((light / "data.json").read_text())
    (light / "data.json").write_text(json.dumps(record | {"sha256": "0" * 64}))
    other = pytest.raises(
        DataError, match=r"data.csv: is not what the run was made from"
    )
    with edits_accepted(), other:
        explain(light, quiet=True)


def test_shapes_weights_and_a_candidate_are_chosen_without_training(light):
    explain(
        light,
        [
            "discovery.shapes={ta -> efficiency: increasing}",
            "discovery.model_selection=1",
            "discovery.complexity={vpd: 3}",
        ],
        quiet=True,
    )
    found = Discovery.load(light)
    rows = pd.read_csv(light / "candidates.csv")
    rows = rows[rows["stage"] == "families"]
    assert {"complexity", "loss", "label", "selected"} <= set(rows.columns)
    assert rows["selected"].astype(str).tolist().index("True") == 1
    assert len(found.equations.candidates) == len(rows)
    assert found.equations.record.options.complexity == {"vpd": 3.0}
    edges = found.equations.edges.set_index("source")
    assert edges.loc["ta", "chosen"] == "user"
    notes = " ".join(found.notes)
    assert "The user required ta -> efficiency to be increasing." in notes
    assert "The user chose among the candidates by 1." in notes


def test_units_and_compositions_are_wished_for_without_training(light):
    explain(
        light,
        [
            "discovery.unit_mode=dimensionless",
            "discovery.unit_problems=ignore",
            "discovery.compose=0",
        ],
        quiet=True,
    )
    found = Discovery.load(light)
    assert found.equations.record.options.unit_mode == "dimensionless"
    assert found.equations.record.compositions == ()
    notes = " ".join(found.notes)
    assert "The user required constants without units." in notes
    assert "The user wanted no formulas of whole latents." in notes


@pytest.mark.parametrize(
    "change",
    [
        "discovery.shapes={ta -> efficiency: upwards}",
        "discovery.shapes={tb: increasing}",
        "discovery.model_selection=simplest",
    ],
)
def test_wishes_that_do_not_exist_are_refused(light, change):
    with pytest.raises(ConfigError):
        explain(light, [change], quiet=True)
