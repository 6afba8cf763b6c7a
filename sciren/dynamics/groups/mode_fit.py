"""Groups fitted with what is known of their deviations: modes, spreads, noise, floor.

Two nested loops. Outer: one linearisation of every group at its mode. Inner: EM to its end
on the sums of that linearisation, which costs no simulation. Modes then move with a damping
of their own for every group, or spreads of correlated numbers run in circles.

Reference: Lindstrom and Bates 1990 (alternation); Dempster, Laird and Rubin 1977.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.dynamics.groups.deviations import (
    Deviations,
    Quadratic,
    modes,
    shared,
    updated,
)
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.solving.simulation import check_finite
from sciren.solvers.levenberg import Normal, minimise

OUTER, INNER = 12, 200  # rounds; six outer ones were enough for fifty people
SETTLED = 0.01
"""Change of logs of spreads and noise at which the outer loop ends, and a hundredth of it
the inner one: spreads themselves are known to about 10 % from fifty groups."""
STEPS, TOLERANCE = 12, 1e-5  # of the modes within one outer round
HALVINGS = 8  # of a step of all groups: 1/128 of it moves nothing that is known
LONGEST = 1.0  # of a step of a mode, in its spread or in logs: e-fold

Predict = Callable[[Quadratic], np.ndarray]
"""Losses of groups with deviations integrated out -> t (G, Q) by their features."""


@dataclass(frozen=True)
class ModeProblem:
    """Loss of every group with the law of its deviations; theta (G, R) are its free t.

    Args:
        problem: of the series.
        predicted: (G, Q) t of what features say; numbers without deviation stay there.
    """

    problem: GroupProblem
    predicted: np.ndarray

    @property
    def free(self) -> np.ndarray:
        """Numbers that deviate."""
        return np.flatnonzero(self.problem.law.sd > 0)

    def whole(self, theta: Tensor) -> np.ndarray:
        """Return all t (G, Q)."""
        t = self.predicted.copy()
        t[:, self.free] = theta.numpy()
        return t

    def physical(self, theta: Tensor) -> np.ndarray:
        """Return all numbers (G, Q), inside their bounds."""
        low, high = self.problem.scale.physical_limits()
        # A deviation has no end; the bound of a parameter has, and the process may need
        # it.
        return np.clip(self.problem.law.backward(self.whole(theta)), low, high)

    def _part(self, members: Tensor) -> "ModeProblem":
        if len(members) == len(self.predicted):
            return self
        part = self.problem.take(members)
        return ModeProblem(part, self.predicted[members.numpy()])

    def _away(self, theta: Tensor) -> np.ndarray:
        """Deviations in units of their spreads."""
        return (theta.numpy() - self.predicted[:, self.free]) / self.problem.law.sd[
            self.free
        ]

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (S,) of some groups."""
        part = self._part(members)
        losses = part.problem.losses_at(part.physical(theta))
        return torch.from_numpy(losses + (part._away(theta) ** 2).sum(1))

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and matrix of some groups by their free t."""
        part, free = self._part(members), self.free
        physical = part.physical(theta)
        # Minus log density of u adds (u / sd)^2 to the whitened squares: half gradient
        # u / sd^2, curvature 1 / sd^2, no longer singular.
        near = part.problem.losses_near(physical)
        sd, away = self.problem.law.sd[free], part._away(theta)
        losses = part.problem.losses_at(physical) + (away**2).sum(1)
        gradient = near.gradient[:, free] + away / sd
        matrix = near.curvature[:, free][:, :, free] + np.diag(1 / sd**2)
        return Normal(*map(torch.from_numpy, (losses, gradient, matrix)))

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Shorten a step to the longest allowed."""
        law = self.problem.law
        # In logs an e-fold; on the plain scale two spreads, which have the unit of the
        # number.
        longest = LONGEST * np.where(law.logs, 1.0, 2 * law.sd)[self.free]
        share = torch.from_numpy(longest) / (trial - theta).abs().clamp_min(1e-300)
        return theta + share.amin(1).clamp_max(1.0).unsqueeze(1) * (trial - theta)


