"""Families of growth and saturation, ready but not tried unless asked for by name.

power             a*(x + s)**p + d  or  a*(s - x)**p + d
michaelis_menten  a*x/(x + k) + d
hill              a*(x + s)**n/(k**n + (x + s)**n) + d
logistic          a/(1 + exp(-b*(x - s))) + d
piecewise_linear  a*(Abs(x - s) + r*x) + d, slopes a*(r - 1) and a*(r + 1)
"""

from typing import Any

import numpy as np
import sympy
from scipy.special import expit

from symbolic.families.forms import Array, Form, Inner, Shape, Variant, grid_of
from symbolic.families.guarded import guarded_exp

SMALLEST = 1e-12
"""Arguments of powers below this count as this."""


def _positive(t: Array) -> Array:
    return np.maximum(t, SMALLEST)


def _power(t: Array, p: float) -> Array:
    """t to the p; trials of a fit may leave the bounds, and must not overflow."""
    return guarded_exp(p * np.log(_positive(t)))


def _power_slope(t: Array, p: float) -> Array:
    return p * _power(t, p - 1.0)


def _powers() -> Array:
    exponents = np.array([-3, -2, -1.5, -1, -0.5, 0.25, 0.5, 0.7, 1.3, 1.6, 2.5, 3, 4])
    return grid_of(1.0 + np.geomspace(1e-3, 10.0, 12), exponents)


POWER_BOUNDS = ((1.0, 200.0), (-8.0, 8.0))

POWER_RIGHT = Shape(
    value=lambda x, u: _power(x + u[0], u[1]),
    by_inner=lambda x, u: (
        _power_slope(x + u[0], u[1]),
        _power(x + u[0], u[1]) * np.log(_positive(x + u[0])),
    ),
    by_x=lambda x, u: _power_slope(x + u[0], u[1]),
    expression=lambda x, u: (x + u[0]) ** u[1],
    grid=_powers,
    bounds=POWER_BOUNDS,
    # ((x - shift) / scale + s)^p = scale^-p (x + scale s - shift)^p
    rescale=lambda u, shift, scale: (
        (scale * u[0] - shift, u[1]),
        scale ** -u[1],
        0.0,
    ),
    clearance=lambda u, low, high: low + u[0],
    pole=lambda u: -float(u[0]) if u[1] < 0 else None,
)

POWER_LEFT = Shape(
    value=lambda x, u: _power(u[0] - x, u[1]),
    by_inner=lambda x, u: (
        _power_slope(u[0] - x, u[1]),
        _power(u[0] - x, u[1]) * np.log(_positive(u[0] - x)),
    ),
    by_x=lambda x, u: -_power_slope(u[0] - x, u[1]),
    expression=lambda x, u: (u[0] - x) ** u[1],
    grid=_powers,
    bounds=POWER_BOUNDS,
    rescale=lambda u, shift, scale: (
        (shift + scale * u[0], u[1]),
        scale ** -u[1],
        0.0,
    ),
    clearance=lambda u, low, high: u[0] - high,
    pole=lambda u: float(u[0]) if u[1] < 0 else None,
)


def _half_saturation(
    u: Inner, shift: float, scale: float
) -> tuple[Inner, float, float]:
    """Move the zero of x / (x + k) to the origin of the other unit."""
    reach = scale * u[0]
    k = reach - shift
    if k == 0.0:  # the pole is at the origin: the nearest member
        k = np.finfo(float).eps * reach
    # with z = (x - shift) / scale: z / (z + u) = 1 - reach / (x + k), reach = scale u, and
    # reach / (x + k) = (reach / k) (1 - x / (x + k))
    return (k,), reach / k, 1.0 - reach / k


MICHAELIS_MENTEN = Shape(
    value=lambda x, u: x / (x + u[0]),
    by_inner=lambda x, u: (-x / (x + u[0]) ** 2,),
    by_x=lambda x, u: u[0] / (x + u[0]) ** 2,
    expression=lambda x, u: x / (x + u[0]),
    grid=lambda: (1.0 + np.geomspace(1e-3, 300.0, 48))[:, None],
    bounds=((1.0, 500.0),),
    rescale=_half_saturation,
    clearance=lambda u, low, high: low + u[0],
    pole=lambda u: -float(u[0]),
)


def _hill(x: Array, u: Inner) -> Array:
    # (x + s)^n / (k^n + (x + s)^n) as a sigmoid of n log((x + s) / k): no power overflows
    return expit(u[2] * np.log(_positive(x + u[0]) / u[1]))


