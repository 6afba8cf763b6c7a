"""Pools that exchange within layers and mix between them: one solve, with its adjoint."""

from typing import Any

import torch
from torch import Tensor

from sciren.errors import DecoderError


def mixed_layers(
    exchange: Tensor, lower: Tensor, upper: Tensor, source: Tensor
) -> Tensor:
    """Solve for pools y where exchange, mixing and sources balance in every layer.

        E_j y_j + lower_j (y_j - y_{j-1}) + upper_j (y_j - y_{j+1}) = b_j

    Layers are eliminated from above in blocks. The row sum S_j is kept apart from the
    pivot P_j = S_j + upper_j, so that slow decay beside fast mixing is not lost:
    S_{j+1} = E_{j+1} + lower_{j+1} P_j^-1 S_j.

    Args:
        exchange: E (layers, n, k, k), day-1.
        lower, upper: (layers, n) towards the layers above and below, day-1; the first of
            lower and the last of upper are 0.
        source: b (layers, n, k), gC m-3 day-1.
    Returns:
        (layers, n, k), gC m-3; first derivatives by the adjoint system.
    Raises:
        DecoderError: carbon cannot leave a layer; names layer and row.
    Reference: Grassmann, Taksar and Heyman 1985, Operations Research 33, 1107, in blocks.
    """
    return _MixedLayers.apply(exchange, lower, upper, source)


class _MixedLayers(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, exchange: Tensor, lower: Tensor, upper: Tensor, source: Tensor
    ) -> Tensor:
        inverse = _eliminated(exchange, lower, upper)
        pools = _substituted(inverse, lower, upper, source)
        ctx.save_for_backward(inverse, lower, upper, pools)
        return pools

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, ...]:
        # A second derivative would need a graph of what follows, which there is not.
        if torch.is_grad_enabled():
            raise DecoderError(
                "COMPAS has first derivatives only; differentiate without "
                "create_graph=True"
            )
        inverse, lower, upper, pools = ctx.saved_tensors
        # What a gram entering a pool is worth to the loss: the adjoint state, by the
        # pivots of the forward pass. Every gradient is one product of it with a flux.
        worth = _transposed(inverse, lower, upper, grad_outputs[0])
        step = pools[1:] - pools[:-1]
        down, up = torch.zeros_like(lower), torch.zeros_like(upper)
        down[1:] = -(worth[1:] * step).sum(-1)
        up[:-1] = (worth[:-1] * step).sum(-1)
        return -worth.unsqueeze(-1) * pools.unsqueeze(-2), down, up, worth


def _eliminated(exchange: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Inverse pivots (layers, n, k, k)."""
    unit = torch.eye(exchange.shape[-1], dtype=exchange.dtype, device=exchange.device)
    inverse = torch.empty_like(exchange)
    # Pivot and row sum apart: as one number the slow decay would be the difference of
    # two fast exchanges, and lost to rounding.
    row_sum = exchange[0]
    for j in range(len(exchange)):
        if j:
            carried = inverse[j - 1] @ row_sum
            row_sum = exchange[j] + lower[j, :, None, None] * carried
        pivot = row_sum + upper[j, :, None, None] * unit
        inverse[j], failed = torch.linalg.inv_ex(pivot)
        if bool(failed.any()):
            row = int(failed.nonzero()[0])
            raise DecoderError(
                f"carbon cannot leave layer {j} of row {row}: its decomposition rate and "
                "its exchange with other layers are both zero all year; check w_scalar, "
                "o_scalar and n_scalar there, or leave the row out"
            )
    return inverse


def _substituted(
    inverse: Tensor, lower: Tensor, upper: Tensor, source: Tensor
) -> Tensor:
    rows = list(source.unbind(0))
    last = len(rows) - 1
    for j in range(1, last + 1):
        rows[j] = rows[j] + lower[j, :, None] * _times(inverse[j - 1], rows[j - 1])
    rows[last] = _times(inverse[last], rows[last])
    for j in range(last - 1, -1, -1):
        rows[j] = _times(inverse[j], rows[j] + upper[j, :, None] * rows[j + 1])
    return torch.stack(rows)


def _transposed(
    inverse: Tensor, lower: Tensor, upper: Tensor, source: Tensor
) -> Tensor:
    """Solve the transposed system: pivots divide on the way down, not on the way back."""
    rows = list(source.unbind(0))
    turned = inverse.transpose(-1, -2).unbind(0)
    last = len(rows) - 1
    rows[0] = _times(turned[0], rows[0])
    for j in range(1, last + 1):
        entering = upper[j - 1, :, None] * rows[j - 1]
        rows[j] = _times(turned[j], rows[j] + entering)
    for j in range(last - 1, -1, -1):
        rows[j] = rows[j] + _times(turned[j], lower[j + 1, :, None] * rows[j + 1])
    return torch.stack(rows)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)
