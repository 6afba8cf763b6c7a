"""Levenberg-Marquardt for many members at once, each with its own damping.

Reference: Marquardt 1963; Nocedal and Wright 2006, chapter 10.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Normal(NamedTuple):
    """Loss (S,), half gradient (S, P), Gauss-Newton matrix (S, P, P)."""

    loss: Tensor
    gradient: Tensor
    matrix: Tensor


class Problem(Protocol):
    """Sum of squares for S members; `members` says which of them theta belongs to."""

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (S,)."""
        ...

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and matrix."""
        ...

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Bring a trial point back where it must lie, e.g. into bounds."""
        ...


@dataclass(frozen=True)
class Solution:
    """Result of `minimise`.

    Attributes:
        theta: (S, P).
        loss: (S,).
        iterations: number of steps of the slowest member.
        converged: (S,) bool.
    """

    theta: Tensor
    loss: Tensor
    iterations: int
    converged: Tensor


Watch = Callable[[int, Tensor], None]


@torch.no_grad()
def minimise(
    problem: Problem,
    theta: Tensor,
    iterations: int = 60,
    tolerance: float = 1e-9,
    damping: float = 1e-4,
    watch: Watch | None = None,
) -> Solution:
    """Minimise every member's loss.

    Args:
        problem: brings loss, normal equations and retraction.
        theta: (S, P) start.
        iterations: upper limit of steps.
        tolerance: a member has converged when two steps in a row gain less than this
            share of its loss, or when the predicted gain is that small.
        damping: first Marquardt factor.
        watch: called with step number and losses after every step.
    Returns:
        The best point of every member; its loss never exceeds that of the start.
    """
    members = torch.arange(len(theta), device=theta.device)
    theta = theta.clone()
    state = problem.normal(theta, members)
    loss, gradient, matrix = (part.clone() for part in state)
    factor = torch.full_like(loss, damping)
    idle = torch.zeros_like(members)
    step = 0
    active = members
    while step < iterations and len(active):
        step += 1
        delta = _step(gradient[active], matrix[active], factor[active])
        trial = problem.retract(theta[active] + delta, theta[active], active)
        reached = problem.loss(trial, active)
        better = reached < loss[active]
        gain = torch.where(better, (loss[active] - reached) / loss[active].abs(), 0.0)
        won, lost = active[better], active[~better]
        factor[won] = (factor[won] / 5).clamp_min(1e-12)
        factor[lost] = factor[lost] * 6
        if len(won):
            theta[won] = trial[better]
            fresh = problem.normal(theta[won], won)
            loss[won], gradient[won], matrix[won] = fresh
        predicted = -(delta * gradient[active]).sum(1) / loss[active].abs()
        idle[active] = torch.where(gain < tolerance, idle[active] + 1, 0)
        idle[active[(predicted < tolerance) & ~better]] = 99
        idle[factor > 1e10] = 99
        if watch is not None:
            watch(step, loss)
        active = active[idle[active] < 2]
    return Solution(theta, loss, step, idle >= 2)


def _step(gradient: Tensor, matrix: Tensor, factor: Tensor) -> Tensor:
    """Solve (A + factor diag A) delta = -gradient; more damping where A fails."""
    diagonal = matrix.diagonal(dim1=-2, dim2=-1)
    floor = 1e-10 * diagonal.amax(-1, keepdim=True).clamp_min(1e-300)
    base = diagonal.clamp_min(floor)
    extra = factor.unsqueeze(-1) * base + floor
    for _ in range(12):
        root, info = torch.linalg.cholesky_ex(matrix + torch.diag_embed(extra))
        if not bool((info > 0).any()):
            break
        extra = torch.where((info > 0).unsqueeze(-1), extra * 10 + floor, extra)
    return -torch.cholesky_solve(gradient.unsqueeze(-1), root).squeeze(-1)


def covariance(matrix: Tensor, loss: Tensor, count: float) -> Tensor:
    """Covariance of the parameters from the normal matrix of a mean of squares.

    Args:
        matrix: (S, P, P) Gauss-Newton matrix of the mean loss.
        loss: (S,) mean of squares at the minimum.
        count: number of observations.
    Returns:
        (S, P, P): loss / count times the inverse.
    """
    size = matrix.shape[-1]
    scale = matrix.diagonal(dim1=-2, dim2=-1).clamp_min(1e-300).sqrt()
    scaled = matrix / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    eye = 1e-12 * torch.eye(size, dtype=matrix.dtype, device=matrix.device)
    inverse = torch.linalg.inv(scaled + eye)
    unscaled = inverse / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    return unscaled * (loss / max(count - size, 1.0)).view(-1, 1, 1)
