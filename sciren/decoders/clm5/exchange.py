"""Decay and transfer among the three soil carbon pools: one 3x3 matrix a site."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Exchange:
    """Rates and fractions of the fast (1), slow (2) and passive (3) pool, (n,) each.

    M = [[a, -f21 b, -f31 c], [-f12 a, b, 0], [-f13 a, -f23 b, c]], times the climate of
    a layer, is that layer's part of the system.

    Args:
        a, b, c: decay rates at reference conditions, day-1.
        f12, f13, f21, f23, f31: fraction from the first to the second pool.
    """

    a: Tensor
    b: Tensor
    c: Tensor
    f12: Tensor
    f13: Tensor
    f21: Tensor
    f23: Tensor
    f31: Tensor

    def matrix(self) -> Tensor:
        """M as (3, 3, n)."""
        a, b, c = self.a, self.b, self.c
        rows = [
            torch.stack([a, -self.f21 * b, -self.f31 * c]),
            torch.stack([-self.f12 * a, b, torch.zeros_like(b)]),
            torch.stack([-self.f13 * a, -self.f23 * b, c]),
        ]
        return torch.stack(rows)


def mix(matrix: Tensor, values: Tensor, out: Tensor | None = None) -> Tensor:
    """Matrix times vector in every layer: (r, k, n) and (20, k, n) -> (20, r, n)."""
    result = torch.mul(matrix[:, 0], values[:, :1], out=out)
    for k in range(1, matrix.shape[1]):
        result.addcmul_(matrix[:, k], values[:, k : k + 1])
    return result
