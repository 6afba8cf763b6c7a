"""Further families, ready but not tried unless they are asked for by name.

sqrt       a*sqrt(x + s) + d  or  a*sqrt(s - x) + d
reciprocal a/(x - s) + d, also every saturation a*x/(x + k)
cube       a*(x - s)**3 + d          sine      a*sin(w*x + p) + d
tanh       a*tanh(b*(x - s)) + d     gaussian  a*exp(-b*(x - s)**2) + d
threshold  a*step(x - s) + d: d below s, a + d above
square     a*x**2 + d, a parabola whose vertex is zero in the unit of the column
arrhenius  a*exp(e*(x - 25)/(298.15*R*(x + 273.15))) + d, x in degrees C, e in J mol-1
"""

import numpy as np
import sympy

from symbolic.families.forms import Array, Form, Inner, Shape, Variant, grid_of
from symbolic.families.guarded import guarded_exp

ROOT_FLOOR = 1e-15  # roots of less continue on the tangent, as logs do


def _root(t: Array) -> Array:
    inside = np.maximum(t, ROOT_FLOOR)
    # on its tangent below the floor, so that a trial step outside the domain has a slope back
    return np.sqrt(inside) + 0.5 * (t - inside) / np.sqrt(ROOT_FLOOR)


def _root_slope(t: Array) -> Array:
    return 0.5 / np.sqrt(np.maximum(t, ROOT_FLOOR))


_ENERGIES = np.geomspace(2e3, 3e5, 40)
"""Activation energies to start from, J mol-1: reactions of life have 2e4 to 1.2e5."""


def _outside() -> Array:
    # x lies in [-1, 1]: poles on either side, from close by to nearly a line
    distance = np.geomspace(1e-3, 300.0, 40)
    return np.concatenate([-1.0 - distance[::-1], 1.0 + distance])[:, None]


def _beyond() -> Array:
    # closer than poles of logs: data often begin where a root does
    return (1.0 + np.geomspace(1e-6, 300.0, 48))[:, None]


def _line() -> Array:
    return np.linspace(-3.0, 3.0, 61)[:, None]


def _moved(u: Inner, shift: float, scale: float) -> float:
    return shift + scale * u[0]


SQRT_RIGHT = Shape(
    value=lambda x, u: _root(x + u[0]),
    by_inner=lambda x, u: (_root_slope(x + u[0]),),
    by_x=lambda x, u: _root_slope(x + u[0]),
    expression=lambda x, u: sympy.sqrt(x + u[0]),
    grid=_beyond,
    bounds=((1.0, 500.0),),
    rescale=lambda u, shift, scale: ((scale * u[0] - shift,), scale**-0.5, 0.0),
    clearance=lambda u, low, high: low + u[0],
)

SQRT_LEFT = Shape(
    value=lambda x, u: _root(u[0] - x),
    by_inner=lambda x, u: (_root_slope(u[0] - x),),
    by_x=lambda x, u: -_root_slope(u[0] - x),
    expression=lambda x, u: sympy.sqrt(u[0] - x),
    grid=_beyond,
    bounds=((1.0, 500.0),),
    rescale=lambda u, shift, scale: ((_moved(u, shift, scale),), scale**-0.5, 0.0),
    clearance=lambda u, low, high: u[0] - high,
)

RECIPROCAL = Shape(
    value=lambda x, u: 1.0 / (x - u[0]),
    by_inner=lambda x, u: ((x - u[0]) ** -2.0,),
    by_x=lambda x, u: -((x - u[0]) ** -2.0),
    expression=lambda x, u: 1 / (x - u[0]),
    grid=_outside,
    bounds=((-500.0, 500.0),),
    rescale=lambda u, shift, scale: ((_moved(u, shift, scale),), scale, 0.0),
    # positive with the pole on either side of the range, negative with it inside
    clearance=lambda u, low, high: max(low - u[0], u[0] - high),
    pole=lambda u: float(u[0]),
)

CUBE = Shape(
    value=lambda x, u: (x - u[0]) ** 3,
    by_inner=lambda x, u: (-3.0 * (x - u[0]) ** 2,),
    by_x=lambda x, u: 3.0 * (x - u[0]) ** 2,
    expression=lambda x, u: (x - u[0]) ** 3,
    grid=_line,
    bounds=((-100.0, 100.0),),
    rescale=lambda u, shift, scale: ((_moved(u, shift, scale),), scale**-3.0, 0.0),
)

SINE = Shape(
    value=lambda x, u: np.sin(u[0] * x + u[1]),
    by_inner=lambda x, u: (x * np.cos(u[0] * x + u[1]), np.cos(u[0] * x + u[1])),
    by_x=lambda x, u: u[0] * np.cos(u[0] * x + u[1]),
    expression=lambda x, u: sympy.sin(u[0] * x + u[1]),
    # phases of half a circle: the sign of the amplitude is the other half
    grid=lambda: grid_of(np.linspace(1.0, 30.0, 40), np.linspace(0.0, 2.75, 8)),
    bounds=((0.3, 60.0), (-np.pi, 2 * np.pi)),
    rescale=lambda u, shift, scale: (
        (u[0] / scale, float(np.remainder(u[1] - u[0] * shift / scale, 2 * np.pi))),
        1.0,
        0.0,
    ),
)