def group_modes(
    problem: GroupProblem, predicted: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """Return the most probable t (G, Q) of all groups about predicted ones."""
    if not problem.law:
        return predicted
    inner = ModeProblem(problem, predicted)
    begin = predicted if start is None else start
    theta = torch.from_numpy(begin[:, inner.free].copy())
    with torch.no_grad():
        theta = minimise(inner, theta, STEPS, TOLERANCE, damping=1e-2).theta
    return inner.whole(theta)


def losses_about(problem: GroupProblem, physical: np.ndarray) -> Quadratic:
    """Return the losses of all groups about their modes, given predicted numbers."""
    law = problem.law
    t = group_modes(problem, law.forward(physical))
    return problem.losses_near(law.backward(t) if law else physical)


@dataclass(frozen=True)
class ModeFits:
    """Groups at their modes, and the law of their deviations.

    Attributes:
        t, predicted: (G, Q) modes, and what features say.
        losses: about the modes, deviations not integrated out.
        problem: with the law and the noise that were found.
        change: of the last round, in logs; above `SETTLED` it had not settled.
    """

    t: np.ndarray
    predicted: np.ndarray
    losses: Quadratic
    problem: GroupProblem
    change: float

    @property
    def deviance(self) -> float:
        """Minus twice the log likelihood, deviations integrated out about their modes.

        Laplace's approximation, without what is the same for all fits of the series; a
        learned floor changes the unit of the residuals and is left out too.
        """
        law, comparison = self.problem.law, self.problem.comparison
        scaled = law.sd[:, None] * self.losses.curvature * law.sd
        away = (self.t - self.predicted)[:, law.sd > 0] / law.sd[law.sd > 0]
        counts = comparison.compared.sum((1, 2))
        return float(
            # Squares, the prior at the modes, Laplace's log determinant, and the
            # normalisation of the noise: each as minus twice a log likelihood.
            self.problem.losses_at(law.backward(self.t)).sum()
            + (away**2).sum()
            + np.linalg.slogdet(np.eye(len(law.sd)) + scaled)[1].sum()
            + counts @ np.log(comparison.noise.variance)
        )

    @property
    def shrinkage(self) -> np.ndarray:
        """(Q,) 1 - sd(u) / spread: near one where groups say nothing; nan without spread."""
        sd = self.problem.law.sd
        own = np.sqrt(np.mean((self.t - self.predicted) ** 2, 0))
        return np.where(sd > 0, 1 - own / np.where(sd > 0, sd, 1.0), np.nan)


def deviance_about(problem: GroupProblem, physical: np.ndarray) -> float:
    """Return the deviance of predicted numbers (G, Q), deviations integrated out.

    Comparable between predictions of one problem, whose noise and spreads stay.
    """
    law = problem.law
    predicted = law.forward(physical)
    t = group_modes(problem, predicted)
    losses = problem.losses_near(law.backward(t) if law else physical)
    return ModeFits(t, predicted, losses, problem, 0.0).deviance


def fit_modes(
    problem: GroupProblem,
    predicted: np.ndarray,
    used: np.ndarray,
    start: np.ndarray | None = None,
    common: bool = False,
) -> ModeFits:
    """Find modes, spreads and noise that belong together.

    Args:
        problem: with a law and a noise to start from.
        predicted: (G, Q) t of what features say.
        used: (Q,) coefficients behind them.
        start: modes to start from.
        common: whether the predictions are one t for all groups, fitted here.
    Raises:
        TrainingError: the simulation has no numbers at the start.
    """
    t = predicted if start is None else start
    # Substeps are set once: a changing accuracy would make losses of rounds
    # incomparable.
    problem = problem.accurate(problem.law.backward(predicted))
    run = problem.process.simulate(problem.scale.values(problem.law.backward(t)))
    check_finite(problem.process, run)
    problem = _with_noise(problem, t, 0.0)
    change = np.inf
    for _ in range(OUTER):
        t = group_modes(problem, predicted, t)
        losses = problem.losses_near(problem.law.backward(t))
        law, moved = _settled(losses, problem.law, predicted, used, common)
        # No group can absorb an overlong step of the common number; it is halved
        # instead.
        if common and not problem.law:
            moved = t = _downhill(problem, predicted, moved)
        shift, predicted = np.abs(moved - predicted), moved
        before, problem = problem, replace(problem, law=law)
        problem = _with_noise(problem, t, _spent(losses, law))
        # The shift is relative on the plain scale; in logs it is absolute up to one.
        size = np.maximum(np.abs(predicted), np.where(problem.law.logs, 1.0, 1e-12))
        change = max(_change(before, problem), float((shift / size).max()))
        if change < SETTLED:
            break
    t = group_modes(problem, predicted, t)
    losses = problem.losses_near(problem.law.backward(t))
    return ModeFits(t, predicted, losses, problem, change)


def _settled(
    losses: Quadratic, law: Deviations, predicted: np.ndarray, used: np.ndarray,
    common: bool,
) -> tuple[Deviations, np.ndarray]:  # fmt: skip
    """Run EM to its end on one linearisation."""
    own = law.sd > 0
    for _ in range(INNER):
        if common:
            predicted = np.tile(shared(losses.without(law)), (len(predicted), 1))
        if not law:
            break
        moved = updated(losses, law, predicted, used)
        change = np.abs(np.log(moved.sd[own] / law.sd[own])).max()
        law = moved
        if change < 0.01 * SETTLED:
            break
    return law, predicted


def _downhill(
    problem: GroupProblem, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Return the step of all groups, inside the bounds and halved until the loss falls."""
    low, high = problem.scale.physical_limits()
    now = problem.losses_at(problem.law.backward(before)).sum()
    for number in range(HALVINGS):
        t = before + (after - before) / 2**number
        physical = np.clip(problem.law.backward(t), low, high)
        if problem.losses_at(physical).sum() < now:
            return problem.law.forward(physical)
    return before


def _spent(losses: Quadratic, law: Deviations) -> float:
    """Return the number of observations that the modes of groups take up."""
    # trace(H K): of every number the share that its series determine and the spread
    # does not.
    _, inner = modes(losses, law, losses.t)
    return float(np.einsum("gij,gji->", losses.curvature, inner))


def _with_noise(problem: GroupProblem, t: np.ndarray, spent: float) -> GroupProblem:
    run = problem.process.simulate(problem.scale.values(problem.law.backward(t)))
    return problem.with_noise_of(run.outputs, spent)


def _change(before: GroupProblem, after: GroupProblem) -> float:
    own = before.law.sd > 0
    spreads = np.log(after.law.sd[own] / before.law.sd[own])
    noise = np.log(after.comparison.noise.variance / before.comparison.noise.variance)
    # Half of the log of a variance is the log of its deviation, as spreads are
    # deviations.
    return float(np.abs(np.concatenate([spreads, 0.5 * noise])).max())
