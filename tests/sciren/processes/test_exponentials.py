"""Differences of exponentials agree with quadrature, also where rates are equal."""

import numpy as np
import pytest
from scipy.integrate import quad

from sciren.functions import matrix_exponential
from sciren.processes.exponentials import (
    CLOSE,
    SMALL,
    decaying_mean,
    exponential_difference,
    second_difference,
)

RATES = [
    (0.5, 0.5, 0.5),
    (0.5, 0.2, 0.05),
    (0.5, 0.5, 0.1),
    (2.0, 2.001, 1.999),
    (1, 3, 30),
]


@pytest.mark.parametrize("z", [0.0, 0.999 * SMALL, 1.001 * SMALL, 0.5, 30.0])
def test_the_mean_of_a_decay_is_its_integral(z):
    expected = quad(lambda share: np.exp(-z * share), 0, 1)[0]
    assert decaying_mean(z) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("a", "b", "c"), RATES)
@pytest.mark.parametrize("t", [0.0, 0.01, 1.0, 10.0])
def test_differences_are_the_courses_of_a_chain(a, b, c, t):
    zero = 0.0
    chain = matrix_exponential(
        [[-a * t, zero, zero], [t, -b * t, zero], [zero, t, -c * t]]
    )
    assert exponential_difference(a, b, t) == pytest.approx(
        float(chain[1][0]), rel=1e-9
    )
    expected = pytest.approx(float(chain[2][0]), rel=1e-9, abs=1e-300)
    assert second_difference(a, b, c, t) == expected


def test_the_series_meets_the_formula_where_they_change_over():
    near, far = (
        second_difference(1, 1 + gap, 1.01, 1.0) for gap in (CLOSE * 0.999999, CLOSE)
    )
    assert near == pytest.approx(far, rel=1e-7)


def test_no_rate_overflows():
    assert exponential_difference(5.0, 0.01, 1000.0) == pytest.approx(
        np.exp(-10) / 4.99
    )
