"""A closed form of one variable: values, exact derivatives, domain, change of units.

Every form is an affine member of a shape g with few inner constants u,

    value(x) = a * g(x; u) + d,

so that no two sets of constants describe the same curve. The form "constant" is the
offset d alone. The last constant is always d.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from sciren.errors import ExpressionError

Array = np.ndarray
Inner = tuple[Any, ...]
Bounds = tuple[float, float]


def grid_of(*axes: Array) -> Array:
    """Return every combination (n, len(axes)) of the values of some constants."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


@dataclass(frozen=True)
class Shape:
    """The function g(x; u) of a family, without amplitude and offset.

    Args:
        value: (x (n,), u) -> g (n,).
        by_inner: (x (n,), u) -> one array (n,) for each inner constant.
        by_x: (x (n,), u) -> derivative with respect to x (n,).
        expression: (sympy symbol, u of floats or symbols) -> sympy expression.
        grid: () -> (m, k) start values of u for x scaled to [-1, 1]; ordered when k = 1.
        bounds: k pairs that u may not leave while it is searched.
        rescale: (u, shift, scale) -> (u', factor, offset) with
            g((x - shift) / scale; u) = factor * g(x; u') + offset; None when the shape
            has no such rule (it is then fitted in the units it is given).
        clearance: (u, low, high) -> smallest distance of an argument on [low, high] to
            the edge of the domain, negative outside; infinite for everywhere defined.
        pole: u -> position of a singularity, or None.
    """

    value: Callable[[Array, Inner], Array]
    by_inner: Callable[[Array, Inner], Sequence[Array]]
    by_x: Callable[[Array, Inner], Array]
    expression: Callable[[Any, Inner], Any]
    grid: Callable[[], Array] = lambda: np.empty((1, 0))
    bounds: tuple[Bounds, ...] = ()
    rescale: Callable[[Inner, float, float], tuple[Inner, float, float]] | None = None
    clearance: Callable[[Inner, float, float], float] = lambda u, low, high: np.inf
    pole: Callable[[Inner], float | None] = lambda u: None


@dataclass(frozen=True)
class Variant:
    """Which member of a family a form is.

    Args:
        branch: "" or the branch of the family ("+": log(x + s), "-": log(s - x)).
        about: number that an exponential is written about, or None.
        raw: (shift, scale) where the form is a function of shift + scale * x; None where
            it is one of x itself.
    """

    branch: str = ""
    about: float | None = None
    raw: tuple[float, float] | None = None

    def __str__(self) -> str:
        """Text for tables: "+", " about 2010", " of 3 + 0.5 z"."""
        about = "" if self.about is None else f" about {self.about:.17g}"
        raw = ""
        if self.raw is not None:
            raw = f" of {self.raw[0]:.17g} + {self.raw[1]:.17g} z"
        return f"{self.branch}{about}{raw}"


