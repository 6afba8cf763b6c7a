"""ScIReNRegressor keeps scikit-learn's promises and adds process models."""

from pickle import dumps, loads

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from discovery.estimator import ScIReNRegressor
from sciren.decoders import Q10Respiration, process_model
from sciren.errors import ColumnError, ConfigError, DataError
from sciren.parameters import Parameter

# Weights are precisions and not counts: two equal rows are two measurements, of which each
# adds to what is known of the noise, and one may be held out to choose by; a row of weight
# two is one measurement, twice as exact.
UNLIKE = {
    "check_sample_weight_equivalence_on_dense_data": "weights are precisions, not counts"
}


@parametrize_with_checks([ScIReNRegressor()], expected_failed_checks=lambda _: UNLIKE)
def test_scikit_learn_agrees(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def respiration():
    rng = np.random.default_rng(0)
    rows = 600
    frame = pd.DataFrame(
        rng.uniform(-1, 1, (rows, 2)),
        columns=["moisture", "litter"],
        index=range(5, 605),
    )
    frame["air"] = rng.uniform(-5, 25, rows)
    rb = 2 + frame.moisture + 0.5 * frame.litter**2
    reco = rb * 1.8 ** ((frame.air - 15) / 10) * (1 + 0.02 * rng.normal(size=rows))
    return frame, reco, rb


@pytest.fixture(scope="module")
def fitted(respiration):
    frame, reco, _ = respiration
    model = ScIReNRegressor(decoder="q10", forcings={"ta": "air"}, random_state=0)
    return model.fit(frame, reco)


def test_a_process_model_gives_its_latents_and_constants_back(fitted, respiration):
    frame, reco, rb = respiration
    assert fitted.model_.feature_names == ("moisture", "litter")
    assert fitted.constants_["q10"] == pytest.approx(1.8, abs=0.03)
    latents = fitted.latents(frame)
    assert list(latents.columns) == ["rb"]
    assert latents.index.equals(frame.index)
    assert np.corrcoef(latents.rb, rb)[0, 1] > 0.999
    assert fitted.score(frame, reco) > 0.99


def test_latents_need_no_forcing_but_predictions_do(fitted, respiration):
    frame = respiration[0].copy()
    known = fitted.latents(frame)
    frame["air"] = np.nan
    pd.testing.assert_frame_equal(fitted.latents(frame), known)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fitted.predict(frame)
    frame["litter"] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fitted.latents(frame)


def test_names_and_positions_mean_the_same(fitted, respiration):
    frame, reco, _ = respiration
    model = ScIReNRegressor(
        [0, 1], Q10Respiration(), forcings={"ta": -1}, random_state=0
    )
    model.fit(frame.to_numpy(), reco.to_numpy())
    assert model.model_.feature_names == ("x0", "x1")
    np.testing.assert_array_equal(
        model.predict(frame.to_numpy()), fitted.predict(frame)
    )


def test_the_same_seed_gives_the_same_bits(fitted, respiration):
    frame, reco, _ = respiration
    again = clone(fitted).fit(frame, reco)
    for parameter, other in zip(
        again.model_.parameters(), fitted.model_.parameters(), strict=True
    ):
        assert torch.equal(parameter, other)


def test_it_can_be_stored_and_cloned(fitted, respiration):
    copy = loads(dumps(fitted))
    frame = respiration[0]
    np.testing.assert_array_equal(copy.predict(frame), fitted.predict(frame))


def test_targets_may_have_gaps_but_not_infinities(respiration):
    frame, reco, _ = respiration
    model = ScIReNRegressor(decoder="q10", forcings={"ta": "air"}, random_state=0)
    gaps = reco.where(np.arange(len(reco)) % 3 > 0)
    assert model.fit(frame, gaps).constants_["q10"] == pytest.approx(1.8, abs=0.03)
    with pytest.raises(ValueError, match="y contains infinity"):
        model.fit(frame, reco.replace(reco.iloc[0], np.inf))
    with pytest.raises(DataError, match="a column of nan only"):
        model.fit(frame, reco * np.nan)


def test_several_targets_and_latents(respiration):
    frame, _, _ = respiration

    @process_model(
        [Parameter("a"), Parameter("b"), Parameter("k", low=0, kind="constant")],
        targets=["first", "second"],
    )
    def two(p, f):
        return {"first": p.a + p.b, "second": p.k * p.a}

    x = frame[["moisture", "litter"]]
    first = x.moisture + x.litter
    y = pd.DataFrame({"first": first, "second": 3 * x.moisture})
    model = ScIReNRegressor(decoder=two, hidden=[], random_state=0).fit(x, y)
    assert model.score(x, y) > 0.999
    assert list(model.latents(x).columns) == ["a", "b"]
    plain = ScIReNRegressor(hidden=[], random_state=0).fit(x, y)
    assert plain.score(x, y) > 0.999
    assert plain.model_.target_names == ("first", "second")


def test_groups_are_held_out_as_a_whole(respiration):
    frame, reco, _ = respiration
    groups = np.arange(len(frame)) // 60
    model = ScIReNRegressor(decoder="q10", forcings={"ta": "air"}, random_state=0)
    model.fit(frame, reco, groups)
    held = set(groups[model._valid.row_ids])
    assert len(held) == 2
    assert not held & set(groups[model._train.row_ids])


def test_it_works_inside_scikit_learn(respiration):
    frame, _, rb = respiration
    model = ScIReNRegressor(hidden=[], random_state=0)
    x = frame[["moisture", "litter"]]
    assert cross_val_score(model, x, rb, cv=3).min() > 0.99


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"features": ["moistur"]}, ColumnError, "no column 'moistur'. Closest"),
        ({"features": [7]}, ColumnError, "no column 7, only 3 columns"),
        ({"decoder": "q10"}, ColumnError, "X has no column 'ta'"),
        (
            {"decoder": "q10", "forcings": {"tair": "air"}},
            ConfigError,
            "knows no 'tair'. Closest names: ta",
        ),
        ({"targets": ["a", "b"]}, ConfigError, "for y with 1 columns"),
        ({"validation_fraction": 1.0}, ConfigError, "share between 0 and 1"),
        ({"encoder": "kam"}, ConfigError, "encoder 'kam' does not exist"),
    ],
)
def test_settings_that_do_not_fit_are_refused(respiration, settings, kind, message):
    frame, reco, _ = respiration
    with pytest.raises(kind, match=message):
        ScIReNRegressor(**settings).fit(frame, reco)


