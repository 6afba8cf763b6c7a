"""Laws of intervals behind a process: classical limits, equivariance, double selection."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.belief.laws import COVERAGE, Law, draw, usual
from sciren import KANEncoder, ScIReN, Table
from sciren.decoders import IdentityDecoder, Q10Respiration
from sciren.errors import TrainingError
from sciren.inference.conformal import FOLDS
from sciren.inference.intervals.bands import curve_bands
from sciren.inference.intervals.constants import RECOMMENDED, SELECTED, find_intervals
from sciren.inference.intervals.double_selection import edges_of_constants
from sciren.inference.intervals.means import MeanLaw
from sciren.inference.intervals.observations import hold_out, observation_laws
from sciren.inference.intervals.smooth_fit import fit_smooth
from sciren.inference.observed import STRETCHES, ObservedProcess
from sciren.inference.selection import select


def _process(record, factor=1.0):
    frame = record.frame.assign(reco=factor * record.frame["reco"])
    time = "time" if record.ordered else None
    table = Table.from_frame(frame, list(record.features), ["ta"], ["reco"], time=time)
    model = ScIReN(
        KANEncoder(len(record.features), 1, seed=0), "auto", Q10Respiration()
    )
    return ObservedProcess.of(model, table)


def _straight(x, y):
    features = tuple(f"x{k}" for k in range(x.shape[1]))
    table = Table(torch.tensor(x), {}, torch.tensor(y)[:, None], features, ("y",))
    model = ScIReN(KANEncoder(x.shape[1], 1, seed=0), "auto", IdentityDecoder(["y"]))
    return ObservedProcess.of(model, table)


@pytest.fixture(scope="module")
def record():
    return draw(Law(usual, 400, noise=0.1), 1000)


@pytest.fixture(scope="module")
def intervals(record):
    return find_intervals(select(_process(record)))


def test_straight_lines_have_the_classical_covariance():
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], size=(4000, 2))  # two values: curves are straight
    y = 1.0 + x @ [0.5, -0.2] + rng.normal(size=4000)
    process = _straight(x, y)
    selection = select(process)
    found = fit_smooth(process, selection.whitening, ((0, 0), (1, 0)))
    columns = found.fit.jacobian
    classical = np.linalg.inv(columns.T @ columns) * found.smoothing.variance
    assert np.allclose(found.covariance(model_based=True).matrix, classical, rtol=1e-6)
    robust = found.covariance().matrix
    assert np.allclose(np.diag(robust), np.diag(classical), rtol=0.1)


def test_no_noise_gives_no_width():
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], size=(200, 1))
    process = _straight(x, 1.0 + 0.5 * x[:, 0])
    selection = select(process)
    found = fit_smooth(process, selection.whitening, ((0, 0),))
    assert np.sqrt(np.diag(found.covariance().matrix)).max() < 1e-6


def test_the_scale_of_the_target_changes_no_constant(record, intervals):
    again = find_intervals(select(_process(record, 1000.0)))
    first, second = intervals.constants()[0], again.constants()[0]
    assert first.constant == second.constant == "q10"
    for name in ("estimate", "low", "high"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-4)


def test_the_recommended_number_comes_first_and_says_why(intervals):
    first, second = intervals.constants()
    assert (first.method, second.method) == (RECOMMENDED, SELECTED)
    assert first.low < first.estimate < first.high
    assert first.low < 1.5 < first.high
    assert "others enter softly" in first.reason
    assert "only the selected features act" in second.reason


def test_a_higher_level_is_wider(intervals):
    wide, narrow = intervals.constants(0.99)[0], intervals.constants(0.5)[0]
    assert wide.low < narrow.low < narrow.high < wide.high


def test_constants_keep_the_features_that_their_sensitivity_needs():
    process = _process(draw(COVERAGE["rb linear in ta, 30 %"], 1003))
    selection = select(process)
    temperature = process.feature_names.index("ta")
    assert (temperature, 0) in edges_of_constants(selection)


def test_lost_features_leave_a_width(intervals):
    process = intervals.recommended.fit.process
    assert intervals.soft
    narrow = intervals.selected_covariance.error(intervals.selected.fit.jacobian)
    wide = intervals.covariance.error(intervals.recommended.fit.jacobian)
    assert 1.0 < np.mean(wide) / np.mean(narrow) < 1.6
    assert len(narrow) == len(process)


def test_a_stored_law_gives_the_limits_of_the_fit(intervals):
    process = intervals.recommended.fit.process
    law = MeanLaw.from_json(json.loads(json.dumps(MeanLaw.of(intervals).to_json())))
    names = process.feature_names
    columns = {name: process.features[:, k] for k, name in enumerate(names)}
    rows = law.rows(columns, process.n_rows)

    def means(raw, constants):
        return process.evaluate(raw, constants).mean[:, None]

    low, high = rows.mean_limits(means, 0.95)
    expected = intervals.mean_limits(0.95)
    assert np.allclose(low[:, 0], expected[0], atol=1e-5)
    assert np.allclose(high[:, 0], expected[1], atol=1e-5)
    bottom, top = rows.latent_limits(0.95)
    assert (bottom < rows.raw).all()
    assert (rows.raw < top).all()


def test_a_missing_feature_counts_as_its_mean(intervals):
    law = MeanLaw.of(intervals)
    rows = law.rows({"x1": np.array([0.3, np.nan])}, 2)
    assert rows.raw[1, 0] == pytest.approx(law.theta[0])
    assert rows.raw[0, 0] != rows.raw[1, 0]


def test_what_is_undecided_and_left_out_counts_as_its_mean(intervals):
    law = MeanLaw.of(intervals)
    selection = intervals.selection
    undecided = {*selection.edges("undecided")}
    places = [k for k, edge in enumerate(law.design.edges) if edge in undecided]
    assert law.left_out == tuple(places)
    assert MeanLaw.of(intervals, tuple(selection.status)).left_out == ()
    features = [feature for feature, _ in law.design.edges]
    number = next(k for k, one in enumerate(features) if features.count(one) == 1)
    name = law.features[features[number]]
    rng = np.random.default_rng(0)
    columns = {feature: rng.standard_normal(5) for feature in law.features}
    without = replace(law, left_out=(number,)).without_left_out().rows(columns, 5)
    missing = law.rows({n: x for n, x in columns.items() if n != name}, 5)
    assert np.allclose(without.raw, missing.raw)
    assert np.allclose(without.spread, missing.spread)


def test_bands_hold_the_true_curves_and_are_wider_than_points(record):
    process = _process(record)
    selection = select(process)
    first, second = curve_bands(process, selection.whitening, ((0, 0), (1, 0)))
    assert first.holds(0.5 * (first.x - record.frame["x1"].mean()))
    assert not first.holds(np.sin(5.0 * first.x))
    assert first.factor > 1.96
    assert second.factor > 1.96
    assert (first.low < first.estimate).all()


def test_observations_fall_inside_their_intervals(record):
    process = _process(record)
    selection = select(process)
    held = hold_out(selection)
    (law,) = observation_laws(held)
    fresh = draw(Law(usual, 400, noise=0.1), 2000)
    low, high = law.interval(fresh.mean / record.frame["reco"].std(ddof=0))
    y = fresh.frame["reco"] / record.frame["reco"].std(ddof=0)
    assert np.mean((low <= y) & (y <= high)) == pytest.approx(0.95, abs=0.03)


def test_folds_learn_from_stretches_of_a_long_record(record, monkeypatch):
    rows = []

    def again(selection, train, also):
        rows.append(train.n_rows)
        raise TrainingError("enough was seen")

    monkeypatch.setattr("sciren.inference.skill.held_out.select_again", again)
    monkeypatch.setattr("sciren.inference.intervals.observations.MOST_ROWS", 200)
    selection = select(_process(record))
    held = hold_out(selection)
    assert len(rows) == FOLDS
    assert max(rows) <= 200 + STRETCHES  # each stretch is a whole number of rows
    assert np.isnan(held.mean).all()  # folds that fail count for nobody


def test_a_worse_model_has_wider_intervals_by_its_own_residuals(record):
    process = _process(record)
    held = hold_out(select(process))
    worse = np.full(len(process), process.values.mean())
    own, pipeline = observation_laws(held, worse)[0], observation_laws(held)[0]
    assert own.quantiles()[1] > 1.5 * pipeline.quantiles()[1]
    same = observation_laws(held, held.selection.fit.mean)[0]
    assert same.quantiles() == pipeline.quantiles()
