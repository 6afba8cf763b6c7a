"""An EdgeCurve checks itself once, then everyone trusts it."""

from dataclasses import replace

import numpy as np
import pytest

from sciren.errors import DataError, ShapeError
from symbolic.curves.edge_curve import EdgeCurve

X = np.linspace(0.0, 2.0, 5)
CURVE = EdgeCurve(
    layer=0, source="sw_pot", target="rb", unit="W m-2", x=X, spline=X**2,
    formula=X**2, data=X, importance=0.4, family="quadratic", label="x²", refused=False,
)  # fmt: skip


def test_a_curve_names_itself_and_its_range():
    assert (CURVE.name, CURVE.low, CURVE.high) == ("sw_pot -> rb", 0.0, 2.0)


def test_lists_and_integers_become_float64_arrays():
    curve = replace(CURVE, x=[0, 1], spline=[1, 2], formula=None, data=[])
    assert curve.spline.dtype == np.float64
    assert curve.data.shape == (0,)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.zeros((2, 2))}, ShapeError, "x needs shape"),
        ({"x": [1.0]}, ShapeError, "m >= 2"),
        ({"spline": X[:-1]}, ShapeError, "spline has shape"),
        ({"formula": X[:-1]}, ShapeError, "formula has shape"),
        ({"data": np.zeros((2, 2))}, ShapeError, "data needs shape"),
        ({"x": X[::-1]}, DataError, "must increase"),
        ({"x": np.full(5, np.nan)}, DataError, "must increase"),
        ({"refused": True}, DataError, "refused but carries a formula"),
    ],
)
def test_a_curve_that_cannot_be_drawn_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        replace(CURVE, **change)
