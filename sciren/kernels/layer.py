"""One grouped layer of edges, forward and backward, with one buffer an edge.

Shapes: P groups, n inputs, J outputs, R coefficients an edge (splines, then the base),
B rows. The output of a node is the sum of its edges plus a bias. Deviations are added over
the rows, not divided by them: scores are ratios of deviations.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from sciren.kernels.row_share import RowShare, row_mean, row_total
from sciren.kernels.window import Knots, Window, dense_rows, window

# Edge outputs worked on at once: 3 MB in double precision, about a second-level cache.
# Scores need the output of every edge (there is no way around by Gram matrices, which give
# standard deviations only), so they are formed in blocks and centred in place.
BLOCK = 400_000


def base_value(kind: str, x: Tensor) -> Tensor | None:
    """Return the function beside the splines at x, None for "zero"."""
    if kind == "zero":
        return None
    return x if kind == "identity" else torch.nn.functional.silu(x)


def base_slope(kind: str, x: Tensor) -> Tensor:
    """Return the derivative of the function beside the splines."""
    if kind == "identity":
        return torch.ones_like(x)
    gate = torch.sigmoid(x)
    return gate * (1 + x * (1 - gate))


class Sums(NamedTuple):
    """What a layer hands on.

    Attributes:
        nodes: (P, J, B) sums of the edges, without bias.
        edges: (P, n, J) absolute deviations of every edge, added over the rows, or None.
        spread: (P, J) the same of every sum, or None.
    """

    nodes: Tensor
    edges: Tensor | None = None
    spread: Tensor | None = None


@dataclass
class DenseTape:
    """What the backward pass of whole rows needs."""

    coefficients: Tensor
    rows: Tensor
    kept: list[Tensor] = field(default_factory=list)  # centred edges by block of inputs
    block: int = 0
    share: RowShare | None = None


def dense_forward(
    coefficients: Tensor, rows: Tensor, scores: bool, share: RowShare | None = None
) -> tuple[Sums, DenseTape]:
    """Multiply coefficients with whole rows of the basis.

    Args:
        coefficients: (P, n, J, R);  rows: (P, n, R, B).
        scores: whether deviations are needed; without them no edge is kept.
        share: says that other processes hold the other rows of the batch.
    """
    groups, inputs, outputs = coefficients.shape[:3]
    # Every process has to cut its inputs into the same blocks, whatever its rows.
    points = rows.shape[-1] if share is None else share.rows
    tape = DenseTape(coefficients, rows, share=share)
    tape.block = max(1, BLOCK // max(1, groups * outputs * points))
    if not scores:
        return Sums(_summed(coefficients, rows, tape.block)), tape
    # Edges are centred before they are added: deviations come from centred edges, and
    # the means are added to the sums afterwards.
    nodes, level, deviations = None, None, []
    for start in range(0, inputs, tape.block):
        part = slice(start, start + tape.block)
        centred, means = _centred(coefficients, rows, part, share)
        deviations.append(torch.linalg.vector_norm(centred, 1, dim=-1))
        added, middle = centred.sum(1), means.sum(1)
        nodes = added if nodes is None else nodes.add_(added)
        level = middle if level is None else level + middle
        tape.kept.append(centred)
    assert nodes is not None
    assert level is not None
    # The sums are still without their means here, as their deviations ask for.
    edges = deviations[0] if len(deviations) == 1 else torch.cat(deviations, dim=1)
    edges = row_total(edges, share)
    spread = row_total(torch.linalg.vector_norm(nodes, 1, dim=-1), share)
    return Sums(nodes.add_(level), edges, spread), tape


def _centred(
    coefficients: Tensor, rows: Tensor, part: slice, share: RowShare | None
) -> tuple[Tensor, Tensor]:
    """Edge outputs (P, k, J, B) of a block of inputs minus their means (P, k, J, 1).

    The means are taken of what is smaller, edges or rows of the basis.
    """
    groups, _, outputs, size = coefficients.shape
    points = rows.shape[-1]
    weights = coefficients[:, part].reshape(-1, outputs, size)
    basis = rows[:, part].reshape(-1, size, points)
    # Which of the two is smaller decides about the time of wide layers.
    if outputs < size:
        edges = torch.bmm(weights, basis)
        means = row_mean(edges, share)
        edges.sub_(means)
    else:
        means = weights @ row_mean(basis, share)
        edges = torch.baddbmm(means, weights, basis, beta=-1)
    shape = (groups, -1, outputs)
    return edges.view(*shape, points), means.view(*shape, 1)


def _summed(coefficients: Tensor, rows: Tensor, block: int) -> Tensor:
    groups, inputs, outputs, size = coefficients.shape
    points = rows.shape[-1]
    # One product over all inputs where their rows lie side by side. Rows cut out of a
    # padded table do not, and a view would copy them all: those go block by block.
    if rows.is_contiguous():
        wide = coefficients.transpose(1, 2).reshape(groups, outputs, inputs * size)
        return wide @ rows.view(groups, inputs * size, points)
    total = None
    for start in range(0, inputs, block):
        part = slice(start, start + block)
        share = (coefficients[:, part] @ rows[:, part]).sum(1)
        total = share if total is None else total + share
    assert total is not None
    return total


def dense_backward(
    tape: DenseTape, nodes: Tensor, edges: Tensor | None
) -> Callable[[bool], tuple[Tensor, Tensor | None]]:
    """Return a function that finishes the gradients.

    Args:
        nodes: (P, J, B) gradient of the sums.
        edges: (P, n, J) gradient of the deviations, or None.
    Returns:
        want_rows -> gradients of the coefficients (P, n, J, R), and of the rows
        (P, n, R, B) where wanted. The edges kept on the tape are used up.
    """
    coefficients, rows = tape.coefficients, tape.rows
    groups, inputs, outputs, size = coefficients.shape
    points = rows.shape[-1]

    def block(number: int, start: int, want: bool) -> tuple[Tensor, Tensor | None]:
        part = slice(start, start + tape.block)
        slopes = _edge_slopes(tape, nodes, edges, number, part)
        flat = slopes.reshape(-1, outputs, points)
        basis = rows[:, part].reshape(-1, size, points)
        by_coefficient = torch.bmm(flat, basis.mT).view(groups, -1, outputs, size)
        if not want:
            return by_coefficient, None
        weights = coefficients[:, part].reshape(-1, outputs, size)
        return by_coefficient, torch.bmm(weights.mT, flat).view(
            groups, -1, size, points
        )

    def finish(want_rows: bool) -> tuple[Tensor, Tensor | None]:
        # Without scores every edge has the gradient of its sum, so that one product
        # serves all.
        if edges is None and rows.is_contiguous() and not want_rows:
            flat = nodes @ rows.view(groups, inputs * size, points).mT
            return flat.view(groups, outputs, inputs, size).transpose(1, 2), None
        pairs = [
            block(number, start, want_rows)
            for number, start in enumerate(range(0, inputs, tape.block))
        ]
        if len(pairs) == 1:
            return pairs[0]
        by_row = [pair[1] for pair in pairs if pair[1] is not None]
        return (
            torch.cat([pair[0] for pair in pairs], dim=1),
            torch.cat(by_row, dim=1) if want_rows else None,
        )

    return finish


def _edge_slopes(
    tape: DenseTape, nodes: Tensor, edges: Tensor | None, number: int, part: slice
) -> Tensor:
    """Gradient of the edge outputs (P, k, J, B) of one block of inputs."""
    above = nodes.unsqueeze(1)
    if edges is None:
        width = len(range(*part.indices(tape.coefficients.shape[1])))
        return above.expand(-1, width, -1, -1)
    # d mean|e - mean e| / d e = (sign - mean sign) / n: only signs are kept, in place.
    sign = tape.kept[number].sign_()
    steep = edges[:, part].unsqueeze(-1)
    level = steep * row_mean(sign, tape.share)
    return torch.addcmul(above - level, sign, steep)


@dataclass
class GatherTape:
    """What the backward pass of picked coefficients needs."""

    shape: torch.Size
    local: Window
    flat: Tensor  # places in the padded coefficients of all edges
    picked: Tensor  # (4, g, b)
    size: int
    pad: int
    centred: Tensor | None = None
    share: RowShare | None = None


def gather_forward(
    coefficients: Tensor,
    local: Window,
    knots: Knots,
    scores: bool,
    share: RowShare | None = None,
) -> tuple[Sums, GatherTape]:
    """Pick four coefficients a point: for layers with one output, no row is formed.

    Args:
        coefficients: (P, n, 1, G + 3);  local: windows of the P n curves.
        scores, share: as in `dense_forward`.
    """
    groups, inputs = coefficients.shape[:2]
    table = coefficients.view(groups * inputs, -1)
    if knots.pad:
        table = torch.nn.functional.pad(table, (knots.pad, knots.pad))
    size = table.shape[1]
    # Where each curve's coefficients begin in the flat table.
    starts = torch.arange(0, table.numel(), size, device=table.device)
    flat = local.places + starts.unsqueeze(-1)
    # (4, g, b): the coefficients whose basis functions live at each point.
    picked = table.take(flat)
    curves = (picked * local.weights).sum(0).view(groups, inputs, -1)
    tape = GatherTape(coefficients.shape, local, flat, picked, size, knots.pad)
    if not scores:
        return Sums(curves.sum(1).unsqueeze(1)), tape
    tape.share = share
    means = row_mean(curves, share)
    tape.centred = curves.sub_(means)
    nodes = tape.centred.sum(1)
    edges = row_total(torch.linalg.vector_norm(tape.centred, 1, dim=-1), share)
    spread = row_total(torch.linalg.vector_norm(nodes, 1, dim=-1), share)
    nodes = (nodes + means.sum(1)).unsqueeze(1)
    return Sums(nodes, edges.unsqueeze(-1), spread.unsqueeze(-1)), tape


def gather_backward(
    tape: GatherTape, nodes: Tensor, edges: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return gradients of the coefficients (P, n, 1, G + 3), and of x in knot spacings."""
    groups, inputs = tape.shape[:2]
    if edges is None or tape.centred is None:
        slopes = nodes.expand(-1, inputs, -1)
    else:
        sign = tape.centred.sign_()
        level = edges * row_mean(sign, tape.share)
        slopes = torch.addcmul(nodes - level, sign, edges)
    slopes = slopes.reshape(groups * inputs, -1)
    total = slopes.new_zeros(groups * inputs * tape.size)
    # The reverse of picking: every point gives its share to the four that it was made
    # of.
    total.index_add_(0, tape.flat.view(-1), (tape.local.weights * slopes).view(-1))
    total = total.view(groups, inputs, 1, tape.size)
    by_place = total[..., tape.pad : tape.size - tape.pad] if tape.pad else total
    # The same four coefficients, times the slopes of their functions.
    by_x = (tape.picked * tape.local.slopes).sum(0).mul_(slopes)
    return by_place, by_x.view(groups, inputs, -1)


