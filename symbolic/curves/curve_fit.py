"""CurveFit: a closed form for one curve, or the reason why there is none."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import sympy

from sciren.errors import ConfigError
from symbolic.families.forms import Array, Form

X = sympy.Symbol("x", real=True)
FAR_VERTEX = 3.0
"""Half ranges beyond which the vertex of a parabola is not printed as its shift: far from
the data its place and its curvature are one number."""


@dataclass(frozen=True)
class CurveFit:
    """A closed form for one curve, or the reason why there is none.

    Attributes:
        family: name of the family; "none" when refused.
        form: the form (a branch of the family), None when refused.
        constants, errors: (k,) in the order of ``form.constants``, in units of x and y;
            the errors are standard errors of the edge fit.
        r2: weighted share of the variance explained (of the best family, when refused).
        criterion, gap: BIC of the fit, and the delta BIC of the second best family.
        ambiguous, equals: whether other families do as well, and their names with this
            one's first.
        differ_at: x nearest to the middle of the data where the runner-up departs by
            more than the fit error, searched up to three ranges; None: nowhere.
        alternatives: every family that was fitted, best first, this one included.
        reason: why the curve is refused, or what to know about the fit.
        low, high: range of x with data.
        effective_points: number of independent points that the criterion counted.
        chosen: "auto", or "user" when the family was pinned.
    """

    family: str
    form: Form | None
    constants: Array
    errors: Array
    r2: float
    criterion: float
    low: float
    high: float
    gap: float = np.inf
    ambiguous: bool = False
    equals: tuple[str, ...] = ()
    differ_at: float | None = None
    alternatives: tuple["CurveFit", ...] = ()
    reason: str = ""
    effective_points: float = 0.0
    chosen: Literal["auto", "user"] = "auto"

    @property
    def refused(self) -> bool:
        """Whether no family describes the curve."""
        return self.form is None

    @property
    def expression(self) -> Any:
        """The sympy expression in the symbol x; a named function f(x) when refused."""
        return self.expression_in(X)

    def expression_in(self, symbol: Any) -> Any:
        """Return the expression in another symbol; a far parabola as a polynomial."""
        if self.form is None:
            return sympy.Function("f")(symbol)
        return readable(self.form, symbol, self.constants, self.low, self.high)

    def value(self, x: Array) -> Array:
        """Return the closed form at x (n,).

        Raises:
            ConfigError: the curve is refused, so there is no closed form.
        """
        if self.form is None:
            raise ConfigError(
                f"the curve has no closed form ({self.reason}); use "
                "alternatives[0].value, or keep the spline"
            )
        return self.form.value(np.asarray(x, dtype=float), self.constants)

    @property
    def pole(self) -> float | None:
        """Where the closed form is singular, when within twice the range of the data."""
        where = None if self.form is None else self.form.pole(self.constants)
        middle, width = 0.5 * (self.low + self.high), self.high - self.low
        return where if where is not None and abs(where - middle) <= width else None


def fits_by_family(fit: CurveFit) -> dict[str, CurveFit]:
    """Closed forms of a curve by family, best first."""
    by_family = {} if fit.form is None else {fit.family: fit}
    for other in fit.alternatives:
        if other.form is not None:
            by_family.setdefault(other.family, other)
    return by_family


def readable(form: Form, symbol: Any, c: Array, low: float, high: float) -> Any:
    """Return the expression of constants (k,); a parabola with a far vertex is expanded."""
    if form.family == "quadratic":
        a, s, d = (float(v) for v in c)
        # a (x - s)^2 + d = a x^2 - 2 a s x + (a s^2 + d)
        if abs(s - 0.5 * (low + high)) > FAR_VERTEX * 0.5 * (high - low):
            terms = (a, 2), (-2.0 * a * s, 1), (a * s * s + d, 0)
            return sympy.Add(*(sympy.Float(v) * symbol**power for v, power in terms))
    return form.expression(symbol, c)


def departure(first: CurveFit, second: CurveFit, deviation: float) -> float | None:
    """Return x nearest to the middle of the data where two fits part, or None.

    Args:
        first, second: closed forms of one curve; they part where they differ by more than
            the error of the first.
        deviation: of the curve's values.
    """
    middle, width = 0.5 * (first.low + first.high), first.high - first.low
    # three ranges about the middle, the nearest places
    # first: `argmax` takes the first that differs
    grid = middle + np.linspace(-1.5, 1.5, 601) * width
    grid = grid[np.argsort(np.abs(grid - middle), kind="stable")]
    # the first fit's own residual deviation: closer than that nothing tells them apart
    error = np.sqrt(1.0 - first.r2) * deviation
    apart = np.abs(first.value(grid) - second.value(grid)) > max(error, 1e-12)
    return float(grid[np.argmax(apart)]) if apart.any() else None
