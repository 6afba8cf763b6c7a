"""Whitened spline bases: steps in units in which the first layer's columns are alike.

Neighbouring splines overlap and features are correlated, so that some sums of columns
move the outputs a thousand times more than others. Where all rows are seen at once the
inverse of their Gram matrix makes them equal.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from sciren.training.first_order.grouped.spline import SplineStack
from sciren.training.first_order.grouped.stack import Stack

LARGEST = 2_000  # columns up to which the matrix is inverted: 32 MB
RIDGE = 1e-6  # of the mean of its diagonal; columns of an edge add up to the intercept


@torch.no_grad()
def whitening(
    stack: Stack, features: Tensor, rows: Tensor
) -> Callable[[Tensor], Tensor] | None:
    """Return the product with the inverse of (Gram matrix + smoothing), or None.

        coefficients and biases of an output -> (X' X / n + S)^-1 of them

    with X (n, 1 + columns) the basis of the first layer; deeper layers and constants are
    left as they are.

    Args:
        stack: of the members; only spline networks have a basis.
        features: (T, d) rows of all tables;  rows: (U, B) those that are seen.
    """
    if not isinstance(stack, SplineStack):
        return None
    basis = stack.first_rows(features, rows)
    if basis.shape[1] * basis.shape[2] >= LARGEST:
        return None
    inverse = torch.linalg.inv(_matrix(stack, basis))
    table, bias = stack.weights.views[0], stack.weights.views[len(stack.layers)]
    cut, size = _places(stack)

    def metric(vector: Tensor) -> Tensor:
        preconditioned = vector.clone()
        # Levels belong to it too: an edge's columns add up to the intercept, and
        # without it the two would be moved against each other.
        slopes = vector[: table.numel()].view(table.shape)
        columns = slopes.transpose(2, 3).flatten(1, 2)  # (U, n R, J)
        level = vector[cut : cut + size].view(bias.shape).unsqueeze(1)
        # (U, n R + 1, J): every output of a stream is mixed by the same inverse.
        mixed = inverse @ torch.cat((columns, level), dim=1)
        shape = (len(table), table.shape[1], table.shape[3], table.shape[2])
        into = mixed[:, :-1].reshape(shape).transpose(2, 3)
        preconditioned[: table.numel()] = into.reshape(-1)
        preconditioned[cut : cut + size] = mixed[:, -1].reshape(-1)
        return preconditioned

    return metric


def _places(stack: SplineStack) -> tuple[int, int]:
    """Where the first biases start in the vector of weights, and their number."""
    shapes, deep = stack.weights.shapes, len(stack.layers)
    return sum(shape.numel() for shape in shapes[:deep]), shapes[deep].numel()


def _matrix(stack: SplineStack, basis: Tensor) -> Tensor:
    """(U or 1, 1 + n R, 1 + n R) Gram matrix and smoothing, the bias last."""
    layer = stack.plan.layers[0]
    streams, inputs, size, count = basis.shape
    flat = basis.reshape(streams, inputs * size, count)
    design = torch.cat((flat, torch.ones_like(flat[:, :1])), dim=1)
    gram = design @ design.mT / count
    if layer.roughness is not None and layer.smooth is not None:
        # One inverse for all outputs, so with the mean of their smoothing weights: a
        # metric need only be near the Hessian.
        weights = layer.smooth.mean(2).squeeze(-1)  # (U, n)
        for stream, row in enumerate(weights if streams > 1 else weights[:1]):
            blocks = torch.block_diag(*(weight * layer.roughness for weight in row))
            gram[stream, :-1, :-1] += blocks
    ridge = RIDGE * gram.diagonal(dim1=1, dim2=2).mean(1).view(-1, 1, 1)
    return gram + ridge * torch.eye(gram.shape[1]).to(gram)
