"""Laws of every closed form: exact derivatives, exact change of units, its domain."""

import numpy as np
import pytest
import sympy
from form_constants import constants_of
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.errors import ExpressionError
from sciren.processes.temperature import arrhenius_factor
from symbolic.expression.nodes import kind_of
from symbolic.families.forms import Form, Shape
from symbolic.families.guarded import (
    EXPONENT_LIMIT,
    LOG_FLOOR,
    guarded_exp,
    guarded_exp_slope,
    guarded_log,
    guarded_log_slope,
)
from symbolic.families.library import FAMILIES
from symbolic.families.variants import in_raw

FORMS = {form.name: form for family in FAMILIES for form in FAMILIES[family]}
X = np.linspace(-0.97, 0.93, 41)
numbers = st.floats(-3, 3).filter(lambda v: abs(v) > 1e-2)
all_forms = pytest.mark.parametrize("name", FORMS)


@all_forms
@given(a=numbers, u=numbers, d=numbers)
@settings(max_examples=25, deadline=None)
def test_derivatives_agree_with_central_differences(name, a, u, d):
    form = FORMS[name]
    c = constants_of(form, a, u, d)
    kinked = form.family in ("abs", "piecewise_linear", "threshold")
    x = X[np.abs(X - u) > 1e-3] if kinked else X
    step = 1e-6
    for j in range(len(c)):
        move = step * np.eye(len(c))[j]
        slope = (form.value(x, c + move) - form.value(x, c - move)) / (2 * step)
        np.testing.assert_allclose(
            form.by_constants(x, c)[:, j], slope, rtol=1e-6, atol=1e-6
        )
    slope = (form.value(x + step, c) - form.value(x - step, c)) / (2 * step)
    np.testing.assert_allclose(form.by_x(x, c), slope, rtol=1e-6, atol=1e-6)


@all_forms
@given(
    a=numbers,
    u=numbers,
    d=numbers,
    shift=st.floats(-300, 300),
    scale=st.floats(0.1, 50),
)
@settings(max_examples=25, deadline=None)
def test_raw_constants_give_the_same_curve(name, a, u, d, shift, scale):
    form = FORMS[name]
    if not form.rescalable:  # one of degrees C
        return
    c = constants_of(form, a, u, d)
    if form.family in ("exp", "cube"):
        shift = shift / 20 * scale  # keeps exp(b * shift / scale) inside the floats
    raw = shift + scale * X
    np.testing.assert_allclose(
        form.value(raw, form.to_raw(c, shift, scale)),
        form.value(X, c),
        rtol=1e-7,
        atol=1e-9 * (1 + abs(shift / scale)) ** 2 * (abs(a) + abs(d)),
    )


@all_forms
@given(a=numbers, u=numbers, d=numbers)
@settings(max_examples=10, deadline=None)
def test_the_expression_is_the_curve(name, a, u, d):
    form = FORMS[name]
    c = constants_of(form, a, u, d)
    x = sympy.Symbol("x", real=True)
    expression = form.expression(x, c)
    expected = [float(expression.subs(x, sympy.Float(v))) for v in X[::10]]
    np.testing.assert_allclose(form.value(X[::10], c), expected, rtol=1e-12, atol=1e-12)


@all_forms
def test_an_expression_of_symbols_keeps_their_names(name):
    form = FORMS[name]
    symbols = sympy.symbols(form.constants)
    expression = form.expression(sympy.Symbol("x"), symbols)
    assert {str(s) for s in expression.free_symbols} >= set(form.constants)
    assert all(kind_of(node) for node in sympy.preorder_traversal(expression))


def test_the_offset_is_the_last_constant_of_every_form():
    assert {form.constants[-1] for form in FORMS.values()} == {"d"}


