"""A grouped spline network as one operation: outputs and penalties, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sciren.kernels.layer import (
    DenseTape,
    GatherTape,
    Sums,
    dense_backward,
    dense_forward,
    gather_backward,
    gather_forward,
    hidden_rows,
    hidden_window,
    through_rows,
)
from sciren.kernels.row_share import RowShare, row_variance
from sciren.kernels.window import Knots, Window
from sciren.losses import Weight, score_penalty


@dataclass(frozen=True)
class LayerPlan:
    """What is fixed about one layer of P groups.

    Attributes:
        knots: of the P n curves.
        base: "zero", "identity" or "silu".
        mask: (P, n, J, 1), or None where every edge lives.
        roughness: (R, R) quadratic form of an edge's coefficients, zero for the base.
        smooth: (P, n, J, 1) its weight for each edge, or None.
    """

    knots: Knots
    base: str
    mask: Tensor | None = None
    roughness: Tensor | None = None
    smooth: Tensor | None = None


@dataclass(frozen=True)
class NetworkPlan:
    """What is fixed about M networks that are trained on U batches, M / U on each.

    The first layer has P = U groups, the networks of a batch side by side as columns
    (J = n_out M / U); deeper layers have P = M groups.

    Attributes:
        layers: first to last.
        members, streams: numbers M and U.
        entropy, l1: weights of the score penalties, (M,) or a number.
        paper: form of the score penalties.
        scale: (M, L) raw latents are scale times the outputs (paper form only).
    """

    layers: tuple[LayerPlan, ...]
    members: int = 1
    streams: int = 1
    entropy: Weight = 0.0
    l1: Weight = 0.0
    paper: bool = False
    scale: Tensor | None = None

    @property
    def sparse(self) -> bool:
        """Whether the edges are scored."""
        return any(isinstance(w, Tensor) or w > 0 for w in (self.entropy, self.l1))

    def by_member(self, first: Tensor) -> Tensor:
        """Bring (U, n, J) of the first layer into the order (M, n, n_out)."""
        if self.members == 1:
            return first
        streams, inputs, width = first.shape
        each = self.members // streams
        # The columns of a stream are those of its members, one after the other.
        split = first.view(streams, inputs, each, width // each).transpose(1, 2)
        return split.reshape(self.members, inputs, -1)

    def by_column(self, first: Tensor) -> Tensor:
        """Return arrays by stream from arrays by member, the inverse of `by_member`."""
        if self.members == 1:
            return first
        _, inputs, width = first.shape
        split = first.view(self.streams, -1, inputs, width).transpose(1, 2)
        return split.reshape(self.streams, inputs, -1)


class LayerTape(NamedTuple):
    """What the backward pass of one layer needs."""

    tape: DenseTape | GatherTape
    x: Tensor | None
    local: Window | None


class Forward(NamedTuple):
    """Outputs of the networks and the way back.

    Attributes:
        outputs: (M, L, B).
        terms: "entropy", "l1", "smooth" -> (M,), those that have a weight.
        tapes: of every layer.
        slopes: gradient of the penalties with respect to the deviations, by layer.
        rough: gradient of the roughness with respect to the coefficients, by layer.
        share: as in `forward`.
    """

    outputs: Tensor
    terms: dict[str, Tensor]
    tapes: list[LayerTape]
    slopes: list[Tensor]
    rough: list[Tensor | None]
    share: RowShare | None = None


def forward(
    plan: NetworkPlan,
    coefficients: Sequence[Tensor],
    biases: Sequence[Tensor],
    rows: Tensor,
    penalties: bool = True,
    share: RowShare | None = None,
) -> Forward:
    """Run the networks on whole rows of the first layer's basis.

    Args:
        coefficients: (U, n, J, R) of the first, (M, n, J, R) of deeper layers.
        biases: (U, J), (M, J).
        rows: (U, n, R, B) basis of the first layer.
        penalties: False leaves them out.
        share: other processes hold the other rows; penalties are those of all rows, and
            gradients are the part of this process, roughness included.
    """
    sparse = penalties and plan.sparse
    sums, tape = dense_forward(coefficients[0], rows, sparse, share)
    layers, tapes = [sums], [LayerTape(tape, None, None)]
    x = sums.nodes + biases[0].unsqueeze(-1)
    # From here on every member has nodes of its own: (U, J, B) -> (M, J U / M, B), in
    # place.
    x = x.view(plan.members, -1, x.shape[-1])
    for depth in range(1, len(plan.layers)):
        layer, own = plan.layers[depth], coefficients[depth]
        sums, hidden = _hidden(layer, own, x, sparse, share)
        layers.append(sums)
        tapes.append(hidden)
        x = sums.nodes + biases[depth].unsqueeze(-1)
    if not penalties:
        return Forward(x, {}, tapes, [], [])
    terms, slopes = _scored(plan, layers, x, share) if sparse else ({}, [])
    smooth, rough = _roughness(plan, coefficients)
    if smooth is not None:
        terms["smooth"] = smooth
    return Forward(x, terms, tapes, slopes, rough, share)


def _hidden(
    layer: LayerPlan,
    coefficients: Tensor,
    x: Tensor,
    scores: bool,
    share: RowShare | None,
) -> tuple[Sums, LayerTape]:
    local = hidden_window(x, layer.knots)
    # Adding into shared places has no fixed order on CUDA, and runs must repeat.
    if coefficients.shape[2] == 1 and layer.base == "zero" and not x.is_cuda:
        sums, tape = gather_forward(coefficients, local, layer.knots, scores, share)
        return sums, LayerTape(tape, x, local)
    rows = hidden_rows(x, local, layer.knots, layer.base)
    sums, whole = dense_forward(coefficients, rows, scores, share)
    return sums, LayerTape(whole, x, local)


def _scored(
    plan: NetworkPlan, layers: list[Sums], outputs: Tensor, share: RowShare | None
) -> tuple[dict[str, Tensor], list[Tensor]]:
    edges = [layer.edges for layer in layers if layer.edges is not None]
    spread = [layer.spread for layer in layers if layer.spread is not None]
    # A penalty belongs to one member: columns are sorted by member here, their slopes
    # back.
    edges[0] = plan.by_member(edges[0])
    spread[0] = spread[0].view(plan.members, -1)
    top = None
    if plan.paper:
        top = row_variance(outputs, share)
        top = top if plan.scale is None else top * plan.scale.square()
    asked = score_penalty(edges, spread, plan.entropy, plan.l1, plan.paper, top)
    slopes = asked.slopes
    slopes[0] = plan.by_column(slopes[0])
    named = {"entropy": asked.entropy, "l1": asked.l1}
    return {key: value for key, value in named.items() if value is not None}, slopes


def _roughness(
    plan: NetworkPlan, coefficients: Sequence[Tensor]
) -> tuple[Tensor | None, list[Tensor | None]]:
    """Weighted roughness of every network, and half its gradient by layer."""
    total, rough = None, []
    for depth, (layer, c) in enumerate(zip(plan.layers, coefficients, strict=True)):
        if layer.smooth is None or layer.roughness is None:
            rough.append(None)
            continue
        # c' R c and its gradient 2 R c from one product.
        half = (c @ layer.roughness).mul_(layer.smooth)
        rough.append(half)
        if plan.members == 1:
            value = torch.dot(half.view(-1), c.reshape(-1)).view(1)
        else:
            each = (half * c).sum(-1)
            each = plan.by_member(each) if depth == 0 else each
            value = each.sum((1, 2))
        total = value if total is None else total + value
    return total, rough


def backward(
    plan: NetworkPlan, done: Forward, outputs: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the gradients of coefficients and biases by layer, penalties included.

    Args:
        done: what `forward` returned; it is used up.
        outputs: (M, L, B) gradient of the outputs.
    """
    by_coefficient: list[Tensor] = []
    by_bias: list[Tensor] = []
    above = outputs
    for depth in range(len(plan.layers) - 1, -1, -1):
        layer, (tape, x, local) = plan.layers[depth], done.tapes[depth]
        if depth == 0:
            # The members of a stream share its rows: side by side again.
            above = above.reshape(plan.streams, -1, above.shape[-1])
        by_bias.append(above.sum(-1))
        slope = done.slopes[depth] if done.slopes else None
        if isinstance(tape, GatherTape):
            weights, below = gather_backward(tape, above, slope)
            inverse = layer.knots.inverse.to(below.dtype)
            # Slopes came in knot spacings; the chain rule brings them to the unit of x.
            above = below * inverse.view(*below.shape[:2], 1)
        else:
            weights, by_row = dense_backward(tape, above, slope)(depth > 0)
            if depth and by_row is not None and x is not None and local is not None:
                above = through_rows(by_row, x, local, layer.knots, layer.base)
        half = done.rough[depth] if done.rough else None
        if half is not None:
            # The roughness has no rows: every process adds its part, and the sum is the
            # whole.
            parts = 1 if done.share is None else done.share.processes
            weights = torch.add(weights, half, alpha=2 / parts)
        if layer.mask is not None:
            weights = weights * layer.mask
        by_coefficient.append(weights)
    return by_coefficient[::-1], by_bias[::-1]
