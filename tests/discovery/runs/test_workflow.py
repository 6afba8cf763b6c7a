"""A run is complete, repeats to the last bit, and appears whole or not at all."""

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tex_check import check_latex

from discovery import Discovery
from discovery.config.file import load_config
from discovery.runs.manifest import MANIFEST
from discovery.runs.workflow import run
from sciren.errors import ConfigError, DataWarning, TrainingError
from symbolic import SymbolicModel
from symbolic.verdict import Check, Verification

FILES = {
    "bands.csv", "candidates.csv", "checkpoints", "code", "config.yaml", "data.json", "edges.csv",
    "equations.json", "equations.md", "equations.tex", "figures", "graph.graphml", "history.csv",
    "importance.csv", "metrics.json", "model.json", "model.safetensors",
    "profiles.csv", "replicates.csv", "report.html", "tex", "uncertainty.json", "verdict.json",
    "verification.json", "views.json", MANIFEST,
}  # fmt: skip


def test_a_run_holds_everything_and_nothing_else_is_written(finished):
    folder = finished / "runs" / "light_use"
    assert {path.name for path in folder.iterdir()} == FILES
    names = {"graph", "edges", "profiles", "observed", "latents", "history"}
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert figures == {f"{name}.{end}" for name in names for end in ("png", "pdf")}
    assert [path.name for path in (finished / "runs").iterdir()] == ["light_use"]


def test_the_equations_are_there_as_source_code_of_five_languages(finished):
    folder = finished / "runs" / "light_use"
    written = {path.name: path.read_text() for path in (folder / "code").iterdir()}
    assert set(written) == {
        f"equations{end}" for end in (".py", ".c", ".f90", ".jl", ".R")
    }
    equations = SymbolicModel.load(folder / "equations.json")
    value = abs(float(equations.table["value"].iloc[-1]))
    for text in written.values():
        assert "SHA-256" in text  # where it comes from
        assert f"{value:.10g}"[:9] in text
    inside = runpy.run_path(str(folder / "code" / "equations.py"))
    frame = pd.read_csv(finished / "data.csv").head(50)
    columns = {n: frame[n].to_numpy() for n in equations.used_features()}
    expected = equations.latents(columns)["efficiency"]
    found = inside["efficiency"](**columns)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_process_model_of_ones_own_leads_to_verified_equations(finished):
    found = Discovery.load(finished / "runs" / "light_use")
    assert found.consistency == "PASS"
    equations = found.equations
    used = dict(zip(equations.table["source"], equations.table["value"], strict=True))
    assert used["ta"] == pytest.approx(0.05, rel=0.05)
    assert used["vpd"] == pytest.approx(-0.02, rel=0.05)
    (half,) = found.process_constants
    assert half["low"] < 6 < half["high"]
    assert half["identified"]
    assert found.latent_scores["test"]["equation"]["efficiency"]["r2"] > 0.999
    assert found.scores["test"]["equation"]["gpp"]["r2"] > 0.99
    worse = found.scores["test"]["constant latents"]["gpp"]["r2"]
    assert worse < found.scores["test"]["equation"]["gpp"]["r2"] - 0.2


def test_every_formula_that_competed_is_in_the_table_of_candidates(finished):
    table = pd.read_csv(finished / "runs/light_use/candidates.csv")
    competed = table[table["stage"] == "families"]
    assert len(competed) >= 2
    assert competed["selected"].astype(bool).sum() == 1
    assert competed["loss"].is_monotonic_decreasing  # from the simplest on
    assert {"edges", "families"} <= set(table["stage"])


def test_metrics_have_every_part_model_and_target(finished):
    metrics = json.loads((finished / "runs/light_use/metrics.json").read_text())
    for part in ("train", "valid", "test"):
        assert set(metrics[part]) == {"network", "equation", "constant latents", "mlp"}
        for score in metrics[part].values():
            assert set(score["gpp"]) == {"r2", "rmse", "bias", "n"}


