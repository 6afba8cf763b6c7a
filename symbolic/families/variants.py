"""Forms that are made from one of the library, and forms in other units of x.

exp about a number    a exp(b (x - reference)) + d      for x far from zero
reciprocal            a/(x - s) + d                     for saturations with k near zero
form of a raw value   g(shift + scale z)                for families without a rule
                                                        for new units, and for
                                                        factors that are raw features
"""

import copyreg
from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from sciren.errors import ExpressionError
from symbolic.families.forms import Array, Form, Inner, Shape, Variant
from symbolic.families.guarded import guarded_exp, guarded_exp_slope
from symbolic.families.library import EXP, FAMILIES
from symbolic.families.linear_form import LinearForm
from symbolic.families.saturating import MICHAELIS_MENTEN

FAR_EXPONENT = 30.0
"""Exponent at x = 0, relative to the data, above which exp is written about a number:
exp(30) = 1e13 is the last amplitude of which a double still holds three digits."""

NEAR_ORIGIN = 1e-5
"""Half saturation k, relative to its distance from the mean of x, below which x/(x + k) is
written as a reciprocal: amplitudes grow as 1/k and cancel, and of the twelve digits that
are printed seven are left here. Ten times the step of numerical derivatives by k."""

ROUNDING = 1e-13
"""A difference this small against what it is the difference of is rounding."""


def form_named(family: str, variant: Variant | str = "") -> Form:
    """Return a form of the library, or one made of it.

    Args:
        variant: which one; a text is the branch of the family ("", "+", "-").
    Raises:
        KeyError: there is no such form.
    """
    wanted = Variant(variant) if isinstance(variant, str) else variant
    if wanted.raw is not None:
        return of_raw(form_named(family, replace(wanted, raw=None)), *wanted.raw)
    if wanted.about is not None:
        if family != "exp" or wanted.branch or not np.isfinite(wanted.about):
            raise KeyError(f"{family}{wanted}")
        return exp_about(wanted.about)
    for form in FAMILIES[family]:
        if form.variant == wanted:
            return form
    raise KeyError(f"{family}{wanted}")


def _form_again(family: str, variant: Variant) -> Form:
    """Return a pickled form; its functions are those of the library that is there."""
    try:
        return form_named(family, variant)
    except KeyError as error:
        raise ExpressionError(
            f"family {family!r} is not in the library of this process; call "
            "register_family before what was pickled is read"
        ) from error


def _pickled(form: Form) -> tuple[Any, ...]:
    return _form_again, (form.family, form.variant)


# functions of the library have no names that pickle could look up; the form has one
copyreg.pickle(Form, _pickled)


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
        # exp(b ((x - shift) / scale - r)) = factor * exp((b / scale) (x - r))
        rescale=lambda u, shift, scale: (
            (u[0] / scale,),
            float(np.exp(u[0] * ((reference - shift) / scale - reference))),
            0.0,
        ),
    )
    return Form("exp", Variant(about=float(reference)), ("b",), 8, shape)


def of_raw(form: Form, shift: float, scale: float) -> Form:
    """Return the form of z that is a given form of the raw value shift + scale * z.

    A family without a rule for new units is fitted in any unit that way; its constants
    are those of the raw value.
    """
    shape, shift, scale = form.shape, float(shift), float(scale)
    if shape is None:
        return form

    def raw(z: Any) -> Any:
        return shift + scale * z

    def written(z: Any) -> Any:
        if scale != 1.0:
            return raw(z)
        return z + (int(shift) if shift.is_integer() else sympy.Float(shift))

    def ends(low: float, high: float) -> tuple[float, float]:
        first, second = raw(low), raw(high)
        return min(first, second), max(first, second)

    def pole(u: Inner) -> float | None:
        where = shape.pole(u)
        return None if where is None else (where - shift) / scale

    shape_of_z = Shape(
        value=lambda z, u: shape.value(raw(z), u),
        by_inner=lambda z, u: shape.by_inner(raw(z), u),
        by_x=lambda z, u: scale * shape.by_x(raw(z), u),
        expression=lambda z, u: shape.expression(written(z), u),
        grid=shape.grid,
        bounds=shape.bounds,
        # constants of the raw value know no other unit
        rescale=lambda u, shift, scale: (u, 1.0, 0.0),
        clearance=lambda u, low, high: shape.clearance(u, *ends(low, high)),
        pole=pole,
    )
    variant = replace(form.variant, raw=(shift, scale))
    return Form(form.family, variant, form.inner, form.complexity, shape_of_z)


def in_raw(form: Form, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
    """Return form and constants in raw x for a curve of z = (x - shift) / scale.

    An exponential of an x far from zero is written about a round number near the shift:
    its amplitude at x = 0 would not be a number. A saturation whose pole is at x = 0 is a
    reciprocal: as x/(x + 0) it would be one everywhere. A user's family without a rule for new
    units keeps its constants: it is one of the raw value (`of_raw`), or else is written
    as a function of z.
    """
    if not form.rescalable:
        return form, c
    if isinstance(form, LinearForm):
        return form.in_raw(c, shift, scale)
    if form.variant.raw is not None:
        # own_shift + own_scale z with z = (x - shift) / scale is start + factor x
        own_shift, own_scale = form.variant.raw
        factor = own_scale / scale
        start = own_shift - factor * shift
        if abs(start) <= ROUNDING * abs(own_shift) and abs(factor - 1.0) <= ROUNDING:
            start, factor = 0.0, 1.0  # the raw value itself, not x + 1e-17
        first = form_named(form.family, replace(form.variant, raw=None))
        return of_raw(first, start, factor), c
    if form.variant.about is not None:
        moved = exp_about(shift + scale * form.variant.about)
        return moved, np.array([c[0], c[1] / scale, c[2]])
    if form.shape is EXP and abs(c[1] * shift / scale) > FAR_EXPONENT:
        # the shift, rounded to the digit of the scale: 2010 and not 2009.73
        reference = float(np.round(shift, -int(np.floor(np.log10(scale)))))
        rate = c[1] / scale
        amplitude = c[0] * np.exp(rate * (reference - shift))
        return exp_about(reference), np.array([amplitude, rate, c[2]])
    if form.shape is MICHAELIS_MENTEN and _pole_at_origin(c, shift, scale):
        # z / (z + u) = 1 - reach / (x + k), with k = reach - shift and reach = scale u
        reach, form = scale * c[1], form_named("reciprocal")
        raw = np.array([-c[0] * reach, shift - reach, c[2] + c[0]])
    else:
        raw = form.to_raw(c, shift, scale)
    return form, _without_rounding(form, raw, abs(shift) + abs(scale))


def _pole_at_origin(c: Array, shift: float, scale: float) -> bool:
    """Whether a saturation of z has its pole at x = 0, next to its reach."""
    reach = scale * c[1]
    return bool(abs(reach - shift) < NEAR_ORIGIN * reach)


def _without_rounding(form: Form, c: Array, size: float) -> Array:
    """Return the constants with shifts of x at rounding level set to zero.

    Args:
        size: of the numbers whose difference a shift is.
    """
    shifts = np.array([role == "s" for role in form.constants])
    return np.where(shifts & (np.abs(c) < ROUNDING * size), 0.0, c)