TANH = Shape(
    value=lambda x, u: np.tanh(u[0] * (x - u[1])),
    by_inner=lambda x, u: (
        # cosh overflows beyond 710; at 300 the slope is zero to any digit
        (x - u[1]) / np.cosh(np.clip(u[0] * (x - u[1]), -300.0, 300.0)) ** 2,
        -u[0] / np.cosh(np.clip(u[0] * (x - u[1]), -300.0, 300.0)) ** 2,
    ),
    by_x=lambda x, u: u[0] / np.cosh(np.clip(u[0] * (x - u[1]), -300.0, 300.0)) ** 2,
    expression=lambda x, u: sympy.tanh(u[0] * (x - u[1])),
    grid=lambda: grid_of(np.geomspace(0.3, 30.0, 14), np.linspace(-1.2, 1.2, 17)),
    bounds=((0.05, 300.0), (-3.0, 3.0)),
    rescale=lambda u, shift, scale: (
        (u[0] / scale, shift + scale * u[1]),
        1.0,
        0.0,
    ),
)

GAUSSIAN = Shape(
    value=lambda x, u: guarded_exp(-u[0] * (x - u[1]) ** 2),
    by_inner=lambda x, u: (
        -((x - u[1]) ** 2) * guarded_exp(-u[0] * (x - u[1]) ** 2),
        2.0 * u[0] * (x - u[1]) * guarded_exp(-u[0] * (x - u[1]) ** 2),
    ),
    by_x=lambda x, u: -2.0 * u[0] * (x - u[1]) * guarded_exp(-u[0] * (x - u[1]) ** 2),
    expression=lambda x, u: sympy.exp(-u[0] * (x - u[1]) ** 2),
    grid=lambda: grid_of(np.geomspace(0.3, 200.0, 14), np.linspace(-1.2, 1.2, 17)),
    bounds=((0.05, 2000.0), (-3.0, 3.0)),
    rescale=lambda u, shift, scale: (
        (u[0] / scale**2, shift + scale * u[1]),
        1.0,
        0.0,
    ),
)

THRESHOLD = Shape(
    value=lambda x, u: np.heaviside(x - u[0], 0.5),
    # moving the step changes no row until it passes one: its place has no slope and is
    # searched on the grid
    by_inner=lambda x, u: (np.zeros(np.shape(x)),),
    by_x=lambda x, u: np.zeros(np.shape(x)),
    expression=lambda x, u: sympy.Heaviside(x - u[0]),
    grid=lambda: np.linspace(-0.97, 0.97, 195)[:, None],
    bounds=((-1.0, 1.0),),
    rescale=lambda u, shift, scale: ((_moved(u, shift, scale),), 1.0, 0.0),
)

SQUARE = Shape(
    value=lambda x, u: x * x,
    by_inner=lambda x, u: (),
    by_x=lambda x, u: 2.0 * x,
    expression=lambda x, u: x**2,
)
"""Without a rule for new units: zero of another unit is another vertex."""

GAS_CONSTANT = 8.314462618  # J mol-1 K-1, CODATA 2018
FREEZING, REFERENCE = 273.15, 298.15  # K: 0 and 25 degrees C

COLDEST, HOTTEST = -150.0, 150.0
"""Degrees C between which a column is a temperature in degrees C; one in kelvin is above."""


def _warmth(x: Array) -> Array:
    """Return (1/298.15 - 1/T) / R, mol J-1, of temperatures in degrees C."""
    return (1.0 / REFERENCE - 1.0 / np.maximum(x + FREEZING, 1.0)) / GAS_CONSTANT


def _rate(x: Array, u: Inner) -> Array:
    return guarded_exp(u[0] * _warmth(x))


ARRHENIUS = Shape(
    value=_rate,
    by_inner=lambda x, u: (_warmth(x) * _rate(x, u),),
    by_x=lambda x, u: u[0] / GAS_CONSTANT / (x + FREEZING) ** 2 * _rate(x, u),
    # a difference of reciprocals would be taken apart to exp(26)*exp(-7800/T)
    expression=lambda x, u: sympy.exp(
        u[0] / sympy.Float(REFERENCE * GAS_CONSTANT)
        * (x - sympy.Float(REFERENCE - FREEZING)) / (x + sympy.Float(FREEZING))
    ),
    grid=lambda: np.concatenate([-_ENERGIES[::-1], _ENERGIES])[:, None],
    bounds=((-5e5, 5e5),),
    clearance=lambda u, low, high: min(low - COLDEST, HOTTEST - high),
)  # fmt: skip

MORE_FAMILIES: dict[str, tuple[Form, ...]] = {
    "sqrt": (
        Form("sqrt", Variant("+"), ("s",), 6, SQRT_RIGHT),
        Form("sqrt", Variant("-"), ("s",), 6, SQRT_LEFT),
    ),
    "reciprocal": (Form("reciprocal", Variant(), ("s",), 6, RECIPROCAL),),
    "cube": (Form("cube", Variant(), ("s",), 6, CUBE),),
    "sine": (Form("sine", Variant(), ("w", "p"), 8, SINE),),
    "tanh": (Form("tanh", Variant(), ("b", "s"), 8, TANH),),
    "gaussian": (Form("gaussian", Variant(), ("b", "s"), 9, GAUSSIAN),),
    "threshold": (Form("threshold", Variant(), ("s",), 5, THRESHOLD),),
    "square": (Form("square", Variant(), (), 4, SQUARE),),
    "arrhenius": (Form("arrhenius", Variant(), ("e",), 12, ARRHENIUS),),
}
"""Families to be named explicitly: ``families=[*DEFAULT_FAMILIES, "tanh"]``."""
