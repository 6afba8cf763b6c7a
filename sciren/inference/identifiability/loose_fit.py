"""A fit that the data alone hold: latents free in function space, priors nearly flat.

Every latent is a level plus a curve of every offered feature without any smoothness. A
normal prior on levels, coefficients and constants is so wide that it only keeps the fit
finite. What moves freely in such a fit is not held by the data, whatever a smooth or
sparse model says about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sciren.inference.design import Design
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess

Array = NDArray[np.float64]

STEPS = 30  # at most; `SETTLED` ends a fit
TRIES = 12  # tenfold steps of the damping, from nearly none to a tiny gradient step
SETTLED = 1e-3  # chi-square that a step must still gain; the limits are 3.84 and 10


@dataclass(frozen=True, eq=False)
class LooseProblem:
    """Observations, design and prior of the loose fit.

    Attributes:
        process, design, whitening: what is fitted; theta as in `Design`.
        centre, deviation: (P,) of the prior.
        measured: latent -> direct observations of it (n,) and their standard deviation,
            as in the question what such observations would settle.
    """

    process: ObservedProcess
    design: Design
    whitening: Whitening
    centre: Array
    deviation: Array
    measured: Mapping[int, tuple[Array, float]] = field(default_factory=dict)

    def raw(self, theta: Array) -> Array:
        """Return raw latents (n, L)."""
        return self.design.raw(theta, self.process.n_rows)

    def residual(self, theta: Array) -> Array:
        """Return the residuals (N,), whitened, those of direct observations behind."""
        raw = self.raw(theta)
        mean = self.process.evaluate(raw, theta[self.design.constants]).mean
        return np.concatenate(
            [self.whitening.whiten(self.process.values - mean), *self._direct(raw)]
        )

    def linearised(self, theta: Array) -> tuple[Array, Array]:
        """Return residuals (N,) and slopes of the mean by theta (N, P), whitened."""
        raw = self.raw(theta)
        response = self.process.evaluate(raw, theta[self.design.constants])
        slopes = self.design.jacobian(response, self.process)
        left = self.process.values - response.mean
        white = self.whitening.whiten(np.column_stack((slopes, left)))
        return (
            np.concatenate([white[:, -1], *self._direct(raw)]),
            np.concatenate([white[:, :-1], *self._direct_slopes(raw)]),
        )

    def _direct(self, raw: Array) -> list[Array]:
        """Residuals (n,) of the direct observations of latents."""
        if not self.measured:
            return []
        latents = self.process.physical(raw)
        return [
            (values - latents[:, k]) / deviation
            for k, (values, deviation) in self.measured.items()
        ]

    def _direct_slopes(self, raw: Array) -> list[Array]:
        """Slopes (n, P) of the directly observed latents over their deviation."""
        designs = []
        for k, (_, deviation) in self.measured.items():
            # The constraint layer is known here by its values only; a forward
            # difference of a smooth monotone function is exact enough for a Gauss-
            # Newton matrix.
            typical = float(np.abs(raw[:, k]).mean()) or 1.0
            step = 1e-6 * np.maximum(typical, np.abs(raw[:, k]))
            moved = raw.copy()
            moved[:, k] += step
            rise = self.process.physical(moved) - self.process.physical(raw)
            slope = (rise[:, k] / step / deviation)[:, None]
            design = np.zeros((len(raw), self.design.size))
            design[:, k] = slope[:, 0]
            for block, basis, (_, latent) in zip(
                self.design.blocks, self.design.bases, self.design.edges, strict=True
            ):
                if latent == k:
                    design[:, block] = slope * basis.columns
            designs.append(design)
        return designs


@dataclass(frozen=True, eq=False)
class LooseFit:
    """One minimum.

    Attributes:
        theta: (P,) levels, coefficients, constants.
        squares: sum of squared whitened residuals.
        objective: squares / s^2 plus the chi-square of the prior.
        edf: effective degrees of freedom, coefficients that the data determine.
    """

    theta: Array
    squares: float
    objective: float
    edf: float


def fit_loosely(
    problem: LooseProblem,
    start: Array,
    variance: float,
    fixed: Sequence[int] = (),
    steps: int = STEPS,
) -> LooseFit:
    """Minimise squares / s^2 + chi-square of the prior by damped Gauss-Newton.

    Args:
        problem: data and prior.
        start: (P,) coefficients.
        variance: s^2 of the whitened noise.
        fixed: positions in theta that stay as they start.
        steps: most steps.
    Reference: Levenberg 1944; Marquardt 1963.
    """
    theta, damping = start.copy(), 1e-4
    free = np.setdiff1d(np.arange(len(theta)), np.asarray(fixed, dtype=int))
    precision = problem.deviation**-2.0
    value = _objective(problem, theta, variance)
    gram = np.zeros((len(theta), len(theta)))
    for _ in range(steps):
        residual, slopes = problem.linearised(theta)
        # Half the Hessian and half the gradient of the objective; the prior adds its
        # precision to the diagonal of the one and its pull to the other.
        gram = slopes.T @ slopes / variance
        pull = slopes.T @ residual / variance - (theta - problem.centre) * precision
        matrix = (gram + np.diag(precision))[np.ix_(free, free)]
        gained = 0.0
        for _ in range(TRIES):
            damped = matrix + damping * np.diag(matrix.diagonal())
            trial = theta.copy()
            trial[free] += np.linalg.solve(damped, pull[free])
            other = _objective(problem, trial, variance)
            if other < value:
                gained, theta, value = value - other, trial, other
                damping = max(damping / 10, 1e-9)
                break
            damping *= 10
        if gained < SETTLED:
            break
    squares = float((problem.residual(theta) ** 2).sum())
    # Coefficients that the data rather than the prior determine: tr (G + D)^-1 G.
    edf = float(np.trace(np.linalg.solve(gram + np.diag(precision), gram)))
    return LooseFit(theta, squares, value, edf)


def _objective(problem: LooseProblem, theta: Array, variance: float) -> float:
    with np.errstate(all="ignore"):
        squares = float((problem.residual(theta) ** 2).sum())
        prior = float((((theta - problem.centre) / problem.deviation) ** 2).sum())
        value = squares / variance + prior
    return value if np.isfinite(value) else np.inf
