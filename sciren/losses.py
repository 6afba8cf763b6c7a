"""Terms of the training loss, each a named pure function of tensors.

The forms of the published code are the defaults; those of the paper stand beside them
where the two differ (`kan_encoder` sections 4 and 10).
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from sciren.splines import roughness, second_differences

EntropyForm = Literal["code", "paper"]
Reduction = Literal["mean", "sum"]

CODE_EPS = 1e-4  # inside the logarithm; the published code has it
PAPER_EPS = 1e-12  # only keeps the gradient finite where an edge has no share
TINY = 1e-12


# -- data ---------------------------------------------------------------------------
def weighted_mean(values: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return sum(w v) / sum(w), zero where nothing has weight.

    Args:
        values: any shape, finite also where the weight is zero.
        weights: same shape, >= 0, zero where not observed; None: all equal.
    """
    if weights is None:
        return values.mean()
    return (weights * values).sum() / weights.sum().clamp_min(TINY)


def squared_error(residual: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the weighted mean of r^2 (respiration code, default).

    Args:
        residual: (n, t), standardised: (prediction - target) / sd of the training rows.
        weights: (n, t), zero where not observed.
    """
    return weighted_mean(residual.square(), weights)


def smooth_l1_error(
    residual: Tensor, weights: Tensor | None = None, beta: float = 1.0
) -> Tensor:
    """Return the weighted mean of r^2 / (2 beta) below beta, |r| - beta / 2 above.

    The soil code takes beta = 1 on raw residuals (gC m-3). Arguments as `squared_error`.
    Reference: Huber 1964 divided by beta; paper equation 4 writes the sum.
    """
    zeros = torch.zeros_like(residual)
    each = torch.nn.functional.smooth_l1_loss(
        residual, zeros, beta=beta, reduction="none"
    )
    return weighted_mean(each, weights)


# -- sparsity -----------------------------------------------------------------------
def l1(scores: Sequence[Tensor]) -> Tensor:
    """Return the sum of all edge scores.

    Args:
        scores: for each layer (inputs, outputs), see `sciren.importance.edge_scores`.
    """
    return torch.stack([layer.sum() for layer in scores]).sum()


def entropy(scores: Sequence[Tensor], form: EntropyForm = "code") -> Tensor:
    """Return the entropy of the edge scores, all edges of a layer in one distribution.

        code    -sum p log2(p + 1e-4)      n equal edges: log2 n
        paper   -sum p ln p                n equal edges: ln n

    with p = score / sum of the layer's scores; layers are added. It does not change with
    the size of the scores.

    Args:
        scores: for each layer (inputs, outputs), >= 0.
        form: which of the two.
    Reference: paper equation 6.
    """
    total = torch.stack([_entropy_of(layer, form) for layer in scores]).sum()
    return total / math.log(2) if form == "code" else total


def _entropy_of(scores: Tensor, form: EntropyForm) -> Tensor:
    share = scores / scores.sum().clamp_min(TINY)
    return -(
        share * torch.log(share + (CODE_EPS if form == "code" else PAPER_EPS))
    ).sum()


# -- smoothness ---------------------------------------------------------------------
def squared_differences(coefficients: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the summed squared second differences of the coefficients (published code).

    Depends on the number of knots; zero for a straight line.

    Args:
        coefficients: (inputs, outputs, G + 3).
        mask: (inputs, outputs), zero for edges that are gone.
    Raises:
        ShapeError: fewer than three coefficients.
    """
    return _over_edges(second_differences(coefficients).square().sum(-1), mask)


def integrated_roughness(
    coefficients: Tensor, low: Tensor, high: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Return the sum over edges of the integral of f''^2 over the knots (paper).

    Means the same for every grid; zero for a straight line.

    Args:
        coefficients: (inputs, outputs, G + 3).
        low, high: (inputs,) range of the knots.
        mask: (inputs, outputs), zero for edges that are gone.
    Reference: paper equation 7.
    """
    return _over_edges(roughness(coefficients, low, high), mask)


def _over_edges(values: Tensor, mask: Tensor | None) -> Tensor:
    return values.sum() if mask is None else (values * mask).sum()


# -- bounds -------------------------------------------------------------------------
def violation_penalty(violation: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Return how far raw latents leave their range, added over the latents.

    Args:
        violation: (n, L) >= 0, see `ScIReN.violation`.
        reduction: "mean" over the rows, or "sum" over them as the published code does
            (its weight then grows with the batch).
    Reference: paper equations 9 and 10, which leave the batch open.
    """
    by_row = violation.sum(-1)
    return by_row.mean() if reduction == "mean" else by_row.sum()
