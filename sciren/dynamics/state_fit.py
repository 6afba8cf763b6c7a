"""Latents that are functions of a model's own state: unknown relations inside a balance.

    loss = sum of whitened squares + weight c' R c,  R the roughness of the curve

over the coefficients c of a spline of the state and the constants of the process. The
largest weight is taken whose score n log(squares / n) + 2 (effective coefficients) is the
lowest; with whitened residuals that is Akaike's criterion.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.comparison import ResidualScale
from sciren.constants import ConstantScale
from sciren.data.series import SeriesTable
from sciren.decoders.dry_run import check_process_model
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.directions import Directions, jacobian_blocks
from sciren.dynamics.residuals import Comparison, compared_targets
from sciren.dynamics.simulation import (
    SeriesProcess,
    StateFunction,
    Trajectory,
    Values,
    check_finite,
)
from sciren.dynamics.state_spline import StateSpline
from sciren.errors import TrainingError
from sciren.parameters import Parameter
from sciren.solvers.levenberg import Normal, minimise
from sciren.splines import n_coefficients, roughness_matrix
from sciren.training.config import TrainConfig

INTERVALS = 12
WEIGHTS = (1e2, 1e1, 1.0, 1e-1, 1e-2)
"""Of the roughness in units of the noise, from a nearly straight to a free curve."""
LARGEST_STEP = (
    2.0  # of one step, in units of the declared start (or logs): see group_fit
)
ITERATIONS = 40
TOLERANCE = 1e-6

Build = Callable[[np.ndarray], StateFunction]


@dataclass(frozen=True)
class StateProblem:
    """Loss as a function of the constants of one function of a state and of the process.

    theta (1, K + C): constants of the function, then constants on their training scale.

    Args:
        process: model and series;  comparison: targets and noise.
        latent: the parameter that is a function of a state.
        build: constants (K,) -> the function;  size: K.
        penalty: (K, K) added as theta' penalty theta.
        sizes: (K,) what counts as a step of one.
    """

    process: SeriesProcess
    comparison: Comparison
    latent: Parameter
    build: Build
    sizes: np.ndarray
    penalty: np.ndarray

    @property
    def scale(self) -> ConstantScale:
        """Constants of the process, learned starts among them."""
        return ConstantScale(self.process.model.parameters.constants)

    def values(self, theta: Tensor) -> Values:
        """Return the physical values of all parameters."""
        count, groups = len(self.sizes), len(self.process.table)
        constants = self.scale.to_physical(theta[0, count:]).numpy()
        names = self.process.model.constant_names
        known = {n: np.full(groups, v) for n, v in zip(names, constants, strict=True)}
        starts = {
            one.name: known.pop(one.start_name)
            if one.learn_start
            else np.full(groups, one.start)
            for one in self.process.model.states
        }
        function = self.build(theta[0, :count].numpy())
        return Values(known, starts, {self.latent.name: function})

    def trajectory(self, theta: Tensor) -> Trajectory:
        """Simulate."""
        return self.process.simulate(self.values(theta))

    def _rough(self, theta: Tensor) -> float:
        c = theta[0, : len(self.sizes)].numpy()
        return float(c @ self.penalty @ c)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (1,) with the penalty."""
        squares = self.comparison.losses(self.trajectory(theta).outputs).sum()
        return torch.tensor([squares + self._rough(theta)])

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and Gauss-Newton matrix with the penalty."""
        loss, gradient, matrix = self.data_normal(theta)
        count = len(self.sizes)
        gradient[:count] += self.penalty @ theta[0, :count].numpy()
        matrix[:count, :count] += self.penalty
        parts = (np.array([loss + self._rough(theta)]), gradient[None], matrix[None])
        return Normal(*map(torch.from_numpy, parts))

    def data_normal(self, theta: Tensor) -> tuple[float, np.ndarray, np.ndarray]:
        """Do the same without the penalty."""
        trajectory = self.trajectory(theta)
        residual = self.comparison.residual(trajectory.outputs)
        slope = self.comparison.slope(trajectory.outputs)
        size = theta.shape[1]
        loss, gradient, matrix = 0.0, np.zeros(size), np.zeros((size, size))
        order, scales = self._columns(theta)
        blocks = jacobian_blocks(self.process, trajectory, self._directions())
        for part, columns in blocks:
            for place, group in enumerate(
                range(*part.indices(len(self.process.table)))
            ):
                moved = columns[order, :, place] * slope[None, ..., group]
                both = np.concatenate(
                    [moved * scales[:, None, None], residual[None, ..., group]]
                )
                stack = self.comparison.stacked(both, group)
                gram = stack.T @ stack
                matrix += gram[:-1, :-1]
                gradient += gram[:-1, -1]
                loss += float(gram[-1, -1])
        return loss, gradient, matrix

    def _directions(self) -> Directions:
        starts = {
            s.start_name: s.name for s in self.process.model.states if s.learn_start
        }
        names = self.process.model.constant_names
        static = [name for name in names if name not in starts]
        return Directions(
            static,
            [starts[n] for n in names if n in starts],
            functions=[self.latent.name],
        )

    def _columns(self, theta: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of the columns of the Jacobian in theta, and their scales."""
        count, names = len(self.sizes), self.process.model.constant_names
        constants = np.arange(len(names))
        order = np.concatenate([len(names) + np.arange(count), constants])
        raw = self.scale.slope(theta[0, count:]).numpy()
        return order, np.concatenate([np.ones(count), raw])

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Shorten a step to the longest allowed, constants inside their bounds."""
        unit = torch.cat(
            [torch.from_numpy(self.sizes), torch.ones(len(self.scale.parameters))]
        )
        longest = LARGEST_STEP * torch.maximum(unit, 0.5 * theta[0].abs() * (unit != 1))
        share = (
            (longest / (trial - theta).abs().clamp_min(1e-300)).amin(1).clamp_max(1.0)
        )
        moved = theta + share.unsqueeze(1) * (trial - theta)
        low, high = self.scale.box()
        count = len(self.sizes)
        moved[:, count:] = torch.minimum(torch.maximum(moved[:, count:], low), high)
        return moved


@dataclass(frozen=True)
class StateFit:
    """What was found about one function of a state.

    Attributes:
        problem, theta: loss and its minimum.
        function: the latent as a function of its state.
        constants: process constants by name, learned starts among them.
        errors: (K + C,) standard errors on the scale of theta.
        visited: states at the starts of all compared rows, where the curve is known.
        score: Akaike's criterion;  squares: whitened sum;  count: observations.
    """

    problem: StateProblem
    theta: Tensor
    function: StateFunction
    constants: dict[str, float]
    errors: np.ndarray
    visited: np.ndarray
    score: float
    squares: float
    count: int


@torch.no_grad()
def fit_state_function(
    model: DynamicModel, series: SeriesTable, config: TrainConfig | None = None
) -> StateFit:
    """Fit the latent of a model that is a function of its own state, as a spline.

    Args:
        model: with one latent ``inputs=["state.x"], range=(a, b)``; else constants only.
        series: one or several groups that share the function.
        config: ``residual`` and ``offset`` say how series are compared.
    Raises:
        TrainingError: the model has other latents, or no numbers at its start.
    """
    latent = _only_latent(model)
    config = config or TrainConfig()
    flat = {n: torch.from_numpy(v.reshape(-1)) for n, v in series.forcings.items()}
    with torch.enable_grad():  # the check asks for derivatives
        check_process_model(model, flat)
    process = SeriesProcess(model, series)
    targets = torch.from_numpy(compared_targets(process)).flatten(0, 1)
    scale = ResidualScale.fit(targets, config.residual, config.offset)
    problem = spline_problem(process, Comparison.of(process, scale), latent)
    theta = _start(problem)
    check_finite(process, problem.trajectory(theta))
    # The noise is known only from a fit, and the weight of roughness is in its units.
    for _ in range(2):
        theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-2).theta
        noise = problem.comparison.with_noise_of(problem.trajectory(theta).outputs)
        problem = replace(problem, comparison=noise)
    fits = []
    for weight in WEIGHTS:
        rough = replace(problem, penalty=weight * _roughness(problem))
        theta = minimise(rough, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
        fits.append(described(rough, theta))
    return min(fits, key=lambda fit: fit.score)


def _only_latent(model: DynamicModel) -> Parameter:
    others = [p.name for p in (*model.group_latents, *model.row_latents)]
    if others or len(model.state_latents) != 1:
        named = ", ".join([*others, *(p.name for p in model.state_latents)]) or "none"
        raise TrainingError(
            f"process model {model.name!r} has latents {named}; a function of a state is "
            "fitted with that one latent alone, inputs=['state.x'], and constants"
        )
    return model.state_latents[0]


def spline_problem(
    process: SeriesProcess, comparison: Comparison, latent: Parameter
) -> StateProblem:
    """Return the loss as a function of spline coefficients, nearly without penalty."""
    assert latent.range is not None  # the declaration asks for it with inputs
    limits = (float(latent.range[0]), float(latent.range[1]))

    def build(c: np.ndarray) -> StateSpline:
        return StateSpline(c, limits, latent.low)

    size = n_coefficients(INTERVALS)
    sizes = np.full(size, max(abs(latent.initial), 1e-6))
    problem = StateProblem(
        process, comparison, latent, build, sizes, np.zeros((size, size))
    )
    return replace(problem, penalty=WEIGHTS[1] * _roughness(problem))


def _roughness(problem: StateProblem) -> np.ndarray:
    """Roughness in units in which the declared start is one, with a little ridge."""
    matrix = roughness_matrix(INTERVALS).numpy()
    # 1e-6: coefficients that no state has touched must have a place of their own
    ridge = 1e-6 * np.eye(len(matrix))
    return (matrix + ridge) / problem.sizes[0] ** 2


def _start(problem: StateProblem) -> Tensor:
    flat = torch.full(
        (len(problem.sizes),), problem.latent.initial, dtype=torch.float64
    )
    return torch.cat([flat, problem.scale.start]).unsqueeze(0)


def described(problem: StateProblem, theta: Tensor) -> StateFit:
    """Return what is known at a minimum."""
    squares, _, matrix = problem.data_normal(theta)
    count = int(problem.comparison.counts.sum())
    whole = matrix.copy()
    size = len(problem.sizes)
    whole[:size, :size] += problem.penalty
    inverse = np.linalg.pinv(whole, rcond=1e-14, hermitian=True)
    effective = float(np.trace(inverse @ matrix))
    values = problem.values(theta)
    run = problem.process.simulate(values)
    x = problem.process.input_of(problem.latent.name, run)
    seen = problem.comparison.compared.any(0)
    physical = problem.scale.to_physical(theta[0, size:]).tolist()
    return StateFit(
        problem,
        theta,
        values.functions[problem.latent.name],
        dict(zip(problem.process.model.constant_names, physical, strict=True)),
        np.sqrt(np.maximum(np.diag(inverse) * squares / count, 0.0)),
        x[seen],
        count * np.log(squares / count) + 2 * effective,
        squares,
        count,
    )
