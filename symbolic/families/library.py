"""The library of families: the five of the paper, constant, and the user's own.

    constant   d                      linear   a*x + d
    quadratic  a*(x - s)**2 + d       exp      a*exp(b*x) + d
    log        a*log(x + s) + d  or  a*log(s - x) + d
    abs        a*Abs(x - s) + d

An inner scale of log and abs, and an inner shift of exp, would only move a and d; they
are left out, so that a printed equation is not one of many.
"""

from typing import Any

import numpy as np
import sympy

from symbolic.families.forms import Array, Form, Inner, Shape
from symbolic.families.more_families import MORE_FAMILIES
from symbolic.families.saturating import SATURATING_FAMILIES

EXPONENT_LIMIT = 200.0
"""Exponents above this grow linearly: finite sums of squares for any trial step, and
still exact for b * x in raw units (kelvin, hectopascal)."""

LOG_FLOOR = 1e-15
"""Arguments of log below this continue on the tangent."""

FAR_EXPONENT = 30.0
"""Exponent at x = 0, relative to the data, above which exp is written about a number."""

NEAR_LINEAR = 1e-3
"""Curvature, in units of the half range, down to which members are searched."""


def guarded_exp(t: Array) -> Array:
    """Exponential that continues on its tangent above ``EXPONENT_LIMIT``."""
    inside = np.minimum(t, EXPONENT_LIMIT)
    return np.exp(inside) * (1.0 + (t - inside))


def guarded_exp_slope(t: Array) -> Array:
    """Exact derivative of ``guarded_exp``."""
    return np.exp(np.minimum(t, EXPONENT_LIMIT))


def guarded_log(t: Array) -> Array:
    """Logarithm that continues on its tangent below ``LOG_FLOOR``."""
    inside = np.maximum(t, LOG_FLOOR)
    return np.log(inside) + (t - inside) / LOG_FLOOR


def guarded_log_slope(t: Array) -> Array:
    """Exact derivative of ``guarded_log``."""
    return 1.0 / np.maximum(t, LOG_FLOOR)


def _rates() -> Array:
    size = np.geomspace(NEAR_LINEAR, 40.0, 44)
    return np.concatenate([-size[::-1], size])[:, None]


def _pole_distances() -> Array:
    return (1.0 + np.geomspace(1e-4, 1.0 / NEAR_LINEAR, 56))[:, None]


def _kinks() -> Array:
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
    rescale=lambda u, shift, scale: ((), 1.0 / scale, -shift / scale),
)

QUADRATIC = Shape(
    value=lambda x, u: (x - u[0]) ** 2,
    by_inner=lambda x, u: (-2.0 * (x - u[0]),),
    by_x=lambda x, u: 2.0 * (x - u[0]),
    expression=lambda x, u: (x - u[0]) ** 2,
    grid=_vertices,
    bounds=((-1.0 / NEAR_LINEAR, 1.0 / NEAR_LINEAR),),
    rescale=lambda u, shift, scale: (_moved(u, shift, scale), 1.0 / scale**2, 0.0),
)

EXP = Shape(
    value=lambda x, u: guarded_exp(u[0] * x),
    by_inner=lambda x, u: (x * guarded_exp_slope(u[0] * x),),
    by_x=lambda x, u: u[0] * guarded_exp_slope(u[0] * x),
    expression=lambda x, u: sympy.exp(u[0] * x),
    grid=_rates,
    bounds=((-60.0, 60.0),),
    rescale=lambda u, shift, scale: (
        (u[0] / scale,),
        float(np.exp(-u[0] * shift / scale)),
        0.0,
    ),
)


def _power_of_e(rate: Any, difference: Any) -> Any:
    # sympy multiplies out exp(0.4*(x - 2010)) to 1e-350*exp(0.4*x), which no double
    # can hold; it leaves the power 1.49**(x - 2010) as it is.
    return sympy.Pow(sympy.exp(rate), difference)


def exp_about(reference: float) -> Form:
    """Return the form a*exp(b*(x - reference)) + d, for x far from zero (years).

    Its expression is written as the power a*B**(x - reference) + d with B = exp(b).
    """
    shape = Shape(
        value=lambda x, u: guarded_exp(u[0] * (x - reference)),
        by_inner=lambda x, u: (
            (x - reference) * guarded_exp_slope(u[0] * (x - reference)),
        ),
        by_x=lambda x, u: u[0] * guarded_exp_slope(u[0] * (x - reference)),
        expression=lambda x, u: _power_of_e(u[0], x - sympy.Float(reference)),
        bounds=EXP.bounds,
        rescale=lambda u, shift, scale: (
            (u[0] / scale,),
            float(np.exp(u[0] * ((reference - shift) / scale - reference))),
            0.0,
        ),
    )
    return Form("exp", f" about {reference:.17g}", ("b",), 8, shape)


