"""discover: from a trained model to equations, whatever engine trained it."""

import numpy as np
import pandas as pd
import pytest
import torch

from discovery import discover
from discovery.results.frames import latents_table
from discovery.results.obstacles import equations_obstacle
from sciren import (
    AdditiveEncoder,
    KANEncoder,
    LinearEncoder,
    MLPEncoder,
    Q10Respiration,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    split_random,
)
from sciren.decoders import process_model
from sciren.errors import ConfigError, DataWarning
from sciren.parameters import Parameter

QUICK = TrainConfig(profile_points=9, smooth=1e-3)


def frame(rows=500, noise=0.02):
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.uniform(-1, 1, (rows, 3)), columns=["a", "b", "c"])
    data["ta"] = rng.uniform(-5, 25, rows)
    rb = 3 + data.a + 2 * data.b
    data["reco"] = rb * 1.6 ** ((data.ta - 15) / 10) + noise * rng.normal(size=rows)
    return data.assign(rb=rb)


def tables(data, features=("a", "b", "c")):
    return split_random(Table.from_frame(data, features, ["ta"], ["reco"]))


@pytest.fixture(scope="module")
def found():
    data = frame()
    split = tables(data)
    model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
    history = fit(model, split.train, split.valid, QUICK)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    truth = {"rb": data.rb.to_numpy()}
    result = discover(model, *split, history=history, bootstrap=30, truth=truth)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    return result, split


def test_the_truth_is_found_with_its_uncertainty(found):
    result, _ = found
    assert result.consistency == "PASS"
    assert str(result.sympy()["rb"].free_symbols) in ("{a, b}", "{b, a}")
    rows = result.constants.set_index("constant")
    for name, value in {"q10": 1.6, "a_a": 1.0, "a_b": 2.0, "rb_0": 3.0}.items():
        row = rows.loc[name]
        assert abs(row["estimate"] - value) < 5 * row["error"]
    assert rows.loc["q10", "identified"]
    assert result.latent_scores["test"]["equation"]["rb"]["r2"] > 0.999
    assert r"\mathrm{b}" not in result.latex()["rb"]
    assert len(result.latex(None)["rb"]) > len(result.latex()["rb"])


def test_everything_that_was_tried_is_kept(found):
    result, _ = found
    assert set(result.candidates["stage"]) >= {"edges"}
    assert result.candidates["chosen"].sum() >= 1
    assert set(result.profiles["model"]) >= {"kept features", "all features"}
    assert {one.model for one in result.identification} >= {"kept features"}
    assert any(note.startswith("Engine: ") for note in result.notes)


def test_importance_is_shares_of_each_latent(found):
    result, _ = found
    shares = result.importance.set_index("feature")
    assert list(shares.columns) == ["latent", "edges", "network", "equation"]
    for name in ("edges", "network", "equation"):
        assert shares[name].sum() == pytest.approx(1)
        assert shares.loc["b", name] == pytest.approx(2 / 3, abs=0.05)


def test_the_table_of_equations_has_one_row_a_latent(found):
    result, split = found
    table = latents_table(result, split.train)
    assert table["latent"].tolist() == ["rb"]
    row = table.iloc[0]
    assert row["features"] == ("a", "b")
    assert row["equation"].endswith(", 0 <= rb")
    assert row["r2"] > 0.999
    assert row["refused"] == 0
    assert row["consistency"] == "PASS"


def test_frames_are_predicted_without_a_run_folder(found):
    result, _ = found
    new = frame(20).drop(columns=["reco", "rb"])
    new.loc[4, "ta"] = np.nan
    with pytest.warns(DataWarning, match="'ta': 5.0% of the rows are outside"):
        equations = result.predict(new, "equations")
    with pytest.warns(DataWarning, match="'ta': 5.0% of the rows are outside"):
        network = result.predict(new, "network")
    assert list(equations.columns) == ["reco", "rb"]
    np.testing.assert_allclose(equations, network, rtol=0.02, atol=0.02)
    assert equations["reco"].isna().tolist() == new["ta"].isna().tolist()


def test_without_a_history_weak_edges_are_pruned_by_importance():
    split = tables(frame())
    model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
    fit(model, split.train, split.valid, QUICK.replace(select=False))
    result = discover(model, split.train, bootstrap=0, threshold=0.1)
    assert any("Left out" in note and "c -> rb" in note for note in result.notes)
    assert set(result.scores) == {"train"}
    assert {one.model for one in result.identification} == {"equations"}
    assert result.history.empty


@pytest.mark.parametrize("kind", [LinearEncoder, AdditiveEncoder])
def test_other_encoders_with_edges_have_equations_too(kind):
    split = tables(frame(), ("a", "b"))
    model = ScIReN(kind(2, 1), "auto", Q10Respiration())
    history = fit(model, split.train, split.valid, QUICK.replace(epochs=30))
    result = discover(model, *split, history=history, bootstrap=0)
    assert result.equations is not None
    assert result.scores["test"]["equation"]["reco"]["r2"] > 0.98
    assert result.process_constants[0]["identified"]


@process_model([Parameter("rate")], forcings=["ta"], targets=["reco"], rowwise=False)
def mixing(p, f):
    return p.rate + 0 * f.ta.sum()


@process_model([Parameter("u"), Parameter("v")], targets=["reco"])
def both(p, f):
    return p.u + p.v


@pytest.mark.parametrize(
    ("encoder", "decoder", "reason"),
    [
        (MLPEncoder(3, 1), Q10Respiration(), "'mlp' is a black box"),
        (KANEncoder(3, 1, hidden=(2, 2)), Q10Respiration(), "has 2 hidden layers"),
        (KANEncoder(3, 2, hidden=(2,), shared=True), both, "share hidden nodes"),
        (KANEncoder(3, 1), mixing, "'mixing' does not act row by row"),
        (KANEncoder(3, 1, hidden=(2,)), Q10Respiration(), None),
    ],
)
def test_what_cannot_become_an_equation_says_why(encoder, decoder, reason):
    found = equations_obstacle(ScIReN(encoder, "auto", decoder))
    assert (found is None) if reason is None else (reason in found)


def test_choices_are_checked(found):
    result, split = found
    with pytest.raises(ConfigError, match="Closest names: quadratic"):
        discover(result.model, split.train, families=["quadrtic"])
    with pytest.raises(ConfigError, match="no edge of this model"):
        discover(result.model, split.train, pins={"d -> rb": "exp"})
