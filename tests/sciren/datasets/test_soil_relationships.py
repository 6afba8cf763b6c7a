"""Laws of the drawn relationships between features and soil parameters."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.datasets import make_soil_carbon
from sciren.datasets.soil_relationships import (
    FAMILIES,
    HIGH,
    LOW,
    Curve,
    draw_relationships,
)

DECLARED = [("first", 0.0, 1.0), ("second", 20.0, 400.0)]


def columns(seed, n=300):
    rng = np.random.default_rng(seed)
    return {f"x{k}": rng.normal(k, 1 + k, n) for k in range(10)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_each_parameter_has_two_equally_strong_features_and_fills_its_range(
    truth, seed
):
    features = columns(seed)
    for relationship in draw_relationships(features, DECLARED, truth):
        assert len({curve.feature for curve in relationship.curves}) == 2
        unit = relationship.unit(features)
        np.testing.assert_allclose([unit.min(), unit.max()], [LOW, HIGH], atol=1e-8)
        parts = [
            curve(relationship._scaled(curve, features))
            for curve in relationship.curves
        ]
        np.testing.assert_allclose(parts[0].std(), parts[1].std(), rtol=1e-6)
        np.testing.assert_allclose(sum(parts), unit, atol=1e-12)
        physical = relationship.low + (relationship.high - relationship.low) * unit
        np.testing.assert_allclose(relationship(features), physical, rtol=1e-12)


def test_families_occur_about_equally_often():
    features = columns(0)
    drawn = [
        curve.family
        for truth in range(100)
        for relationship in draw_relationships(features, DECLARED, truth)
        for curve in relationship.curves
    ]
    counts = [drawn.count(family) for family in FAMILIES]
    assert min(counts) > 50
    assert sum(counts) == len(drawn) == 400


@pytest.mark.parametrize("truth", [12345, 3, 4])
def test_the_expression_gives_the_true_values_in_physical_units(truth):
    study = make_soil_carbon(100, truth=truth)
    for relationship in study.truth.relationships:
        symbols = sorted(relationship.expression().free_symbols, key=str)
        assert {str(s) for s in symbols} == {
            curve.feature for curve in relationship.curves
        }
        call = sympy.lambdify(symbols, relationship.expression(), "numpy")
        found = call(*(study.sites[str(s)].to_numpy() for s in symbols))
        np.testing.assert_allclose(
            found, study.truth.values[relationship.name], rtol=1e-9
        )
        short = sympy.sympify(study.truth.formulas[relationship.name])
        assert {str(s) for s in short.free_symbols} == {str(s) for s in symbols}


def test_the_published_seed_chooses_eight_known_edges():
    truth = make_soil_carbon(100).truth
    families = [
        c.family for relationship in truth.relationships for c in relationship.curves
    ]
    assert sorted(families) == ["exp"] * 2 + ["linear"] * 3 + ["quadratic"] * 3
    assert len(truth.edges) == 8
    importance = truth.importance()
    assert importance.shape == (10, 4)
    np.testing.assert_allclose(importance.sum(), 1.0)
    assert {
        (f, p) for f in importance.index for p in importance if importance.loc[f, p]
    } == (truth.edges)


@pytest.mark.parametrize(
    ("family", "b", "straight"),
    [
        ("linear", 0.3, True),
        ("abs", -0.5, False),
        ("abs", 0.5, True),
        ("exp", 0, False),
    ],
)
def test_an_absolute_value_that_bends_outside_the_data_is_straight(family, b, straight):
    assert Curve("x", family, 1.0, b, 1.0, 0.0).straight is straight
