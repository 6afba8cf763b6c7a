"""Curves of latents that change in time, fitted through the simulation of series.

1. every latent per row is an offset and a spline of every feature that changes in time,
   every latent of a state a spline of it; numbers of groups are free
2. weights of roughness, one a curve, with the lowest n log(squares / n) + 2 (effective
   coefficients), on the quadratic loss at a fit, then a fit with them
3. features whose splines gain less than n log(squares / n) + log(n) (effective
   coefficients) are dropped, the least first; again from 2 until none is

Reference: Wood 2017, chapter 6 (effective coefficients, Wald tests of smooth terms).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sciren.constraints import ConstraintChoice, resolve
from sciren.data.series import SeriesTable
from sciren.decoders.dry_run import check_process_model
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.functions.fitted import (
    FunctionFit,
    described,
    inverse_of,
    penalised,
)
from sciren.dynamics.functions.gains import eliminated
from sciren.dynamics.functions.problem import FunctionProblem
from sciren.dynamics.functions.terms import (
    INTERVALS,
    OFFSET,
    STATE_INTERVALS,
    Term,
    offset,
    spline_term,
    state_term,
)
from sciren.dynamics.functions.trades import Trade, trades
from sciren.dynamics.learnable import check_learnable
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.residuals import Comparison
from sciren.dynamics.solving.simulation import SeriesProcess, check_finite
from sciren.errors import TrainingError
from sciren.solvers.levenberg import minimise
from sciren.training.config import TrainConfig

WEIGHTS = (1e2, 1e1, 1.0, 1e-1, 1e-2)
"""Of the roughness in units of the noise, from a nearly straight to a free curve."""
# Upper limit of steps, and the relative gain that ends them (`minimise`).
ITERATIONS, TOLERANCE = 40, 1e-6

ROUNDS = 3  # of dropping features and fitting again; one is usual
STIFF = (1e4, 1e3)  # weights at which a curve of a feature is a straight line
PASSES = 2  # over all curves, of the choice of weights
ASKED = 8  # groups whose simulations say which unknowns trade; two would do
FITS = 3  # with chosen weights; they rarely move after the second


@torch.no_grad()
def fit_functions(
    model: DynamicModel,
    series: SeriesTable,
    config: TrainConfig | None = None,
    constraint: ConstraintChoice = "auto",
) -> FunctionFit:
    """Fit the latents of a model that change in time, as curves.

    Args:
        model: with latents per row (functions of the features of ``series`` that change
            in time), functions of a state, or both; latents per group are free numbers.
        series: groups that share the functions.
        config: ``residual`` and ``offset`` say how series are compared.
        constraint: of the latents per group.
    Raises:
        TrainingError, DataError: no latent changes in time, no feature does, the series
            hold nothing to learn from (`sciren.dynamics.learnable`), or the simulation has
            no numbers at the start.
        DecoderError: the step fails on a few rows, with file and line.
    """
    config = config or TrainConfig()
    _check(model, series)
    problem = first_accurate(_problem(model, series, config, constraint))
    theta = first_fit(problem)
    problem = problem.accurate(theta)
    check_finite(problem.process, problem.trajectory(theta))
    # The noise is known only from a fit, and the weight of roughness is in its units.
    for _ in range(2):
        theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-2).theta
        problem = with_noise_of(problem, theta)
    fit, dropped, kept = _smoothest(problem, theta), [], []
    for _ in range(ROUNDS):
        gone, kept = eliminated(fit)
        if not gone:
            break
        less = _smoothest(*_without(fit, [row["place"] for row in gone]))
        # What is far from quadratic may fall: then the features stay.
        if less.bayes > fit.bayes:
            kept += gone
            break
        dropped, fit = [*dropped, *gone], less
    rows = [
        *(row | {"status": "kept"} for row in kept),
        *(row | {"status": "dropped"} for row in dropped),
    ]
    shown = ("feature", "latent", "status", "gain")
    return replace(fit, edges=tuple({n: row[n] for n in shown} for row in rows))


@torch.no_grad()
def trades_at_start(
    model: DynamicModel,
    series: SeriesTable,
    config: TrainConfig | None = None,
    constraint: ConstraintChoice = "auto",
) -> tuple[Trade, ...]:
    """Return what `fit_functions` could not tell apart, known before anything is fitted.

    A few groups show it, since it lies in the process.

    Args, Raises: as of `fit_functions`.
    """
    _check(model, series)
    series = series.take(np.arange(min(len(series), ASKED)))
    problem = _problem(model, series, config or TrainConfig(), constraint)
    theta = problem.start(np.concatenate(_shapes(problem)[0]))
    problem = problem.accurate(theta)
    check_finite(problem.process, problem.trajectory(theta))
    return trades(problem, theta)


def _check(model: DynamicModel, series: SeriesTable) -> None:
    moving = model.latents_in_time
    if not moving:
        raise TrainingError(
            f"process model {model.name!r} has no latent that changes in time; fit its "
            "latents per group with sciren.fit"
        )
    if model.row_latents and not series.feature_names:
        raise TrainingError(
            f"latent {model.row_latents[0].name!r} of {model.name!r} changes in time, and "
            "no feature does; name features=[...] when the series are read, or declare "
            "per='group'"
        )
    checked_step(model, series)


def checked_step(model: DynamicModel, series: SeriesTable) -> None:
    """Run the step on a few rows, and refuse what no function can be learned from.

    Raises:
        TrainingError, DataError: the series hold nothing to learn from
            (`sciren.dynamics.learnable`).
        DecoderError: the step fails on a few rows, with file and line.
    """
    flat = {n: torch.from_numpy(v.reshape(-1)) for n, v in series.forcings.items()}
    with torch.enable_grad():  # the check asks for derivatives
        check_process_model(model, flat)
    check_learnable(model, series)


def _problem(
    model: DynamicModel,
    series: SeriesTable,
    config: TrainConfig,
    constraint: ConstraintChoice,
) -> FunctionProblem:
    process, terms = SeriesProcess(model, series), tuple(_terms(model, series))
    return FunctionProblem(
        process, Comparison.declared(process, config), scale_of(model, constraint), terms,
        (WEIGHTS[1],) * len(terms),
    )  # fmt: skip


def scale_of(model: DynamicModel, constraint: ConstraintChoice) -> LocalScale:
    """Return the scale of the numbers of groups under a choice of constraints."""
    if isinstance(constraint, Mapping):
        own = {p.name for p in model.group_latents}
        constraint = {n: choice for n, choice in constraint.items() if n in own}
    return LocalScale(model, resolve(constraint, model.group_latents))


def _terms(model: DynamicModel, series: SeriesTable) -> list[Term]:
    active, terms = series.active, []
    for latent in model.row_latents:
        terms.append(offset(latent))
        for k, name in enumerate(series.feature_names):
            values = series.features[..., k][active]
            limits = float(values.min()), float(values.max())
            terms.append(spline_term(latent, name, limits, INTERVALS))
    return terms + [state_term(latent) for latent in model.state_latents]


def first_fit(problem: FunctionProblem) -> Tensor:
    """Return the better fit from two starts: flat functions, and lines of states.

    A flat outflow lets a store run full or dry, from where no step leads back; a line
    through zero is a linear reservoir, which finds its level. Without functions of
    states the flat start is returned as it is.

    Raises:
        TrainingError: the simulation has no numbers at the start.
    """
    starts = [problem.start(np.concatenate(parts)) for parts in _shapes(problem)]
    if not problem.state_latents:
        return starts[0]
    check_finite(problem.process, problem.trajectory(starts[0]))
    fits = [
        minimise(problem, start, ITERATIONS, TOLERANCE, damping=1e-2)
        for start in starts
    ]
    return min(fits, key=lambda solution: float(solution.loss)).theta


def first_accurate(problem: FunctionProblem) -> FunctionProblem:
    """Return the problem with the substeps that flat functions need."""
    flat, _ = _shapes(problem)
    return problem.accurate(problem.start(np.concatenate(flat)))


def _shapes(problem: FunctionProblem) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return constants of all terms: flat functions, and lines through zero of states."""
    # Effects of features begin at zero. A function of the state also begins as a line
    # through zero, since many rates vanish with their state.
    flat, line = [], []
    for term in problem.terms:
        if term.source == OFFSET:
            flat.append(np.array([term.latent.initial]))
            line.append(flat[-1])
        elif term.latent.inputs:
            flat.append(np.full(len(term), term.latent.initial))
            line.append(flat[-1] * _through_zero(term))
        else:
            flat.append(np.zeros(len(term)))
            line.append(flat[-1])
    return flat, line


