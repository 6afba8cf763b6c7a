"""Profile of each constant: the best loss with that constant held, everything else free.

Agreement between seeds says nothing about identification; the profile does.
"""

import math
import sys
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from sciren.inference.intervals.quantiles import NORMAL_95
from sciren.parameters import Parameter
from sciren.solvers.effort import Effort
from sciren.solvers.levenberg import (
    Problem,
    Solution,
    covariance,
    effective_parameters,
    minimise,
)
from sciren.solvers.process_term import ProcessTerm

HOPELESS = 1000.0  # chi-square above the best at which a minimum is no alternative
FLAT = 3.84  # 95 % quantile of chi-square with one degree of freedom
MINIMUM = 1e-8  # share of the loss to which minima are solved
BETTER = 1.0  # chi-square: one standard error makes another minimum a better one
ROUNDS = 3  # times that profiles are taken anew from a better minimum
SEARCH_STEPS = 6  # of each point of a coarse profile
SEARCHED = 3  # of its lowest minima that are followed
SMALLEST = sys.float_info.min
NOTHING = 0.01  # standard errors from zero: its logarithm is known to a factor of e^100
AT_LOWER_BOUND = "the best value is at its lower bound"
WIDEST = math.log(2.0)  # an identified positive constant is known within a factor of 2


class HeldProblem(Problem, Protocol):
    """A problem whose parameters can be held; the constants come last in theta."""

    term: ProcessTerm
    size: int
    active: Tensor
    profile_effort: Effort

    def with_active(self, active: Tensor) -> "HeldProblem":
        """Return the problem in which only some parameters (S, P) may move."""
        ...

    def penalties(self, theta: Tensor) -> Tensor | None:
        """Return what penalties add to the matrix (P, P) at theta (1, P)."""
        ...


@dataclass
class ProfileSummary:
    """What the data say about one constant.

    Attributes:
        name, unit: of the constant.
        estimate: physical value at the best minimum.
        error: standard error from the curvature, independent rows assumed.
        searched: range of the profile, physical.
        minima: (physical value, chi-square above the best) of every local minimum.
        interval: 95 % from the block bootstrap, or None.
        replicates: number of bootstrap replicates.
        identified: whether the data determine it; `reason` says why not.
        points: the profile itself, one mapping a point.
        solutions: parameters (P,) at every minimum, where a bootstrap can start.
    """

    name: str
    unit: str
    estimate: float
    error: float
    searched: tuple[float, float]
    minima: list[tuple[float, float]]
    at_bound: bool
    interval: tuple[float, float] | None = None
    replicates: int = 0
    identified: bool = True
    reason: str = ""
    points: list[dict[str, Any]] = field(default_factory=list, repr=False)
    solutions: list[Tensor] = field(default_factory=list, repr=False)

    def rename(self, name: str) -> None:
        """Give summary and points another name."""
        self.name = name
        for point in self.points:
            point["constant"] = name

    def judge(self, positive: bool) -> None:
        """Decide whether the constant is identified, and say why not."""
        self.reason = ""
        worst = max((point["chi_square"] for point in self.points), default=math.inf)
        # Rows that depend on one another inflate chi-square: the two minima of the tower
        # differ by 9 and 32 units and are both possible (Davos).
        near = [f"{v:.3g}" for v, chi in self.minima if chi < 100.0]
        low, high = self.interval or (
            self.estimate - NORMAL_95 * self.error,
            self.estimate + NORMAL_95 * self.error,
        )
        wide = positive and (low <= 0 or math.log(high / low) > WIDEST)
        # The gravest reason first: a flat profile has neither minima nor an interval.
        if worst < FLAT:
            low, high = self.searched
            self.reason = (
                f"every value between {low:.3g} and {high:.3g} fits equally well"
            )
        elif positive and self.estimate <= NOTHING * self.error:
            self.interval = 0.0, self._allowed()
            self.reason = f"{AT_LOWER_BOUND}: up to {self.interval[1]:.3g} it agrees with the data"
        elif self.at_bound:
            self.reason = "the best value lies at the edge of the searched range"
        elif len(near) > 1:
            self.reason = f"the profile has {len(near)} minima, at {' and '.join(near)}"
        elif wide:
            self.reason = f"its 95 % interval {low:.3g} to {high:.3g} spans more than a factor of 2"
        self.identified = not self.reason

    def _allowed(self) -> float:
        """Largest value that agrees with the data at 95 %, where the best is nothing.

        A parabola from the best to the first point beyond: where the loss rises at once,
        it stays below, and the limit is too wide rather than too narrow.
        """
        beyond = [
            (point["value"], point["chi_square"])
            for point in self.points
            if point["value"] > self.estimate and point["chi_square"] >= FLAT
        ]
        value, chi = min(beyond, default=(math.inf, FLAT))
        return value * math.sqrt(FLAT / chi)


