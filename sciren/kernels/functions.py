"""The kernels as nodes of torch's automatic differentiation."""

from typing import Any

import torch
from torch import Tensor

from sciren.errors import TrainingError
from sciren.kernels.layer import base_value, through_rows
from sciren.kernels.window import Knots, Window, dense_rows, window


def refuse_second_derivatives() -> None:
    """Raise TrainingError in a backward pass that is itself to be differentiated.

    Raises:
        TrainingError: gradients are recorded, as with ``create_graph=True``.
    """
    if torch.is_grad_enabled():
        raise TrainingError(
            "the gradients of spline layers are written by hand, once; second "
            "derivatives (create_graph=True) are not available, use differences"
        )


class EdgeCurves(torch.autograd.Function):
    """Every edge's output, (n, i) -> (n, i, j), gradients by hand."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, knots: Knots, base: str) -> Tensor:
        """Evaluate.

        Args:
            ctx: for the backward pass.
            x: (n, i);  table: (i, j, G + 3), one more with a base.
            knots, base: of the layer.
        """
        turned = x.detach().T
        local = window(turned, knots)
        rows = dense_rows(local, knots, base_value(base, turned))
        ctx.save_for_backward(turned, table, rows, *local)
        ctx.knots, ctx.base = knots, base
        # (i, j, R) times (i, R, n): one product an input instead of one a row.
        return torch.bmm(table, rows).permute(2, 0, 1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Carry the gradient of the edges on to x and the coefficients."""
        refuse_second_derivatives()
        turned, table, rows, *local = ctx.saved_tensors
        above = slopes[0].permute(1, 2, 0)
        by_table = torch.bmm(above, rows.mT) if ctx.needs_input_grad[1] else None
        if not ctx.needs_input_grad[0]:
            return None, by_table, None, None
        # Gradient of the basis at every point; only four of its R functions live there,
        # and `through_rows` takes these on to x.
        by_row = torch.bmm(table.mT, above).unsqueeze(0)
        nodes = turned.unsqueeze(0)
        by_x = through_rows(by_row, nodes, Window(*local), ctx.knots, ctx.base)
        return by_x[0].T, by_table, None, None


class EdgeSums(torch.autograd.Function):
    """The sums of the edges, (n, i) -> (n, j), without forming the edges."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, knots: Knots, base: str) -> Tensor:
        """Evaluate; arguments as `EdgeCurves`."""
        turned = x.detach().T
        local = window(turned, knots)
        rows = dense_rows(local, knots, base_value(base, turned)).contiguous()
        ctx.save_for_backward(turned, table, rows, *local)
        ctx.knots, ctx.base = knots, base
        # (n, i R) times (i R, j): the matrix product itself adds up the edges.
        return rows.flatten(0, 1).T @ table.transpose(1, 2).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Carry the gradient of the sums on to x and the coefficients."""
        refuse_second_derivatives()
        turned, table, rows, *local = ctx.saved_tensors
        above = slopes[0].T  # (j, n)
        by_table = None
        if ctx.needs_input_grad[1]:
            by_table = above @ rows.flatten(0, 1).T
            by_table = by_table.unflatten(1, rows.shape[:2]).transpose(0, 1)
        if not ctx.needs_input_grad[0]:
            return None, by_table, None, None
        by_row = (table.mT @ above).unsqueeze(0)
        nodes = turned.unsqueeze(0)
        by_x = through_rows(by_row, nodes, Window(*local), ctx.knots, ctx.base)
        return by_x[0].T, by_table, None, None
