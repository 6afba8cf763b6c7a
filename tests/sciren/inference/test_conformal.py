"""Laws of prediction intervals: exact coverage, scaling, skewed and dependent errors."""

import json

import numpy as np
import pytest
from scipy.signal import lfilter

from sciren.inference.conformal import (
    FOLDS,
    ObservationLaw,
    autocorrelation_time,
    block_labels,
    block_length,
    fold_labels,
)


def _ar(rows, memory, seed=0):
    noise = np.random.default_rng(seed).normal(size=rows)
    return lfilter([1.0], [1.0, -memory], noise)


@pytest.mark.parametrize(("memory", "tau"), [(0.0, 1.0), (0.5, 3.0), (0.9, 19.0)])
def test_the_autocorrelation_time_of_an_ar_process(memory, tau):
    assert autocorrelation_time(_ar(200_000, memory)) == pytest.approx(tau, rel=0.15)


def test_a_series_without_variation_counts_every_row():
    assert autocorrelation_time(np.ones(50)) == 1.0


def test_blocks_stay_between_five_rows_and_a_twelfth():
    assert block_length(1.0, 1000) == 5
    assert block_length(30.0, 1000) == 60
    assert block_length(400.0, 1000) == 83


def test_folds_keep_blocks_whole_and_are_the_same_every_time():
    blocks = block_labels(1000, 8.0, ordered=True)
    folds = fold_labels(blocks)
    assert (folds == fold_labels(blocks)).all()
    assert set(folds) == set(range(FOLDS))
    assert all(len(set(folds[blocks == one])) == 1 for one in np.unique(blocks))


def test_groups_go_before_time():
    groups = np.repeat([7, 3, 5], 4)
    assert (block_labels(12, 3.0, True, groups) == np.repeat([2, 0, 1], 4)).all()


def test_exchangeable_scores_cover_exactly():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(400):
        law = ObservationLaw.of(rng.normal(size=199), np.zeros(199))
        low, high = law.interval(np.zeros(100), 0.9)
        y = rng.normal(size=100)
        inside.append(np.mean((low <= y) & (y <= high)))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.01)


def test_intervals_follow_the_target_scale():
    rng = np.random.default_rng(0)
    residual, mean = rng.normal(size=300), 5 + rng.normal(size=300)
    first = ObservationLaw.of(residual, mean).interval(mean)
    second = ObservationLaw.of(10 * residual, 10 * mean).interval(10 * mean)
    assert np.allclose(second, 10 * np.array(first))


def test_noise_that_grows_gives_intervals_that_grow():
    law = ObservationLaw.of(
        np.linspace(-1, 1, 101), np.ones(101), growth=1.0, floor=0.5
    )
    low, high = law.interval(np.array([0.1, 1.0, 4.0]))
    width = high - low
    assert width[2] / width[1] == pytest.approx(4)
    assert width[1] / width[0] == pytest.approx(2)  # the floor


def test_skewed_noise_gets_a_quantile_for_each_side():
    rng = np.random.default_rng(0)
    noise = np.exp(rng.normal(size=4000)) - np.exp(0.5)
    law = ObservationLaw.of(noise, np.zeros(4000))
    assert law.skewed
    low, high = law.interval(np.zeros(1))
    assert np.mean(noise < low[0]) == pytest.approx(0.025, abs=0.003)
    assert np.mean(noise > high[0]) == pytest.approx(0.025, abs=0.003)
    assert not ObservationLaw.of(rng.normal(size=4000), np.zeros(4000)).skewed


def test_dependent_rows_widen_the_interval():
    residual = _ar(500, 0.9)
    once = ObservationLaw.of(residual, np.zeros(500))
    aware = ObservationLaw.of(residual, np.zeros(500), tau=19.0)
    assert aware.quantiles()[1] >= once.quantiles()[1]


def test_without_noise_the_interval_is_the_mean():
    law = ObservationLaw.of(np.zeros(50), np.ones(50))
    assert law.interval(np.array([2.0])) == (2.0, 2.0)


def test_a_stored_law_gives_the_same_intervals():
    rng = np.random.default_rng(0)
    for rows in (300, 50_000):
        law = ObservationLaw.of(rng.normal(size=rows), np.ones(rows), tau=3.0)
        again = ObservationLaw.from_json(json.loads(json.dumps(law.to_json())))
        assert np.allclose(law.quantiles(0.9), again.quantiles(0.9), rtol=2e-3)
