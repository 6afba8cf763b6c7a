"""How far classes with few rows are drawn to the mean: a ridge chosen by the data.

Effects e of the classes are taken as draws with one deviation tau about the mean of the
rows. Around a solution the loss is quadratic, so the deviation with the highest marginal
likelihood follows from one Gauss-Newton matrix H by iteration:

    e = argmin of the quadratic loss + lambda |e|^2,    lambda = (loss / n) / tau^2
    tau^2 = |e|^2 / (C - 1 - lambda tr (H + lambda)^-1)

Reference: MacKay 1992, Bayesian interpolation, section 4; Henderson 1975.
"""

import torch
from torch import Tensor

from sciren.training.gauss_newton.additive import AdditiveProblem

ROUNDS = 50  # at most; `SETTLED` ends it
SETTLED = 0.02  # relative change of the strength, which changes no effect by 1 %
WEAKEST, STRONGEST = 1e-3, 1e6
"""Bounds of lambda n: rows that a class without rows would count as."""


@torch.no_grad()
def chosen_ridge(problem: AdditiveProblem, theta: Tensor) -> Tensor:
    """Return the ridge (d m, d m) of a design whose kinds have one.

    Args:
        problem: whose design has a ridge;  theta: (1, P) its solution.
    """
    spline = problem.spline
    unit = spline.knots.ridge(spline.mean)
    assert unit is not None
    assert spline.ridge is not None
    count = problem.term.observations.count
    normal = problem.normal(
        theta, torch.zeros(1, dtype=torch.long, device=theta.device)
    )
    pull = (theta @ problem.penalty)[0]
    noise = max(float(normal.loss[0] - pull @ theta[0]), 1e-300) / count
    # H and right of the data alone: theta minimises t'H t - 2 right' t + penalty.
    matrix = normal.matrix[0] - problem.penalty
    right = matrix @ theta[0] - (normal.gradient[0] - pull)
    # What stays as it is: smoothness of the other features.
    others = problem.penalty - _placed(problem, spline.ridge)
    strengths = theta.new_full((len(unit),), 1.0 / count)
    for _ in range(ROUNDS):
        ridge = _placed(problem, _joined(unit, strengths))
        # Fixed point: effects under the strengths, then strengths that such effects ask
        # for.
        inverse = torch.linalg.inv(matrix + others + ridge)
        before, effects = strengths, inverse @ right
        strengths = torch.stack(
            [
                _moved(problem, unit, number, inverse, effects, before, noise)
                for number in range(len(unit))
            ]
        ).clamp(WEAKEST / count, STRONGEST / count)
        if bool(((strengths / before).log().abs() < SETTLED).all()):
            break
    return _joined(unit, strengths)


def _joined(unit: Tensor, strengths: Tensor) -> Tensor:
    return torch.block_diag(*(unit * strengths[:, None, None]))


def _placed(problem: AdditiveProblem, inner: Tensor) -> Tensor:
    """Return a penalty (d m, d m) of every latent as one of all parameters (P, P)."""
    per_latent = torch.block_diag(inner.new_zeros(1, 1), inner)
    constants = inner.new_zeros(problem.n_constants, problem.n_constants)
    return torch.block_diag(*[per_latent] * problem.n_latents, constants)


def _moved(
    problem: AdditiveProblem, unit: Tensor, number: int, inverse: Tensor,
    effects: Tensor, strengths: Tensor, noise: float,
) -> Tensor:  # fmt: skip
    """Return the strength of one feature that its effects ask for."""
    form, width = unit[number], unit.shape[-1]
    rank = int((form.diagonal() > 0).sum()) - 1  # all but their common level
    if rank < 1:
        return strengths[number]
    size, spent = effects.new_zeros(()), 0.0
    for latent in range(problem.n_latents):
        first = latent * problem.block + 1 + number * width
        place = slice(first, first + width)
        own = effects[place]
        # |e|^2 and the effective number of effects, summed over the latents, which
        # share tau.
        size = size + own @ form @ own
        # classes without rows count 1 in the rank and 1 in the trace: they cancel
        lost = float(strengths[number] * (form * inverse[place, place]).sum())
        spent += max(rank - lost, 1e-6)
    return noise * spent / size.clamp_min(1e-300)