@pytest.mark.usefixtures("pictures")
def test_a_run_repeats_to_the_last_bit(finished, tmp_path, start_study, quick):
    shutil.copytree(finished, tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "runs")
    again = run(load_config(tmp_path / "again" / "CONFIG.yaml", quick), quiet=True)
    first = finished / "runs" / "light_use"
    names = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    names.remove(Path(MANIFEST))  # hashes of files that hold the path of their run
    with_paths = {
        "config.yaml", "report.html", "data.json", "equations.tex", "equations.md",
        "start.json", "methods.tex",
    }  # fmt: skip
    for name in names:
        one, other = (first / name).read_bytes(), (again / name).read_bytes()
        if name.name == "methods.tex":  # a sentence that is wrapped with the path in it
            one, other = (
                b" ".join(text.replace(b"\\_", b"_").split()) for text in (one, other)
            )
        if name.name in with_paths or name.parts[0] == "code":
            one = one.replace(str(finished).encode(), b"")
            other = other.replace(str(tmp_path / "again").encode(), b"")
        # comments of code hold paths, and are wrapped with them; the report shows code
        if name.parts[0] == "code" or name.name == "report.html":
            one, other = without_comments(one), without_comments(other)
        assert one == other, name


def without_comments(text):
    marks = (b"#", b"!", b"//", b" *", b"/*")
    return [line for line in text.splitlines() if not line.startswith(marks)]


def test_a_run_is_replaced_only_with_overwrite_and_then_as_a_whole(
    light, start_study, tmp_path, quick
):
    config = load_config(start_study(tmp_path / "new"), quick)
    config = config.model_copy(update={"out": light})
    (light / "old.txt").write_text("from before")
    with pytest.raises(ConfigError, match="a run is there already"):
        run(config, quiet=True)
    assert (light / "old.txt").exists()
    run(config, overwrite=True, quiet=True)
    # The pictures were of the old run, and this one draws none; the text is the user's.
    left = FILES - {"figures"} | {"old.txt"}
    assert {path.name for path in light.iterdir()} == left


def test_a_training_that_fails_leaves_nothing(
    tmp_path, start_study, quick, monkeypatch
):
    config = load_config(start_study(tmp_path), quick)

    def fail(*_, **__):
        raise TrainingError("no step helps")

    monkeypatch.setattr("sciren.training.fit", fail)
    with pytest.raises(TrainingError):
        run(config, quiet=True)
    assert not list((tmp_path / "runs").iterdir())


def test_progress_goes_to_stderr_unless_quiet(
    tmp_path, start_study, quick, monkeypatch, capsys
):
    def stop(*_, **__):
        raise TrainingError("far enough")

    monkeypatch.setattr("discovery.results.stages.discover", stop)
    start_study(tmp_path)
    off = (*quick, "discovery.baselines=false")
    for quiet in (False, True):
        with pytest.raises(TrainingError):
            run(load_config(tmp_path / "CONFIG.yaml", off), quiet=quiet)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("read 600 rows" in err) is not quiet


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("discovery.families=[linar]", "'discovery.families'.*Closest names: linear"),
        ("discovery.pins={tb -> efficiency: exp}", "Closest names: ta -> efficiency"),
        ("discovery.pins={ta -> efficiency: expo}", "family 'expo' is not in.*: exp"),
        ("discovery.forbid={ta: [expo]}", "'discovery.forbid.ta': family 'expo'"),
        ("train.epoch=3", "'train.epoch' does not exist"),
    ],
)
def test_wrong_choices_are_refused_before_any_work(
    tmp_path, start_study, change, message
):
    with pytest.raises(ConfigError, match=message):
        run(load_config(start_study(tmp_path), [change]), quiet=True)
    assert not (tmp_path / "runs").exists()