@given(t=st.floats(-1e6, 1e6))
@settings(deadline=None)
def test_guards_are_finite_everywhere_and_exact_inside(t):
    t = np.array([t])
    for function, slope in (
        (guarded_exp, guarded_exp_slope),
        (guarded_log, guarded_log_slope),
    ):
        assert np.isfinite(function(t)).all()
        assert np.isfinite(slope(t)).all()
    if t[0] <= EXPONENT_LIMIT:
        assert guarded_exp(t)[0] == np.exp(t[0])
    if t[0] >= LOG_FLOOR:
        assert guarded_log(t)[0] == np.log(t[0])


def test_guards_continue_without_a_step():
    for t, function in ((EXPONENT_LIMIT, guarded_exp), (LOG_FLOOR, guarded_log)):
        below, above = function(np.array([t * (1 - 1e-9), t * (1 + 1e-9)]))
        assert above == pytest.approx(below, rel=1e-6)


def test_arrhenius_is_that_of_the_shelf_and_takes_degrees_c_only():
    form, x = FORMS["arrhenius"], np.array([-10.0, 25.0, 40.0])
    np.testing.assert_allclose(
        form.value(x, np.array([2.0, 6e4, 0.5])), 2 * arrhenius_factor(x, 6e4) + 0.5
    )
    c = np.array([1.0, 6e4, 0.0])
    assert form.feasible(c, -20.0, 45.0)
    assert not form.feasible(c, 260.0, 310.0)  # kelvin


def test_a_threshold_steps_once():
    form, c = FORMS["threshold"], np.array([2.0, 0.3, 1.0])
    assert form.value(np.array([0.2, 0.3, 0.4]), c).tolist() == [1.0, 2.0, 3.0]


def test_the_slope_of_a_kink_is_the_sign():
    form = FORMS["abs"]
    slope = form.by_x(np.array([1.0, 2.0, 3.0]), np.array([5.0, 2.0, 0.0]))
    assert slope.tolist() == [-5.0, 0.0, 5.0]


@pytest.mark.parametrize(("name", "s"), [("log+", 1.05), ("log-", 1.05)])
def test_a_margin_moves_a_near_pole_into_the_range(name, s):
    form, c = FORMS[name], np.array([1.0, s, 0.0])
    assert form.feasible(c, -1.0, 1.0)
    assert form.feasible(c, -1.0, 1.0, margin=0.02)
    assert not form.feasible(c, -1.0, 1.0, margin=0.05)
    assert abs(form.pole(c)) == pytest.approx(1.05)


@pytest.mark.parametrize("name", ["constant", "linear", "quadratic", "exp", "abs"])
def test_entire_forms_are_feasible_and_have_no_pole(name):
    c = np.ones(len(FORMS[name].constants))
    assert FORMS[name].feasible(c, -1e9, 1e9, margin=1.0)
    assert FORMS[name].pole(c) is None


def test_a_form_without_a_rule_for_units_says_so():
    shape = Shape(
        value=lambda x, u: x,
        by_inner=lambda x, u: (),
        by_x=lambda x, u: x,
        expression=lambda x, u: x,
    )
    form = Form("odd", "", (), 3, shape)
    assert not form.rescalable
    with pytest.raises(ExpressionError, match="'odd' cannot change the unit"):
        form.to_raw(np.ones(2), 0.0, 1.0)


@pytest.mark.parametrize("k", [0.0, 5e-17, -1e-9, 1e-6, -3e-5, 1e-4, 0.3])
def test_a_saturation_with_its_pole_near_zero_keeps_its_digits(k):
    shift, scale = 0.46, 0.27
    c = np.array([-2.1, (shift + k) / scale, 0.4])
    form, raw = in_raw(FORMS["michaelis_menten"], c, shift, scale)
    x = shift + scale * X
    printed = np.array([float(f"{value:.12g}") for value in raw])
    curve = FORMS["michaelis_menten"].value(X, c)
    np.testing.assert_allclose(form.value(x, raw), curve, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(form.value(x, printed), curve, rtol=1e-5, atol=1e-5)
    assert np.abs(raw).max() < 1e6
