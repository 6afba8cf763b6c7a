"""Factors of products as curves: what is drawn is what is written."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import sympy

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from symbolic.curves.factor_curves import factor_curves
from symbolic.curves.learned_curves import edge_curves
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.rebuild import Units, factor_expressions
from symbolic.terms.structure import LatentStructure

UNITS = Units(
    ("x", "w"), np.array([1.0, 4.0]), np.array([2.0, 0.5]), np.zeros(2), np.ones(2)
)
LINE, EXP = FAMILIES["linear"][0], FAMILIES["exp"][0]
BEND = SplineCurve(np.linspace(-2, 2, 9), np.sin(np.linspace(-2, 2, 9)), (0.1, 0.2))
CLOSED = (
    Factor(EdgeTerm(0, LINE, (2.0,)), 1.0),
    Factor(EdgeTerm(1, EXP, (1.5, 0.3)), -0.5),
)


def rows():
    rng = np.random.default_rng(0)
    data = {"x": rng.uniform(-1, 3, 50), "w": rng.uniform(3, 5, 50)}
    data["y"] = data["x"] * data["w"]
    return Table.from_frame(data, ["x", "w"], (), ["y"], units={"x": "m"})


def equations(factors):
    """What curves ask of equations y = product of the factors."""
    structure = LatentStructure("y", 0.0, (), (Product(factors),))
    rows = [
        {"source": UNITS.names[factor.edge.source], "target": "h1_y", "family": "",
         "formula": "", "importance": 0.5}
        for factor in factors
    ]  # fmt: skip
    edges = pd.DataFrame(rows)
    return structure, SimpleNamespace(
        edges=edges,
        units=UNITS,
        structures=(structure,),
        printed_unit=lambda _: (1.0, ""),
    )


def test_the_curve_of_a_factor_is_its_printed_expression():
    structure, symbolic = equations(CLOSED)
    curves = factor_curves(rows(), structure, symbolic)
    written = factor_expressions(structure.nodes[0], UNITS)
    assert [(c.source, c.target, c.unit) for c in curves] == [
        ("x", "h1_y", "m"),
        ("w", "h1_y", ""),
    ]
    for curve, expression in zip(curves, written, strict=True):
        assert not curve.learned
        values = sympy.lambdify(UNITS.symbol(curve.source == "w"), expression)(curve.x)
        np.testing.assert_allclose(curve.formula, values, rtol=1e-12)


def test_a_refused_factor_shows_the_spline_that_stays():
    refused = Factor(EdgeTerm(0, None, (), BEND, "f_x"), 0.25)
    structure, symbolic = equations((refused, CLOSED[1]))
    curve, _ = factor_curves(rows(), structure, symbolic)
    assert curve.refused
    z = (curve.x - UNITS.shift[0]) / UNITS.scale[0]
    np.testing.assert_allclose(curve.spline, 0.25 + BEND.value(z))


def test_what_the_network_had_in_the_place_of_a_product_is_left_out():
    table = rows()
    _, symbolic = equations(CLOSED)
    model = ScIReN(KANEncoder(2, 1, hidden=(1,)))
    fit(model, table, table, TrainConfig(starts=2, start_iterations=3, polish=1))
    curves = edge_curves(model, table, symbolic)
    assert [curve.name for curve in curves] == ["x -> h1_y", "w -> h1_y"]
    assert factor_curves(table, None, None) == []
