"""Points of a curve: checked, sorted, scaled to [-1, 1] and, when many, binned."""

from dataclasses import dataclass, replace

import numpy as np

from sciren.errors import DataError, ShapeError
from symbolic.curves.curve_errors import CurveErrors
from symbolic.families.forms import Array

SEARCH_BINS, WORK_BINS = 256, 4096
"""Bins of many points, in the search over a grid and in the steps after it: sums over
more points give the same digits and take longer."""

LARGEST = 1e140
"""Values whose squares, summed over any number of points, are still doubles."""


@dataclass(frozen=True)
class Points:
    """Points (x, y) sorted by x, with positive weights of sum one.

    Misfits are measured by the weights, or by the errors of a learned curve where these
    are known.
    """

    x: Array
    y: Array
    weight: Array
    errors: CurveErrors | None = None

    def __len__(self) -> int:
        return len(self.x)

    def mean(self, values: Array) -> Array:
        """Weighted mean over the points (last axis)."""
        return values @ self.weight

    def centred(self, values: Array) -> Array:
        """Values at the points (..., n) as misfits are measured, blind to constants."""
        if self.errors is not None:
            return values @ self.errors.root.T
        return values - self.mean(values)[..., None]

    def target(self) -> Array:
        """What the centred values of a closed form have to meet."""
        if self.errors is not None:
            return self.errors.target
        return self.centred(self.y)

    def product(self, first: Array, second: Array) -> Array:
        """Inner product of centred values (..., n) with others (n,) or (..., n)."""
        if self.errors is not None:
            return (first * second).sum(-1)
        # one vector product instead of (m, n) products
        if second.ndim == 1:
            return first @ (self.weight * second)
        return self.mean(first * second)

    def moved(self, shift: float, scale: float) -> "Points":
        """Return the points with (x - shift) / scale for x."""
        return replace(self, x=(self.x - shift) / scale)

    def independent(self) -> float:
        """Number of equally weighted points that the weights amount to (Kish)."""
        return 1.0 / float(np.sum(self.weight**2))

    def binned(self, bins: int) -> "Points":
        """Return at most about ``bins`` weighted bin means, itself when few enough.

        Half of the borders are quantiles of the points, half equal steps of x: the
        tails stay resolved where data are thin.
        """
        if len(self) <= bins or self.errors is not None:
            return self
        # first point of each bin
        by_count = np.linspace(0, len(self), bins // 2 + 1)[:-1].astype(int)
        steps = np.linspace(self.x[0], self.x[-1], bins // 2 + 1)[:-1]
        starts = np.union1d(by_count, np.searchsorted(self.x, steps))
        # each bin becomes its weighted mean with the sum of its weights
        weight = np.add.reduceat(self.weight, starts)
        x = np.add.reduceat(self.weight * self.x, starts) / weight
        y = np.add.reduceat(self.weight * self.y, starts) / weight
        return Points(x, y, weight)


def prepare(
    x: Array, y: Array, weight: Array | None, errors: CurveErrors | None = None
) -> Points:
    """Check the arrays and return them sorted, weights normalised.

    Args:
        x, y: (n,), any finite numbers.
        weight: (n,) non-negative, for example the density of the data; None for equal.
        errors: of the values of a learned curve, in the order of x.
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
    # points without weight would only fill the sums
    keep = w > 0
    if keep.sum() < 2:
        raise DataError(f"a curve needs two points with weight, got {int(keep.sum())}")
    # stable, so that points of equal x keep their order and sums their digits
    order = np.argsort(arrays["x"][keep], kind="stable")
    w = w[keep][order]
    reordered = None if errors is None else _reordered(errors, keep, order)
    return Points(
        arrays["x"][keep][order], arrays["y"][keep][order], w / w.sum(), reordered
    )


def _reordered(errors: CurveErrors, keep: Array, order: Array) -> CurveErrors:
    if errors.root.shape[1] != len(keep):
        raise ShapeError(
            f"errors are those of {errors.root.shape[1]} points, the curve has "
            f"{len(keep)}"
        )
    return replace(errors, root=errors.root[:, keep][:, order])
