"""Whitening: exact for the law it was given, and the law is found again."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter

from sciren import LinearEncoder, ScIReN, Table
from sciren.inference import NoiseLaw, ObservedProcess
from sciren.inference.autoregression import filtered, fit_autoregression
from sciren.inference.growth import Growth, estimated_growth
from sciren.inference.noise import estimate_law


def series(rows, coefficients, seed=0):
    rng = np.random.default_rng(seed)
    return lfilter(
        [1.0], np.r_[1.0, -np.asarray(coefficients)], rng.standard_normal(rows + 500)
    )[500:]


def process_of(y, **more):
    frame = pd.DataFrame(
        {"a": np.random.default_rng(9).standard_normal(len(y)), "y": y}
    )
    for name, values in more.items():
        frame[name] = values
    table = Table.from_frame(frame, ["a"], (), ["y"], **{name: name for name in more})
    return ObservedProcess.of(ScIReN(LinearEncoder(1, 1)), table)


def hours(rows):
    return pd.date_range("2020-01-01", periods=rows, freq="h")


def test_the_filter_is_the_inverse_root_of_the_toeplitz_covariance():
    found = fit_autoregression(series(2000, [0.6, 0.3]), np.zeros(2000, int), 4)
    eye = np.eye(12)
    root = filtered(found, eye, np.zeros(12, int))
    inverse = root.T @ root
    covariance = np.linalg.inv(inverse)
    np.testing.assert_allclose(covariance, toeplitz(covariance[0]), atol=1e-8)


def test_the_order_and_coefficients_of_an_autoregression_are_found():
    found = fit_autoregression(series(20_000, [0.6, 0.3]), np.zeros(20_000, int), 8)
    assert found.order == 2
    np.testing.assert_allclose(found.coefficients[2], [0.6, 0.3], atol=0.03)
    white = fit_autoregression(series(5_000, []), np.zeros(5_000, int), 8)
    assert white.order == 0


def test_nothing_is_carried_from_one_segment_to_the_next():
    found = fit_autoregression(series(2000, [0.9]), np.zeros(2000, int), 1)
    x = np.arange(10.0)[:, None] + 1
    both = filtered(found, x, np.repeat([0, 1], 5))
    np.testing.assert_allclose(both[5:], filtered(found, x[5:], np.zeros(5, int)))


def test_growth_with_the_mean_is_found():
    rng = np.random.default_rng(0)
    mean = rng.uniform(1, 10, 3000)
    process = process_of(mean + 0.2 * mean * rng.standard_normal(3000))
    scaled = mean / np.std(mean + 0)
    law = estimate_law(process, process.values - scaled, scaled, np.ones((3000, 1)))
    assert law.power[0] == pytest.approx(1.0, abs=0.15)
    equal = process_of(mean + 0.2 * rng.standard_normal(3000))
    flat = estimate_law(equal, equal.values - scaled, scaled, np.ones((3000, 1)))
    assert flat.power[0] == 0


def test_the_variance_between_groups_is_found_and_taken_out():
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(80), 20)
    y = rng.standard_normal(80)[site] + rng.standard_normal(1600)
    process = process_of(y, groups=site)
    residual = process.values - process.values.mean()
    law = estimate_law(process, residual, residual * 0, np.ones((1600, 1)))
    assert law.intercept[0] == pytest.approx(1.0, rel=0.35)
    whitening = law.whitening(process, residual * 0)
    white = whitening.whiten(residual)
    means = np.array([white[process.groups == k].mean() for k in range(80)])
    # independent rows: the variance of a mean of 20 is a 20th of that of a row
    assert 20 * means.var() / white.var() == pytest.approx(1.0, abs=0.35)


def test_independent_noise_is_left_alone():
    process = process_of(np.arange(30.0), time=hours(30))
    matrix = np.random.default_rng(0).standard_normal((30, 3))
    whitening = NoiseLaw.equal(process).whitening(process, process.values)
    np.testing.assert_allclose(whitening.whiten(matrix), matrix)


def outcomes(unit=1.0, seed=0):
    rng = np.random.default_rng(seed)
    share = 1 / (1 + np.exp(-2 * rng.standard_normal(400)))
    return unit * (rng.random(400) < share), unit * share


@pytest.mark.parametrize("unit", [1.0, 1e-3, 40.0])
def test_outcomes_of_two_values_have_the_variance_of_their_share(unit):
    values, mean = outcomes(unit)
    law = estimated_growth(values - mean, mean, values)
    assert law.ceiling == unit
    certain, even = law.sigma(np.array([0.0, 0.5]) * unit)
    assert (even / certain) ** 2 == pytest.approx(25)
    inside = np.array([0.1, 0.9]) * unit
    np.testing.assert_allclose(law.sigma(inside) ** 2, 0.09 * unit)
    assert law.of_observations[0] == 0


def test_other_values_a_power_that_is_known_and_a_mean_beyond_have_no_ceiling():
    values, mean = outcomes()
    left = values - mean
    assert estimated_growth(left, mean, values, power=0.0).ceiling == 0
    assert estimated_growth(left, mean, values + 0.5).ceiling == 0
    assert estimated_growth(left, mean - 0.3, values).ceiling == 0
    assert estimated_growth(left[:2], mean[:2], values[:2]) == Growth()


def test_outcomes_are_seen_in_a_process_and_come_back_from_plain_numbers():
    values, mean = outcomes()
    process = process_of(values)
    mean = mean * process.values.max()
    residual = process.values - mean
    law = estimate_law(process, residual, mean, np.ones((400, 1)))
    assert law.ceiling == (process.values.max(),)
    assert NoiseLaw.from_json(law.to_json()).growth(0) == law.growth(0)
    old = {name: part for name, part in law.to_json().items() if name != "ceiling"}
    assert NoiseLaw.from_json(old).ceiling == (0.0,)


def test_rows_sorted_by_the_target_are_no_series_and_sorted_features_may_be_one():
    values, _ = outcomes()
    assert process_of(np.sort(values)).sorted_by_target
    assert process_of(np.sort(values)[::-1]).sorted_by_target
    assert not process_of(values).sorted_by_target
    assert not process_of(np.sort(values), time=hours(400)).sorted_by_target
    rising = np.sort(np.random.default_rng(1).standard_normal(400))
    frame = pd.DataFrame({"a": rising, "y": rising})
    table = Table.from_frame(frame, ["a"], (), ["y"])
    assert not ObservedProcess.of(ScIReN(LinearEncoder(1, 1)), table).sorted_by_target
