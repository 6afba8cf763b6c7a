"""A latent that is a function of a model's own state: one unknown relation of a balance.

    loss = sum of whitened squares + weight c' R c,  R the roughness of the curve

over the coefficients c of a spline of the state and the constants of the process. The
weight is taken whose score n log(squares / n) + 2 (effective coefficients) is the lowest;
with whitened residuals that is Akaike's criterion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.functions.fit import (
    ITERATIONS,
    TOLERANCE,
    WEIGHTS,
    FunctionFit,
    checked_step,
    described,
    first_accurate,
    first_fit,
    with_noise_of,
)
from sciren.dynamics.functions.problem import FunctionProblem
from sciren.dynamics.functions.terms import state_term
from sciren.dynamics.groups.deviations import Deviations
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.residuals import Comparison
from sciren.dynamics.solving.simulation import SeriesProcess, StateFunction
from sciren.errors import TrainingError
from sciren.parameters import Parameter
from sciren.solvers.levenberg import minimise
from sciren.training.config import TrainConfig


@dataclass(frozen=True)
class StateFit(FunctionFit):
    """What was found about one function of a state, shared by all groups."""

    @property
    def latent(self) -> Parameter:
        """The parameter that is a function of a state."""
        return self.problem.terms[0].latent

    @property
    def function(self) -> StateFunction:
        """The latent as a function of its state."""
        return self.problem.values(self.theta).functions[self.latent.name]

    @property
    def constants(self) -> dict[str, float]:
        """Process constants by name, learned starts among them."""
        names = self.problem.scale.names
        return dict(zip(names, self.numbers[0].tolist(), strict=True))

    @cached_property
    def visited(self) -> np.ndarray:
        """States at the starts of all compared rows, where the curve is known."""
        return self.problem.visited(self.theta, self.problem.terms[0])


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
        DecoderError: the step fails on a few rows, with file and line.
    """
    _check_only_latent(model)
    checked_step(model, series)
    problem = spline_problem(SeriesProcess(model, series), config or TrainConfig())
    # 1. A start from which the simulation has numbers, then the noise under a free
    # curve.
    problem = first_accurate(problem)
    theta = first_fit(problem)
    problem = problem.accurate(theta)
    # The noise is known only from a fit, and the weight of roughness is in its units.
    for _ in range(2):
        theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-2).theta
        problem = with_noise_of(problem, theta)
    # 2. Every weight begins at the last minimum, from stiff to free: the path is short
    # and stays in one valley.
    fits = []
    for weight in WEIGHTS:
        rough = replace(problem, weights=(weight,))
        theta = minimise(rough, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
        fits.append(StateFit(**vars(described(rough, theta))))
    return min(fits, key=lambda fit: fit.score)


def spline_problem(process: SeriesProcess, config: TrainConfig) -> FunctionProblem:
    """Return the loss of the only latent, by spline coefficients and constants."""
    model = process.model
    return FunctionProblem(
        process, Comparison.declared(process, config), LocalScale(model, ()),
        (state_term(model.state_latents[0]),), (WEIGHTS[1],),
    )  # fmt: skip


def known_function_problem(
    model: DynamicModel,
    series: SeriesTable,
    functions: Mapping[str, StateFunction],
    config: TrainConfig,
    substeps: int = 1,
) -> GroupProblem:
    """Return the loss of series of which the functions of states are known.

    What is left are constants, as one row of numbers for every group.

    Args:
        substeps: of the solver of an ODE.
    """
    process = SeriesProcess(model, series, substeps)
    scale = LocalScale(model, (), functions)
    comparison = Comparison.declared(process, config)
    return GroupProblem(process, comparison, scale, Deviations.declared(scale))


def _check_only_latent(model: DynamicModel) -> None:
    others = [p.name for p in (*model.group_latents, *model.row_latents)]
    if others or len(model.state_latents) != 1:
        named = ", ".join([*others, *(p.name for p in model.state_latents)]) or "none"
        raise TrainingError(
            f"process model {model.name!r} has latents {named}; a function of a state is "
            "fitted with that one latent alone, inputs=['state.x'], and constants"
        )
