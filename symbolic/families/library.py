"""The library of families: the five of the paper, constant, and the user's own.

    constant   d                      linear   a*x + d
    quadratic  a*(x - s)**2 + d       exp      a*exp(b*x) + d
    log        a*log(x + s) + d  or  a*log(s - x) + d
    abs        a*Abs(x - s) + d

An inner scale of log and abs, and an inner shift of exp, would only move a and d; they
are left out, so that a printed equation is not one of many.
"""

import numpy as np
import sympy

from symbolic.families.forms import Array, Form, Inner, Shape, Variant
from symbolic.families.guarded import (
    guarded_exp,
    guarded_exp_slope,
    guarded_log,
    guarded_log_slope,
)
from symbolic.families.more_families import MORE_FAMILIES
from symbolic.families.saturating import SATURATING_FAMILIES

NEAR_LINEAR = 1e-3
"""Curvature, in units of the half range, down to which members are searched."""


def _rates() -> Array:
    # from nearly straight to bent within a fortieth of the half range
    size = np.geomspace(NEAR_LINEAR, 40.0, 44)
    return np.concatenate([-size[::-1], size])[:, None]


def _pole_distances() -> Array:
    # x lies in [-1, 1], so a pole stands beyond 1; s counts from the middle
    return (1.0 + np.geomspace(1e-4, 1.0 / NEAR_LINEAR, 56))[:, None]


def _kinks() -> Array:
    # closer together near the ends, where a small shift changes many rows' side
    border = 1.0 - np.geomspace(0.004, 0.04, 6)
    inside = np.linspace(-0.95, 0.95, 77)
    return np.concatenate([-border, inside, border[::-1]])[:, None]


def _vertices() -> Array:
    size = np.geomspace(0.05, 1.0 / NEAR_LINEAR, 30)
    return np.concatenate([-size[::-1], [0.0], size])[:, None]


def _moved(u: Inner, shift: float, scale: float) -> Inner:
    return (shift + scale * u[0],)


LINEAR = Shape(
    value=lambda x, u: x,
    by_inner=lambda x, u: (),
    by_x=lambda x, u: np.ones(np.shape(x)),
    expression=lambda x, u: x,
    # (x - shift) / scale, written as factor * x + offset
    rescale=lambda u, shift, scale: ((), 1.0 / scale, -shift / scale),
)

QUADRATIC = Shape(
    value=lambda x, u: (x - u[0]) ** 2,
    by_inner=lambda x, u: (-2.0 * (x - u[0]),),
    by_x=lambda x, u: 2.0 * (x - u[0]),
    expression=lambda x, u: (x - u[0]) ** 2,
    grid=_vertices,
    bounds=((-1.0 / NEAR_LINEAR, 1.0 / NEAR_LINEAR),),
    # ((x - shift) / scale - s)^2 = (x - (shift + scale s))^2 / scale^2
    rescale=lambda u, shift, scale: (_moved(u, shift, scale), 1.0 / scale**2, 0.0),
)

EXP = Shape(
    value=lambda x, u: guarded_exp(u[0] * x),
    by_inner=lambda x, u: (x * guarded_exp_slope(u[0] * x),),
    by_x=lambda x, u: u[0] * guarded_exp_slope(u[0] * x),
    expression=lambda x, u: sympy.exp(u[0] * x),
    grid=_rates,
    bounds=((-60.0, 60.0),),
    # exp(b (x - shift) / scale) = exp(-b shift / scale) exp((b / scale) x)
    rescale=lambda u, shift, scale: (
        (u[0] / scale,),
        float(np.exp(-u[0] * shift / scale)),
        0.0,
    ),
)


LOG_RIGHT = Shape(
    value=lambda x, u: guarded_log(x + u[0]),
    by_inner=lambda x, u: (guarded_log_slope(x + u[0]),),
    by_x=lambda x, u: guarded_log_slope(x + u[0]),
    expression=lambda x, u: sympy.log(x + u[0]),
    grid=_pole_distances,
    bounds=((1.0, 2.0 / NEAR_LINEAR),),
    # log((x - shift) / scale + s) = log(x + scale s - shift) - log(scale)
    rescale=lambda u, shift, scale: (
        (scale * u[0] - shift,),
        1.0,
        -float(np.log(scale)),
    ),
    clearance=lambda u, low, high: low + u[0],
    pole=lambda u: -float(u[0]),
)

LOG_LEFT = Shape(
    value=lambda x, u: guarded_log(u[0] - x),
    by_inner=lambda x, u: (guarded_log_slope(u[0] - x),),
    by_x=lambda x, u: -guarded_log_slope(u[0] - x),
    expression=lambda x, u: sympy.log(u[0] - x),
    grid=_pole_distances,
    bounds=((1.0, 2.0 / NEAR_LINEAR),),
    rescale=lambda u, shift, scale: (
        _moved(u, shift, scale),
        1.0,
        -float(np.log(scale)),
    ),
    clearance=lambda u, low, high: u[0] - high,
    pole=lambda u: float(u[0]),
)

ABS = Shape(
    value=lambda x, u: np.abs(x - u[0]),
    by_inner=lambda x, u: (-np.sign(x - u[0]),),
    by_x=lambda x, u: np.sign(x - u[0]),
    expression=lambda x, u: sympy.Abs(x - u[0]),
    grid=_kinks,
    bounds=((-1.0, 1.0),),
    rescale=lambda u, shift, scale: (_moved(u, shift, scale), 1.0 / scale, 0.0),
)

FAMILIES: dict[str, tuple[Form, ...]] = {
    "constant": (Form("constant", Variant(), (), 1, None),),
    "linear": (Form("linear", Variant(), (), 3, LINEAR),),
    "quadratic": (Form("quadratic", Variant(), ("s",), 5, QUADRATIC),),
    "exp": (Form("exp", Variant(), ("b",), 6, EXP),),
    "log": (
        Form("log", Variant("+"), ("s",), 6, LOG_RIGHT),
        Form("log", Variant("-"), ("s",), 6, LOG_LEFT),
    ),
    "abs": (Form("abs", Variant(), ("s",), 6, ABS),),
    **MORE_FAMILIES,
    **SATURATING_FAMILIES,
}
"""Every family that can be asked for by name; a family may have several branches."""

DEFAULT_FAMILIES = ("constant", "linear", "quadratic", "exp", "log", "abs")
"""The families tried when nothing else is asked for."""
