"""Robust covariance of the constants of closed forms, from the local model of the loss.

The covariance itself is `sciren.inference.sandwich`; this file brings the scores and the
leverages that a joint refit knows row by row.

Reference: White 1980; MacKinnon and White 1985 (HC3); Liang and Zeger 1986 (blocks).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciren.inference.sandwich import (
    LEAST_BLOCKS,
    bayesian_sandwich,
    block_meat,
    cosine_count,
    cosine_meat,
)
from sciren.solvers.process_term import LocalModel
from sciren.solvers.whitened import WhitenedTerm

Array = np.ndarray

SERIES = 50  # rows in time below which a dozen cosines are no slow part any more

__all__ = [
    "LEAST_BLOCKS",
    "Sandwich",
    "leverages",
    "row_scores",
    "sandwich",
    "whitened_sandwich",
]


@dataclass(frozen=True)
class Sandwich:
    """Robust covariance and how it was found.

    Attributes:
        covariance: (P, P).
        blocks: how many were used; 0: rows one by one, or in time order.
        cosines: in time order, how many stand for the slow part of the scores; else 0.
    """

    covariance: Tensor
    blocks: int
    cosines: int = 0

    @property
    def groups(self) -> int:
        """Number of blocks where they are too few for normal quantiles, else 0."""
        return self.blocks if self.blocks < LEAST_BLOCKS else 0


def sandwich(
    local: LocalModel,
    designs: Sequence[Tensor],
    inverse: Tensor,
    blocks: Tensor,
    prior: Tensor | None = None,
    rank: Tensor | None = None,
) -> Sandwich:
    """Return the covariance of the parameters of one member.

    In time order few cosines stand for the memory of the residuals, however long it is;
    weeks are too short for it (`python -m benchmarks.belief coefficients`).

    Args:
        local: of the whole loss, S = 1.
        designs: for each latent d(raw latent)/d(its parameters) (n, P_l).
        inverse: (P, P) inverse of the Gauss-Newton matrix.
        blocks: (n,) unit in which errors depend on each other; few of them enlarge the
            covariance of single rows.
        prior: (P, P) penalty on the parameters times the variance of an observation over
            their number; what it draws to the mean counts like variance.
        rank: (n,) place of the rows in time, where it is known.
    """
    scores = row_scores(local, designs).cpu().numpy()
    share = leverages(local, designs, inverse).cpu().numpy()
    by_row = _spread(scores, share, inverse, blocks, prior, rank)
    if by_row.blocks or by_row.cosines or rank is not None:
        return by_row
    # Few groups, and no law has taken out what the rows of one share.
    meat, count = block_meat(scores, share, blocks.cpu().numpy(), least=2)
    if not count:
        return by_row
    held = None if prior is None else prior.cpu().numpy()
    by_group = bayesian_sandwich(inverse.cpu().numpy(), meat, held, 1.0)
    return Sandwich(_enlarged(by_row.covariance, by_group), count)


def _enlarged(by_row: Tensor, by_group: Array) -> Tensor:
    """Enlarge a covariance to the variances of another that has too few blocks of its own.

    The scores of G groups have rank G - 1, so that some directions look certain.
    """
    more = torch.from_numpy(np.diagonal(by_group).copy()).to(by_row)
    ratio = more / by_row.diagonal().clamp_min(1e-300)
    factor = ratio.clamp_min(1.0).sqrt()
    return by_row * factor.unsqueeze(1) * factor


def whitened_sandwich(
    term: WhitenedTerm,
    raw: Tensor,
    constants: Tensor,
    designs: Sequence[Tensor],
    inverse: Tensor,
    prior: Tensor | None = None,
) -> Sandwich:
    """Return the covariance under the law of the noise, from whitened scores.

    Args:
        term: the loss;  raw: (1, n, L);  constants: (1, K); others as in `sandwich`.
    """
    columns, left = term.columns(raw, constants, designs)
    # The loss is a mean over the observations, and so are scores and leverages.
    count = len(left)
    scores = (columns * left[:, None] / count).cpu().numpy()
    share = ((columns @ inverse) * columns).sum(1).cpu().numpy() / count
    seen, rows = term.observations, torch.from_numpy(term.process.rows)
    rank = None if seen.rank is None else seen.rank[rows]
    return _spread(scores, share, inverse, seen.blocks[rows], prior, rank)


def _spread(
    scores: Array,
    share: Array,
    inverse: Tensor,
    blocks: Tensor,
    prior: Tensor | None,
    rank: Tensor | None,
) -> Sandwich:
    count = cosines = 0
    # Time order first: rows of a series remember each other beyond any fixed block.
    if rank is not None and len(scores) >= SERIES:
        cosines = cosine_count(len(scores))
        meat = cosine_meat(scores, cosines, float(share.sum()), rank.cpu().numpy())
    else:
        meat, count = block_meat(scores, share, blocks.cpu().numpy())
    held = None if prior is None else prior.cpu().numpy()
    spread = bayesian_sandwich(inverse.cpu().numpy(), meat, held, 1.0)
    return Sandwich(torch.from_numpy(spread).to(inverse), count, cosines)


def row_scores(local: LocalModel, designs: Sequence[Tensor]) -> Tensor:
    """Half gradient of the loss by the parameters, row by row (n, P)."""
    slope = local.gradient[0]
    # chain rule per latent, (n, P_l) each; the columns of process constants are scores already
    parts = [design * slope[:, k : k + 1] for k, design in enumerate(designs)]
    return torch.cat([*parts, slope[:, len(designs) :]], dim=1)


def leverages(local: LocalModel, designs: Sequence[Tensor], inverse: Tensor) -> Tensor:
    """Share (n,) of each row in its own prediction: trace of H_i J_i A^-1 J_i'.

    Args:
        local: curvature H_i (L + K, L + K) of every row.
        designs: (n, P_l) for each latent;  inverse: (P, P) A^-1.
    """
    curvature = local.curvature[0]
    latents, rows = len(designs), len(curvature)
    ends = [0]
    for design in designs:
        ends.append(ends[-1] + design.shape[1])
    total = curvature.new_zeros(rows)
    # process constants enter every row with derivative one
    constants = curvature.shape[-1] - latents
    eye = torch.eye(constants).to(curvature)
    wide = [*designs, *(row.expand(rows, 1) * 1.0 for row in eye.diagonal())]
    ends += [ends[-1] + k + 1 for k in range(constants)]
    # h_i = sum over pairs of inputs a, b of H_ab,i J_a,i (A^-1)_ab J_b,i', block by block, so
    # that no (n, P, P) array is made; blocks off the diagonal count twice.
    for a, row_design in enumerate(wide):
        for b in range(a + 1):
            part = inverse[ends[a] : ends[a + 1], ends[b] : ends[b + 1]]
            both = ((row_design @ part) * wide[b]).sum(1) * curvature[:, a, b]
            total += both * (1.0 if a == b else 2.0)
    return total
