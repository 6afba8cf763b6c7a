"""Many scalar tridiagonal systems at once, eliminated without any subtraction."""

from functools import cached_property

import torch
from torch import Tensor


class Tridiagonal:
    """Factors of (rate_j + lower_j + upper_j) y_j - lower_j y_{j-1} - upper_j y_{j+1}.

    All coefficients are non-negative, so with the row sum s_j kept apart from the pivot
    d_j nothing ever cancels and no pivoting is needed:

        w_j = lower_j / d_{j-1},  s_j = rate_j + w_j s_{j-1},  d_j = s_j + upper_j.

    Args:
        rate: (20, m, n) decay of m systems.
        lower, upper: (20, n) exchange, the same for all m; lower_0 and upper_19 unused.
    Attributes:
        pivot: (20, m, n), zero only where a connected part has no decay at all.
    Reference: Grassmann, Taksar and Heyman 1985, Operations Research 33, 1107.
    """

    def __init__(self, rate: Tensor, lower: Tensor, upper: Tensor) -> None:
        self.upper = upper
        self.pivot = torch.empty_like(rate)
        self.below = torch.empty_like(rate)  # w_j; the first is not used
        rates, pivots, belows = (
            rate.unbind(0),
            self.pivot.unbind(0),
            self.below.unbind(0),
        )
        lowers, uppers = lower.unbind(0), upper.unbind(0)
        # Dense elimination with pivoting returned negative carbon at 6 of 96 sites: its
        # fill-in mixes rates that differ by thirty decades.
        row_sum = rates[0]
        torch.add(row_sum, uppers[0], out=pivots[0])
        for j in range(1, len(rates)):
            torch.div(lowers[j], pivots[j - 1], out=belows[j])
            row_sum = torch.addcmul(rates[j], belows[j], row_sum)
            torch.add(row_sum, uppers[j], out=pivots[j])

    @cached_property
    def above(self) -> Tensor:
        """upper_j / d_j, (20, m, n)."""
        return self.upper.unsqueeze(1) / self.pivot

    def solve(self, right: Tensor, part: slice = slice(None)) -> Tensor:
        """Solve systems `part` for right sides (20, parts, n), overwriting them."""
        down, up = self.below[:, part].unbind(0), self.above[:, part].unbind(0)
        return self._sweep(right, down[1:], up[:-1], part)

    def adjoint(self, right: Tensor, part: slice = slice(None)) -> Tensor:
        """Solve the transposed systems, overwriting the right sides."""
        down, up = self.above[:, part].unbind(0), self.below[:, part].unbind(0)
        return self._sweep(right, down[:-1], up[1:], part)

    def steps(
        self, rate: Tensor, result: Tensor, right: Tensor, part: slice = slice(None)
    ) -> Tensor:
        """Differences y_{j+1} - y_j (19, parts, n) of a solution, free of its rounding.

        With r_j = right_j + w_j r_{j-1} the pivots give d_j (y_{j+1} - y_j) =
        s_j y_{j+1} - r_j, which stays exact where neighbours are nearly equal.

        Args:
            rate: (20, parts, n) as given for these systems.
            found, right: (20, parts, n) solution and right sides.
        """
        below = self.below[:, part]
        row_sum, carried = rate[0], right[0]
        steps = []
        for j in range(len(result) - 1):
            difference = row_sum * result[j + 1] - carried
            steps.append(difference / self.pivot[j, part])
            row_sum = torch.addcmul(rate[j + 1], below[j + 1], row_sum)
            carried = torch.addcmul(right[j + 1], below[j + 1], carried)
        return torch.stack(steps)

    def _sweep(
        self,
        result: Tensor,
        down: tuple[Tensor, ...],
        up: tuple[Tensor, ...],
        part: slice,
    ) -> Tensor:
        # A = L D U: forward with L, division by D, backward with U; the adjoint swaps
        # U' and L'.
        rows = result.unbind(0)
        for j in range(1, len(rows)):
            rows[j].addcmul_(down[j - 1], rows[j - 1])
        result.div_(self.pivot[:, part])
        for j in range(len(rows) - 2, -1, -1):
            rows[j].addcmul_(up[j], rows[j + 1])
        return result
