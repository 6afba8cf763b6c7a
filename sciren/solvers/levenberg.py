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


def hold(normal: Normal, active: Tensor) -> Normal:
    """Keep inactive parameters where they are.

    Args:
        active: (S, P) bool; rows and columns of inactive ones become identity.
    """
    # Identity rows with zero gradient: the step of held parameters is exactly zero, and
    # all members keep systems of one size.
    keep = active.to(normal.gradient.dtype)
    matrix = normal.matrix * keep.unsqueeze(-1) * keep.unsqueeze(-2)
    matrix = matrix + torch.diag_embed(1.0 - keep)
    return Normal(normal.loss, normal.gradient * keep, matrix)


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


Watch = Callable[[int, Tensor, Tensor], None]

# Marquardt's factor falls five times after a step that gains and grows six times after one
# that does not; unequal factors keep the two from undoing each other for ever.
EASED, STIFFENED = 0.2, 6.0
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e10  # no step can be told from none beyond
UNDAMPED = 1e-6  # factor below which the quadratic model decides about convergence
IDLE = 2  # steps in a row without a gain that end a member


@dataclass
class _Iterate:
    """Where every member stands; `idle` counts its accepted steps without a gain."""

    theta: Tensor
    loss: Tensor
    gradient: Tensor
    matrix: Tensor
    factor: Tensor
    idle: Tensor


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
        tolerance: a member has converged when two accepted steps in a row gain less than
            this share of its loss, when no more than that was expected of a failed or
            nearly undamped step, or when an undamped step gained exactly what was
            expected (a linear problem).
        damping: first Marquardt factor.
        watch: called with step, losses (S,) and parameters (S, P) after every step.
    Returns:
        The best point of every member; its loss never exceeds that of the start.
    """
    members = torch.arange(len(theta), device=theta.device)
    theta = theta.clone()
    loss, gradient, matrix = (x.clone() for x in problem.normal(theta, members))
    factor, idle = torch.full_like(loss, damping), torch.zeros_like(members)
    at = _Iterate(theta, loss, gradient, matrix, factor, idle)
    step, active = 0, members
    while step < iterations and len(active):
        step += 1
        better = _advance(problem, at, active, tolerance)
        if watch is not None:
            watch(step, at.loss, at.theta)
        moving = at.idle[active] < IDLE
        won = active[better & moving]
        if len(won) and step < iterations:
            # Normal equations are the dear part: only where theta has moved.
            fresh = problem.normal(at.theta[won], won)
            at.loss[won], at.gradient[won], at.matrix[won] = fresh
        active = active[moving]
    return Solution(at.theta, at.loss, step, at.idle >= IDLE)


def _advance(
    problem: Problem, at: _Iterate, active: Tensor, tolerance: float
) -> Tensor:
    """Try one step of the active members; return which of them gained."""
    slope, curvature = at.gradient[active], at.matrix[active]
    # 1. Step and trial point; the loss decides alone whether it is accepted.
    delta, trial, bound = _trial(
        problem, at.theta[active], slope, curvature, at.factor[active], active
    )
    reached, before = problem.loss(trial, active), at.loss[active]
    better = reached < before
    at.theta[active[better]] = trial[better]
    at.loss[active[better]] = reached[better]
    at.factor[active] *= torch.where(better, EASED, STIFFENED)
    at.factor.clamp_min_(LEAST_DAMPING)
    factor = at.factor[active]
    # 2. What the quadratic promised: loss(theta) - model = -(2 g'd + d'A d).
    expected = -2 * (delta * slope).sum(1) - _quadratic(curvature, delta)
    gain = torch.where(better, before - reached, 0.0)
    size = tolerance * before.abs()
    # 3. Convergence, by any of the three signs that the docstring of `minimise` names.
    # An exact promise means that the model is the loss: the next step would gain
    # nothing.
    exact = (
        better
        & ~bound
        & ((gain - expected).abs() <= tolerance * reached.abs())
        & (factor <= UNDAMPED)
    )
    counted = torch.where(gain <= size, at.idle[active] + 1, 0)
    # A failed step says nothing about convergence, only that it was too long.
    at.idle[active] = torch.where(better, counted, at.idle[active])
    # Nearly undamped, the model of the loss knows what is left to gain.
    settled = (expected <= size) & ((factor <= max(UNDAMPED, tolerance)) | ~better)
    at.idle[active[exact | settled | (factor > MOST_DAMPING)]] = IDLE
    return better


def _trial(
    problem: Problem,
    theta: Tensor,
    slope: Tensor,
    curvature: Tensor,
    factor: Tensor,
    members: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return step (S, P), trial point (S, P) and whether a bound is held (S,).

    Parameters that sit on a bound and are pushed beyond it are held, and the others
    step anew. Reference: Bertsekas 1982, projected Newton.
    """
    delta = _step(slope, curvature, factor)
    trial = problem.retract(theta + delta, theta, members)
    bound = torch.zeros_like(members, dtype=torch.bool)
    if bool((_far(delta, theta) & (trial == theta)).any()):
        # A short step along the slope tells whether a bound is pushed against, or was only
        # met on the way of a long one.
        downhill = -1e-3 * slope / curvature.diagonal(dim1=1, dim2=2).clamp_min(1e-300)
        short = problem.retract(theta + downhill, theta, members)
        # Held are those that even the short step cannot move.
        stopped = _far(downhill, theta) & (short == theta)
        held = hold(Normal(slope[:, 0], slope, curvature), ~stopped)
        delta = _step(held.gradient, held.matrix, factor)
        trial = problem.retract(theta + delta, theta, members)
        bound = stopped.any(1)
    return delta, trial, bound