def _through_zero(term: Term) -> np.ndarray:
    """Return shares of the declared start that are a line, one in the middle of the range."""
    low, high = term.latent.range or (0.0, 1.0)  # `_terms` has asked for it
    # coefficient j of a uniform cubic spline belongs to the place of knot j - 1
    place = low + (np.arange(len(term)) - 1) * (high - low) / STATE_INTERVALS
    return np.maximum(place, 0.0) / max(abs(high + low) / 2, 1e-300)


def with_noise_of(problem: FunctionProblem, theta: Tensor) -> FunctionProblem:
    """Return the problem under the noise that a simulation leaves."""
    outputs = problem.trajectory(theta).outputs
    noise = problem.comparison.with_noise_of(outputs, memory=problem.process.regular)
    return replace(problem, comparison=noise)


def _smoothest(problem: FunctionProblem, theta: Tensor) -> FunctionFit:
    """Choose the weights of roughness and fit with them, until they stay."""
    for _ in range(FITS):
        theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
        weights = _chosen_weights(problem, theta)
        if weights == problem.weights:
            break
        problem = replace(problem, weights=weights)
    theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
    return described(problem, theta)


def _chosen_weights(problem: FunctionProblem, theta: Tensor) -> tuple[float, ...]:
    """Return the weights with the best score on the quadratic loss at theta."""
    squares, gradient, matrix = problem.data_normal(theta)
    at, count = theta[0].numpy(), int(problem.comparison.counts.sum())

    def score(weights: Sequence[float]) -> float:
        whole = penalised(replace(problem, weights=tuple(weights)), matrix)
        inverse = inverse_of(whole)
        # The minimum of the quadratic with other weights, in closed form: (H + P)^-1 (H
        # theta - g).
        step = inverse @ (matrix @ at - gradient) - at
        left = squares + float(2 * gradient @ step + step @ matrix @ step)
        return count * np.log(left / count) + 2 * float(np.trace(inverse @ matrix))

    weights = list(problem.weights)
    for _ in range(PASSES):
        for k, term in enumerate(problem.terms):
            if term.source != OFFSET:
                stiff = () if term.latent.inputs else STIFF
                weights[k] = min(
                    (*stiff, *WEIGHTS),
                    key=lambda w, k=k: score([*weights[:k], w, *weights[k + 1 :]]),
                )
    return tuple(weights)


def _without(fit: FunctionFit, places: Sequence[int]) -> tuple[FunctionProblem, Tensor]:
    """Return problem and theta without some terms."""
    problem = fit.problem
    constants, raw = problem.parts(fit.theta)
    kept = [k for k in range(len(problem.terms)) if k not in places]
    terms = tuple(problem.terms[k] for k in kept)
    parts = [constants[problem.places[k]] for k in kept]
    weights = tuple(problem.weights[k] for k in kept)
    less = replace(problem, terms=terms, weights=weights)
    return less, less.joined(torch.from_numpy(np.concatenate(parts)), raw)