OF_RAW = " of "
"""Between the variant of a form and the raw value that it is a function of."""


def of_raw(form: Form, shift: float, scale: float) -> Form:
    """Return the form of z that is a given form of the raw value shift + scale * z.

    A family without a rule for new units is fitted in any unit that way; its constants
    are those of the raw value.
    """
    shape = form.shape
    if shape is None:
        return form

    def raw(z: Any) -> Any:
        return shift + scale * z

    def ends(low: float, high: float) -> tuple[float, float]:
        one, other = raw(low), raw(high)
        return min(one, other), max(one, other)

    def pole(u: Inner) -> float | None:
        where = shape.pole(u)
        return None if where is None else (where - shift) / scale

    seen = Shape(
        value=lambda z, u: shape.value(raw(z), u),
        by_inner=lambda z, u: shape.by_inner(raw(z), u),
        by_x=lambda z, u: scale * shape.by_x(raw(z), u),
        expression=lambda z, u: shape.expression(
            z if (shift, scale) == (0.0, 1.0) else raw(z), u
        ),
        grid=shape.grid,
        bounds=shape.bounds,
        rescale=lambda u, shift, scale: (u, 1.0, 0.0),
        clearance=lambda u, low, high: shape.clearance(u, *ends(low, high)),
        pole=pole,
    )
    variant = f"{form.variant}{OF_RAW}{shift:.17g} + {scale:.17g} z"
    return Form(form.family, variant, form.inner, form.complexity, seen)


def is_of_raw(form: Form) -> bool:
    """Whether a form is that of a raw value, see `of_raw`."""
    return OF_RAW in form.variant


def raw_value_of(variant: str) -> tuple[str, float, float]:
    """Return the variant of the raw form, shift and scale that a variant was made of.

    Raises:
        ValueError: the variant is none of `of_raw`.
    """
    first, _, rest = variant.partition(OF_RAW)
    shift, _, scale = rest.removesuffix(" z").partition(" + ")
    return first, float(shift), float(scale)


def in_raw_units(
    form: Form, c: Array, shift: float, scale: float
) -> tuple[Form, Array]:
    """Return form and constants in raw x for a curve of z = (x - shift) / scale.

    Like ``form.to_raw``, except that an exponential of an x far from zero is written
    about a round number near the shift: its amplitude at x = 0 would not be a number.

    Raises:
        ExpressionError: the family was registered without a rule for new units.
    """
    if form.shape is EXP and abs(c[1] * shift / scale) > FAR_EXPONENT:
        reference = float(np.round(shift, -int(np.floor(np.log10(scale)))))
        rate = c[1] / scale
        amplitude = c[0] * np.exp(rate * (reference - shift))
        return exp_about(reference), np.array([amplitude, rate, c[2]])
    return form, form.to_raw(c, shift, scale)


LOG_RIGHT = Shape(
    value=lambda x, u: guarded_log(x + u[0]),
    by_inner=lambda x, u: (guarded_log_slope(x + u[0]),),
    by_x=lambda x, u: guarded_log_slope(x + u[0]),
    expression=lambda x, u: sympy.log(x + u[0]),
    grid=_pole_distances,
    bounds=((1.0, 2.0 / NEAR_LINEAR),),
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
    "constant": (Form("constant", "", (), 1, None),),
    "linear": (Form("linear", "", (), 3, LINEAR),),
    "quadratic": (Form("quadratic", "", ("s",), 5, QUADRATIC),),
    "exp": (Form("exp", "", ("b",), 6, EXP),),
    "log": (
        Form("log", "+", ("s",), 6, LOG_RIGHT),
        Form("log", "-", ("s",), 6, LOG_LEFT),
    ),
    "abs": (Form("abs", "", ("s",), 6, ABS),),
    **MORE_FAMILIES,
    **SATURATING_FAMILIES,
}
"""Every family that can be asked for by name; a family may have several branches."""

DEFAULT_FAMILIES = ("constant", "linear", "quadratic", "exp", "log", "abs")
"""The families tried when nothing else is asked for."""
