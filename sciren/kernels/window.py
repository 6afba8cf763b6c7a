"""The four basis functions that live at a point, and their slopes, in closed form."""

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from sciren.splines import ORDER, Outside, n_coefficients

PAD = ORDER + 1  # empty coefficients on each side where the splines end at zero

# Rows: four weights, then their four derivatives; columns: 1, f, f^2, f^3.
POLYNOMIALS = (
    (1 / 6, -1 / 2, 1 / 2, -1 / 6),
    (2 / 3, 0.0, -1.0, 1 / 2),
    (1 / 6, 1 / 2, 1 / 2, -1 / 2),
    (0.0, 0.0, 0.0, 1 / 6),
    (-1 / 2, 1.0, -1 / 2, 0.0),
    (0.0, -2.0, 3 / 2, 0.0),
    (1 / 2, 1.0, -3 / 2, 0.0),
    (0.0, 0.0, 1 / 2, 0.0),
)


class Window(NamedTuple):
    """Which coefficients count at each point, and how much.

    Attributes:
        places: (4, g, b) int64, counted in the coefficients with their padding.
        weights: (4, g, b).
        slopes: (4, g, b) derivatives of the weights, per knot spacing.
    """

    places: Tensor
    weights: Tensor
    slopes: Tensor


class Knots(NamedTuple):
    """Uniform knots of g curves in double precision.

    Attributes:
        low: (g, 1) first knot.
        inverse: (g, 1) one over the spacing.
        intervals: number G.
        outside: continuation beyond the range.
    """

    low: Tensor
    inverse: Tensor
    intervals: int
    outside: Outside

    @classmethod
    def of(cls, low: Tensor, high: Tensor, intervals: int, outside: Outside) -> "Knots":
        """Return the knots of g curves between their ends low (g,) and high (g,)."""
        start = low.double().reshape(-1, 1)
        width = high.double().reshape(-1, 1) - start
        return cls(start, intervals / width, intervals, outside)

    @property
    def pad(self) -> int:
        """Number of coefficients of zero on each side, which the curve meets beyond its range."""
        return 0 if self.outside == "linear" else PAD

    @property
    def size(self) -> int:
        """Number of coefficients with their padding."""
        return n_coefficients(self.intervals) + 2 * self.pad


@functools.lru_cache(maxsize=16)
def _polynomials(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(POLYNOMIALS, dtype=dtype, device=device)


@functools.lru_cache(maxsize=16)
def _four(device: torch.device) -> Tensor:
    return torch.arange(ORDER + 1, device=device).view(-1, 1, 1)


def window(x: Tensor, knots: Knots) -> Window:
    """Find the window of every point.

    Places are found in double precision: in single, (x - low) / spacing loses the digits
    that fine grids need. A point that is not a number gets weights that are none.

    Args:
        x: (g, b), one row a curve.
        knots: of the g curves.
    Reference: de Boor 1978; the uniform cubic case written out.
    """
    steps = (x - knots.low) * knots.inverse
    if knots.outside == "linear":
        # Beyond the range value and slope of the outermost knot go on: value + slope *
        # distance.
        inside = steps.clamp(0, knots.intervals)
        cell = inside.floor().clamp_max_(knots.intervals - 1)
    else:
        inside = steps
        # Cells on either side of the range as far as a function of the range lives
        # there.
        cell = steps.floor().clamp_(-PAD, knots.intervals + ORDER)
    f = (inside - cell).to(x.dtype)
    if knots.outside == "zero":
        # Far outside all four weights fall on the padding, whose coefficients are zero.
        f = f.clamp(0, 1)
        cell = cell + PAD
    # A value that is not a number has no cell; its weights are not numbers either.
    first = cell.long().clamp_(0, knots.size - PAD)
    square = f * f
    powers = torch.stack((torch.ones_like(f), f, square, square * f))
    both = _polynomials(x.dtype, x.device) @ powers.view(4, -1)
    weights, slopes = both.view(2, 4, *x.shape).unbind(0)
    if knots.outside == "linear":
        weights = torch.addcmul(weights, slopes, (steps - inside).to(x.dtype))
    return Window(first + _four(x.device), weights, slopes)


def dense_rows(local: Window, knots: Knots, base: Tensor | None = None) -> Tensor:
    """Write the windows into whole rows of the basis.

    Args:
        local: windows of g curves at b points.
        base: (g, b) values of the function beside the splines, as a last row.
    Returns:
        (g, G + 3, b), or (g, G + 4, b) with a base.
    """
    curves, points = local.weights.shape[1:]
    extra = 0 if base is None else 1
    full = local.weights.new_zeros(curves, knots.size + extra, points)
    full.scatter_(1, local.places.transpose(0, 1), local.weights.transpose(0, 1))
    if base is not None:
        # Just before the padding at the end: the last row once that is cut off.
        full[:, knots.size - knots.pad] = base
    return full[:, knots.pad : full.shape[1] - knots.pad] if knots.pad else full
