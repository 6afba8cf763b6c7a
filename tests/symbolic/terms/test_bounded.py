"""Bounds of latents: what stands between them, and which ones stand beside."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symbolic.curves.spline_curve import SplineCurve
from symbolic.expression.evaluate import compile_numpy
from symbolic.families.variants import form_named
from symbolic.printing.beside import latex_beside, text_beside
from symbolic.printing.text import to_text
from symbolic.terms.bounded import (
    Beside,
    bounded_expression,
    printed_constants,
    printed_structure,
    spans_of,
)
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.parametric import parametric
from symbolic.terms.rebuild import (
    Units,
    constrained,
    feature_symbols,
    refused_curves,
)
from symbolic.terms.structure import LatentStructure

UNITS = Units(
    ("u",), np.array([3.0]), np.array([2.0]), np.array([-3.0]), np.array([9.0])
)
UNITS_OF_TWO = Units(
    ("u", "v"), np.full(2, 3.0), np.full(2, 2.0), np.full(2, -3.0), np.full(2, 9.0)
)
Z = np.linspace(-3.0, 3.0, 61)[:, None]
X = 3.0 + 2.0 * Z[:, 0]
LAYERS = [
    ("identity", -np.inf, np.inf, 1.0),
    ("relu", -1.0, np.inf, 1.0),
    ("relu", -np.inf, 0.5, 1.0),
    ("hard_sigmoid", 2.0, 10.0, 1.0),
    ("sigmoid", 2.0, 10.0, 1.0),
    ("softplus", 0.0, np.inf, 1.0),
]


def line(offset=0.4, slope=1.3):
    return LatentStructure("k", offset, (EdgeTerm(0, form_named("linear"), (slope,)),))


def numbers(expression):
    used = compile_numpy(expression, feature_symbols(["u"]))
    return np.broadcast_to(used(X), X.shape)


def through_the_layer(structure, layer):
    raw = sympy.Symbol("raw", real=True)
    return compile_numpy(constrained(raw, *layer), [raw])(structure.value(Z))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer[0]} {layer[1]}")
def test_the_equation_is_the_layer_of_the_raw_latent(layer):
    found = numbers(bounded_expression(line(), UNITS, layer))
    np.testing.assert_allclose(found, through_the_layer(line(), layer), rtol=1e-12)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer[0]} {layer[1]}")
def test_a_refused_curve_counts_in_the_unit_of_the_latent(layer):
    grid = np.linspace(-3.0, 3.0, 9)
    curve = SplineCurve(grid, np.sin(grid), (-1.0, -1.0))
    terms = (*line().edges, EdgeTerm(1, None, (), curve, "f_k_v"))
    structure, two = LatentStructure("k", 0.4, terms), UNITS_OF_TWO
    z = np.column_stack((Z[:, 0], Z[::-1, 0]))
    raw = sympy.Symbol("raw", real=True)
    layered = compile_numpy(constrained(raw, *layer), [raw])
    expected = layered(structure.value(z))
    tables = {n: c.value for n, c in refused_curves([structure], two).items()}
    latent = parametric(structure, two, layer)
    values = {s: sympy.Float(c.value) for s, c in latent.constants.items()}
    for found in (
        bounded_expression(structure, two, layer), latent.expression.xreplace(values)
    ):  # fmt: skip
        used = compile_numpy(found, feature_symbols(["u", "v"]), tables)
        np.testing.assert_allclose(used(X, X[::-1]), expected, rtol=1e-9)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer[0]} {layer[1]}")
def test_the_constants_of_the_table_are_those_of_the_equation(layer):
    latent = parametric(line(), UNITS, layer)
    values = {s: sympy.Float(c.value) for s, c in latent.constants.items()}
    found = numbers(latent.expression.xreplace(values))
    np.testing.assert_allclose(found, through_the_layer(line(), layer), rtol=1e-12)


def test_constants_between_two_bounds_have_the_unit_of_the_latent():
    layer = ("hard_sigmoid", 2.0, 10.0, 1.0)
    offset, slope = printed_constants([line()], {"k": layer}, UNITS)
    step = numbers(bounded_expression(line(), UNITS, layer))[31:33]
    assert slope.value == pytest.approx((step[1] - step[0]) / (X[32] - X[31]))
    middle = through_the_layer(line(), layer)[30]
    assert offset.value + slope.value * X[30] == pytest.approx(middle)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer[0]} {layer[1]}")
def test_a_latent_without_features_is_its_value(layer):
    alone = LatentStructure("k", 0.25)
    value = float(constrained(sympy.Float(0.25), *layer))
    assert printed_structure(alone, layer).offset == pytest.approx(value)
    (constant,) = printed_constants([alone], {"k": layer}, UNITS)
    assert constant.value == pytest.approx(value)
    assert float(bounded_expression(alone, UNITS, layer)) == pytest.approx(value)


@given(st.floats(-4, 4), st.floats(-2, 2), st.sampled_from(LAYERS[:4]))
def test_without_the_bounds_beside_it_an_equation_gives_the_same_on_the_rows(
    offset, slope, layer
):
    structure = line(offset, slope)
    whole = bounded_expression(structure, UNITS, layer)
    beside = Beside.of(layer, spans_of([structure], Z)["k"])
    found = numbers(beside.without(whole))
    np.testing.assert_array_equal(found, numbers(whole))
    if beside:
        assert found.min() > beside.low
        assert found.max() < beside.high


@pytest.mark.parametrize(
    ("smallest", "text"),
    [(5.0, ", 0 <= k"), (0.11, ", 0 <= k"), (0.09, ""), (0.0, ""), (-3.0, "")],
)
def test_a_bound_stands_beside_from_a_hundredth_of_the_range_on(smallest, text):
    layer = ("relu", 0.0, np.inf, 1.0)
    beside = Beside.of(layer, (smallest, smallest + 10.0))
    assert text_beside(beside.rising("k")) == text
    shown = to_text(beside.without(bounded_expression(line(), UNITS, layer)))
    assert shown.startswith("max(0, ") == (not text)


def test_one_of_two_bounds_may_stay_inside():
    layer = ("hard_sigmoid", 0.0, 12.0, 1.0)
    structure = line(0.0, 0.9)  # raw up to 2.7 of 3
    z = Z[Z[:, 0] > 0][:, None, 0]
    beside = Beside.of(layer, spans_of([structure], z)["k"])
    whole = bounded_expression(structure, UNITS, layer)
    assert beside.rising("k") == (0, sympy.Symbol("k", real=True), 12)
    assert text_beside(beside.rising("k")) == ", 0 <= k <= 12"
    assert latex_beside(beside.rising("k")) == r", \quad 0 \le k \le 12"
    steeper = Beside.of(layer, spans_of([line(0.0, 1.2)], z)["k"])
    assert text_beside(steeper.rising("k")) == ", 0 <= k"
    assert to_text(steeper.without(whole)).startswith("min(12, ")


@pytest.mark.parametrize("layer", [LAYERS[0], *LAYERS[4:]])
def test_layers_that_bend_or_have_no_bounds_say_nothing_beside(layer):
    assert not Beside.of(layer, (-0.1, 0.1))
    assert not Beside.of(("relu", 0.0, np.inf, 1.0), None)
    assert text_beside(()) == latex_beside(()) == ""