def search_range(
    parameter: Parameter,
    estimate: float,
    error: float,
    given: tuple[float, float] | None,
) -> tuple[float, float]:
    """Return the physical range of the profile, inside the bounds of the parameter.

    The given one; else 0.2 to 6.7 times the start of a positive constant, the bounds,
    or eight standard errors.
    """
    if given is not None:
        return given
    low, high = parameter.low, parameter.high
    if parameter.positive:
        start = parameter.initial
        # Q10 from 0.3 to 10: its two minima at the tower lie at 1.5 and 5.1.
        low = max(low, min(start / 5, estimate / 1.5))
        high = min(high, max(start * 20 / 3, estimate * 1.5))
    # Bounds on both sides are the range; else eight errors, or the size of the estimate
    # where curvature says nothing.
    elif parameter.bounded != "both":
        size = max(1.0, abs(estimate))
        width = 8 * (max(error, 1e-6 * size) if math.isfinite(error) else size)
        low, high = max(low, estimate - width), min(high, estimate + width)
    return low, high


@torch.no_grad()
def profile_constants(
    problem: HeldProblem,
    theta: Tensor,
    points: int,
    ranges: dict[str, tuple[float, float]],
    count: float | None = None,
) -> tuple[list[ProfileSummary], Tensor]:
    """Profile every constant of the model.

    Args:
        problem: with its active parameters set for one member.
        theta: (P,) the best point so far.
        points: number of grid points.
        ranges: constant -> physical range.
        count: observations that chi-square is scaled to; default those of the problem.
    Returns:
        One summary a constant, and the best point found, which may be a better minimum.
    """
    parameters = problem.term.model.constant_scale.parameters
    summaries: list[ProfileSummary] = []
    for _ in range(ROUNDS):
        # All profiles anew: each is measured from the best point that the others have
        # reached.
        summaries, moved = [], False
        for number, parameter in enumerate(parameters):
            column = problem.size - len(parameters) + number
            profile = _Profile(problem, theta, column, parameter, count)
            summary, best = profile.run(points, ranges.get(parameter.name))
            # What was found before a better minimum does not hold there.
            moved |= number > 0 and profile.gains(best)
            theta = best
            summaries.append(summary)
        if not moved:
            break
    return summaries, theta


@torch.no_grad()
def search_constants(
    problem: HeldProblem,
    theta: Tensor,
    points: int,
    ranges: dict[str, tuple[float, float]],
) -> Tensor:
    """Look for a better minimum along every constant, coarsely; the best point (P,).

    Args: as `profile_constants`.
    """
    parameters = problem.term.model.constant_scale.parameters
    for number, parameter in enumerate(parameters):
        column = problem.size - len(parameters) + number
        profile = _Profile(problem, theta, column, parameter)
        theta = profile.lowest(points, ranges.get(parameter.name))
    return theta


def estimate(problem: HeldProblem, theta: Tensor, number: int) -> tuple[float, float]:
    """Physical value of a constant and its standard error at theta (P,)."""
    parameters = problem.term.model.constant_scale.parameters
    column = problem.size - len(parameters) + number
    return _Profile(problem, theta, column, parameters[number])._estimate(theta)


