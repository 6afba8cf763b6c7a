"""Curves of indices: outer splines whose knots move with the range of their index."""

from typing import NamedTuple

import torch
from torch import Tensor

from sciren.kernels.window import Knots, Window
from sciren.splines import design, evaluate


class Index(NamedTuple):
    """Standardised indices (S, n, L, H) and their range (S, 1, L, H) each."""

    value: Tensor
    low: Tensor
    high: Tensor

    def rows(self, part: slice | Tensor) -> "Index":
        """Keep some of the rows."""
        return self._replace(value=self.value[:, part])


class OuterBasis(NamedTuple):
    """Windows of all indices (S, L, H) at the rows of a slice."""

    window: Window
    knots: Knots
    shape: torch.Size

    def values(self, outer: Tensor) -> Tensor:
        """Outer curves (S, L, H, m) with coefficients (S, L, H, M)."""
        return self._sum(self.window.weights, outer)

    def steep(self, outer: Tensor) -> Tensor:
        """Their derivatives by the index (S, L, H, m)."""
        per_index = self.knots.inverse.view(*self.shape, 1).to(outer)
        return self._sum(self.window.slopes, outer) * per_index

    def _sum(self, weights: Tensor, outer: Tensor) -> Tensor:
        # The four coefficients that count at each row, gathered: no whole row of the
        # basis.
        four = outer.flatten(0, 2).expand(4, -1, -1).gather(2, self.window.places)
        return (weights * four).sum(0).unflatten(0, self.shape)

    def fill(self, basis: Tensor, latent: int) -> Tensor:
        """Write the outer basis of a latent into (S, H M, m), and return it."""
        wide = basis.zero_().unflatten(1, (self.shape[2], -1))
        places, weights = (
            part.unflatten(1, self.shape)[:, :, latent].permute(1, 2, 0, 3)
            for part in (self.window.places, self.window.weights)
        )
        wide.scatter_(2, places, weights)
        return basis


def range_of(value: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest value (S, 1, L, H) over the rows (S, n, L, H), never equal."""
    low, high = value.amin(1, keepdim=True), value.amax(1, keepdim=True)
    return low, low + (high - low).clamp_min(1e-9)


def carried(
    outer: Tensor, old: Index, new: Index, intervals: int, into: int | None = None
) -> Tensor:
    """Return the coefficients (S, L, H, M) of the same outer curves on new knots.

    Least squares on four points an interval of the new range.

    Args:
        outer: coefficients on the old knots.
        old, new: bring the ranges of the knots.
        intervals, into: numbers of old and new intervals; default the same.
    """
    into = into or intervals
    points = torch.linspace(0, 1, 4 * into + 1).to(outer)
    unit = torch.zeros(()).to(outer), torch.ones(()).to(outer)
    basis = design(points, *unit, into)  # (q, M)
    # One matrix for all nodes, since positions are relative to the new range.
    normal = basis.mT @ basis + 1e-10 * torch.eye(basis.shape[1]).to(outer)
    low, high = new.low.unsqueeze(-1), new.high.unsqueeze(-1)  # (S, 1, L, H, 1)
    x = (low + (high - low) * points).squeeze(1).permute(0, 3, 1, 2)  # (S, q, L, H)
    values = evaluate(x, outer.unsqueeze(1), old.low, old.high, intervals)
    values = values.permute(0, 2, 3, 1)
    coefficients = torch.linalg.solve(normal, (values @ basis).flatten(0, 2).mT).mT
    return coefficients.unflatten(0, outer.shape[:3])


class Unpacked(NamedTuple):
    """inner (S, L, H, p), outer (S, L, H, M), constants (S, K)."""

    inner: Tensor
    outer: Tensor
    constants: Tensor