@dataclass(frozen=True)
class Form:
    """One closed form ``a * g(x; u) + d`` with named constants.

    Args:
        family: name of the family, for example "log".
        variant: which member of the family.
        inner: names of the inner constants u.
        complexity: count of nodes of the printed formula.
        shape: g with its derivatives; None for the form "constant".
    """

    family: str
    variant: Variant
    inner: tuple[str, ...]
    complexity: int
    shape: Shape | None = field(repr=False, compare=False)

    @property
    def constants(self) -> tuple[str, ...]:
        """Names of the constants in their order; the offset "d" is last."""
        return ("d",) if self.shape is None else ("a", *self.inner, "d")

    @property
    def name(self) -> str:
        """Family and variant in one word: "exp", "log+", "log-"."""
        return f"{self.family}{self.variant}"

    def value(self, x: Array, c: Array) -> Array:
        """Return the curve at x (n,) for constants c (k,)."""
        if self.shape is None:
            return np.full(np.shape(x), float(c[-1]))
        return c[0] * self.shape.value(x, tuple(c[1:-1])) + c[-1]

    def by_constants(self, x: Array, c: Array) -> Array:
        """Return the exact derivatives of the curve by its constants, (n, k)."""
        # column of the offset: ones
        result = np.ones((len(x), len(self.constants)), order="F")
        if self.shape is not None:
            # constants are (a, u, d): d value / da = g, d value / du = a dg/du
            u = tuple(c[1:-1])
            result[:, 0] = self.shape.value(x, u)
            for j, column in enumerate(self.shape.by_inner(x, u), start=1):
                result[:, j] = c[0] * column
        return result

    def by_x(self, x: Array, c: Array) -> Array:
        """Return the exact slope of the curve, (n,); at a kink the sign is zero."""
        if self.shape is None:
            return np.zeros(np.shape(x))
        return c[0] * self.shape.by_x(x, tuple(c[1:-1]))

    def expression(self, x: Any, c: Sequence[Any] | Array) -> Any:
        """Return the sympy expression in x; c may hold floats or sympy symbols."""
        numbers = [_sympy_number(value) for value in c]
        if self.shape is None:
            return numbers[-1]
        return numbers[0] * self.shape.expression(x, tuple(numbers[1:-1])) + numbers[-1]

    def feasible(self, c: Array, low: float, high: float, margin: float = 0.0) -> bool:
        """Tell whether the curve is defined on [low, high] stretched by a margin.

        Args:
            margin: share of the range by which both ends are moved outwards.
        """
        if self.shape is None:
            return True
        stretch = margin * (high - low)
        # clearance is negative where an argument leaves the domain on the way
        u = tuple(c[1:-1])
        return bool(self.shape.clearance(u, low - stretch, high + stretch) > 0)

    def pole(self, c: Array) -> float | None:
        """Return where the curve is singular, in units of x, or None."""
        return None if self.shape is None else self.shape.pole(tuple(c[1:-1]))

    @property
    def rescalable(self) -> bool:
        """Whether the form keeps its shape when the unit of x changes."""
        return self.shape is None or self.shape.rescale is not None

    def fitted(self, points: Any) -> Array | None:
        """Return the constants closest to points; None where they must be searched."""
        return None

    def penalty(self) -> Array | None:
        """Return a penalty (k, k) on the constants but d, in rows of data, or None."""
        return None

    def times(self, constants: Sequence[float], factor: float) -> tuple[float, ...]:
        """Return the constants, d left out, of the form times a number."""
        first, *inner = constants
        return (first * factor, *inner)

    def with_offset(
        self, constants: Sequence[float], offset: float
    ) -> "tuple[Form, tuple[float, ...]] | None":
        """Return form and constants, d left out, of the form plus a number.

        None where the number stays beside the form.
        """
        return None

    def canonical(self, constants: Sequence[float]) -> tuple[float, ...]:
        """Return the constants, d left out, by which the same curve is written."""
        return tuple(constants)

    def constant_name(self, role: str, feature: str) -> str:
        """Return what a constant is called in the tables: ``a_ta``."""
        return f"{role}_{feature}"

    def details(self) -> dict[str, Any] | None:
        """Return what family and variant leave open, as files hold it."""
        return None

    @property
    def bends(self) -> bool:
        """Whether slope and curvature say what the constants say."""
        return self.family not in ("linear", "abs")

    def to_raw(self, c: Array, shift: float, scale: float) -> Array:
        """Return c' such that value((x - shift) / scale, c) == value(x, c').

        Raises:
            ExpressionError: the family was registered without a rule for new units.
        """
        if self.shape is None:
            return np.array(c, dtype=float)
        if self.shape.rescale is None:
            raise ExpressionError(
                f"family {self.family!r} cannot change the unit of x; register it "
                "with rescale=..., or insert (x - shift) / scale into its expression"
            )
        # a g((x - shift) / scale; u) + d = a factor g(x; u') + (d + a offset)
        u, factor, offset = self.shape.rescale(tuple(c[1:-1]), shift, scale)
        return np.array([c[0] * factor, *u, c[-1] + c[0] * offset], dtype=float)


def _sympy_number(value: Any) -> Any:
    return value if isinstance(value, sympy.Basic) else sympy.Float(float(value))