def _far(delta: Tensor, theta: Tensor) -> Tensor:
    """Whether a step is long enough to change theta at all."""
    return delta.abs() > 1e-12 * (1 + theta.abs())


def _quadratic(matrix: Tensor, vector: Tensor) -> Tensor:
    return torch.einsum("sp,spq,sq->s", vector, matrix, vector)


def _step(gradient: Tensor, matrix: Tensor, factor: Tensor) -> Tensor:
    """Solve (A + factor diag A) delta = -gradient; more damping where A fails.

    Solved in units in which diag A is one, so that the units of the parameters do not
    matter; parameters without effect stay.
    """
    diagonal = matrix.diagonal(dim1=-2, dim2=-1)
    # 1e-24 of the largest square is 1e-12 of the largest effect: rounding, no direction.
    effect = diagonal > 1e-24 * diagonal.amax(-1, keepdim=True)
    size = torch.where(effect, diagonal, 1.0).sqrt()
    scaled = matrix / (size.unsqueeze(-1) * size.unsqueeze(-2))
    # 1e-11 beside the damping: an undamped singular matrix still has a factor.
    extra = torch.where(effect, factor.unsqueeze(-1) + 1e-11, 1.0)
    root, info = torch.linalg.cholesky_ex(scaled + torch.diag_embed(extra))
    for _ in range(12):
        if not bool((info > 0).any()):
            break
        extra = torch.where((info > 0).unsqueeze(-1), extra * 10, extra)
        root, info = torch.linalg.cholesky_ex(scaled + torch.diag_embed(extra))
    right = (gradient / size).unsqueeze(-1)
    return -torch.cholesky_solve(right, root).squeeze(-1) / size


def effective_parameters(
    matrix: Tensor, penalty: Tensor | None, active: Tensor
) -> float:
    """Number of free parameters, each as far as the data and no penalty set it.

    The trace of (H + R)^-1 H over what is not held (Hastie & Tibshirani 1990, 3.5): a column
    without data counts nothing, a curve that is straight by its penalty counts one.

    Args:
        matrix: (P, P) Gauss-Newton matrix H + R;  penalty: (P, P) R, None without one.
        active: (P,) bool, parameters that were not held.
    """
    free = float(active.sum())
    if penalty is None:
        return free
    keep = active.to(matrix)
    # trace(A^-1 P) after a unit diagonal of A: the trace does not change, the condition does.
    scale = matrix.diagonal().clamp_min(1e-300).sqrt()
    both = scale.unsqueeze(-1) * scale
    eye = 1e-12 * torch.eye(len(scale)).to(matrix)
    held = penalty * keep.unsqueeze(-1) * keep / both
    return free - float(torch.linalg.solve(matrix / both + eye, held).trace())


def covariance(
    matrix: Tensor, loss: Tensor, count: float, free: float | None = None
) -> Tensor:
    """Covariance of the parameters from the normal matrix of a mean of squares.

    Args:
        matrix: (S, P, P) Gauss-Newton matrix of the mean loss.
        loss: (S,) mean of squares at the minimum.
        count: number of observations.
        free: number of parameters that were not held; default all.
    Returns:
        (S, P, P): loss / (count - free) times the inverse.
    """
    size = matrix.shape[-1]
    used = size if free is None else free
    scale = matrix.diagonal(dim1=-2, dim2=-1).clamp_min(1e-300).sqrt()
    scaled = matrix / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    eye = 1e-12 * torch.eye(size, dtype=matrix.dtype, device=matrix.device)
    # In units of the diagonal, since constants and coefficients differ by powers of
    # ten.
    inverse = torch.linalg.inv(scaled + eye)
    unscaled = inverse / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    return unscaled * (loss / max(count - used, 1.0)).view(-1, 1, 1)
