"""A refused edge as a table: smooth inside, straight outside, plain numbers in a file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import FormatError
from symbolic.curves.spline_curve import SplineCurve

X = np.linspace(-2.0, 3.0, 81)
CURVE = SplineCurve(X, np.sin(X), (float(np.cos(-2.0)), float(np.cos(3.0))))
INSIDE = np.linspace(-2, 3, 501)


def test_the_curve_goes_through_its_points_and_between_them():
    np.testing.assert_allclose(CURVE.value(X), np.sin(X), atol=1e-15)
    np.testing.assert_allclose(CURVE.value(INSIDE), np.sin(INSIDE), atol=1e-6)
    np.testing.assert_allclose(CURVE.slope(INSIDE), np.cos(INSIDE), atol=1e-4)


@given(st.floats(-50, 50))
def test_the_slope_is_the_derivative_of_the_value(x):
    points, step = np.array([x - 1e-6, x + 1e-6]), 2e-6
    low, high = CURVE.value(points)
    assert (high - low) / step == pytest.approx(CURVE.slope(np.array([x]))[0], abs=1e-4)


@given(st.floats(1e-3, 1e3))
def test_straight_lines_go_on_beyond_the_ends(distance):
    outside = np.array([-2.0 - distance, 3.0 + distance])
    first, last = CURVE.slopes
    expected = [np.sin(-2.0) - first * distance, np.sin(3.0) + last * distance]
    np.testing.assert_allclose(CURVE.value(outside), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(CURVE.slope(outside), CURVE.slopes)


@given(st.floats(-100, 100), st.floats(0.01, 100))
def test_in_raw_units_it_is_the_same_curve(shift, scale):
    moved, z = CURVE.moved(shift, scale), np.linspace(-4, 5, 50)
    x = shift + scale * z
    np.testing.assert_allclose(moved.value(x), CURVE.value(z), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(scale * moved.slope(x), CURVE.slope(z), atol=1e-6)


def test_a_shift_moves_values_and_no_slope():
    z = np.linspace(-4, 5, 50)
    np.testing.assert_allclose(CURVE.shifted(2.5).value(z), CURVE.value(z) + 2.5)
    np.testing.assert_allclose(CURVE.shifted(2.5).slope(z), CURVE.slope(z), atol=1e-12)


def test_it_comes_back_from_json_bit_by_bit():
    again = SplineCurve.from_json(json.loads(json.dumps(CURVE.to_json())))
    z = np.linspace(-4, 5, 200)
    np.testing.assert_array_equal(again.value(z), CURVE.value(z))
    assert again.slopes == CURVE.slopes


GOOD = {"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 4.0], "slopes": [0.0, 4.0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": None}, "increasing x"),
        ({"x": ["a", "b", "c"]}, "cannot be read"),
        ({"x": [[0.0], [1.0]]}, "increasing x"),
        ({"x": [0.0, 0.0, 1.0]}, "increasing x"),
        ({"x": [2.0, 1.0, 0.0]}, "increasing x"),
        ({"y": [1.0, 2.0]}, "as many y"),
        ({"x": [0.0], "y": [1.0]}, "increasing x"),
        ({"slopes": [1.0]}, "cannot be read"),
        ({"slopes": 3}, "cannot be read"),
        ({"y": [0.0, float("nan"), 1.0]}, "finite"),
        ({"x": [0.0, 1.0, float("inf")]}, "finite"),
        ({"slopes": [0.0, float("inf")]}, "finite"),
    ],
)
def test_what_is_no_table_is_refused(change, message):
    with pytest.raises(FormatError, match=message):
        SplineCurve.from_json(GOOD | change)


@pytest.mark.parametrize("stored", [None, [], "spline", {}, 3.0])
def test_what_is_no_mapping_is_refused(stored):
    with pytest.raises(FormatError, match="cannot be read"):
        SplineCurve.from_json(stored)


@pytest.mark.parametrize("points", [2, 3, 4])
def test_a_few_points_are_enough_as_two_classes_have(points):
    x = np.arange(1.0, points + 1)
    y = np.array([0.3, -0.2, 0.9, 0.1])[:points]
    curve = SplineCurve.through(x, y, (0.0, 0.0), most=12)
    np.testing.assert_allclose(curve.value(x), y, atol=1e-12)