def _hill_bend(x: Array, u: Inner) -> Array:
    h = _hill(x, u)
    # slope of the sigmoid, a factor of all derivatives below
    return h * (1.0 - h)


HILL = Shape(
    value=_hill,
    by_inner=lambda x, u: (
        _hill_bend(x, u) * u[2] / _positive(x + u[0]),
        -_hill_bend(x, u) * u[2] / u[1],
        _hill_bend(x, u) * np.log(_positive(x + u[0]) / u[1]),
    ),
    by_x=lambda x, u: _hill_bend(x, u) * u[2] / _positive(x + u[0]),
    expression=lambda x, u: (x + u[0]) ** u[2] / (u[1] ** u[2] + (x + u[0]) ** u[2]),
    grid=lambda: grid_of(
        1.0 + np.geomspace(1e-3, 5.0, 6),
        np.geomspace(0.1, 4.0, 8),
        np.array([0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0]),
    ),
    bounds=((1.0, 50.0), (1e-3, 100.0), (0.2, 15.0)),
    rescale=lambda u, shift, scale: (
        (scale * u[0] - shift, scale * u[1], u[2]),
        1.0,
        0.0,
    ),
    clearance=lambda u, low, high: low + u[0],
)


def _logistic_bend(x: Array, u: Inner) -> Array:
    h = expit(u[0] * (x - u[1]))
    return h * (1.0 - h)


STEEP = 100.0
"""Exponent above which exp(b*s), which sympy takes out of exp(b*s - b*x), is no number
that a reader can use; doubles end at exp(709)."""


def _logistic_expression(x: Any, u: Any) -> Any:
    moved = sympy.sympify(u[0] * u[1])
    if moved.is_number and abs(float(moved)) > STEEP:
        # The same sigmoid, which holds b*s inside.
        return (1 + sympy.tanh(u[0] * (x - u[1]) / 2)) / 2
    return 1 / (1 + sympy.exp(-u[0] * (x - u[1])))


LOGISTIC = Shape(
    value=lambda x, u: expit(u[0] * (x - u[1])),
    by_inner=lambda x, u: (
        (x - u[1]) * _logistic_bend(x, u),
        -u[0] * _logistic_bend(x, u),
    ),
    by_x=lambda x, u: u[0] * _logistic_bend(x, u),
    expression=_logistic_expression,
    grid=lambda: grid_of(np.geomspace(0.6, 60.0, 14), np.linspace(-1.2, 1.2, 17)),
    bounds=((0.1, 600.0), (-3.0, 3.0)),
    rescale=lambda u, shift, scale: ((u[0] / scale, shift + scale * u[1]), 1.0, 0.0),
)

PIECEWISE_LINEAR = Shape(
    value=lambda x, u: np.abs(x - u[0]) + u[1] * x,
    by_inner=lambda x, u: (-np.sign(x - u[0]), x),
    by_x=lambda x, u: np.sign(x - u[0]) + u[1],
    expression=lambda x, u: sympy.Abs(x - u[0]) + u[1] * x,
    grid=lambda: grid_of(
        np.linspace(-0.95, 0.95, 39),
        np.array([-9, -4, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 9.0]),
    ),
    bounds=((-1.0, 1.0), (-100.0, 100.0)),
    # |z - s| + r z = (|x - s'| + r x) / scale - r shift / scale
    rescale=lambda u, shift, scale: (
        (shift + scale * u[0], u[1]),
        1.0 / scale,
        -u[1] * shift / scale,
    ),
)

SATURATING_FAMILIES: dict[str, tuple[Form, ...]] = {
    "power": (
        Form("power", Variant("+"), ("s", "p"), 7, POWER_RIGHT),
        Form("power", Variant("-"), ("s", "p"), 7, POWER_LEFT),
    ),
    "michaelis_menten": (
        Form("michaelis_menten", Variant(), ("k",), 7, MICHAELIS_MENTEN),
    ),
    "hill": (Form("hill", Variant(), ("s", "k", "n"), 13, HILL),),
    "logistic": (Form("logistic", Variant(), ("b", "s"), 9, LOGISTIC),),
    "piecewise_linear": (
        Form("piecewise_linear", Variant(), ("s", "r"), 8, PIECEWISE_LINEAR),
    ),
}
"""Families to be named explicitly, like those of ``symbolic.families.more_families``."""
