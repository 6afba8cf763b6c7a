"""Entropy and L1 of the edge scores with their gradients, in one pass each way."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sciren.losses import CODE_EPS, PAPER_EPS, TINY

Weight = Tensor | float  # one a member (M,), or one for all


class ScorePenalty(NamedTuple):
    """Weighted penalties and what they ask of the edges.

    Attributes:
        entropy, l1: (M,) weighted terms, or None where the weight is zero.
        slopes: for each layer (M, n, J), gradient with respect to the deviations.
    """

    entropy: Tensor | None
    l1: Tensor | None
    slopes: list[Tensor]


def score_penalty(
    edges: Sequence[Tensor],
    spread: Sequence[Tensor],
    entropy: Weight,
    l1: Weight,
    paper: bool = False,
    top: Tensor | None = None,
) -> ScorePenalty:
    """Hand deviations back to the edges and penalise the scores.

    The same numbers as `importance.edge_scores` with `losses.entropy` and `losses.l1`,
    member by member; deviations of nodes are constants there and here. The mean over
    the outputs is taken at the top, because everything below is linear in it.

    Args:
        edges: (M, n, J) deviations of each layer, first layer first, in any unit.
        spread: (M, J) deviations of the sums, in the same unit.
        entropy, l1: weights, (M,) or a number; a number zero leaves the term out.
        paper: nats and node shares instead of bits and layer means.
        top: (M, L) start at the outputs, default one.
    """
    scores, factors, sizes = _scores(edges, spread, paper, top)
    eps, unit = (PAPER_EPS, 1.0) if paper else (CODE_EPS, 1 / math.log(2))
    logarithm = torch.log if paper else torch.log2
    with_entropy = isinstance(entropy, Tensor) or entropy > 0
    with_l1 = isinstance(l1, Tensor) or l1 > 0
    slopes, entropies, sums = [], [], []
    for score in scores:
        total = score.sum((1, 2))
        if with_l1:
            sums.append(total)
        if not with_entropy:
            slopes.append(torch.ones_like(score) * _wide(l1))
            continue
        held = total.clamp_min(TINY)
        share = score / held.view(-1, 1, 1)
        inside = share + eps
        logs = logarithm(inside)
        entropies.append((share * logs).sum((1, 2)))
        steep = torch.addcdiv(logs, share, inside, value=unit)
        level = (share * steep).sum((1, 2), keepdim=True)
        slope = (level - steep) * _wide(entropy / held)
        slopes.append(slope + _wide(l1) if with_l1 else slope)
    return ScorePenalty(
        -_added(entropies) * entropy if with_entropy else None,
        _added(sums) * l1 if with_l1 else None,
        _handed_down(slopes, edges, factors, sizes),
    )


def _scores(
    edges: Sequence[Tensor], spread: Sequence[Tensor], paper: bool, top: Tensor | None
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Scores, what the deviations were multiplied with, and the sizes of the nodes."""
    outputs = edges[-1].shape[-1]
    above: Tensor | float = 1 / outputs if top is None else top / outputs
    scores, factors, sizes = [], [], []
    for depth in range(len(edges) - 1, -1, -1):
        size = spread[depth]
        if not paper and size.shape[-1] > 1:
            size = size.mean(-1, keepdim=True)
        size = size.clamp_min(TINY)
        factor = (above / size).unsqueeze(1)
        score = edges[depth] * factor
        above = score.sum(-1) if depth else 0.0
        for found, one in ((scores, score), (factors, factor), (sizes, size)):
            found.append(one)
    return scores[::-1], factors[::-1], sizes[::-1]


def _handed_down(
    slopes: list[Tensor],
    edges: Sequence[Tensor],
    factors: list[Tensor],
    sizes: list[Tensor],
) -> list[Tensor]:
    """Gradients of the deviations: a layer also moves the scores of those below it."""
    carried, found = None, []
    for depth, slope in enumerate(slopes):
        whole = slope if carried is None else slope + carried.unsqueeze(-1)
        found.append(whole * factors[depth])
        if depth + 1 < len(slopes):
            carried = (whole * edges[depth]).sum(1) / sizes[depth]
    return found


def _wide(weight: Weight) -> Weight:
    return weight.view(-1, 1, 1) if isinstance(weight, Tensor) else weight


def _added(parts: list[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