def test_shapes_that_do_not_fit_are_refused(respiration, fitted):
    frame, reco, _ = respiration
    with pytest.raises(ConfigError, match="y has 2 columns, process model 'q10'"):
        clone(fitted).fit(frame, np.stack([reco, reco], 1))
    with pytest.raises(ConfigError, match="one group cannot be split"):
        clone(fitted).fit(frame, reco, np.zeros(len(frame)))
    with pytest.raises(ConfigError, match="no column of X is left for the encoder"):
        clone(fitted).fit(frame[["air"]], reco)


def test_equations_are_made_when_they_are_asked_for(fitted, respiration):
    frame, _, _ = respiration
    table = fitted.equations_
    assert table["latent"].tolist() == ["rb"]
    assert table["consistency"].tolist() == ["PASS"]
    assert table["features"].tolist() == [("moisture", "litter")]
    assert fitted.discovery_ is fitted.discovery_
    (expression,) = fitted.sympy().values()
    assert {str(symbol) for symbol in expression.free_symbols} == {"moisture", "litter"}
    assert r"\mathrm{moisture}" in fitted.latex()["rb"]
    network, equations = (
        fitted.predict(frame, one) for one in ("network", "equations")
    )
    assert equations.shape == network.shape
    np.testing.assert_allclose(equations, network, atol=0.2)
    with pytest.raises(ConfigError, match="using='magic' does not exist"):
        fitted.predict(frame, "magic")


def test_families_can_be_chosen_and_are_checked_first(respiration):
    frame, reco, _ = respiration
    settings = {"decoder": "q10", "forcings": {"ta": "air"}, "random_state": 0}
    few = {"hidden": (), "bootstrap": 0}
    model = ScIReNRegressor(**settings, **few, families=["linear", "abs"])
    model.fit(frame, reco)
    used = set(model.discovery_.equations.edges["family"])
    assert used <= {"linear", "abs", "none", ""}
    with pytest.raises(ConfigError, match="family 'cubc' is not"):
        ScIReNRegressor(**settings, families=["cubc"]).fit(frame, reco)


def test_plain_regression_has_equations_of_the_targets():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    y = np.column_stack((1 + 2 * x[:, 0], x[:, 1] ** 2))
    model = ScIReNRegressor(random_state=0, hidden=(), bootstrap=0).fit(x, y)
    assert model.equations_["latent"].tolist() == ["y1", "y2"]
    np.testing.assert_allclose(model.predict(x, "equations"), y, atol=0.02)


def test_columns_may_have_any_name():
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.uniform(0.5, 2, (300, 2)), columns=["T (°C)", "share, %"])
    y = pd.DataFrame({"NEE (µmol)": 2 * x["T (°C)"] + x["share, %"] ** 2})
    model = ScIReNRegressor(random_state=0, bootstrap=0).fit(x, y)
    assert r"\text{T (\textdegree{}C)}" in model.latex()["NEE_µmol"]
    assert r2_score(y, model.predict(x, using="equations")) > 0.999
    assert model.discovery_.verification.passed


def test_a_black_box_has_no_equations(respiration):
    frame, reco, _ = respiration
    model = ScIReNRegressor(
        decoder="q10", forcings={"ta": "air"}, encoder="mlp", train={"epochs": 2},
        random_state=0,
    ).fit(frame, reco)  # fmt: skip
    with pytest.raises(ConfigError, match="there are no equations"):
        _ = model.equations_
