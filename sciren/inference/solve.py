"""Damped Gauss-Newton for levels, curves and constants through a process.

    minimise  |W (y - mean(theta))|^2 + theta' penalty theta

with W the whitening of a noise law, held fixed. Directions that no observation sees
(a latent on its bound everywhere, two curves that make up for each other) stay where
they started; constants stay inside their bounds.

Reference: Levenberg 1944; Marquardt 1963; Nielsen 1999 for the update of the damping.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from sciren.errors import TrainingError
from sciren.inference.design import Design
from sciren.inference.elimination import largest_of_unit
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess

ENOUGH = 1e-7
"""Relative decrease that ends a search: a chi-square of 1e-7 times the rows is of no account."""

FIRST_DAMPING = 1e-4  # nearly Gauss-Newton: starts lie near the minimum


@dataclass(frozen=True, eq=False)
class Fit:
    """A minimum.

    Attributes:
        process, design, whitening: what was fitted.
        theta: (P,) levels, coefficients, constants.
        mean: (m,) fitted mean;  jacobian: (m, P) its slopes, neither whitened.
        loss: whitened sum of squares, without the penalty.
        penalty: (P, P) or None.
        converged: whether the search ended by itself.
    """

    process: ObservedProcess
    design: Design
    whitening: Whitening
    theta: np.ndarray
    mean: np.ndarray
    jacobian: np.ndarray
    loss: float
    penalty: np.ndarray | None
    converged: bool

    @property
    def residual(self) -> np.ndarray:
        """Observed minus fitted (m,), not whitened."""
        return self.process.values - self.mean

    @property
    def constants(self) -> np.ndarray:
        """Constants (K,) on their training scale."""
        return self.theta[self.design.constants]

    def raw_latents(self) -> np.ndarray:
        """Raw latents (n, L)."""
        return self.design.raw(self.theta, self.process.n_rows)


def start_theta(process: ObservedProcess, design: Design) -> np.ndarray:
    """Return declared start values as theta (P,), every curve zero."""
    theta = np.zeros(design.size)
    theta[: design.n_latents] = process.start_latents
    theta[design.constants] = process.start_constants
    return theta


def carried(fit: Fit, design: Design) -> np.ndarray:
    """Return theta (P,) of another design: what both have is taken over."""
    theta = np.zeros(design.size)
    theta[: design.n_latents] = fit.theta[: design.n_latents]
    theta[design.constants] = fit.constants
    # Coefficients of another number of columns have another meaning: such a curve
    # starts flat.
    block_of = dict(zip(fit.design.edges, fit.design.blocks, strict=True))
    for edge, block in zip(design.edges, design.blocks, strict=True):
        old = block_of.get(edge)
        if old is not None and old.stop - old.start == block.stop - block.start:
            theta[block] = fit.theta[old]
    return theta


def redrawn(fit: Fit, design: Design, process: ObservedProcess) -> np.ndarray:
    """Return theta (P,) whose curves are those of a fit, on bases of other rows.

    Args:
        fit: of other rows of the same record.
        design: some of its edges, on the rows of the process; others start flat.
        process: the rows.
    """
    theta = np.zeros(design.size)
    theta[: design.n_latents] = fit.theta[: design.n_latents]
    theta[design.constants] = fit.constants
    for edge, basis, block in zip(
        design.edges, design.bases, design.blocks, strict=True
    ):
        if edge not in fit.design.edges:
            continue
        curve = fit.design.curve(fit.theta, edge, process.features[:, edge[0]])
        # Columns have another middle here, so a level moves along with every curve.
        beside = np.column_stack((np.ones(len(curve)), basis.columns))
        level, *theta[block] = np.linalg.lstsq(beside, curve, rcond=None)[0]
        theta[edge[1]] += level
    return theta


def solve(
    process: ObservedProcess,
    design: Design,
    whitening: Whitening | None = None,
    penalty: np.ndarray | None = None,
    start: np.ndarray | None = None,
    steps: int = 40,
    enough: float = 0.0,
) -> Fit:
    """Fit levels, curves and constants.

    Args:
        process: observations.
        design: columns of the latents.
        whitening: weights and filter of the noise; default equal and independent.
        penalty: (P, P) positive semidefinite; default none.
        start: theta (P,); default the declared starts.
        steps: at most.
        enough: decrease of the whitened squares that ends the search as well.
    Raises:
        TrainingError: the process has no finite value at the start.
    """
    search = _Search(process, design, whitening or Whitening.none(process), penalty)
    theta = start_theta(process, design) if start is None else start.copy()
    point = search.at(theta)
    if point is None:
        raise TrainingError(
            "the process has no finite value at the start of the search; give its "
            "parameters other start values, or drop the rows where it has none"
        )
    # Nielsen's rule: damping falls tenfold after a gain; failures in a row raise it by
    # 2, 4, 8, ... so that a long refusal costs few evaluations.
    damping, grow, converged = FIRST_DAMPING, 2.0, False
    for _ in range(steps):
        step = search.step(point, damping)
        trial = search.at(search.inside(point.theta + step, point.theta))
        gain = -np.inf if trial is None else point.total - trial.total
        # A process that overflows, and a sum that is not a number, count as a step too
        # long.
        if trial is None or not gain >= 0:
            damping, grow = damping * grow, 2 * grow
            if damping > 1e8:  # no step in any direction helps
                converged = True
                break
            continue
        converged = gain <= max(ENOUGH * point.total, enough)
        point = trial
        damping, grow = max(damping / 10, 1e-12), 2.0
        if converged:
            break
    return Fit(
        process, design, search.whitening, point.theta, point.mean, point.jacobian,
        point.loss, penalty, converged,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Point:
    """Where a search stands, with its normal equations."""

    theta: np.ndarray
    mean: np.ndarray
    jacobian: np.ndarray
    loss: float
    total: float
    gradient: np.ndarray
    matrix: np.ndarray


class _Search:
    """One least-squares problem."""

    def __init__(
        self,
        process: ObservedProcess,
        design: Design,
        whitening: Whitening,
        penalty: np.ndarray | None,
    ) -> None:
        self.process, self.design, self.whitening = process, design, whitening
        self.penalty = penalty

    def at(self, theta: np.ndarray) -> _Point | None:
        """Evaluate; None where the process has no finite value."""
        raw = self.design.raw(theta, self.process.n_rows)
        response = self.process.evaluate(raw, theta[self.design.constants])
        # Sensitivities and residual side by side (m, P + 1): one whitening and one
        # product give matrix, gradient and loss at once.
        both = np.empty((len(self.process), self.design.size + 1))
        jacobian = self.design.jacobian(response, self.process, out=both[:, :-1])
        np.subtract(self.process.values, response.mean, out=both[:, -1])
        with np.errstate(all="ignore"):  # what is not finite shows in the sums
            white = self.whitening.whiten(both)
            gram = white.T @ white
        if not np.isfinite(gram).all():
            return None
        loss = float(gram[-1, -1])
        matrix, gradient, total = gram[:-1, :-1], gram[:-1, -1], loss
        if self.penalty is not None:
            pull = self.penalty @ theta
            matrix, gradient = matrix + self.penalty, gradient - pull
            total = loss + float(theta @ pull)
        return _Point(theta, response.mean, jacobian, loss, total, gradient, matrix)

    def step(self, point: _Point, damping: float) -> np.ndarray:
        """Solve the damped normal equations in units of their diagonal."""
        # Parameters have unlike units; in units of the diagonal one damping serves all,
        # and what no observation sees is taken out instead of divided by zero.
        diagonal = np.diagonal(point.matrix)
        # Compared with parameters of the same unit only: a latent in mm has slopes far
        # below those of a constant, and the data see it as well.
        determined = diagonal > 1e-14 * largest_of_unit(diagonal, self.design.units)
        determined &= ~self._pressed(point)
        scale = np.where(determined, np.sqrt(np.where(determined, diagonal, 1.0)), 1.0)
        matrix = point.matrix / np.outer(scale, scale)
        matrix[~determined], matrix[:, ~determined] = 0.0, 0.0
        np.fill_diagonal(
            matrix, np.where(determined, np.diagonal(matrix), 1.0) + damping
        )
        right = np.where(determined, point.gradient / scale, 0.0)
        try:
            solution = cho_solve(cho_factor(matrix, check_finite=False), right)
        except LinAlgError:
            # Collinear columns: the shortest step leaves their undetermined sum alone.
            solution = np.linalg.lstsq(matrix, right, rcond=1e-10)[0]
        return solution / scale

    def _pressed(self, point: _Point) -> np.ndarray:
        """Which constants (P,) stay: the data press them against a bound.

        The others then move as if these were given, not as if they went along.
        """
        pressed = np.zeros(self.design.size, dtype=bool)
        cut, (low, high) = self.design.constants, self.process.box
        value, pull = point.theta[cut], point.gradient[cut]
        pressed[cut] = ((value <= low) & (pull < 0)) | ((value >= high) & (pull > 0))
        return pressed

    def inside(self, theta: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Hold the constants inside their bounds, and latents without curves short of them.

        Args:
            theta: (P,) after a step;  now: (P,) before it.
        """
        cut = self.design.constants
        theta[cut] = np.clip(theta[cut], *self.process.box)
        count, curved = self.design.n_latents, {k for _, k in self.design.edges}
        if len(curved) < count:
            levels = self.process.short_of_bounds(theta[:count], now[:count])
            flat = [k for k in range(count) if k not in curved]
            theta[flat] = levels[flat]
        return theta