class _Profile:
    """Profile of one constant."""

    def __init__(
        self,
        problem: HeldProblem,
        theta: Tensor,
        column: int,
        parameter: Parameter,
        count: float | None = None,
    ) -> None:
        self.count = count or problem.term.observations.count
        self.problem, self.theta = problem, theta
        self.column, self.parameter = column, parameter
        self.one = torch.zeros(1, dtype=torch.long, device=theta.device)

    def run(
        self, points: int, given: tuple[float, float] | None
    ) -> tuple[ProfileSummary, Tensor]:
        estimate, error = self._estimate(self.theta)
        low, high = search_range(self.parameter, estimate, error, given)
        # Two minima are one where they are closer than 2 %, in logs or of the range.
        self.apart = 0.02 * (1.0 if self.parameter.positive else high - low)
        grid = self._grid(low, high, points, estimate)
        _, steps, tolerance = self.problem.profile_effort
        solved = self._along(grid, steps, tolerance)
        minima, solutions, best = self._minima(solved.theta, solved.loss)
        estimate, error = self._estimate(best)
        lowest = min(loss for _, loss in minima)
        listed = [(value, self._chi_square(loss, lowest)) for value, loss in minima]
        listed = [point for point in listed if point[1] < HOPELESS]
        # Within 2 % of the range: a minimum there may be the descent to one outside.
        edge = 0.02 * (self._raw(high) - self._raw(low))
        at_bound = (
            not self._raw(low) + edge < self._raw(estimate) < self._raw(high) - edge
        )
        summary = ProfileSummary(
            self.parameter.name,
            self.parameter.unit,
            estimate,
            error,
            (low, high),
            sorted(listed),
            at_bound,
        )
        summary.points = [
            {
                "constant": self.parameter.name,
                "value": self._physical(float(raw)),
                "loss": self._chi_square(float(loss), lowest) / self.count,
                "chi_square": self._chi_square(float(loss), lowest),
            }
            for raw, loss in zip(grid, solved.loss, strict=True)
        ]
        summary.solutions = solutions
        summary.judge(self.parameter.positive)
        return summary, best

    def gains(self, best: Tensor) -> bool:
        """Whether a point (P,) is a better minimum than the one that it started from."""
        both = torch.stack((self.theta, best))
        losses = self.problem.loss(both, self.one.expand(2)).tolist()
        return self._chi_square(losses[0], losses[1]) > BETTER

    def lowest(self, points: int, given: tuple[float, float] | None) -> Tensor:
        """Best point (P,) that a coarse profile leads to."""
        estimate, error = self._estimate(self.theta)
        low, high = search_range(self.parameter, estimate, error, given)
        self.apart = 0.02 * (1.0 if self.parameter.positive else high - low)
        grid = self._grid(low, high, points, estimate)
        solved = self._along(grid, SEARCH_STEPS, 1e-3)
        # 1. Valleys of the coarse grid. 2. The lowest of them with the constant free
        # again.
        seeds = self._seeds(grid, solved.loss)
        order = solved.loss[seeds].argsort(stable=True)[:SEARCHED]
        seeds = [seeds[k] for k in order.tolist()]
        free = self.problem.active.expand(1, -1).repeat(len(seeds), 1)
        problem = self.problem.with_active(free)
        end = minimise(problem, solved.theta[seeds], 2 * SEARCH_STEPS, 1e-5)
        return end.theta[int(end.loss.argmin())]

    def _along(self, grid: Tensor, steps: int, tolerance: float) -> Solution:
        """Solve everything else with the constant held at every point of a grid."""
        # Every point of the grid is a member: all are solved at once.
        held = self.problem.active.expand(1, -1).repeat(len(grid), 1)
        held[:, self.column] = False
        start = self.theta.repeat(len(grid), 1)
        # Everything else starts where it is: a small damping suffices near the minimum.
        start[:, self.column] = grid
        problem = self.problem.with_active(held)
        return minimise(problem, start, steps, tolerance, damping=1e-6)

    def _raw(self, value: float) -> float:
        # a constant that has run to zero is a number too small to have a logarithm
        return math.log(max(value, SMALLEST)) if self.parameter.positive else value

    def _physical(self, raw: float) -> float:
        return math.exp(raw) if self.parameter.positive else raw

    def _grid(self, low: float, high: float, points: int, estimate: float) -> Tensor:
        ends = self._raw(low), self._raw(high)
        grid = torch.linspace(*ends, points, dtype=torch.float64)
        # With the estimate itself: a narrow valley could lie between two points.
        middle = torch.tensor([self._raw(estimate)], dtype=torch.float64)
        return torch.cat((grid, middle)).to(self.theta).sort().values

    def _chi_square(self, loss: float, lowest: float) -> float:
        # Minus twice the log likelihood ratio, with the noise estimated at the lowest
        # point.
        return self.count * (loss - lowest) / max(lowest, 1e-300)

    def _estimate(self, theta: Tensor) -> tuple[float, float]:
        normal = self.problem.normal(theta.unsqueeze(0), self.one)
        count = self.problem.term.observations.count
        penalty = self.problem.penalties(theta.unsqueeze(0))
        active = self.problem.active[0]
        # Of few rows a nominal count of spline columns would leave no freedom at all.
        free = effective_parameters(normal.matrix[0], penalty, active)
        variance = covariance(normal.matrix, normal.loss, count, free)
        error = float(variance[0, self.column, self.column].clamp_min(0).sqrt())
        value = self._physical(float(theta[self.column]))
        # d value = value d log value.
        return value, error * (value if self.parameter.positive else 1.0)

    def _minima(
        self, theta: Tensor, loss: Tensor
    ) -> tuple[list[tuple[float, float]], list[Tensor], Tensor]:
        """Free the constant at every local minimum of the grid; best minimum first."""
        seeds = self._seeds(theta[:, self.column], loss)
        free = self.problem.active.expand(1, -1).repeat(len(seeds), 1)
        solved = minimise(self.problem.with_active(free), theta[seeds], 30, MINIMUM)
        minima: list[tuple[float, float]] = []
        solutions: list[Tensor] = []
        for k in solved.loss.argsort(stable=True).tolist():
            raw = float(solved.theta[k, self.column])
            # Starts in one valley end within its tolerance of each other. They come by
            # rising loss, so that the best of them stands for the valley.
            if all(
                abs(raw - float(point[self.column])) > self.apart for point in solutions
            ):
                minima.append((self._physical(raw), float(solved.loss[k])))
                solutions.append(solved.theta[k])
        return minima, solutions, solutions[0]

    def _seeds(self, grid: Tensor, loss: Tensor) -> list[int]:
        """Grid points with no better neighbour; where all are alike, the start."""
        lowest, finite = float(loss.min()), torch.isfinite(loss)
        if bool(finite.all()) and self._chi_square(float(loss.max()), lowest) < FLAT:
            return [int((grid - self.theta[self.column]).abs().argmin())]
        wide = torch.nn.functional.pad(loss, (1, 1), value=torch.inf)
        valley = (loss <= wide[:-2]) & (loss <= wide[2:]) & finite
        # At the ends of the range only a real descent counts.
        valley[0] &= loss[0] < loss[1]
        valley[-1] &= loss[-1] < loss[-2]
        return valley.nonzero().flatten().tolist() or [int(loss.argmin())]
