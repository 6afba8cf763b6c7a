"""Normal equations from row-wise curvature and the designs of the latents."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.training.levenberg import Normal, hold
from sciren.training.process_term import LocalModel

__all__ = ["assemble", "hold"]

BUDGET = 4_000_000  # numbers in one temporary design


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
    full = [part if part.dim() == 3 else part.unsqueeze(0) for part in designs]
    widths = [part.shape[-1] for part in full]
    size = sum(widths) + knobs - len(full)
    starts = [sum(widths[:k]) for k in range(len(widths) + 1)]
    gradient = local.gradient.new_zeros(members, size)
    matrix = local.gradient.new_zeros(members, size, size)
    chunk = max(256, BUDGET // max(1, members * max([*widths, 1])))
    for start in range(0, rows, chunk):
        part = slice(start, start + chunk)
        pieces = [one[:, part] for one in full]
        _add(gradient, matrix, local, pieces, starts, part)
    lower = matrix.tril(-1)
    return Normal(local.loss, gradient, lower + lower.mT + _diagonal(matrix))


def _diagonal(matrix: Tensor) -> Tensor:
    return torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1))


def _add(
    gradient: Tensor,
    matrix: Tensor,
    local: LocalModel,
    pieces: Sequence[Tensor],
    starts: Sequence[int],
    part: slice,
) -> None:
    """Add one chunk of rows; only the lower triangle of blocks is filled."""
    latents, tail = len(pieces), starts[-1]
    slope, curvature = local.gradient[:, part], local.curvature[:, part]
    for a, one in enumerate(pieces):
        into = slice(starts[a], starts[a + 1])
        transposed = one.mT
        gradient[:, into] += (transposed @ slope[..., a : a + 1]).squeeze(-1)
        for b in range(a + 1):
            weighted = pieces[b] * curvature[..., a, b].unsqueeze(-1)
            matrix[:, into, starts[b] : starts[b + 1]] += transposed @ weighted
        mixed = curvature[..., latents:, a]  # (S, m, K)
        matrix[:, tail:, into] += (transposed @ mixed).mT
    gradient[:, tail:] += slope[..., latents:].sum(1)
    matrix[:, tail:, tail:] += curvature[..., latents:, latents:].sum(1)
