"""A refused edge as a table: cubic pieces between knots, straight lines outside."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from sciren.bounded import damage_told
from sciren.errors import FormatError

Array = np.ndarray

CLOSE = 1e-3
"""Share of its range by which a curve of few knots may depart: about the width of a line
in a figure, and 1e-5 of the variance at most (`symbolic.verification` allows 1e-4)."""

FEWEST_KNOTS = 3  # both ends and one between them: two cubic pieces


@dataclass(frozen=True, eq=False)
class SplineCurve:
    """Twice differentiable curve through (x, y), with the slopes at both ends.

    Args:
        x: (m,) increasing knots;  y: (m,) values;
        slopes: at the first and last knot, where straight lines go on.
    """

    x: Array
    y: Array
    slopes: tuple[float, float]

    @cached_property
    def _spline(self) -> CubicSpline:
        # Clamped: at both ends the slopes of the straight lines beyond, so that it is
        # smooth there.
        ends: Any = ((1, self.slopes[0]), (1, self.slopes[1]))
        return CubicSpline(self.x, self.y, bc_type=ends)

    @property
    def coefficients(self) -> Array:
        """Pieces (m - 1, 4): factors of t**3, t**2, t, 1 with t = x - first knot."""
        return np.asarray(self._spline.c).T

    @classmethod
    def through(
        cls, x: Array, y: Array, slopes: tuple[float, float], most: int
    ) -> "SplineCurve":
        """Return the curve with the fewest even knots that comes close to all points.

        Args:
            x, y: (m,) points, two or more, on an even grid;  slopes: at both ends.
            most: number of knots that is not exceeded.
        """
        # from few knots to many: a smooth curve needs few, and tables are printed
        for count in range(FEWEST_KNOTS, most):
            knots = _places(len(x), count)
            curve = cls(x[knots], y[knots], slopes)
            if np.abs(curve.value(x) - y).max() <= CLOSE * np.ptp(y):
                return curve
        knots = _places(len(x), most)
        return cls(x[knots], y[knots], slopes)

    def value(self, x: Array) -> Array:
        """Value at x (n,)."""
        x = np.asarray(x, dtype=float)
        inside = np.clip(x, self.x[0], self.x[-1])
        # the straight lines beyond either end; inside the second term is zero
        slope = np.where(x < self.x[0], self.slopes[0], self.slopes[1])
        return self._spline(inside) + slope * (x - inside)

    def slope(self, x: Array) -> Array:
        """Derivative at x (n,)."""
        inside = np.clip(np.asarray(x, dtype=float), self.x[0], self.x[-1])
        return self._spline(inside, 1)

    def moved(self, shift: float, scale: float) -> "SplineCurve":
        """Return the same curve in raw units, x = shift + scale z."""
        first, last = self.slopes
        x = shift + scale * self.x
        # dy/dx = (dy/dz) / scale
        return SplineCurve(x, self.y, (first / scale, last / scale))

    def shifted(self, offset: float) -> "SplineCurve":
        """Return the curve plus a constant."""
        return SplineCurve(self.x, self.y + offset, self.slopes)

    def scaled(self, factor: float) -> "SplineCurve":
        """Return the curve times a number."""
        first, last = self.slopes
        return SplineCurve(self.x, self.y * factor, (first * factor, last * factor))

    def ratio(self, other: "SplineCurve") -> float:
        """Return the number by which another curve is this one, scaled; 1 for zero."""
        place = int(np.abs(self.y).argmax())
        return float(other.y[place] / self.y[place]) if self.y[place] else 1.0

    def to_json(self) -> dict[str, Any]:
        """Return plain lists."""
        return {
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "slopes": [float(slope) for slope in self.slopes],
        }

    @classmethod
    def from_json(cls, stored: Any) -> "SplineCurve":
        """Read plain lists back.

        Raises:
            FormatError: not two lists of equal length, knots that do not increase, or
                numbers that are not finite.
        """
        with damage_told(FormatError, "a stored spline cannot be read"):
            x, y = (np.array(stored[key], dtype=float) for key in ("x", "y"))
            first, last = (float(slope) for slope in stored["slopes"])
        if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or np.any(np.diff(x) <= 0):
            raise FormatError("a stored spline needs increasing x and as many y")
        if not np.isfinite([*x, *y, first, last]).all():
            raise FormatError("a stored spline holds a number that is not finite")
        return cls(x, y, (first, last))


def _places(points: int, knots: int) -> Array:
    """Return even places among some points; all of them where they are fewer."""
    return np.unique(np.linspace(0, points - 1, knots).round().astype(int))
