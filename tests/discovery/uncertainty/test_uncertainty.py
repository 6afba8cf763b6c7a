"""Uncertainty of a result through the public names: constants, bands, prediction, flags."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.belief.laws import Law, draw, usual
from discovery import Discovery, ScIReNRegressor, discover
from discovery.uncertainty.columns import widened
from discovery.uncertainty.infer import bands_of_equations, selected
from discovery.uncertainty.record import Comparison, Uncertainty
from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.decoders import Q10Respiration
from sciren.errors import ConfigError, DataWarning
from sciren.inference.conformal import spread

pytestmark = pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")

LAW = Law(usual, 300, noise=0.1, features=3)
CONFIG = TrainConfig(profiles=False, ladder=False)


@pytest.fixture(scope="module")
def record():
    return draw(LAW, 1001)


@pytest.fixture(scope="module")
def trained(record):
    """Model, its two parts, and how it was trained."""
    table = Table.from_frame(record.frame, list(record.features), ["ta"], ["reco"])
    held = np.arange(len(table)) % 5 == 0
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    train, valid = table.take(~held), table.take(held)
    return model, train, valid, fit(model, train, valid, CONFIG)


@pytest.fixture(scope="module")
def found(trained) -> Discovery:
    model, train, valid, history = trained
    return discover(model, train, valid, history=history, bootstrap=0, compose=0)


def test_the_recommended_number_is_the_number_of_the_table(found):
    every = found.constant_estimates
    assert list(every["recommended"]) == [True] + [False] * (len(every) - 1)
    for how in ("selected features only", "equations", "profile"):
        assert every["method"].str.startswith(how).sum() == 1
    assert every["reason"].str.len().min() > 10
    shown, best = found.constants.iloc[0], every.iloc[0]
    for name in ("estimate", "error", "low", "high", "method"):
        assert shown[name] == best[name]
    assert best["low"] < 1.5 < best["high"]


def test_the_selection_of_the_training_is_that_of_the_intervals(trained):
    model, train, valid, history = trained
    mine = history.tested.selection
    assert mine is not None
    assert selected(model, [train, valid], mine) is mine
    # Where it is no longer at hand, the same numbers come out again.
    assert pickle.loads(pickle.dumps(history)).tested.selection is None
    anew = selected(model, [train, valid])
    assert anew.status == mine.status
    np.testing.assert_array_equal(anew.fit.theta, mine.fit.theta)
    assert selected(model, [valid], mine) is not mine


def test_bands_lie_around_their_curves(found):
    bands = found.bands
    assert {"x1", "x2"} <= set(bands["source"])
    assert (bands["low"] < bands["estimate"]).all()
    assert (bands["estimate"] < bands["high"]).all()


def test_bands_are_in_the_unit_of_the_equation(found):
    raw = found.uncertainty.bands_table(None)
    bounded = replace(
        found.equations, constraints={"rb": ("hard_sigmoid", 0.0, 60.0, 1.0)}
    )
    printed = found.uncertainty.bands_table(bounded)
    for name in ("estimate", "low", "high"):
        # between 0 and 60 a hard sigmoid is 10 times the raw latent
        np.testing.assert_allclose(printed[name], 10 * raw[name])
    np.testing.assert_array_equal(printed["x"], raw["x"])


def test_curves_have_bands_where_single_edges_are_not_tested(
    found, trained, monkeypatch
):
    """Behind an expensive process, or with very many edges."""
    model, train, valid, _ = trained
    with_tests = found.bands.set_index(["source", "x"])
    given = bands_of_equations(model, [train, valid], found.equations)
    alone = given.set_index(["source", "x"])
    assert set(alone.index) == set(with_tests.loc[["x1", "x2"]].index)
    # a third feature that may act makes the other bands a little wider, not another curve
    both = with_tests.loc[alone.index]
    assert (alone["low"] < both["high"]).all()
    assert (both["low"] < alone["high"]).all()
    monkeypatch.setattr("discovery.verdict.edge_limit.MOST_EDGES", 2)
    assert bands_of_equations(model, [train, valid], found.equations).empty


@pytest.mark.parametrize("using", ["equations", "network"])
def test_prediction_tells_observation_from_mean(found, record, using):
    new = draw(LAW, 1002)
    result = found.predict(new.frame, using, interval=0.9)
    assert list(result.columns)[2:] == [
        "reco_low", "reco_high", "reco_mean_low", "reco_mean_high", "rb_low", "rb_high",
        "outside",
    ]  # fmt: skip
    y = new.frame["reco"]
    observed = ((result["reco_low"] <= y) & (y <= result["reco_high"])).mean()
    assert observed == pytest.approx(0.9, abs=0.07)
    mean = (result["reco_mean_low"] <= new.mean) & (
        new.mean <= result["reco_mean_high"]
    )
    assert mean.mean() > 0.75
    assert (result["reco_mean_low"] <= result["reco"]).all()
    assert (result["reco"] <= result["reco_mean_high"]).all()
    narrow = found.predict(new.frame, using, interval=0.5)
    assert (narrow["reco_high"] < result["reco_high"]).all()


def test_what_is_missing_widens_the_mean_and_not_the_latent(found, record):
    uncertainty = replace(found.uncertainty, lack_of_fit={"reco": 0.5})
    low, high = np.array([1.0, 4.0]), np.array([2.0, 5.0])
    wider = widened(uncertainty, "reco", low, high, 0.95)
    law = uncertainty.observations["network"]["reco"]
    compared = uncertainty.comparisons["reco"]
    size = (
        0.5 * 1.96 * spread(compared.transform((low + high) / 2), law.growth, law.floor)
    )
    half = np.hypot((high - low) / 2, compared.inverse(size))
    assert wider[1] - wider[0] == pytest.approx(2 * half, rel=1e-3)
    again = Uncertainty.from_json(json.loads(json.dumps(uncertainty.to_json())))
    assert again.lack_of_fit == {"reco": 0.5}
    assert widened(found.uncertainty, "reco", low, high, 0.95)[0] is low


def test_rows_beyond_the_data_are_marked_with_a_warning(found, record):
    frame = record.frame.iloc[:3].copy()
    frame.loc[frame.index[0], "x1"] = 50.0
    with pytest.warns(DataWarning, match="x1"):
        result = found.predict(frame, interval=0.95)
    assert result["outside"].tolist() == [1, 0, 0]


def test_missing_values_have_no_limits_and_unused_columns_may_be_absent(found, record):
    frame = record.frame.iloc[:4].drop(columns="x3")
    frame.loc[frame.index[1], "x1"] = np.nan
    result = found.predict(frame, interval=0.95)
    assert result.iloc[1][["reco", "reco_low", "reco_mean_high", "rb_low"]].isna().all()
    assert result.iloc[[0, 2, 3]].notna().all(axis=None)


def test_a_stored_uncertainty_predicts_the_same(found, record):
    assert found.uncertainty is not None
    stored = json.loads(json.dumps(found.uncertainty.to_json()))
    before = found.predict(record.frame, interval=0.9)
    other = Discovery(**{**vars(found), "uncertainty": Uncertainty.from_json(stored)})
    after = other.predict(record.frame, interval=0.9)
    assert np.allclose(before, after, rtol=1e-10)


def test_limits_hold_the_mean_with_and_without_what_is_undecided(found, record):
    law = replace(found.uncertainty.means, left_out=(0,))

    def limits(means):
        uncertainty = replace(found.uncertainty, means=means)
        other = Discovery(**{**vars(found), "uncertainty": uncertainty})
        return other.predict(record.frame, interval=0.9)

    either = limits(law)
    both = [limits(replace(law, left_out=())), limits(law.without_left_out())]
    for name in ("reco_mean", "rb"):
        low, high = (
            np.stack([part[f"{name}{end}"] for part in both])
            for end in ("_low", "_high")
        )
        assert np.allclose(either[f"{name}_low"], low.min(axis=0))
        assert np.allclose(either[f"{name}_high"], high.max(axis=0))
    assert either["reco_low"].equals(both[0]["reco_low"])


def test_a_level_is_a_probability(found, record):
    with pytest.raises(ConfigError, match="interval=95"):
        found.predict(record.frame, interval=95)


def test_without_an_interval_there_are_the_values_alone(found, record):
    assert list(found.predict(record.frame)) == ["reco", "rb"]


def test_the_estimator_gives_the_same_columns(record):
    model = ScIReNRegressor(
        decoder="q10",
        encoder="mlp",
        train={"profiles": False, "epochs": 3},
        random_state=0,
    )
    x = record.frame[["x1", "x2", "x3", "ta"]]
    model.fit(x, record.frame["reco"])
    result = model.predict(x, interval=0.9)
    assert {"reco_low", "reco_mean_low", "rb_low", "outside"} <= set(result.columns)
    assert len(result) == len(x)
    assert model.predict(x).shape == (len(x),)


def test_a_target_that_is_its_own_latent_has_limits_of_observations():
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 5, (1200, 1))
    y = x[:, 0] + 0.3 * rng.normal(size=1200)
    model = ScIReNRegressor(hidden=(), compose=0, bootstrap=0, random_state=0)
    result = model.fit(x[:400], y[:400]).predict(x[400:], interval=0.9)
    inside = (result["y_low"] < y[400:]) & (y[400:] < result["y_high"])
    assert 0.86 < inside.mean() < 0.94
    assert (result["y_mean_high"] < result["y_high"]).all()


@pytest.mark.parametrize("kind", ["identity", "log"])
def test_the_scale_of_the_comparison_goes_there_and_back(kind):
    scale = Comparison(kind, 2.0, 0.5)
    values = np.array([0.1, 1.0, 30.0])
    assert np.allclose(scale.inverse(scale.transform(values)), values)
