"""Points of a curve: checked, sorted, scaled to [-1, 1] and, when many, binned."""

from dataclasses import dataclass

import numpy as np

from sciren.errors import DataError, ShapeError
from symbolic.forms import Array

SEARCH_BINS = 256
WORK_BINS = 4096
LARGEST = 1e140


@dataclass(frozen=True)
class Points:
    """Points (x, y) sorted by x, with positive weights of sum one."""

    x: Array
    y: Array
    weight: Array

    def __len__(self) -> int:
        return len(self.x)

    def mean(self, values: Array) -> Array:
        """Weighted mean over the points (last axis)."""
        return values @ self.weight

    def moved(self, shift: float, scale: float) -> "Points":
        """Return the points with (x - shift) / scale for x."""
        return Points((self.x - shift) / scale, self.y, self.weight)

    def independent(self) -> float:
        """Number of equally weighted points that the weights amount to (Kish)."""
        return 1.0 / float(np.sum(self.weight**2))

    def binned(self, bins: int) -> "Points":
        """Return at most about ``bins`` weighted bin means, itself when few enough.

        Half of the borders are quantiles of the points, half equal steps of x: the
        tails stay resolved where data are thin.
        """
        if len(self) <= bins:
            return self
        by_count = np.linspace(0, len(self), bins // 2 + 1)[:-1].astype(int)
        steps = np.linspace(self.x[0], self.x[-1], bins // 2 + 1)[:-1]
        starts = np.union1d(by_count, np.searchsorted(self.x, steps))
        weight = np.add.reduceat(self.weight, starts)
        x = np.add.reduceat(self.weight * self.x, starts) / weight
        y = np.add.reduceat(self.weight * self.y, starts) / weight
        return Points(x, y, weight)


def prepare(x: Array, y: Array, weight: Array | None) -> Points:
    """Check the arrays and return them sorted, weights normalised.

    Args:
        x, y: (n,), any finite numbers.
        weight: (n,) non-negative, for example the density of the data; None for equal.
    Raises:
        ShapeError: lengths differ or an array is not one-dimensional.
        DataError: fewer than two points, a value that is not finite, bad weights.
    """
    columns = {"x": x, "y": y} | ({} if weight is None else {"weight": weight})
    arrays = {name: np.asarray(v, dtype=np.float64) for name, v in columns.items()}
    shapes = {name: v.shape for name, v in arrays.items()}
    if any(v.ndim != 1 for v in arrays.values()) or len(set(shapes.values())) > 1:
        raise ShapeError(f"x, y and weight need one and the same length, got {shapes}")
    for name, v in arrays.items():
        if not np.isfinite(v).all():
            row = int(np.flatnonzero(~np.isfinite(v))[0])
            raise DataError(f"{name}[{row}] is {v[row]}; leave such points out")
    if np.abs(arrays["y"]).max(initial=0.0) > LARGEST:
        raise DataError(f"y reaches {np.abs(arrays['y']).max():g}; choose larger units")
    w = arrays.get("weight", np.ones(arrays["x"].shape))
    if (w < 0).any():
        raise DataError(f"weight holds {w.min()}; weights are zero or positive")
    keep = w > 0
    if keep.sum() < 2:
        raise DataError(f"a curve needs two points with weight, got {int(keep.sum())}")
    order = np.argsort(arrays["x"][keep], kind="stable")
    w = w[keep][order]
    return Points(arrays["x"][keep][order], arrays["y"][keep][order], w / w.sum())
