"""Effects of classes and waves on a circle: values, derivatives, one way to write them."""

import numpy as np
import pytest
import sympy

from sciren.data.kinds import Categorical, Periodic
from sciren.errors import FormatError
from symbolic.curves.curve_errors import CurveErrors
from symbolic.curves.fit import fit_curve
from symbolic.curves.points import Points
from symbolic.expression.evaluate import compile_numpy
from symbolic.expression.tree import from_tree, to_tree
from symbolic.families.class_effects import class_effects
from symbolic.families.harmonics import harmonics
from symbolic.families.kind_families import form_from_details, forms_of_kind
from symbolic.families.variants import in_raw
from symbolic.printing.latex import to_latex
from symbolic.printing.latex_reader import levels_in, read_latex
from symbolic.printing.text import to_text

KIND = Categorical(("CRO", "DBF", "mixed forest"), (1.0, 2.0, 3.0))
SHARES = (0.5, 0.3, 0.2)
FORMS = {
    "classes": (class_effects(KIND, SHARES), np.array([0.4, -0.1, 2.0])),
    "harmonic": (harmonics(365.25, 1), np.array([0.5, 200.0, 1.0])),
    "harmonics": (harmonics(24.0, 2), np.array([0.5, 20.0, 0.2, 3.0, 1.0])),
}
X = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
EACH = pytest.mark.parametrize("name", FORMS)
SYMBOL = sympy.Symbol("x", real=True)


@EACH
def test_derivatives_are_those_of_differences(name):
    form, c = FORMS[name]
    for place, column in enumerate(form.by_constants(X, c).T):
        step = np.zeros(len(c))
        step[place] = 1e-6
        slope = (form.value(X, c + step) - form.value(X, c - step)) / 2e-6
        np.testing.assert_allclose(column, slope, atol=1e-8)


@EACH
def test_form_expression_tree_and_latex_have_the_same_values(name):
    form, c = FORMS[name]
    written, constants = in_raw(form, c, 0.0, 1.0)
    expression = written.expression(SYMBOL, constants)
    latex = read_latex(
        to_latex(expression, None), [SYMBOL], levels=levels_in(expression)
    )
    for one in (expression, from_tree(to_tree(expression)), latex):
        np.testing.assert_allclose(compile_numpy(one, [SYMBOL])(X), form.value(X, c))


@EACH
def test_a_form_comes_back_from_its_details(name):
    form, _ = FORMS[name]
    assert form_from_details(form.family, form.details()) == form


@EACH
def test_a_form_times_a_number_is_that(name):
    form, c = FORMS[name]
    for factor in (3.0, -2.0):
        scaled = np.array([*form.times(c[:-1].tolist(), factor), 0.0])
        base = form.value(X, np.array([*c[:-1], 0.0]))
        np.testing.assert_allclose(form.value(X, scaled), factor * base, atol=1e-12)


def test_effects_of_classes_have_mean_zero_over_the_rows():
    form, c = FORMS["classes"]
    effects = form.effects(c)
    assert effects @ np.array(SHARES) == pytest.approx(0.0, abs=1e-15)
    assert form.value(np.array([7.0]), c).tolist() == [2.0]  # a class that nobody had


def test_a_missing_class_stays_missing_and_an_unseen_one_is_the_mean():
    form, c = FORMS["classes"]
    written, constants = in_raw(form, c, 0.0, 1.0)
    evaluate = compile_numpy(written.expression(SYMBOL, constants), [SYMBOL])
    np.testing.assert_array_equal(evaluate(np.array([0.0, np.nan])), [2.0, np.nan])


def test_cases_name_the_classes():
    form, c = FORMS["classes"]
    written, constants = in_raw(form, c, 0.0, 1.0)
    expression = written.expression(sympy.Symbol("veg", real=True), constants)
    text = to_text(expression)
    assert "0.400 if veg = DBF; -0.100 if veg = `mixed forest`; 0 otherwise" in text
    assert r"\text{if } \mathrm{veg} = \textsf{mixed forest}" in to_latex(expression)


def test_waves_keep_phase_and_period_as_they_are():
    form, c = FORMS["harmonic"]
    expression = form.expression(sympy.Symbol("doy", real=True), c)
    assert "0.500*cos(2*pi*(doy - 200)/365.25)" in to_text(expression)


@pytest.mark.parametrize("count", [1, 2])
def test_a_curve_on_a_circle_is_named(count):
    x = np.linspace(0, 24, 200)
    form = harmonics(24.0, count)
    truth = np.array([*(0.7, 5.0, 0.3, 11.0)[: 2 * count], 2.0])
    fit = fit_curve(x, form.value(x, truth), kind=Periodic(24.0))
    assert fit.family == form.family
    np.testing.assert_allclose(fit.constants, truth, atol=1e-8)


def test_the_weight_of_the_mean_falls_with_the_spread_of_the_classes():
    counts, effects = np.array([50.0, 30.0, 20.0]), np.array([-0.2, 0.1, 0.35])
    fit = fit_curve(np.array(KIND.codes), effects, counts, kind=KIND)
    assert fit.family == "classes"
    np.testing.assert_allclose(
        fit.form.value(np.array(KIND.codes), fit.constants), effects, atol=1e-12
    )


def test_a_class_without_rows_has_no_effect_of_its_own():
    x, counts = np.array(KIND.codes[:2]), np.array([30.0, 20.0])
    fit = fit_curve(x, np.array([0.4, -0.6]), counts, kind=KIND)
    assert fit.family == "classes"
    effects = fit.form.effects(fit.constants)
    np.testing.assert_allclose(effects, [0.4, -0.6, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("family", "details"),
    [("classes", {}), ("harmonic", {"period": "x", "count": 1}), ("exp", {"count": 1})],
)
def test_details_of_something_else_are_refused(family, details):
    with pytest.raises(FormatError):
        form_from_details(family, details)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
@pytest.mark.parametrize("known", [False, True])
def test_classes_are_drawn_to_their_mean_alike_in_every_unit(unit, known):
    effects, shares = np.array([-0.2, 0.1, 0.35]), np.array([0.5, 0.3, 0.2])
    # errors of 0.1 for two differences between classes
    root = 10.0 * np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])

    def weight(factor):
        target = root @ effects
        errors = CurveErrors(root / factor, target, 100, 0.3) if known else None
        points = Points(np.array(KIND.codes), factor * effects, shares, errors)
        (form,) = forms_of_kind(KIND, points)
        return form.weight * factor**2

    assert weight(unit) == pytest.approx(weight(1.0), rel=1e-9)
