"""Robust tests hold their level where plain ones do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from sciren.inference.elimination import GramModel
from sciren.inference.wald import (
    FEW,
    RobustTest,
    few_rows_covariance,
    long_run_covariance,
)


def p_value(seed, memory, growing):
    rng = np.random.default_rng(seed)
    x = lfilter([1.0], [1.0, -memory], rng.standard_normal(500))
    e = lfilter([1.0], [1.0, -memory], rng.standard_normal(500))
    y = e * (1 + growing * np.abs(x))
    columns = np.column_stack((np.ones(500), x))
    model = GramModel.of(columns, y, np.array([0]), {0: np.array([1])})
    rank = np.arange(500) if memory else None
    return RobustTest(columns, y, model, rank).p_values([0])[0]


def test_levels_hold_under_growing_and_correlated_noise():
    growing = np.mean([p_value(seed, 0.0, 1.0) < 0.05 for seed in range(200)])
    correlated = np.mean([p_value(seed, 0.7, 0.0) < 0.05 for seed in range(200)])
    assert 0.01 <= growing <= 0.10
    assert 0.01 <= correlated <= 0.10


def test_the_long_run_covariance_of_independent_scores_is_their_sum_of_squares():
    scores = np.random.default_rng(0).standard_normal((4_000, 2))
    found, count = long_run_covariance(scores, np.arange(4_000), 1000)
    assert count == 1000
    np.testing.assert_allclose(found / 4_000, np.eye(2), atol=0.15)


def few_rows_p_value(seed, rows, width):
    rng = np.random.default_rng([seed, rows, width])
    columns = np.column_stack((np.ones(rows), rng.standard_normal((rows, width))))
    y = rng.standard_normal(rows)
    block = {0: np.arange(1, width + 1)}
    model = GramModel.of(columns, y, np.array([0]), block)
    return RobustTest(columns, y, model, None).p_values([0])[0]


@pytest.mark.parametrize(("rows", "width"), [(8, 1), (10, 1), (12, 3), (30, 3)])
def test_few_rows_of_noise_are_seen_no_more_often_than_the_level(rows, width):
    seen = np.mean([few_rows_p_value(seed, rows, width) < 0.05 for seed in range(400)])
    assert seen <= 0.08  # 5 %, and three errors of 400


@given(rows=st.integers(5, FEW), width=st.integers(1, 3), seed=st.integers(0, 999))
def test_a_variance_of_few_rows_has_at_most_the_freedom_of_the_residual(
    rows, width, seed
):
    rng = np.random.default_rng(seed)
    columns = np.column_stack((np.ones(rows), rng.standard_normal((rows, width))))
    inverse = np.linalg.inv(columns.T @ columns)
    residual = rng.standard_normal(rows)
    place = slice(1, width + 1)
    covariance, freedom = few_rows_covariance(columns, inverse, place, residual)
    assert 1 <= freedom <= max(rows - width - 1, 1)
    assert np.linalg.eigvalsh(covariance).min() >= -1e-12
    # Nothing hangs on the units of columns and residuals.
    units = np.exp(rng.normal(0, 3, width + 1))
    other = inverse / np.outer(units, units)
    scaled, same = few_rows_covariance(columns * units, other, place, 7 * residual)
    assert same == pytest.approx(freedom, rel=1e-6)
    expected = 49 * covariance / np.outer(units[1:], units[1:])
    np.testing.assert_allclose(scaled, expected, rtol=1e-6, atol=1e-12)


def test_balanced_halves_have_the_freedom_that_two_samples_have():
    """Two groups of five: Welch's freedom of equal variances, 2 (5 - 1) = 8."""
    columns = np.column_stack((np.ones(10), np.repeat([0.0, 1.0], 5)))
    inverse = np.linalg.inv(columns.T @ columns)
    residual = np.random.default_rng(0).standard_normal(10)
    _, freedom = few_rows_covariance(columns, inverse, slice(1, 2), residual)
    assert freedom == pytest.approx(8)
