"""Covariance of fitted constants that does not believe in the noise law.

With the row-wise half gradients s_i at the minimum of a mean of squares and its
Gauss-Newton matrix A,

    covariance = A^-1 (sum_b s_b s_b') A^-1,    s_b = sum of s_i / (1 - h_i) in block b,

where h_i is the leverage of a row (HC3). It holds whatever the variances of the rows and
however rows of one block (calendar week, site) depend on each other.

Reference: White 1980; MacKinnon and White 1985 (HC3); Liang and Zeger 1986 (blocks).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.solvers.process_term import LocalModel

LEAST_BLOCKS = 20
"""Fewer blocks say little about their own scatter: rows are taken one by one."""

MOST_LEVERAGE = 0.9


@dataclass(frozen=True)
class Sandwich:
    """Robust covariance and how it was found.

    Attributes:
        covariance: (P, P).
        blocks: how many were used; 0: rows one by one.
    """

    covariance: Tensor
    blocks: int


def sandwich(
    local: LocalModel, designs: Sequence[Tensor], inverse: Tensor, blocks: Tensor
) -> Sandwich:
    """Return the covariance of the parameters of one member.

    Args:
        local: of the whole loss, S = 1.
        designs: for each latent d(raw latent)/d(its parameters) (n, P_l).
        inverse: (P, P) inverse of the Gauss-Newton matrix.
        blocks: (n,) unit in which errors depend on each other.
    """
    scores = row_scores(local, designs)
    kept = 1.0 - leverages(local, designs, inverse).clamp(0.0, MOST_LEVERAGE)
    sums = scores / kept.unsqueeze(1)
    labels, places = torch.unique(blocks, return_inverse=True)
    count = len(labels)
    clustered = LEAST_BLOCKS <= count < len(scores)
    factor = 1.0
    if clustered:
        zero = sums.new_zeros(count, sums.shape[1])
        sums = zero.index_add(0, places.to(sums.device), sums)
        factor = count / (count - 1.0)
    spread = factor * (inverse @ (sums.mT @ sums) @ inverse)
    return Sandwich(spread, count if clustered else 0)


def row_scores(local: LocalModel, designs: Sequence[Tensor]) -> Tensor:
    """Half gradient of the loss by the parameters, row by row (n, P)."""
    slope = local.gradient[0]
    parts = [one * slope[:, k : k + 1] for k, one in enumerate(designs)]
    return torch.cat([*parts, slope[:, len(designs) :]], dim=1)


def leverages(local: LocalModel, designs: Sequence[Tensor], inverse: Tensor) -> Tensor:
    """Share (n,) of each row in its own prediction: trace of curvature times J A^-1 J'."""
    curvature = local.curvature[0]
    latents, rows = len(designs), len(curvature)
    ends = [0]
    for one in designs:
        ends.append(ends[-1] + one.shape[1])
    total = curvature.new_zeros(rows)
    constants = curvature.shape[-1] - latents
    eye = torch.eye(constants).to(curvature)
    wide = [*designs, *(row.expand(rows, 1) * 1.0 for row in eye.diagonal())]
    ends += [ends[-1] + k + 1 for k in range(constants)]
    for a, one in enumerate(wide):
        for b in range(a + 1):
            part = inverse[ends[a] : ends[a + 1], ends[b] : ends[b + 1]]
            both = ((one @ part) * wide[b]).sum(1) * curvature[:, a, b]
            total += both * (1.0 if a == b else 2.0)
    return total
