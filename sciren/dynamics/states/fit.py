"""Latents that are functions of a model's own state: unknown relations inside a balance.

    loss = sum of whitened squares + weight c' R c,  R the roughness of the curve

over the coefficients c of a spline of the state and the constants of the process. The
largest weight is taken whose score n log(squares / n) + 2 (effective coefficients) is the
lowest; with whitened residuals that is Akaike's criterion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.comparison import ResidualScale
from sciren.data.series import SeriesTable
from sciren.decoders.dry_run import check_process_model
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.groups.deviations import Deviations
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.residuals import Comparison, compared_targets
from sciren.dynamics.solving.simulation import (
    SeriesProcess,
    StateFunction,
    check_finite,
)
from sciren.dynamics.states.problem import StateProblem
from sciren.dynamics.states.spline import StateSpline
from sciren.errors import TrainingError
from sciren.parameters import Parameter
from sciren.solvers.levenberg import minimise
from sciren.splines import n_coefficients, roughness_matrix
from sciren.training.config import TrainConfig

# As for curves of features (10): shapes come from the smoothing, not from the knots.
INTERVALS = 12
WEIGHTS = (1e2, 1e1, 1.0, 1e-1, 1e-2)
"""Of the roughness in units of the noise, from a nearly straight to a free curve."""
# Upper limit of steps, and the relative gain that ends them (`minimise`).
ITERATIONS = 40
TOLERANCE = 1e-6


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
        effective: number of constants that the smoothing leaves free.
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
    effective: float


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
    problem = spline_problem(process, _comparison(process, config), latent)
    # 1. A start from which the simulation has numbers, then the noise under a free
    # curve.
    theta = _first_fit(problem)
    # The noise is known only from a fit, and the weight of roughness is in its units.
    for _ in range(2):
        theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-2).theta
        noise = problem.comparison.with_noise_of(problem.trajectory(theta).outputs)
        problem = replace(problem, comparison=noise)
    # 2. Every weight begins at the last minimum, from stiff to free: the path is short
    # and stays in one valley.
    fits = []
    for weight in WEIGHTS:
        rough = replace(problem, penalty=weight * _roughness(problem))
        theta = minimise(rough, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
        fits.append(described(rough, theta))
    return min(fits, key=lambda fit: fit.score)


def known_function_problem(
    model: DynamicModel,
    series: SeriesTable,
    functions: Mapping[str, StateFunction],
    config: TrainConfig,
) -> GroupProblem:
    """Return the loss of series of which the functions of states are known.

    What is left are constants, as one row of numbers for every group.
    """
    process = SeriesProcess(model, series)
    scale = LocalScale(model, (), functions)
    law = Deviations.declared(scale)
    return GroupProblem(process, _comparison(process, config), scale, law)


def _comparison(process: SeriesProcess, config: TrainConfig) -> Comparison:
    targets = torch.from_numpy(compared_targets(process)).flatten(0, 1)
    scale = ResidualScale.fit(targets, config.residual, config.offset)
    return Comparison.of(process, scale)


def _only_latent(model: DynamicModel) -> Parameter:
    others = [p.name for p in (*model.group_latents, *model.row_latents)]
    if others or len(model.state_latents) != 1:
        named = ", ".join([*others, *(p.name for p in model.state_latents)]) or "none"
        raise TrainingError(
            f"process model {model.name!r} has latents {named}; a function of a state is "
            "fitted with that one latent alone, inputs=['state.x'], and constants"
        )
    if model.time == "ode":
        raise TrainingError(
            f"process model {model.name!r} gives derivatives, and within an interval "
            f"{model.state_latents[0].name!r} would have to follow its state; declare "
            "time='step' with steps that are short enough"
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

    # Coefficients have the size of the declared start, which also carries the unit.
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


def _first_fit(problem: StateProblem) -> Tensor:
    """Return the better of the fits from a flat curve and from a line through zero.

    A flat outflow lets a store run full or dry, from where no step leads back; a line is
    a linear reservoir, which finds its level.
    """
    low, high = problem.latent.range or (0.0, 1.0)  # `spline_problem` has asked for it
    count = len(problem.sizes)
    # coefficient j of a uniform cubic spline belongs to the place of knot j - 1
    centres = low + (np.arange(count) - 1) * (high - low) / (count - n_coefficients(0))
    # The line passes the declared start in the middle of the range.
    line = np.maximum(centres, 0.0) / max(abs(high + low) / 2, 1e-300)
    flat = _start(problem, np.ones(count))
    check_finite(problem.process, problem.trajectory(flat))
    fits = [
        minimise(problem, start, ITERATIONS, TOLERANCE, damping=1e-2)
        for start in (flat, _start(problem, line))
    ]
    return min(fits, key=lambda fit: float(fit.loss)).theta


def _start(problem: StateProblem, shape: np.ndarray) -> Tensor:
    """Return the declared start of the latent times a shape (K,), constants as declared."""
    curve = torch.from_numpy(problem.latent.initial * shape)
    return torch.cat([curve, problem.scale.start]).unsqueeze(0)


def described(problem: StateProblem, theta: Tensor) -> StateFit:
    """Return what is known at a minimum."""
    squares, _, matrix = problem.data_normal(theta)
    count = int(problem.comparison.counts.sum())
    penalised = matrix.copy()
    size = len(problem.sizes)
    penalised[:size, :size] += problem.penalty
    # effective = trace((H + P)^-1 H): the coefficients that the data hold against the
    # penalty.
    inverse = np.linalg.pinv(penalised, rcond=1e-14, hermitian=True)
    effective = float(np.trace(inverse @ matrix))
    values = problem.values(theta)
    run = problem.process.simulate(values)
    x = problem.process.input_of(problem.latent.name, run)
    compared = problem.comparison.compared.any(0)
    physical = problem.scale.to_physical(theta[0, size:]).tolist()
    return StateFit(
        problem,
        theta,
        values.functions[problem.latent.name],
        dict(zip(problem.process.model.constant_names, physical, strict=True)),
        np.sqrt(np.maximum(np.diag(inverse) * squares / count, 0.0)),
        x[compared],
        count * np.log(squares / count) + 2 * effective,
        squares,
        count,
        effective,
    )
