"""Families of the library as inner functions of a composition.

    a g(t; u),    t = (z - middle) / half range, or the raw feature where the family has no
                  rule for new units (degrees C)

with g and the bounds of u as in `symbolic.families`. A step has no derivative by its place;
the mean of a band of places stands for it, so that Gauss-Newton steps move the step to
where the rows inside the band put it.
"""

import numpy as np

from symbolic.composition.fitting.columns import POLE_DISTANCE, Column, EdgeFamily
from symbolic.families.forms import Array, Form

BAND = 0.05
"""Half range of the feature over which the derivative of a step is taken: ten rows of 400."""

MOST_STARTS = 150  # of the inner constants: as many as the five usual families together


def argument(form: Form, column: Column) -> Array:
    """Return what the form takes (n,)."""
    if not form.rescalable:
        return (column.z - column.origin) * column.scale
    middle, half = scaling(column)
    return (column.z - middle) / half


def scaling(column: Column) -> tuple[float, float]:
    """Return middle and half range of a column."""
    half = 0.5 * (column.high - column.low)
    return 0.5 * (column.high + column.low), half if half > 0 else 1.0


def library_family(form: Form) -> EdgeFamily:
    """Return a form of the library as an inner function.

    Raises:
        ValueError: the form has no shape.
    """
    shape, name = form.shape, form.family
    if shape is None:
        raise ValueError(f"{name} has no shape of its own")

    def evaluate(column: Column, c: Array, out: Array) -> Array:
        x, u = argument(form, column), tuple(c[1:])
        value = shape.value(x, u)
        out[:, 0] = value
        for k, slope in enumerate(shape.by_inner(x, u), start=1):
            out[:, k] = c[0] * slope
        # The mean over a band of places: a row inside it loses the step where the place
        # passes it.
        if name == "threshold":
            inside = np.abs(x - u[0]) < BAND
            out[:, 1] = -c[0] * inside / (2 * BAND)
        return c[0] * value

    def feasible(column: Column, u: Array) -> bool:
        low, high = _range(form, column)
        margin = POLE_DISTANCE * (high - low)
        return shape.clearance(tuple(u), low - margin, high + margin) > 0

    def retract(column: Column, old: Array, new: Array) -> Array:
        inner = np.clip(new[1:], *np.array(shape.bounds).reshape(-1, 2).T)
        # A step that takes a pole to the data keeps its inner constants; the amplitude
        # moves on.
        kept = inner if feasible(column, inner) else old[1:]
        return np.array([new[0], *kept])

    def grid(column: Column) -> Array:
        starts = shape.grid()
        # Every k-th, with k rounded up, so that the limit holds.
        starts = starts[:: -(-len(starts) // MOST_STARTS)]
        allowed = [u for u in starts if feasible(column, u)]
        return np.array(allowed).reshape(len(allowed), -1)

    def shapes(column: Column, rows: Array, inner: Array) -> Array:
        x = argument(form, column)[rows]
        return np.stack([shape.value(x, tuple(u)) for u in inner])

    size = 1 + len(form.inner)
    return EdgeFamily(
        name, size, float(form.complexity), evaluate, retract, grid, shapes
    )


def _range(form: Form, column: Column) -> tuple[float, float]:
    if form.rescalable:
        return -1.0, 1.0
    ends = (np.array([column.low, column.high]) - column.origin) * column.scale
    return float(ends.min()), float(ends.max())
