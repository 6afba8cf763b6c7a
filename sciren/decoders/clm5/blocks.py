"""Soil pools by elimination of 3x3 blocks: no assumption on the exchange matrix."""

import torch
from torch import Tensor


def cofactors(matrix: Tensor) -> Tensor:
    """Cofactors of (3, 3, n) matrices."""
    rows = matrix.unbind(0)
    # Row i of the cofactors is the cross product of the two other rows, in cyclic
    # order.
    pairs = ((1, 2), (2, 0), (0, 1))
    return torch.stack([torch.linalg.cross(rows[i], rows[k], dim=0) for i, k in pairs])


class Blocks:
    """Factors of x_j M + (lower_j + upper_j) - lower_j, - upper_j on 20 layers.

    The row-sum idea of `Tridiagonal` with 3x3 blocks: S_j = x_j M + lower_j G_{j-1}, the
    pivot P_j = S_j + upper_j, and G = 1 - upper P^-1 = P^-1 S, whose diagonal is summed
    from S and the cofactors of P rather than taken from one.

    Args:
        x: (20, n) climate of the layers.
        matrix: (3, 3, n) exchange M.
        lower, upper: (20, n).
        shift: added to the diagonal (inverse length of an implicit time step).
    """

    def __init__(
        self,
        x: Tensor,
        matrix: Tensor,
        lower: Tensor,
        upper: Tensor,
        shift: float = 0.0,
    ) -> None:
        self.lower, self.upper = lower, upper
        self.inverse: list[Tensor] = []
        unit = torch.eye(3, dtype=x.dtype, device=x.device).unsqueeze(-1)
        carried = torch.zeros_like(matrix)
        for j in range(len(x)):
            # S_j, kept apart from the pivot: P - upper would cancel where exchange
            # dwarfs decay.
            row_sum = x[j] * matrix + shift * unit + lower[j] * carried
            pivot = row_sum + upper[j] * unit
            factors = cofactors(pivot)
            det = (pivot[0] * factors[0]).sum(0)
            inverse = factors.transpose(0, 1) / det
            # Diagonal of P^-1 S; off it, 1 - upper P^-1 has no 1 to subtract from.
            diagonal = (row_sum * factors).sum(1) / det
            carried = unit * diagonal - (1 - unit) * (upper[j] * inverse)
            self.inverse.append(inverse)

    def solve(self, right: Tensor) -> Tensor:
        """Solve for right sides (20, 3, n)."""
        rows = list(right.unbind(0))
        last = len(rows) - 1
        for j in range(1, last + 1):
            rows[j] = rows[j] + self.lower[j] * _times(self.inverse[j - 1], rows[j - 1])
        rows[last] = _times(self.inverse[last], rows[last])
        for j in range(last - 1, -1, -1):
            rows[j] = _times(self.inverse[j], rows[j] + self.upper[j] * rows[j + 1])
        return torch.stack(rows)

    def adjoint(self, right: Tensor) -> Tensor:
        """Solve the transposed system."""
        # The matrix is L U, L = 1 - lower P^-1 below its diagonal and U = P - upper
        # beside it. Its transpose starts with U', so rows are divided on the way down
        # here, and on the way back in `solve`.
        rows = list(right.unbind(0))
        turned = [block.transpose(0, 1) for block in self.inverse]
        last = len(rows) - 1
        rows[0] = _times(turned[0], rows[0])
        for j in range(1, last + 1):
            rows[j] = _times(turned[j], rows[j] + self.upper[j - 1] * rows[j - 1])
        for j in range(last - 1, -1, -1):
            carried = self.lower[j + 1] * rows[j + 1]
            rows[j] = rows[j] + _times(turned[j], carried)
        return torch.stack(rows)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix * vector.unsqueeze(0)).sum(1)
