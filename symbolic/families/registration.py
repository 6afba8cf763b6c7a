"""Families of the user's own, with one call each."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy

from sciren.errors import ConfigError, ExpressionError
from symbolic.expression.evaluate import compile_numpy
from symbolic.families.forms import Array, Bounds, Form, Inner, Shape, Variant, grid_of
from symbolic.families.library import FAMILIES

GRID_POINTS = {1: 80, 2: 14, 3: 7}


def register_family(
    name: str,
    value: Callable[..., Array] | None,
    expression: Callable[..., Any],
    inner: Mapping[str, Bounds],
    complexity: int = 8,
    *,
    domain: Callable[..., Array] | None = None,
    rescale: Callable[[Inner, float, float], tuple[Inner, float, float]] | None = None,
    replace: bool = False,
) -> Form:
    """Add the family a * g(x; inner) + d to the library under a name.

        register_family(
            "hill", None, lambda x, k: x**4 / (k**4 + x**4), {"k": (0.1, 10.0)}
        )

    Args:
        value: (x, *inner) -> g with numpy; None to evaluate the expression.
        expression: (x, *inner) -> g with sympy, of the nodes in ``symbolic.expression.nodes``.
        inner: name -> (low, high), at most three. In units of x, which for a curve of a
            network is the feature in its own unit; in units of x scaled to [-1, 1] when
            ``rescale`` is given.
        complexity: count of nodes of the printed formula.
        domain: (x, *inner) -> array, positive where g is defined.
        rescale: rule for new units of x, see ``symbolic.families.forms.Shape``.
        replace: allow a name that is taken.
    Returns:
        The form, which is also in ``FAMILIES``.
    Raises:
        ConfigError: the name is taken or no name, bad bounds, value and expression are
            not the same function.
        ExpressionError: the expression holds a node outside the whitelist.
    """
    _check(name, inner, replace)
    shape = _shape(value, expression, inner, domain, rescale)
    _compare(name, shape, inner)
    form = Form(name, Variant(), tuple(inner), complexity, shape)
    FAMILIES[name] = (form,)
    return form


def _check(name: str, inner: Mapping[str, Bounds], replace: bool) -> None:
    if not re.fullmatch(r"[^\W\d]\w*", name):
        raise ConfigError(f"family name {name!r}: use letters, digits, underscores")
    if name in FAMILIES and not replace:
        raise ConfigError(f"family {name!r} exists; choose a name or pass replace=True")
    if len(inner) > max(GRID_POINTS) or {"a", "d", "x"} & set(inner):
        raise ConfigError(
            f"inner constants {list(inner)}: at most {max(GRID_POINTS)}, and not the "
            "names a, d, x"
        )
    for constant, (low, high) in inner.items():
        if not (np.isfinite([low, high]).all() and low < high):
            raise ConfigError(
                f"bounds of {constant!r} need low < high, got {low}, {high}"
            )


def _shape(
    value: Callable[..., Array] | None,
    expression: Callable[..., Any],
    inner: Mapping[str, Bounds],
    domain: Callable[..., Array] | None,
    rescale: Callable[[Inner, float, float], tuple[Inner, float, float]] | None,
) -> Shape:
    symbols = [sympy.Symbol(name, real=True) for name in ("x", *inner)]
    formula = sympy.sympify(expression(*symbols), strict=True)
    # slopes come from the expression, also where values come from the user's function
    compiled = compile_numpy(formula, symbols)
    slopes = [compile_numpy(formula.diff(symbol), symbols) for symbol in symbols]
    function = value or compiled

    def clearance(u: Inner, low: float, high: float) -> float:
        if domain is None:
            return np.inf
        # the user's rule is a function, not a bound: asked at 65 places
        return float(np.min(domain(np.linspace(low, high, 65), *u)))

    return Shape(
        value=lambda x, u: function(x, *u),
        by_inner=lambda x, u: [slope(x, *u) for slope in slopes[1:]],
        by_x=lambda x, u: slopes[0](x, *u),
        expression=lambda x, u: expression(x, *u),
        grid=lambda: _grid(inner),
        bounds=tuple(inner.values()),
        rescale=rescale,
        clearance=clearance,
    )


def _grid(inner: Mapping[str, Bounds]) -> Array:
    if not inner:
        return np.empty((1, 0))
    axes = [_axis(bounds, GRID_POINTS[len(inner)]) for bounds in inner.values()]
    return grid_of(*axes)


def _axis(bounds: Bounds, points: int) -> Array:
    low, high = bounds
    # a constant over more than a decade is a factor rather than a difference
    if low * high > 0 and max(high / low, low / high) > 20:
        return np.geomspace(low, high, points)
    return np.linspace(low, high, points)


def _compare(name: str, shape: Shape, inner: Mapping[str, Bounds]) -> None:
    """Check that value and expression are one function, at some points inside."""
    # not the middle, which may be special (a zero, a symmetry)
    u = tuple(0.4 * low + 0.6 * high for low, high in inner.values())
    x = sympy.Symbol("x", real=True)
    points = np.linspace(-1.0, 1.0, 9)
    formula = shape.expression(x, tuple(sympy.Float(v) for v in u))
    try:
        expected = compile_numpy(formula, [x])(points)
    except ExpressionError as error:
        raise ExpressionError(f"family {name!r}: {error}") from error
    got = np.asarray(shape.value(points, u), dtype=float)
    # either may be undefined at some of the points
    both = np.isfinite(expected) & np.isfinite(got)
    if got.shape != points.shape or not np.allclose(got[both], expected[both]):
        raise ConfigError(
            f"family {name!r}: value and expression differ at x = {points.tolist()}, "
            f"inner = {u}; they have to be the same function of x"
        )
