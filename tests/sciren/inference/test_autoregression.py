"""Memory of the noise behind a model that takes slow noise out of its own residual."""

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter

from sciren.inference.autoregression import Autoregression, fit_autoregression


def noise(rows, memory, seed):
    rng = np.random.default_rng(seed)
    return lfilter([1.0], [1.0, -memory], rng.standard_normal(rows + 500))[500:]


def smooth_columns(rows):
    """A constant, a line and ten waves: all slower than the noise."""
    share = np.linspace(0, 1, rows)
    waves = [f(2 * np.pi * k * share) for k in range(1, 11) for f in (np.sin, np.cos)]
    return np.column_stack((np.ones(rows), share, *waves))


def residual(values, columns):
    return values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]


def test_the_memory_of_noise_is_that_before_smooth_columns_took_its_slow_part():
    rows, memory = 2000, 0.95
    columns, one = smooth_columns(rows), np.zeros(rows, int)
    left = [residual(noise(rows, memory, seed), columns) for seed in range(10)]
    believed = [fit_autoregression(e, one, 1).coefficients[1][0] for e in left]
    corrected = [
        fit_autoregression(e, one, 1, columns).coefficients[1][0] for e in left
    ]
    assert np.mean(believed) < 0.93  # what the residual alone would say
    assert np.mean(corrected) == pytest.approx(memory, abs=0.01)


def test_columns_of_any_scale_and_columns_twice_change_nothing():
    rows = 400
    columns, values = smooth_columns(rows), noise(rows, 0.8, 3)
    one = np.zeros(rows, int)
    first = fit_autoregression(values, one, 2, columns)
    wide = np.column_stack((1e6 * columns, columns[:, :3], np.zeros(rows)))
    other = fit_autoregression(values, one, 2, wide)
    np.testing.assert_allclose(
        first.coefficients[-1], other.coefficients[-1], rtol=1e-6
    )


def test_white_noise_stays_white_and_segments_are_kept_apart():
    rows = 1200
    columns = smooth_columns(rows)
    white = np.random.default_rng(4).standard_normal(rows)
    segments = np.arange(rows) // 300
    assert fit_autoregression(white, segments, 8, columns).order == 0
    parts = np.concatenate([noise(300, 0.8, seed) for seed in range(4)])
    found = fit_autoregression(parts, segments, 1, np.eye(4)[segments])
    assert found.coefficients[1][0] == pytest.approx(0.8, abs=0.05)


def test_correlations_are_those_of_the_covariance_that_the_filter_inverts():
    found = Autoregression(
        (np.zeros(0), np.array([0.6 / 0.7]), np.array([0.6, 0.3])), np.ones(3)
    )
    r = found.correlations(50)
    # Yule-Walker: r_k = 0.6 r_(k-1) + 0.3 r_(k-2)
    np.testing.assert_allclose(r[2:], 0.6 * r[1:-1] + 0.3 * r[:-2], atol=1e-9)
    assert r[1] == pytest.approx(0.6 / 0.7)
    assert np.linalg.eigvalsh(toeplitz(r)).min() > 0
    np.testing.assert_allclose(Autoregression.none().correlations(3), [1.0, 0.0, 0.0])
