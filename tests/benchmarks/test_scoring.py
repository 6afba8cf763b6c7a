import time

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cases.case import Case
from benchmarks.cases.coefficients import (
    TimeLimitError,
    agree,
    coefficients,
    expanded,
    time_limit,
)
from benchmarks.cases.drawn import drawn_case
from benchmarks.cases.equivalence import compare
from benchmarks.cases.hybrid import hybrid_case
from benchmarks.cases.scoring import score

X, Y, Z = sympy.symbols("x y z", real=True)
POINTS = np.random.default_rng(0).uniform(0.5, 2.0, size=(500, 3))


def case_of(truth, noise=0.0):
    clean = np.asarray(sympy.lambdify((X, Y, Z), truth)(*POINTS.T), dtype=float)
    names = ("x", "y", "z")
    return Case("a", "node", POINTS, names, clean, clean, truth, clean, noise)


EQUAL = [
    (2.0 * sympy.log(3.0 * X + 6.0 * Y + 1.5), 2.0 * sympy.log(X + 2.0 * Y + 0.5) + 2.1972246),
    (sympy.Abs(2.0 * X - 3.0 * Y + 1.0), 2.0 * sympy.Abs(-X + 1.5 * Y - 0.5)),
    ((1.5 * X + 2.0) * (Y - 0.5), 1.5 * X * Y - 0.75 * X + 2.0 * Y - 1.0),
    (sympy.exp(0.5 * X + 1.0), 2.7182818 * sympy.exp(0.5 * X)),
    ((X + 2.0 * Y) ** 2, X**2 + 4.0 * X * Y + 4.0 * Y**2),
    (sympy.sqrt(4.0 * X + 2.0), 2.0 * sympy.sqrt(X + 0.5)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_formulas_have_the_same_coefficients(one, other):
    assert agree(coefficients(one), coefficients(other), 1e-4)
    assert score(case_of(one), other, {}).exact


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_expansion_changes_no_value(one, other):
    for form in (one, other):
        at = sympy.lambdify((X, Y, Z), form - expanded(form))
        assert np.abs(np.asarray(at(*POINTS.T))).max() < 1e-9


def test_products_of_exponentials_and_powers_are_recognised_by_their_values():
    truth = 1.7 * sympy.exp(0.4 * X - 0.8 * Y**2)
    found = 1.7 * sympy.exp(0.4 * X) * sympy.exp(-0.8 * Y**2)
    assert score(case_of(truth), found, {}).exact
    power = 2.0 * X * Y**2 / sympy.sqrt(Z)
    logs = sympy.exp(sympy.log(X) + 2.0 * sympy.log(Y) - 0.5 * sympy.log(Z) + 0.693147)
    found = score(case_of(power), logs, {})
    assert found.exact
    assert found.how in ("numeric", "symbolic")


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), off=st.sampled_from([0.02, 0.3]))
def test_constants_off_by_two_percent_are_right_and_by_thirty_are_not(seed, off):
    case = drawn_case("sum", seed, "tuning")
    largest = max(case.truth.atoms(sympy.Float), key=lambda n: abs(float(n)))
    wrong = case.truth.xreplace({largest: sympy.Float(float(largest) * (1 + off))})
    found = score(case, wrong, {})
    if off < 0.05:
        assert found.exact
    else:
        assert found.how == "numeric"


def test_a_needless_term_and_a_missing_feature_are_wrong():
    truth = sympy.exp(0.7 * X) + 2.0 * sympy.log(Y + 0.3)
    case = case_of(truth, noise=0.01)
    extra = score(case, truth + 0.05 * sympy.Abs(Z - 1.0), {})
    assert not extra.form
    assert not extra.features
    own = score(case, truth + 0.05 * sympy.Abs(X - 1.0), {})
    assert own.features
    assert not own.form
    less = score(case, sympy.exp(0.7 * X), {})
    assert not less.features
    assert not less.exact
    assert not score(case, None, {}).exact


def test_an_approximation_is_no_form():
    truth = sympy.exp(0.3 * X)
    case = case_of(truth)
    a, b, c = np.polyfit(POINTS[:, 0], case.clean, 2)[::-1]
    assert not score(case, a + b * X + c * X**2, {}).form


def test_constants_that_noise_hides_count_within_two_standard_errors():
    truth = 40.0 * sympy.exp(0.05 * X) - 30.0  # nearly linear: the three trade off
    case = case_of(truth, noise=0.01)
    found = compare(truth, case.symbols, POINTS, case.clean, 0.01 * case.clean.std())
    assert (found.errors[0] > 0.05 * np.abs(found.refitted[0])).all()
    rate = 0.05 * 1.08  # 8 % off, the others follow
    slope, offset = np.polyfit(np.exp(rate * POINTS[:, 0]), case.clean, 1)
    moved = float(slope) * sympy.exp(rate * X) + float(offset)
    assert score(case, moved, {}).exact
    assert not score(case_of(truth), moved, {}).exact


def test_process_constants_belong_to_an_exact_answer():
    case = hybrid_case("Q10", 0, "tuning")
    assert score(case, case.truth, case.constants).exact
    off = score(case, case.truth, {"q10": 1.1 * case.constants["q10"]})
    assert off.form
    assert not off.exact
    assert not score(case, case.truth, {}).exact


def test_large_and_undefined_formulas_are_not_compared():
    case = case_of(X + 2.0 * Y)
    large = sum(sympy.sin(k * X) for k in range(300))
    assert score(case, large, {}).how == "too large"
    assert score(case, sympy.log(X - 9.0), {}).how == "not comparable"


def test_a_symbolic_step_is_interrupted():
    with pytest.raises(TimeLimitError, match="not done"), time_limit(0.05):
        time.sleep(5.0)
