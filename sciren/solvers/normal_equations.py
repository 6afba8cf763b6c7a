"""Normal equations from row-wise curvature and the designs of the latents."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.solvers.levenberg import Normal, hold
from sciren.solvers.process_term import LocalModel

__all__ = ["Sums", "assemble", "hold"]

BUDGET = 1_000_000  # numbers in one temporary design, few enough for the caches


class Sums:
    """Normal equations of S members that grow by chunks of rows.

    Order of the parameters: latent 1, ..., latent L, constants.

    Args:
        members: S.
        widths: number of coefficients of each latent.
        constants: K.
        like: brings precision and device.
    """

    def __init__(
        self, members: int, widths: Sequence[int], constants: int, like: Tensor
    ) -> None:
        self.starts = [sum(widths[:k]) for k in range(len(widths) + 1)]
        size = self.starts[-1] + constants
        self.loss = like.new_zeros(members)
        self.gradient = like.new_zeros(members, size)
        self.matrix = like.new_zeros(members, size, size)

    def add(self, local: LocalModel, designs: Sequence[Tensor]) -> None:
        """Add a chunk of m rows.

        Args:
            local: their gradient and curvature by raw latents and constants.
            designs: for each latent d(raw latent)/d(its coefficients): (m, P_l), shared
                by the members, or (S, m, P_l).
        """
        # Rows last: products of long contiguous vectors are the fastest.
        full = [
            part.mT if part.dim() == 3 else part.mT.unsqueeze(0) for part in designs
        ]
        latents, tail = len(full), self.starts[-1]
        slope, curvature = local.gradient, local.curvature
        self.loss += local.loss
        for a, design in enumerate(full):
            into, end = slice(self.starts[a], self.starts[a + 1]), self.starts[a + 1]
            # One product for all blocks of a latent: designs of the latents up to it,
            # the constants, and the slope as the last column.
            products = _products(design, self._right(full, slope, curvature, a))
            # Only the lower triangle of blocks is filled.
            self.matrix[:, into, :end] += products[..., :end]
            self.matrix[:, tail:, into] += products[..., end:-1].mT
            self.gradient[:, into] += products[..., -1]
        self.gradient[:, tail:] += slope[..., latents:].sum(1)
        self.matrix[:, tail:, tail:] += curvature[..., latents:, latents:].sum(1)

    def _right(
        self, full: list[Tensor], slope: Tensor, curvature: Tensor, a: int
    ) -> Tensor:
        """What the design of latent a is multiplied with: designs, constants, slope."""
        members, rows, _ = slope.shape
        end, latents = self.starts[a + 1], len(full)
        constants = self.gradient.shape[1] - self.starts[-1]
        right = slope.new_empty(members, end + constants + 1, rows)
        for b in range(a + 1):
            part = right[:, self.starts[b] : self.starts[b + 1]]
            torch.mul(full[b], curvature[..., a, b].unsqueeze(1), out=part)
        # Cross curvature between latent a and the constants, row by row.
        right[:, end:-1] = curvature[..., a, latents:].mT
        right[:, -1] = slope[..., a]
        return right

    def normal(self) -> Normal:
        """Return the sums as normal equations."""
        # Diagonal blocks are symmetric by themselves; everything above mirrors what is
        # below.
        lower = self.matrix.tril(-1)
        diagonal = self.matrix.diagonal(dim1=-2, dim2=-1)
        matrix = lower + lower.mT + torch.diag_embed(diagonal)
        return Normal(self.loss, self.gradient, matrix)


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Sum over the rows of left (S or 1, P, m) times right (S, Q, m): (S, P, Q)."""
    # Rows shared by all members: one large product instead of many small ones.
    if len(left) > 1 or len(right) == 1:
        return left @ right.mT
    flat = left[0] @ right.flatten(0, 1).mT
    return flat.unflatten(1, right.shape[:2]).transpose(0, 1)


def assemble(local: LocalModel, designs: Sequence[Tensor]) -> Normal:
    """Chain the row-wise quadratic model through the designs of the latents.

    Args:
        local: gradient and curvature with respect to raw latents and constants.
        designs: for each latent d(raw latent)/d(its coefficients): (n, P_l), shared by
            the members, or (S, n, P_l).
    Returns:
        Normal equations in the order latent 1, ..., latent L, constants.
    """
    members, rows, knobs = local.gradient.shape
    widths = [part.shape[-1] for part in designs]
    sums = Sums(members, widths, knobs - len(widths), local.gradient)
    chunk = max(256, BUDGET // max(1, members * max([*widths, 1])))
    for start in range(0, rows, chunk):
        part = slice(start, start + chunk)
        # The loss is known as a whole; chunks must not add it again.
        nothing = torch.zeros_like(local.loss)
        few = LocalModel(nothing, local.gradient[:, part], local.curvature[:, part])
        sums.add(few, [design[..., part, :] for design in designs])
    return sums.normal()._replace(loss=local.loss)
