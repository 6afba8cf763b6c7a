"""Robust tests hold their level where plain ones do not."""

import numpy as np
from scipy.signal import lfilter

from sciren.inference.elimination import GramModel
from sciren.inference.wald import RobustTest, long_run_covariance


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
