"""Inner functions of a scaled feature, parametrised so that they never degenerate.

    linear     a z
    quadratic  a z^2 + b z
    exp        a (exp(b z) - 1) / b       slope a at zero, linear as b -> 0
    log        a log(1 + q z) / q         slope a at zero, linear as q -> 0, pole -1/q
    abs        a |z - v|
    spline     cubic splines, linear in their coefficients

Both branches of the logarithm and near-linear members are one smooth family, which
keeps Levenberg-Marquardt well conditioned; the offsets are not part of an edge.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

EXPONENT = 40.0
"""Largest exponent on the data."""

POLE_DISTANCE = 2e-3
"""Smallest distance of a pole to the data, as a share of their range."""

CROWDED = 20  # outermost rows whose mean distance is meant below
POLE_SPACING = 0.05
"""The same, in distances between the outermost rows, where these are crowded: a
square root of data that begin at zero has its pole among them."""


@dataclass(frozen=True)
class Column:
    """One scaled feature with what its families need.

    Args:
        z: (n,) values;  square: z^2;  basis: (n, m) splines.
        low, high: range of the data (of all rows, also where z is a subset).
        origin: z where the raw feature is zero.
        gaps: smallest distance of a pole below and above the data.
    """

    z: Array
    square: Array
    basis: Array
    low: float
    high: float
    origin: float
    gaps: tuple[float, float]


@dataclass(frozen=True)
class EdgeFamily:
    """A family of inner functions.

    Args:
        name: as in the library of closed forms.
        size: number of constants.
        complexity: nodes of the printed formula.
        evaluate: (column, constants, out (n, size)) -> value (n,), derivatives in out.
        retract: (column, old, new) -> new inside the domain.
        grid: column -> (m,) values of the inner constant to start from.
        shape: (z, inner constants (m,)) -> (m, n) curves of unit amplitude.
        natural: (column, constants) -> offset that makes the raw function one without
            an offset (a x, a (x - v)^2, a exp(b x), a |x - v|), and its derivatives.
    """

    name: str
    size: int
    complexity: float
    evaluate: Callable[[Column, Array, Array], Array]
    retract: Callable[[Column, Array, Array], Array] = lambda column, old, new: new
    grid: Callable[[Column], Array] | None = None
    shape: Callable[[Array, Array], Array] | None = None
    natural: Callable[[Column, Array], tuple[float, Array]] | None = None


def _linear(column: Column, c: Array, out: Array) -> Array:
    out[:, 0] = column.z
    return c[0] * column.z


def _quadratic(column: Column, c: Array, out: Array) -> Array:
    out[:, 0], out[:, 1] = column.square, column.z
    return c[0] * column.square + c[1] * column.z


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


def pole_gaps(z: Array) -> tuple[float, float]:
    """Smallest distance of a pole below and above the data."""
    ordered = np.sort(z)
    few = min(CROWDED, len(z) - 1)
    widest = POLE_DISTANCE * float(ordered[-1] - ordered[0])
    # A distance in terms of how close the outermost rows lie: a true square root has rows right
    # up to its pole, while a few stragglers must not pull a pole to them.
    spacing = (ordered[few] - ordered[0], ordered[-1] - ordered[-1 - few])
    low, high = (POLE_SPACING * float(one) / few for one in spacing)
    least = 1e-4 * widest
    return min(max(low, least), widest), min(max(high, least), widest)


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
    return np.concatenate([-size[::-1], size])


def _poles(column: Column) -> Array:
    width = column.high - column.low
    # from just beyond the smallest distance to where the logarithm is nearly a line
    below, above = (np.geomspace(2.0 * gap, 6.0 * width, 20) for gap in column.gaps)
    return np.concatenate([-1.0 / (column.high + above), 1.0 / (below - column.low)])


def _kinks(column: Column) -> Array:
    share = np.linspace(0.015, 0.985, 48)
    even = column.low + share * (column.high - column.low)
    # kinks between many rows are looked for more finely
    return np.sort(np.concatenate([even, np.quantile(column.z, share[::2])]))


def _exp_shapes(z: Array, rates: Array) -> Array:
    return np.expm1(rates[:, None] * z) / rates[:, None]


def _log_shapes(z: Array, inverse: Array) -> Array:
    inside = np.maximum(1.0 + inverse[:, None] * z, 1e-12)
    return np.log(inside) / inverse[:, None]


def _abs_shapes(z: Array, kinks: Array) -> Array:
    return np.abs(z - kinks[:, None])


def _natural_line(column: Column, c: Array) -> tuple[float, Array]:
    # a z + offset = a (z - origin), which is a multiple of the raw feature
    return -float(c[0]) * column.origin, np.array([-column.origin])


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


def _natural_abs(column: Column, c: Array) -> tuple[float, Array]:
    return 0.0, np.zeros(2)


EDGE_FAMILIES: dict[str, EdgeFamily] = {
    one.name: one
    for one in (
        EdgeFamily("linear", 1, 3.0, _linear, natural=_natural_line),
        EdgeFamily("quadratic", 2, 5.0, _quadratic, natural=_natural_square),
        EdgeFamily(
            "exp", 2, 6.0, _exp, _retract_exp, _rates, _exp_shapes, _natural_exp
        ),
        EdgeFamily("log", 2, 6.0, _log, _retract_log, _poles, _log_shapes),
        EdgeFamily(
            "abs", 2, 6.0, _abs, _retract_abs, _kinks, _abs_shapes, _natural_abs
        ),
        EdgeFamily("spline", 9, 9.0, _spline),
    )
}
"""Inner functions by name; "spline" stands for a curve that is not named yet."""

NAMED = ("linear", "quadratic", "exp", "log", "abs")
"""Families of closed form."""
