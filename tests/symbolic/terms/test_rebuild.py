"""Expressions in raw units: the numbers of the structures, inside their bounds."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.constraints import CONSTRAINTS, Sigmoid
from symbolic.curves.spline_curve import SplineCurve
from symbolic.expression.evaluate import compile_numpy
from symbolic.expression.tree import from_tree, to_tree
from symbolic.families.variants import form_named, of_raw
from symbolic.printing.latex import to_latex
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import OUTERS, Factor, Node, Product
from symbolic.terms.parametric import parametric
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.rebuild import (
    Units,
    constrained,
    feature_symbols,
    node_expression,
    raw_expression,
    refused_curves,
)
from symbolic.terms.structure import LatentStructure

NAMES = ("sw_pot", "ta", "year")
Z = np.random.default_rng(0).uniform(-2, 2, (80, 3))
KNOTS = np.linspace(-2, 2, 9)
TABLE = SplineCurve(KNOTS, np.sin(KNOTS), (0.1, 0.2))
KINDS = [("linear", ""), ("quadratic", ""), ("exp", ""), ("log", "+"), ("log", "-")]
KINDS += [("abs", ""), (None, "")]
INF = float("inf")
UNITS = Units(
    NAMES,
    np.array([300.0, 10.0, 2005.0]),
    np.array([150.0, 8.0, 5.0]),
    np.array([0.0, -6.0, 1995.0]),
    np.array([600.0, 26.0, 2015.0]),
)
LINEAR = form_named("linear", "")


def random_edge(rng, kinds=KINDS):
    source, (family, variant) = int(rng.integers(3)), kinds[rng.integers(len(kinds))]
    if family is None:
        return EdgeTerm(source, None, (), TABLE, f"f_rb_{NAMES[source]}")
    inner = {"quadratic": (-4, 4), "exp": (-2, 2), "log": (2.5, 9), "abs": (-1, 1)}
    low, high = inner.get(family, (0, 0))
    constants = (rng.normal(), rng.uniform(low, high))[: 2 if family in inner else 1]
    return EdgeTerm(source, form_named(family, variant), tuple(map(float, constants)))


def random_node(rng, outer):
    kinds = KINDS if outer != "exp" else KINDS[:1]
    edges = tuple(random_edge(rng, kinds) for _ in range(rng.integers(1, 3)))
    lowest = min(sum(edge.value(Z[:, edge.source]) for edge in edges))
    offset = 0.5 - lowest if outer == "log" else rng.normal()
    amplitude = rng.normal() if outer == "log" else rng.choice([-1.0, 1.0])
    curve = (TABLE, "g_rb") if outer == "spline" else (None, "")
    return Node(outer, float(amplitude), float(offset), edges, *curve)


def random_product(rng):
    factors = []
    for source in rng.permutation(3)[: rng.integers(2, 4)]:
        edge = replace(random_edge(rng, KINDS[:6]), source=int(source))
        anchored = bool(rng.integers(2)) and edge.form.family in (
            "linear",
            "exp",
            "abs",
        )
        if anchored and edge.form.family == "linear":
            shift, scale = float(UNITS.shift[source]), float(UNITS.scale[source])
            edge = replace(edge, form=of_raw(LINEAR, shift, scale))
        factors.append(Factor(edge, 0.0 if anchored else float(rng.normal()), anchored))
    return Product(tuple(factors))


def random_structure(seed):
    rng = np.random.default_rng(seed)
    direct = tuple(random_edge(rng) for _ in range(rng.integers(0, 3)))
    hidden = tuple(random_node(rng, o) for o in rng.choice(OUTERS, rng.integers(0, 3)))
    products = tuple(random_product(rng) for _ in range(rng.integers(0, 2)))
    return LatentStructure("rb", float(rng.normal()), direct, hidden + products)


def evaluate(expression, structure, units, x):
    calls = {n: c.value for n, c in refused_curves([structure], units).items()}
    return compile_numpy(expression, feature_symbols(units.names), calls)(*x.T)


@given(st.integers(0, 2**31))
@settings(max_examples=60)
def test_the_raw_expression_is_the_structure_of_scaled_features(seed):
    structure = random_structure(seed)
    x = UNITS.shift + UNITS.scale * Z
    found = evaluate(raw_expression(structure, UNITS), structure, UNITS, x)
    value = structure.value(Z)
    np.testing.assert_allclose(found, value, rtol=1e-8, atol=1e-8 * np.ptp(value))


def test_an_index_with_a_large_constant_stays_a_double():
    index = (EdgeTerm(2, LINEAR, (2.0,)), EdgeTerm(1, LINEAR, (0.4,)))
    structure = LatentStructure("rb", 1.0, (), (Node("exp", -1.0, 0.3, index),))
    expression = raw_expression(structure, UNITS)
    assert abs(float(sympy.Float(2005 * 2 / 5))) > 700  # exp of it is no double
    x = UNITS.shift + UNITS.scale * Z
    found = evaluate(from_tree(to_tree(expression)), structure, UNITS, x)
    np.testing.assert_allclose(found, structure.value(Z), rtol=1e-9)
    assert to_latex(expression)


def test_signs_of_nodes_are_no_factors():
    node = Node("abs", -1.0, 0.0, (EdgeTerm(0, LINEAR, (1.0,)),))
    plain = Units(("x",), np.zeros(1), np.ones(1), np.zeros(1), np.ones(1))
    x = sympy.Symbol("x", real=True)
    assert node_expression(node, plain) == -sympy.Abs(1.0 * x)


def test_the_table_of_constants_names_each_constant_in_raw_units():
    edges = (
        EdgeTerm(0, LINEAR, (3.0,)),
        EdgeTerm(1, form_named("abs", ""), (2.0, 0.5)),
        EdgeTerm(2, None, (), TABLE, "f_rb_year"),
    )
    node = Node("log", 1.5, 4.0, (EdgeTerm(1, LINEAR, (0.8,)),))
    found = raw_constants([LatentStructure("rb", 7.0, edges, (node,))], UNITS)
    values = {one.name: one.value for one in found}
    assert values == pytest.approx(
        {
            "rb_0": 7.0 - 3.0 * 300 / 150,
            "a_sw_pot": 3.0 / 150,
            "a_ta": 2.0 / 8,
            "s_ta": 10 + 8 * 0.5,
            "c_rb_1": 4.0 - 0.8 * 10 / 8,
            "a_ta_1": 0.8 / 8,
            "A_rb_1": 1.5,
        }
    )
    roles = [one.role for one in found]
    assert roles == ["offset", "a", "a", "s", "index offset", "a", "amplitude"]


@given(st.integers(0, 2**31))
@settings(max_examples=30)
def test_no_two_constants_of_a_latent_share_a_name(seed):
    structure = random_structure(seed)
    names = [raw_constant.name for raw_constant in raw_constants([structure], UNITS)]
    assert len(set(names)) == len(names) == structure.n_free


def test_a_redundant_offset_is_not_listed():
    node = Node("log", 1.5, 4.0, (EdgeTerm(1, LINEAR, (0.8,)),))
    structure = LatentStructure("rb", 0.0, (), (node,), offset_free=False)
    assert raw_constants([structure], UNITS)[0].role == "index offset"


def test_refused_functions_are_tables_in_raw_units():
    structure = LatentStructure("rb", 0.0, (EdgeTerm(1, None, (), TABLE, "f_rb_ta"),))
    (name, curve), *rest = refused_curves([structure], UNITS).items()
    assert (name, rest) == ("f_rb_ta", [])
    np.testing.assert_allclose(curve.value(10 + 8 * Z[:, 1]), TABLE.value(Z[:, 1]))


# -- constraints --------------------------------------------------------------------------
BOUNDS = [
    ("identity", -INF, INF),
    ("hard_sigmoid", -0.5, 2.0),
    ("hard_sigmoid", 0.0, 0.1),
    ("sigmoid", -0.5, 2.0),
    ("relu", 0.0, INF),
    ("relu", 0.25, INF),
    ("relu", -INF, 3.0),
    ("softplus", 0.5, INF),
    ("softplus", -INF, 3.0),
]


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS)
@pytest.mark.parametrize("largest", [0.0, 1e4], ids=["small", "large"])
def test_an_expression_obeys_the_constraint_layer_it_prints(name, low, high, largest):
    (x,) = feature_symbols(["x"])
    size = max(largest, 8.0)
    raw = np.concatenate([np.linspace(-size, size, 401), np.linspace(-8, 8, 401)])
    expression = constrained(1.0 * x + 0.5, name, low, high, 1.0, largest)
    found = compile_numpy(expression, [x])(raw - 0.5)
    layer = CONSTRAINTS[name]()
    bounds = torch.tensor([low, high], dtype=torch.float64)
    expected = layer.forward(torch.from_numpy(raw), *bounds).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.01, 0.3, 5.0])
def test_a_sigmoid_keeps_its_temperature(temperature):
    (x,) = feature_symbols(["x"])
    raw = np.linspace(-30, 30, 201)
    expression = constrained(1.0 * x, "sigmoid", 0.0, 1.0, temperature, 30.0)
    low, high = torch.tensor([0.0, 1.0], dtype=torch.float64)
    layer = Sigmoid(temperature).forward(torch.from_numpy(raw), low, high)
    np.testing.assert_allclose(compile_numpy(expression, [x])(raw), layer, atol=1e-14)


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS[1:])
@given(constant=st.floats(-1e6, 1e6), slope=st.floats(-1e3, 1e3))
@settings(max_examples=15)
def test_bounds_hold_far_outside(name, low, high, constant, slope):
    (x,) = feature_symbols(["x"])
    raw = sympy.Float(slope) * x + sympy.Float(constant)
    found = compile_numpy(constrained(raw, name, low, high), [x])(
        np.concatenate([-np.geomspace(1, 1e12, 20), np.geomspace(1, 1e12, 20)])
    )
    assert ((found >= low - 1e-12) & (found <= high + 1e-12)).all()


def test_a_large_constant_in_a_constraint_stays_a_double():
    year = feature_symbols(["year"])[0]
    for name, low, high in (("sigmoid", 0.0, 1.0), ("softplus", 0.0, INF)):
        expression = constrained(0.5 * year - 1005.0, name, low, high, largest=4.0)
        found = compile_numpy(from_tree(to_tree(expression)), [year])
        assert np.isfinite(found(np.array([1990.0, 2010.0, 2030.0]))).all()


def test_plain_bounds_print_as_integers():
    (x,) = feature_symbols(["x"])
    assert constrained(x, "relu", 0.0, INF) == sympy.Max(0, x)


def product(*factors):
    return LatentStructure("rb", 2.0, (), (Product(factors),))


def test_a_product_of_raw_features_is_written_without_offsets_and_one_scale():
    raw = [of_raw(LINEAR, float(UNITS.shift[i]), float(UNITS.scale[i])) for i in (0, 1)]
    one = Factor(EdgeTerm(0, raw[0], (0.5,)), 0.0, True)
    two = Factor(EdgeTerm(1, raw[1], (3.0,)), 0.0, True)
    sw_pot, ta = feature_symbols(NAMES[:2])
    found = raw_expression(product(one, two), UNITS)
    assert sympy.simplify(found - (1.5 * sw_pot * ta + 2)) == 0
    listed = raw_constants([product(one, two)], UNITS)
    assert [(c.name, c.value) for c in listed] == [("rb_0", 2.0), ("a_sw_pot", 1.5)]


def test_constants_of_a_product_are_those_that_are_written():
    one = Factor(EdgeTerm(0, LINEAR, (1.5,)), 0.25)
    two = Factor(EdgeTerm(1, form_named("exp"), (2.0, 0.8)), 0.5)
    structure = product(one, two)
    listed = {c.name: c.value for c in raw_constants([structure], UNITS)}
    assert list(listed) == ["rb_0", "c_sw_pot", "a_sw_pot", "c_ta", "b_ta"]
    sw_pot, ta = feature_symbols(NAMES[:2])
    written = (listed["c_sw_pot"] + listed["a_sw_pot"] * sw_pot) * (
        listed["c_ta"] + sympy.exp(listed["b_ta"] * ta)
    ) + listed["rb_0"]
    x = UNITS.shift + UNITS.scale * Z
    np.testing.assert_allclose(
        evaluate(written, structure, UNITS, x), structure.value(Z), rtol=1e-10
    )


@given(st.integers(0, 2**31))
@settings(max_examples=30)
def test_symbols_for_constants_give_the_expression_with_its_numbers(seed):
    units = replace(UNITS, shift=np.array([3.0, 1.0, 2.0]), scale=np.ones(3))
    structure = random_structure(seed)
    latent = parametric(structure, units, ("identity", -INF, INF, 1.0))
    numbers = {s: sympy.Float(c.value) for s, c in latent.constants.items()}
    x = units.shift + units.scale * Z
    found = evaluate(latent.inside.xreplace(numbers), structure, units, x)
    value = structure.value(Z)
    np.testing.assert_allclose(found, value, rtol=1e-7, atol=1e-7 * np.ptp(value))


@given(st.integers(0, 2**31), st.floats(-3, 3), st.floats(0.2, 4))
@settings(max_examples=30)
def test_other_units_and_another_scale_are_the_same_function(seed, shift, scale):
    structure = random_structure(seed)
    moved = structure.in_units(np.full(3, shift), np.full(3, scale)).scaled(-2.5)
    value = -2.5 * structure.value(Z)
    found = moved.value(shift + scale * Z)
    np.testing.assert_allclose(found, value, rtol=1e-8, atol=1e-8 * np.ptp(value))
