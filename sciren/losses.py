"""Terms of the training loss, the only place where they are written down.

    loss = data + violation + entropy + L1 + smoothness

The engine of gradients takes all of them; the Gauss-Newton engine has sums of squares
only, so it takes the squares, the violation squared, and the integral of f''^2.
Terms are weighted by `TrainConfig`; every one is kept by its name in the history.

Reference: paper equations 4 to 10; where the published code differs it has its own form.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from sciren.splines import roughness_matrix, second_differences

# Inside the logarithm. The published code has 1e-4, which also moves the value; the
# paper has none, and 1e-12 only keeps the gradient finite where an edge has no share.
CODE_EPS, PAPER_EPS = 1e-4, 1e-12
TINY = 1e-12  # under sums that may be zero: no weight, or no edge that varies

Weight = Tensor | float  # one a member (M,), or one for all


# -- data ---------------------------------------------------------------------------
def residual_costs(
    compared: Tensor,
    values: Tensor,
    kind: Literal["squares", "smooth-l1"],
    width: float,
) -> Tensor:
    """Return what every standardised residual r costs.

        squares     r^2                                             respiration code, default
        smooth-l1   r^2 / (2 width) below width, |r| - width / 2 above     soil code

    Args:
        compared: predictions;  values: observations, broadcast against them; both on
            the scale of `ResidualScale`.
        width: where the parabola ends.
    Reference: Huber 1964 divided by the width; paper equation 4.
    """
    if kind == "squares":
        return (compared - values).square()
    wide = values.expand_as(compared)
    return smooth_l1_loss(compared, wide, reduction="none", beta=width)


# -- bounds -------------------------------------------------------------------------
def violation_penalty(outside: Tensor, reduction: Literal["mean", "sum"]) -> Tensor:
    """Return how far raw latents leave their range, added over the latents.

    Args:
        outside: (L, ..., B) >= 0, see `ScIReN.violation`.
        reduction: "mean" over the rows, or "sum" over them as the published code does
            (its weight then grows with the batch).
    Returns:
        The leading dimensions of the members.
    Reference: paper equations 9 and 10, which leave the batch open.
    """
    by_row = outside.sum(0) if len(outside) > 1 else outside[0]
    return by_row.mean(-1) if reduction == "mean" else by_row.sum(-1)


# -- smoothness ---------------------------------------------------------------------
def smoothness_form(
    kind: Literal["roughness", "differences"], intervals: int
) -> Tensor:
    """Return the quadratic form (G + 3, G + 3) of an edge's coefficients.

        roughness     integral of f''^2 times the cubed knot spacing; means the same for
                      every grid (paper equation 7)
        differences   sum of squared second differences (published code); depends on the
                      number of knots

    Both are zero for a straight line.
    """
    if kind == "roughness":
        return roughness_matrix(intervals)
    steps = second_differences(torch.eye(intervals + 3, dtype=torch.float64))
    return steps @ steps.T


# -- sparsity -----------------------------------------------------------------------
class ScorePenalty(NamedTuple):
    """Weighted penalties of the edge scores and their gradient.

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
    """Return entropy and L1 of the edge scores, with their gradients by hand.

        L1      sum of the scores s (`importance.edge_scores`) of all layers
        entropy -sum p log2(p + 1e-4)   published code; n equal edges: about log2 n
                -sum p ln p             paper, equation 6; n equal edges: ln n

    with p = s / sum of the layer's scores; layers are added. Deviations of nodes count as
    constants, as in the published code. The mean over the outputs is taken at the top,
    because everything below is linear in it.

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
        # A layer whose edges are all dead has no shares; it must not turn into nan.
        held = total.clamp_min(TINY)
        share = score / held.view(-1, 1, 1)
        inside = share + eps
        logs = logarithm(inside)
        entropies.append((share * logs).sum((1, 2)))
        # d (p log p) / dp = log(p + eps) + p / (p + eps), the second part over ln 2 in
        # bits.
        steep = torch.addcdiv(logs, share, inside, value=unit)
        level = (share * steep).sum((1, 2), keepdim=True)
        # Quotient rule of p = s / sum: what one share gains the others lose.
        slope = (level - steep) * _wide(entropy / held)
        slopes.append(slope + _wide(l1) if with_l1 else slope)
    return ScorePenalty(
        -_added(entropies) * entropy if with_entropy else None,
        _added(sums) * l1 if with_l1 else None,
        _by_deviation(slopes, edges, factors, sizes),
    )


def _scores(
    edges: Sequence[Tensor], spread: Sequence[Tensor], paper: bool, top: Tensor | None
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Scores, what the deviations were multiplied with, and the sizes of the nodes."""
    outputs = edges[-1].shape[-1]
    # The mean over the outputs.
    above: Tensor | float = 1 / outputs if top is None else top / outputs
    scores, factors, sizes = [], [], []
    for depth in range(len(edges) - 1, -1, -1):
        size = spread[depth]
        # The published code divides by the mean deviation of a layer's nodes, so that a
        # node that hardly varies does not blow up the scores of its edges.
        if not paper and size.shape[-1] > 1:
            size = size.mean(-1, keepdim=True)
        size = size.clamp_min(TINY)
        factor = (above / size).unsqueeze(1)
        score = edges[depth] * factor
        above = score.sum(-1) if depth else 0.0
        scores.append(score)
        factors.append(factor)
        sizes.append(size)
    return scores[::-1], factors[::-1], sizes[::-1]


def _by_deviation(
    slopes: list[Tensor],
    edges: Sequence[Tensor],
    factors: list[Tensor],
    sizes: list[Tensor],
) -> list[Tensor]:
    """Gradients by the deviations: a layer also moves the scores of the layers below."""
    carried, handed = None, []
    for depth, slope in enumerate(slopes):
        # A score is that of the layer above, handed down; so what lower layers say is
        # carried up to the deviations of this one.
        total = slope if carried is None else slope + carried.unsqueeze(-1)
        handed.append(total * factors[depth])
        if depth + 1 < len(slopes):
            carried = (total * edges[depth]).sum(1) / sizes[depth]
    return handed


def _wide(weight: Weight) -> Weight:
    return weight.view(-1, 1, 1) if isinstance(weight, Tensor) else weight


def _added(parts: list[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
