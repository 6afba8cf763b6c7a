"""Inner functions of a scaled feature, parametrised so that they never degenerate.

    linear     a z
    quadratic  a z^2 + b z
    square     a (z^2 - 2 o z)          a parabola with its vertex at the raw zero o
    exp        a (exp(b z) - 1) / b       slope a at zero, linear as b -> 0
    log        a log(1 + q z) / q         slope a at zero, linear as q -> 0, pole -1/q
    abs        a |z - v|
    harmonic   a cos(w z) + b sin(w z)   one wave on a circle of period 2 pi / w
    harmonics  the same and the wave of half the period
    spline     cubic splines, linear in their coefficients

Both branches of the logarithm and near-linear members are one smooth family, which
keeps Levenberg-Marquardt well conditioned; the offsets are not part of an edge.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from symbolic.composition.fitting.columns import Column, EdgeFamily
from symbolic.composition.fitting.library_families import library_family
from symbolic.families.forms import Form, Shape
from symbolic.families.harmonics import harmonics
from symbolic.families.library import FAMILIES

Array = np.ndarray

EXPONENT = 40.0
"""Largest exponent on the data."""


def _linear(column: Column, c: Array, out: Array) -> Array:
    out[:, 0] = column.z
    return c[0] * column.z


def _quadratic(column: Column, c: Array, out: Array) -> Array:
    out[:, 0], out[:, 1] = column.square, column.z
    return c[0] * column.square + c[1] * column.z


def _square(column: Column, c: Array, out: Array) -> Array:
    # a (z - o)^2 without its value at z = 0, where the feature has its mean: a raw square
    # of a feature far from zero would lose the digits of its variation
    out[:, 0] = column.square - (2.0 * column.origin) * column.z
    return c[0] * out[:, 0]


def _exp(column: Column, c: Array, out: Array) -> Array:
    a, b, z = c[0], c[1], column.z
    # exp(b z) - 1 cancels for small b; here three terms of the series
    # (exp(b z) - 1) / b = z + b z^2 / 2 + b^2 z^3 / 6 are exact to about 1e-13
    if abs(b) < 1e-4:
        square, cube = column.square, column.square * z
        out[:, 0] = z + (b / 2) * square + (b * b / 6) * cube
        out[:, 1] = a * (square / 2 + (b / 3) * cube)
        return a * out[:, 0]
    power = np.exp(b * z)
    out[:, 0] = (power - 1.0) / b
    # d/db of a (exp(b z) - 1) / b
    out[:, 1] = (a / b) * (z * power - out[:, 0])
    return a * out[:, 0]


def _log(column: Column, c: Array, out: Array) -> Array:
    a, q, z = c[0], c[1], column.z
    # likewise log(1 + q z) / q = z - q z^2 / 2 + q^2 z^3 / 3
    if abs(q) < 1e-4:
        square, cube = column.square, column.square * z
        out[:, 0] = z - (q / 2) * square + (q * q / 3) * cube
        out[:, 1] = a * (-square / 2 + (2 * q / 3) * cube)
        return a * out[:, 0]
    inside = 1.0 + q * z
    out[:, 0] = np.log(inside) / q
    out[:, 1] = (a / q) * (z / inside - out[:, 0])
    return a * out[:, 0]


def _abs(column: Column, c: Array, out: Array) -> Array:
    distance = column.z - c[1]
    out[:, 0] = np.abs(distance)
    out[:, 1] = -c[0] * np.sign(distance)
    return c[0] * out[:, 0]


def _spline(column: Column, c: Array, out: Array) -> Array:
    out[:] = column.basis
    return column.basis @ c


def _waves(count: int) -> Callable[[Column, Array, Array], Array]:
    def evaluate(column: Column, c: Array, out: Array) -> Array:
        out[:] = harmonics(column.period, count).columns(column.z)
        return out @ c

    return evaluate


def _exp_limit(column: Column) -> float:
    return EXPONENT / max(abs(column.low), abs(column.high), 1e-9)


def _retract_exp(column: Column, old: Array, new: Array) -> Array:
    limit = _exp_limit(column)
    return np.array([new[0], np.clip(new[1], -limit, limit)])


def log_bounds(column: Column) -> tuple[float, float]:
    """Return the open interval of q that keeps the pole off the data."""
    # 1 + q z > 0 has to hold on (low - below, high + above), which contains zero: features are
    # scaled about their mean.
    below, above = column.gaps
    return -1.0 / (column.high + above), 1.0 / (below - column.low)


def _retract_log(column: Column, old: Array, new: Array) -> Array:
    low, high = log_bounds(column)
    # Half of what was left to the bound, not the bound: poles may come ever closer to it but
    # never stand on it, where value and derivatives are infinite.
    q = new[1]
    if q <= low:
        q = 0.5 * (low + max(old[1], low))
    elif q >= high:
        q = 0.5 * (high + min(old[1], high))
    return np.array([new[0], q])


def _retract_abs(column: Column, old: Array, new: Array) -> Array:
    # beyond the outermost rows a kink is a line and its place has no derivative
    margin = 0.003 * (column.high - column.low)
    kink = np.clip(new[1], column.low + margin, column.high - margin)
    return np.array([new[0], kink])


def _rates(column: Column) -> Array:
    # from nearly straight, 0.06, to what grows by e within an eighth of a deviation
    size = np.geomspace(0.06, min(_exp_limit(column), 8.0), 16)
    return np.concatenate([-size[::-1], size])[:, None]


def _poles(column: Column) -> Array:
    width = column.high - column.low
    # from just beyond the smallest distance to where the logarithm is nearly a line
    below, above = (
        np.geomspace(2.0 * distance, 6.0 * width, 20) for distance in column.gaps
    )
    both = np.concatenate([-1.0 / (column.high + above), 1.0 / (below - column.low)])
    return both[:, None]


def _kinks(column: Column) -> Array:
    share = np.linspace(0.015, 0.985, 48)
    even = column.low + share * (column.high - column.low)
    # kinks between many rows are looked for more finely
    return np.sort(np.concatenate([even, np.quantile(column.z, share[::2])]))[:, None]


def _exp_shapes(column: Column, rows: Array, rates: Array) -> Array:
    return np.expm1(rates * column.z[rows]) / rates


def _log_shapes(column: Column, rows: Array, inverse: Array) -> Array:
    inside = np.maximum(1.0 + inverse * column.z[rows], 1e-12)
    return np.log(inside) / inverse


def _no_inner(column: Column) -> Array:
    return np.zeros((1, 0))


def _square_shapes(column: Column, rows: Array, inner: Array) -> Array:
    return (column.square - (2.0 * column.origin) * column.z)[rows][None, :]


def _abs_shapes(column: Column, rows: Array, kinks: Array) -> Array:
    return np.abs(column.z[rows] - kinks)


def _natural_line(column: Column, c: Array) -> tuple[float, Array]:
    # a z + offset = a (z - origin), which is a multiple of the raw feature
    return -float(c[0]) * column.origin, np.array([-column.origin])


def _natural_raw_square(column: Column, c: Array) -> tuple[float, Array]:
    # a (z - o)^2 = a (z^2 - 2 o z) + a o^2
    return float(c[0]) * column.origin**2, np.array([column.origin**2])


def _natural_square(column: Column, c: Array) -> tuple[float, Array]:
    a = c[0] if abs(c[0]) > 1e-9 else 1e-9
    vertex = 0.5 * float(c[1] / a)
    # a z^2 + b z = a (z + v)^2 - a v^2 with v = b / (2 a); the derivatives count v as a
    # function of both
    return a * vertex * vertex, np.array([-vertex * vertex, vertex])


def _natural_exp(column: Column, c: Array) -> tuple[float, Array]:
    b = c[1] if abs(c[1]) > 1e-9 else 1e-9
    # a (exp(b z) - 1) / b = (a / b) exp(b z) - a / b
    return float(c[0] / b), np.array([1.0 / b, -c[0] / (b * b)])


def _without_offset(column: Column, c: Array) -> tuple[float, Array]:
    return 0.0, np.zeros(len(c))


_OWN: dict[str, EdgeFamily] = {
    family.name: family
    for family in (
        EdgeFamily("linear", 1, 3.0, _linear, natural=_natural_line),
        EdgeFamily("quadratic", 2, 5.0, _quadratic, natural=_natural_square),
        EdgeFamily(
            "square",
            1,
            4.0,
            _square,
            grid=_no_inner,
            shapes=_square_shapes,
            natural=_natural_raw_square,
        ),
        EdgeFamily(
            "exp", 2, 6.0, _exp, _retract_exp, _rates, _exp_shapes, _natural_exp
        ),
        EdgeFamily("log", 2, 6.0, _log, _retract_log, _poles, _log_shapes),
        EdgeFamily(
            "abs", 2, 6.0, _abs, _retract_abs, _kinks, _abs_shapes, _without_offset
        ),
        EdgeFamily("harmonic", 2, 8.0, _waves(1), natural=_without_offset),
        EdgeFamily("harmonics", 4, 14.0, _waves(2), natural=_without_offset),
        EdgeFamily("spline", 9, 9.0, _spline),
    )
}

CIRCULAR = ("harmonic", "harmonics")
"""Families of a feature on a circle, which has no others."""

LINEAR_IN_CONSTANTS = ("linear", "square", "quadratic", *CIRCULAR)
WITHOUT_DOMAIN = (*LINEAR_IN_CONSTANTS, "spline")


def linear_columns(column: Column, name: str) -> Array:
    """Return the columns (n, constants) whose sum a line, parabola or wave is."""
    out = np.empty((len(column.z), _OWN[name].size))
    _OWN[name].evaluate(column, np.zeros(out.shape[1]), out)
    return out


NAMED = ("linear", "quadratic", "exp", "log", "abs")
"""Families of closed form that are used unless others are asked for."""


def edge_family(name: str) -> EdgeFamily:
    """Return an inner function by its name; "spline" stands for one without a name yet.

    Raises:
        KeyError: there is no such family.
    """
    return _OWN[name] if name in _OWN else _of_library(FAMILIES[name][0])


@cache
def _adapted(form: Form, shape: Shape) -> EdgeFamily:
    return library_family(form)


def _of_library(form: Form) -> EdgeFamily:
    """Adapt a form once; forms of one name are equal whatever their shape."""
    if form.shape is None:
        raise KeyError(form.family)
    return _adapted(form, form.shape)


def can_be_composed(name: str) -> bool:
    """Whether a family may stand in a formula: a shape of its own, the same for all rows."""
    return name in NAMED or (name in FAMILIES and FAMILIES[name][0].shape is not None)
