"""Laws of the robust covariance: its limits and its size on correlated rows."""

import numpy as np
import pytest
from scipy.signal import lfilter

from sciren.inference.intervals.quantiles import t_quantile
from sciren.inference.sandwich import (
    LEAST_COSINES,
    Covariance,
    bayesian_sandwich,
    block_meat,
    cosine_count,
    cosine_meat,
    independent_meat,
    leverages,
)


def _regression(rows, seed=0, columns=3):
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(rows, columns))
    inverse = np.linalg.inv(design.T @ design)
    noise = rng.normal(size=rows)
    residual = noise - design @ (inverse @ (design.T @ noise))
    return design, inverse, residual


def test_white_noise_gives_the_covariance_of_ordinary_least_squares():
    design, inverse, residual = _regression(200_000)
    scores = design * residual[:, None]
    robust = bayesian_sandwich(
        inverse, independent_meat(scores, leverages(design, inverse))
    )
    classical = inverse * float(residual @ residual) / (len(design) - 3)
    assert np.abs(robust / classical - 1)[np.diag_indices(3)].max() < 0.03


def test_no_noise_gives_zero_width():
    design, inverse, residual = _regression(50)
    scores = 0.0 * design * residual[:, None]
    for meat in (independent_meat(scores, np.zeros(50)), cosine_meat(scores, 12)):
        assert not bayesian_sandwich(inverse, meat).any()


def test_scaling_the_target_scales_the_covariance_by_the_square():
    design, inverse, residual = _regression(90)
    scores = design * residual[:, None]
    share = leverages(design, inverse)
    for meat in (
        lambda s: independent_meat(s, share),
        lambda s: cosine_meat(s, 12, 3.0),
        lambda s: block_meat(s, share, np.arange(90) // 3)[0],
    ):
        assert np.allclose(meat(7.0 * scores), 49.0 * meat(scores))


def test_leverages_sum_to_the_number_of_columns():
    design, inverse, _ = _regression(40)
    assert leverages(design, inverse).sum() == pytest.approx(3)


def test_as_many_cosines_as_rows_give_the_sum_over_rows():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(64, 2))
    scores -= scores.mean(0)
    every = cosine_meat(scores, 63) * 63 / 64
    assert np.allclose(every, scores.T @ scores)


def test_cosines_see_the_long_run_variance_that_rows_one_by_one_miss():
    rng = np.random.default_rng(0)
    series = lfilter([1.0], [1.0, -0.8], rng.normal(size=(2000, 400)), axis=0)[200:]
    long_run = len(series) / (1 - 0.8) ** 2
    found = [cosine_meat(one[:, None] - one.mean(), 12)[0, 0] for one in series.T]
    alone = [independent_meat(one[:, None], np.zeros(1800))[0, 0] for one in series.T]
    assert np.mean(found) / long_run == pytest.approx(1, abs=0.1)
    assert np.mean(alone) / long_run < 0.2


def test_smoothing_adds_the_penalty_as_variance():
    inverse, penalty = np.diag([0.5, 0.25]), np.array([0.0, 3.0])
    found = bayesian_sandwich(inverse, np.eye(2), penalty, 2.0)
    assert np.allclose(found, np.diag([0.25, 7.0 / 16]))
    assert np.allclose(
        found, bayesian_sandwich(inverse, np.eye(2), np.diag(penalty), 2.0)
    )


def test_few_blocks_count_rows_one_by_one():
    design, inverse, residual = _regression(60)
    scores, share = design * residual[:, None], leverages(design, inverse)
    assert block_meat(scores, share, np.arange(60) // 30)[1] == 0
    assert block_meat(scores, share, np.arange(60) // 3)[1] == 20


@pytest.mark.parametrize(
    ("rows", "count"), [(8, 4), (1000, LEAST_COSINES), (8_000_000, 4000)]
)
def test_the_number_of_cosines_grows_slowly(rows, count):
    assert cosine_count(rows) == count


def test_quantiles_go_from_student_to_normal():
    assert t_quantile(0.95, np.inf) == pytest.approx(1.959964, abs=1e-5)
    assert t_quantile(0.95, 12) == pytest.approx(2.178813, abs=1e-5)
    assert t_quantile(0.9, 12) < t_quantile(0.95, 12)


def test_errors_of_combinations():
    found = Covariance(np.array([[4.0, 1.0], [1.0, 1.0]]), np.inf)
    assert np.allclose(
        found.error(np.array([[1.0, 0.0], [1.0, -1.0]])), [2, np.sqrt(3)]
    )
