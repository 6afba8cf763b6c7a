"""What an inner function is made of: a column with what families need, and a family."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray

POLE_DISTANCE = 2e-3
"""Smallest distance of a pole to the data, as a share of their range."""

CROWDED = 20  # outermost rows whose mean distance is meant below
POLE_SPACING = 0.05
"""The same, in distances between the outermost rows, where these are crowded: a
square root of data that begin at zero has its pole among them."""


@dataclass(frozen=True)
class Column:
    """One scaled feature with what its families need.

    Args:
        z: (n,) values;  square: z^2;  basis: (n, m) splines.
        low, high: range of the data (of all rows, also where z is a subset).
        origin: z where the raw feature is zero.
        gaps: smallest distance of a pole below and above the data.
        scale: raw = (z - origin) * scale.
        period: length of the circle that z lies on, 0 for a line.
    """

    z: Array
    square: Array
    basis: Array
    low: float
    high: float
    origin: float
    gaps: tuple[float, float]
    scale: float = 1.0
    period: float = 0.0

    def take(self, rows: Array) -> "Column":
        """Return some of the rows; the range stays that of all."""
        return replace(
            self,
            z=np.ascontiguousarray(self.z[rows]),
            square=self.square[rows],
            basis=np.asfortranarray(self.basis[rows]),
        )


@dataclass(frozen=True)
class EdgeFamily:
    """A family of inner functions.

    Args:
        name: as in the library of closed forms.
        size: number of constants.
        complexity: nodes of the printed formula.
        evaluate: (column, constants, out (n, size)) -> value (n,), derivatives in out.
        retract: (column, old, new) -> new inside the domain.
        grid: column -> (m, c) inner constants to start from.
        shapes: (column, rows (k,), inner constants (m, c)) -> (m, k) curves of unit
            amplitude.
        natural: (column, constants) -> offset that makes the raw function one without
            an offset (a x, a (x - v)^2, a exp(b x), a |x - v|), and its derivatives.
    """

    name: str
    size: int
    complexity: float
    evaluate: Callable[[Column, Array, Array], Array]
    retract: Callable[[Column, Array, Array], Array] = lambda column, old, new: new
    grid: Callable[[Column], Array] | None = None
    shapes: Callable[[Column, Array, Array], Array] | None = None
    natural: Callable[[Column, Array], tuple[float, Array]] | None = None


def pole_gaps(z: Array) -> tuple[float, float]:
    """Smallest distance of a pole below and above the data."""
    ordered = np.sort(z)
    few = min(CROWDED, len(z) - 1)
    widest = POLE_DISTANCE * float(ordered[-1] - ordered[0])
    # A distance in terms of how close the outermost rows lie: a true square root has rows right
    # up to its pole, while a few stragglers must not pull a pole to them.
    spacing = (ordered[few] - ordered[0], ordered[-1] - ordered[-1 - few])
    low, high = (POLE_SPACING * float(distance) / few for distance in spacing)
    least = 1e-4 * widest
    return min(max(low, least), widest), min(max(high, least), widest)