def test_a_black_box_gives_scores_and_no_equations(tmp_path, start_study, quick):
    changes = [one for one in quick if not one.startswith("encoder")]
    config = load_config(start_study(tmp_path), [*changes, "encoder=mlp"])
    found = Discovery.load(run(config, quiet=True))
    assert found.equations is None
    assert found.consistency == "NOT VERIFIED"
    assert any("black box" in note for note in found.notes)
    assert "equation" not in found.scores["test"]
    (half,) = found.process_constants
    assert not half["identified"]
    frame = pd.read_csv(tmp_path / "data.csv")
    assert np.isfinite(found.predict(frame, "network")).all(axis=None)
    with pytest.raises(ConfigError, match="there are no equations"):
        found.predict(frame)


def test_few_rows_try_no_hidden_layer_and_say_so(tmp_path, start_study):
    config = start_study(tmp_path)
    frame = pd.read_csv(tmp_path / "data.csv")
    frame.iloc[:80].to_csv(tmp_path / "data.csv", index=False)
    quick = ["discovery.bootstrap=0", "discovery.baselines=false",
             "train={profile_points: 5, smooth: 0.001}"]  # fmt: skip
    found = Discovery.load(run(load_config(config, quick), quiet=True))
    assert any("No hidden layer was tried" in note for note in found.notes)
    assert set(found.scores["test"]) == {"network", "equation"}
    methods = set(found.constants["method"])
    assert methods == {"refit under the noise law", "selection included"}


def test_one_failed_check_marks_every_output(
    tmp_path, start_study, quick, monkeypatch, capsys
):
    from symbolic import verify

    def strict(symbolic, *args):
        real = verify(symbolic, *args)
        bad = Check(
            "stationary", "constants are where the data want them", 9, 0.1, False
        )
        symbolic.verification = Verification((*real.checks[:3], bad))
        return symbolic.verification

    monkeypatch.setattr("symbolic.verification.verify", strict)
    folder = run(load_config(start_study(tmp_path), quick), quiet=True)
    from discovery.report.summary import summary

    assert "consistency: FAIL (stationary)" in summary(folder)
    assert "stationary" in (folder / "VERIFICATION_FAILED.txt").read_text()
    for name in ("equations.tex", "equations.md", "report.html"):
        assert "FAILED" in (folder / name).read_text()
    assert json.loads((folder / "verification.json").read_text())["verdict"] == "FAIL"
    assert json.loads((folder / "metrics.json").read_text())["verification"] == "FAIL"
    assert "FAIL" in (folder / "graph.graphml").read_text()
    assert (pd.read_csv(folder / "edges.csv")["verification"] == "FAIL").all()
    model = SymbolicModel.load(folder / "equations.json")
    assert model.verification is not None
    assert not model.verification.passed


def test_what_no_parameter_can_explain_is_in_the_report(tmp_path, start_study, quick):
    config = start_study(tmp_path)
    frame = pd.read_csv(tmp_path / "data.csv")
    frame.loc[:59, "gpp"] *= -1
    frame.loc[70:79, "par"] = np.nan
    frame.to_csv(tmp_path / "data.csv", index=False)
    changes = [*quick, "data.rows=ta > 1", "discovery.baselines=false"]
    with pytest.warns(
        DataWarning, match="'light_use' gives 'gpp' from 0 upwards: .* outside of it"
    ):
        folder = run(load_config(config, changes), quiet=True)
    found = Discovery.load(folder)
    assert any(
        "of the training rows of gpp are outside" in note for note in found.notes
    )
    record = json.loads((folder / "data.json").read_text())
    assert record["read"] == 600
    assert record["kept"] == int((frame.ta > 1).sum())
    missing = int(((frame.ta > 1) & frame.par.isna()).sum())
    assert record["dropped"] == {"missing forcing par": missing}
    assert record["rows"] == record["kept"] - missing


def test_the_equations_are_a_document_that_compiles(finished, tmp_path):
    source = finished / "runs" / "light_use" / "equations.tex"
    text = source.read_text()
    assert check_latex(text) == []
    assert r"\mathrm{half}" in text
    assert "block bootstrap, 20 resamples" in text
    if shutil.which("pdflatex"):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", str(source)],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
