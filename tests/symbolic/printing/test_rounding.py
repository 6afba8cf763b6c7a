"""Printed constants: as few digits as accuracy allows."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symbolic.expression.evaluate import compile_numpy
from symbolic.printing.rounding import MOST_DIGITS, enough_digits, rounded, unexplained

X = sympy.Symbol("x", real=True)
GRID = np.linspace(-2, 3, 200)
NUMBERS = st.floats(1e-6, 1e6).flatmap(lambda v: st.sampled_from([v, -v]))


def evaluate(expression):
    return compile_numpy(expression, [X])(GRID)


@given(st.lists(NUMBERS, min_size=1, max_size=3), st.integers(1, 12))
def test_every_constant_is_off_by_at_most_half_of_its_last_digit(values, digits):
    expression = sum(sympy.Float(v) * X**k for k, v in enumerate(values, start=1))
    polynomial = sympy.Poly(rounded(expression, digits), X)
    for k, value in enumerate(values, start=1):
        gap = abs(float(polynomial.coeff_monomial(X**k)) - value)
        assert gap <= 0.5 * 10 ** (np.floor(np.log10(abs(value))) - digits + 1) * 1.001


def test_integers_and_fractions_are_left_alone():
    expression = X**2 / 3 + 1234567 * X
    assert rounded(expression, 2) == expression


@pytest.mark.parametrize("loss", [1e-2, 1e-4, 1e-8, 1e-14])
def test_the_smallest_sufficient_number_of_digits_is_taken(loss):
    equations = {"rb": 1.23456789 * sympy.exp(0.987654321 * X) - 12.3456789}
    digits = enough_digits(equations, evaluate, loss)

    def costs(count):
        return unexplained(
            evaluate(equations["rb"]), evaluate(rounded(equations["rb"], count))
        )

    assert costs(digits) <= loss
    assert digits == 3 or costs(digits - 1) > loss


def test_the_worst_latent_decides():
    easy, hard = 2.0 * X, 123.456 * X - 123.456 * X.subs(X, X) + 1e4 + 0.012345 * X
    alone = enough_digits({"a": easy}, evaluate, 1e-5)
    both = enough_digits({"a": easy, "b": hard}, evaluate, 1e-5)
    assert alone == 3
    assert both > 3


def test_digits_have_an_end():
    never = {"rb": X}
    values = iter(np.random.default_rng(0).normal(size=(100, 50)))
    assert enough_digits(never, lambda _: next(values), 1e-5) == MOST_DIGITS


def test_the_lost_share_is_one_minus_r2():
    truth = np.sin(GRID)
    other = truth + 0.1
    share = np.sum((other - truth) ** 2) / np.sum((truth - truth.mean()) ** 2)
    assert unexplained(truth, other) == pytest.approx(share)
    assert unexplained(truth, truth) == 0.0


def test_a_flat_truth_is_compared_with_its_own_size():
    flat = np.full(10, 2.0)
    assert unexplained(flat, flat) == 0.0
    assert unexplained(flat, flat + 0.2) == pytest.approx(0.01)
    assert unexplained(0 * flat, flat) == np.inf


def test_rows_that_are_not_defined_do_not_count():
    truth = np.array([1.0, 2.0, np.nan])
    assert unexplained(truth, np.array([1.0, 2.0, np.nan])) == 0.0
    assert unexplained(truth, np.array([1.0, 2.0, 7.0])) == 0.0


def test_rounding_must_not_leave_the_domain():
    """log(x + 2.0004) printed as log(x + 2.00) is not defined at x = -2.0002."""
    truth, x = np.linspace(0.1, 1, 4), np.array([-2.0002, 0.0, 1.0, 2.0])
    assert unexplained(truth, np.where(x < -2, np.nan, truth)) == np.inf

    def on_rows(expression):
        return compile_numpy(expression, [X])(x)

    digits = enough_digits({"rb": sympy.log(X + 2.0004)}, on_rows, 1e-2)
    assert digits == 5
