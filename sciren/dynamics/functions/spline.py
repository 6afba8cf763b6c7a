"""A cubic spline of one state, fast inside the loop over time, straight beyond its range."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sciren.splines import n_coefficients

# Uniform cubic B-splines as polynomials of the position in an interval, 1 f f^2 f^3.
PIECES = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6


@dataclass(frozen=True)
class StateSpline:
    """max(low, spline(x)) with a linear continuation; see `sciren.splines`.

    The loop evaluates four polynomial coefficients of an interval instead of a row of the
    basis, which would take most of the time of a simulation.

    Args:
        coefficients: (G + 3,) of a spline with G intervals.
        range: of the state.
        low: bound of the latent, or minus infinity.
    """

    coefficients: np.ndarray
    range: tuple[float, float]
    low: float = -np.inf

    @property
    def intervals(self) -> int:
        """Number G of intervals."""
        return len(self.coefficients) - n_coefficients(0)

    @cached_property
    def _table(self) -> np.ndarray:
        """Polynomial coefficients (4, G)."""
        # Interval j is made of coefficients j to j + 3 and of no others.
        windows = np.lib.stride_tricks.sliding_window_view(self.coefficients, 4)
        return PIECES @ windows.T

    def _place(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return interval, position in it, and how many intervals x lies beyond."""
        u = (x - self.range[0]) * (self.intervals / (self.range[1] - self.range[0]))
        # The upper end belongs to the last interval; without the clip it would open one
        # more.
        # fmax: a state that overflowed in a trial step has no interval; its excess stays nan.
        inside = np.minimum(np.fmax(u, 0.0), self.intervals)
        cell = np.minimum(inside.astype(np.int64), self.intervals - 1)
        return cell, inside - cell, u - inside

    def _free(self, x: np.ndarray) -> np.ndarray:
        cell, f, excess = self._place(x)
        a, b, c, d = self._table[:, cell]
        # Horner inside; beyond the range f is 0 or 1 and the end slope times the excess
        # goes on.
        return a + f * (b + f * (c + f * d)) + excess * (b + f * (2 * c + 3 * f * d))

    def value(self, x: np.ndarray) -> np.ndarray:
        """Return the latent at states of any shape."""
        return np.maximum(self._free(x), self.low)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return its derivative by the state, zero where the bound holds it."""
        cell, f, _ = self._place(x)
        _, b, c, d = self._table[:, cell]
        scale = self.intervals / (self.range[1] - self.range[0])
        # At the bound the latent is a number: neither the state nor a coefficient moves
        # it.
        return np.where(
            self._free(x) > self.low, scale * (b + f * (2 * c + 3 * f * d)), 0
        )

    def by_constants(self, x: np.ndarray) -> np.ndarray:
        """Return its derivatives by the coefficients, (..., G + 3)."""
        cell, f, excess = self._place(x)
        ones, zeros = np.ones_like(f), np.zeros_like(f)
        powers = np.stack([ones, f, f * f, f**3], -1)
        slopes = np.stack([zeros, ones, 2 * f, 3 * f * f], -1)
        weights = (powers + excess[..., None] * slopes) @ PIECES
        basis = np.zeros((*f.shape, len(self.coefficients)))
        places = cell[..., None] + np.arange(4)
        np.put_along_axis(basis, places, weights, -1)
        return basis * (self._free(x) > self.low)[..., None]