def hidden_window(x: Tensor, knots: Knots) -> Window:
    """Windows of the curves (P n, B) that leave the nodes x (P, n, B)."""
    return window(x.reshape(-1, x.shape[-1]), knots)


def hidden_rows(x: Tensor, local: Window, knots: Knots, base: str) -> Tensor:
    """Whole rows (P, n, R, B) at the nodes x (P, n, B)."""
    values = base_value(base, x.reshape(-1, x.shape[-1]))
    rows = dense_rows(local, knots, values)
    return rows.reshape(*x.shape[:2], -1, x.shape[-1])


def through_rows(
    by_row: Tensor, x: Tensor, local: Window, knots: Knots, base: str
) -> Tensor:
    """Carry the gradient of whole rows (P, n, R, B) on to x (P, n, B)."""
    flat = by_row.reshape(-1, *by_row.shape[2:])
    straight = None
    if base != "zero":
        straight, flat = flat[:, -1], flat[:, :-1]
    if knots.pad:
        flat = torch.nn.functional.pad(flat, (0, 0, knots.pad, knots.pad))
    picked = flat.gather(1, local.places.transpose(0, 1))
    by_x = (picked * local.slopes.transpose(0, 1)).sum(1)
    # Slopes of the window are by the position in an interval, and x is in units of the
    # data.
    by_x = by_x * knots.inverse.to(by_x.dtype)
    if straight is not None:
        by_x = by_x + straight * base_slope(base, x.reshape(-1, x.shape[-1]))
    return by_x.view_as(x)
