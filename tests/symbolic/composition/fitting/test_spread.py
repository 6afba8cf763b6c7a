"""Errors of least-squares constants hold the truth, of independent rows and of a series."""

import numpy as np
import pytest

from symbolic.composition.fitting.spread import spread_of


def drawn(memory, rows, rng):
    """A constant and a slope, with features and noise of a lag-1 correlation."""
    values = rng.normal(size=(rows, 2))
    for row in range(1, rows):
        step = np.sqrt(1 - memory**2) * values[row]
        values[row] = memory * values[row - 1] + step
    slopes = np.column_stack([np.ones(rows), values[:, 0]])
    return slopes, slopes @ [1.0, 2.0] + values[:, 1]


@pytest.mark.parametrize(
    ("correlation", "memory", "rows"),
    [(0.0, 1.0, 60), (0.7, 5.7, 1000), (0.7, 5.7, 60)],  # few blocks in the last
)
def test_two_errors_hold_the_truth_in_nineteen_of_twenty(correlation, memory, rows):
    rng, held = np.random.default_rng(0), []
    for _ in range(150):
        slopes, y = drawn(correlation, rows, rng)
        beta = np.linalg.lstsq(slopes, y)[0]
        errors = np.sqrt(np.diag(spread_of(slopes, y - slopes @ beta, memory)))
        held.append(np.abs(beta - [1.0, 2.0]) < 1.96 * errors)
    share = np.mean(held, axis=0)
    assert (share > 0.88).all()
    if correlation:  # errors of independent rows would hold it in two of three
        beside = [np.diag(spread_of(slopes, y - slopes @ beta))[0], errors[0] ** 2]
        assert beside[1] > 2 * beside[0]


def test_units_of_a_constant_are_units_of_its_error():
    rng = np.random.default_rng(1)
    slopes, y = drawn(0.7, 600, rng)
    factors = np.array([1e-6, 1e4])
    for memory in (1.0, 5.0):
        one = spread_of(slopes, y, memory)
        other = spread_of(slopes * factors, y, memory)
        np.testing.assert_allclose(other * np.outer(factors, factors), one, rtol=1e-9)


def test_a_redundant_constant_has_no_infinite_error():
    slopes, y = drawn(0.0, 100, np.random.default_rng(2))
    twice = np.column_stack([slopes, slopes[:, 1]])
    assert np.isfinite(spread_of(twice, y)).all()
