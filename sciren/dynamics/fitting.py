"""fit on series: groups alone, curves on their numbers, then through the simulation.

1. every group alone                          q_g and H_g = J_g'J_g, whitened
2. edges and smoothness on the rows of (q_g, H_g), without a simulation
3. the loss linearised anew at the latents of the curves, and the curves solved again,
   until the simulation gains nothing: Gauss-Newton through the process
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from sciren.comparison import ResidualScale
from sciren.data.series import SeriesTable
from sciren.data.table import Table
from sciren.decoders.dry_run import check_process_model
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.groups.deviations import Deviations
from sciren.dynamics.groups.group_fit import GroupFits, fit_groups
from sciren.dynamics.groups.group_problem import GroupProblem, replace_series
from sciren.dynamics.groups.mixed_fitting import ROUNDS as MIXED_ROUNDS
from sciren.dynamics.groups.mixed_fitting import (
    GroupDeviations,
    Round,
    about_features,
    first_modes,
    kept_edges,
    rows_of,
    steady,
    unseen_modes,
)
from sciren.dynamics.groups.mode_fit import SETTLED as MODES_SETTLED
from sciren.dynamics.groups.mode_fit import ModeFits, losses_about
from sciren.dynamics.learnable import check_learnable
from sciren.dynamics.linearised import Linearisation, LinearisedModel
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.residuals import Comparison
from sciren.dynamics.solving.simulation import SeriesProcess
from sciren.errors import ColumnError, TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.ensemble import fit_ensemble
from sciren.training.history import History
from sciren.training.progress import Progress

ROUNDS = 4  # linearisations of the joint fit; it settles after one or two
SETTLED = 1e-3  # of the loss per observation: a tenth of a standard error of one number
GENTLE = (1e-5, 1e-4)  # weights of roughness for rows that hold little noise


@dataclass
class SeriesHistory(History):
    """Record of a fit on series.

    Attributes:
        groups: the training groups, each fitted alone; None where they deviate or are too
            short for that.
        problems: "train", "valid" -> loss of their groups under the estimated noise.
        deviations: of the training groups from what their features say, where declared.
    """

    groups: GroupFits | None = None
    deviations: GroupDeviations | None = None
    problems: dict[str, GroupProblem] | None = None


def fit_series(
    model: ScIReN,
    train: SeriesTable,
    valid: SeriesTable,
    config: TrainConfig | None = None,
    progress: Progress | None = None,
) -> SeriesHistory:
    """Train an encoder of static features through the simulation of series, in place.

    Args:
        model: its decoder is a `DynamicModel` whose latents are all per group.
        train, valid: groups to learn from, groups to choose by.
        config: ``residual`` and ``offset`` say how series are compared; the others serve
            the curves as in `sciren.fit`.
        progress: gets every step of the curves.
    Raises:
        TrainingError: the model has other latents, the series hold nothing to learn from
            (`sciren.dynamics.learnable`), or the simulation has no numbers at the start.
        DataError: numbers whose squares overflow or vanish.
        ColumnError: the series lack a forcing or target, or their static features differ.
        DecoderError: the step fails on a few rows, with file and line.
    """
    config = config or TrainConfig()
    settings = _settings(config)
    scale = checked(model, train, valid)
    problem = series_problem(model, train, scale, config)
    inner = second_level(model)
    # Most groups too short for numbers of their own, or drawn about a mean.
    short = np.median(problem.comparison.counts) <= len(problem.scale.names)
    if problem.law or short:
        history = _jointly(inner, problem, (train, valid), settings, progress)
    else:
        history = _two_levels(inner, problem, (train, valid), settings, progress)
    assert history.problems is not None  # both ways keep them
    adopt(model, inner, history.problems["train"].comparison.scale)
    return history


def _two_levels(
    inner: ScIReN,
    problem: GroupProblem,
    series: tuple[SeriesTable, SeriesTable],
    settings: TrainConfig,
    progress: Progress | None,
) -> SeriesHistory:
    """Fit every group alone, curves on their numbers, then through the simulation."""
    groups = fit_groups(problem)
    problem = groups.problem
    others = replace_series(problem, series[1])
    # With a noise of their own, groups to choose by would excuse a poor curve.
    apart = fit_groups(others, estimate_noise=False)
    centre = groups.physical.mean(0)
    tables = [
        Linearisation(fits.physical, fits.precision, centre).table(part)
        for fits, part in ((groups, series[0]), (apart, series[1]))
    ]
    history = SeriesHistory(**vars(_fitted(inner, tables, settings, progress)))
    history.groups = groups
    history.problems = {"train": problem, "valid": others}
    _say(history, groups)
    _through_simulation(inner, (problem, others), series, settings, history)
    return history


def _jointly(
    inner: ScIReN,
    problem: GroupProblem,
    series: tuple[SeriesTable, SeriesTable],
    settings: TrainConfig,
    progress: Progress | None,
) -> SeriesHistory:
    """Fit curves, and what deviates from them, in turn (`sciren.dynamics.groups.mixed_fitting`)."""
    fits = first_modes(problem)
    numbers = fits.problem.law.backward(fits.predicted)[:1]
    others = replace_series(fits.problem, series[1])
    apart = unseen_modes(fits, others, np.repeat(numbers, len(series[1]), 0))
    # The first round profiles and resamples; later ones only move curves and spreads.
    again = settings.replace(profiles=False, bootstrap=0)
    history, best = None, None
    for number in range(MIXED_ROUNDS):
        centre = fits.losses.t.mean(0)
        tables = [rows_of(fits, centre, series[0]), rows_of(apart, centre, series[1])]
        fitted = _fitted(inner, tables, again if number else settings, progress)
        history = history or SeriesHistory(**vars(fitted))
        fits = about_features(fits, local_numbers(inner, series[0]), fitted.edges)
        # Losses of rows are linearised elsewhere in each round; the deviance is
        # comparable.
        if best is not None and fits.deviance >= best.fits.deviance:
            break
        # Spreads can stand still while an edge is swapped, so both must stay.
        same = best is not None and kept_edges(best.edges) == kept_edges(fitted.edges)
        settled = best is not None and same and steady(best.fits, fits)
        best = Round(fits, fitted.edges, _copied(inner))
        if settled:
            break
        others = replace_series(fits.problem, series[1])
        apart = unseen_modes(fits, others, local_numbers(inner, series[1]))
    assert history is not None  # at least one round
    assert best is not None
    fits, history.edges = best.fits, best.edges
    inner.load_state_dict(best.weights)
    others = replace_series(fits.problem, series[1])
    history.problems = {"train": fits.problem, "valid": others}
    # The first numbers are the latents; constants have no spread.
    if inner.spread is not None:
        inner.spread.copy_(torch.from_numpy(fits.problem.law.sd[: len(inner.spread)]))
        history.deviations = GroupDeviations.of(fits)
        _say_deviations(history, fits)
    return history


def checked(model: ScIReN, train: SeriesTable, valid: SeriesTable) -> LocalScale:
    """Refuse models and series that cannot be fitted together."""
    decoder = model.decoder
    if not isinstance(decoder, DynamicModel):
        raise TrainingError(
            f"process model {decoder.name!r} has no state, so rows need no series; read "
            "them with Table.from_frame, or declare state=[State(...)]"
        )
    if decoder.latents_in_time:
        raise TrainingError(
            f"latent {decoder.latents_in_time[0].name!r} of {decoder.name!r} changes in "
            "time; an encoder of static features gives one value a group: declare "
            "per='group', or find it first "
            "with sciren.dynamics.fit_functions and fit the process with its closed form "
            "(symbolic.dynamics.closed); a configuration does both"
        )
    if train.static_names != valid.static_names:
        raise ColumnError(
            f"the training series have static features {list(train.static_names)}, the "
            f"validation series {list(valid.static_names)}; name the same in both"
        )
    if len(train.static_names) != model.encoder.n_inputs:
        raise ColumnError(
            f"the encoder has {model.encoder.n_inputs} inputs, the series "
            f"{len(train.static_names)} static features "
            f"({', '.join(train.static_names)}); make them equal"
        )
    forcings = {n: torch.from_numpy(v.reshape(-1)) for n, v in train.forcings.items()}
    check_process_model(decoder, forcings)
    check_learnable(decoder, train)
    return LocalScale(decoder, model.constraints)


def series_problem(
    model: ScIReN,
    series: SeriesTable,
    scale: LocalScale | None = None,
    config: TrainConfig | None = None,
) -> GroupProblem:
    """Return the loss of every group of the series, equal noise without memory."""
    decoder = cast(DynamicModel, model.decoder)
    process = SeriesProcess(decoder, series)
    known = model.residual_scale
    # A trained model is compared as it was trained, unless settings say otherwise.
    if config is not None or known is None:
        comparison = Comparison.declared(process, config or TrainConfig())
    else:
        comparison = Comparison.of(process, known)
    scale = scale or LocalScale(decoder, model.constraints)
    law = Deviations.declared(scale)
    if model.spread is not None and bool((model.spread > 0).any()):
        law = law.with_sd(_padded(model.spread.numpy(), len(scale.names)))
    return GroupProblem(process, comparison, scale, law)


def _padded(latents: np.ndarray, size: int) -> np.ndarray:
    """Return numbers of the latents followed by zeros for the constants."""
    return np.concatenate([latents, np.zeros(size - len(latents))])


def second_level(model: ScIReN) -> ScIReN:
    """Return the model seen from the second level; it shares the encoder."""
    decoder = cast(DynamicModel, model.decoder)
    choice = dict(zip(model.latent_names, model.constraints, strict=True))
    # Latents and constants keep names and order, so the weights fit both.
    inner = ScIReN(model.encoder, choice, LinearisedModel(decoder))
    inner.load_state_dict(model.state_dict())
    inner.feature_names, inner.scaling_kind = model.feature_names, model.scaling_kind
    inner.violation_weight = model.violation_weight
    return inner


@torch.no_grad()
def adopt(model: ScIReN, inner: ScIReN, scale: ResidualScale) -> None:
    """Give a model what was learned by its view from the second level."""
    model.load_state_dict(inner.state_dict())
    model.feature_names, model.scaling_kind = inner.feature_names, inner.scaling_kind
    model.violation_weight, model.residual_scale = inner.violation_weight, scale


@torch.no_grad()
def local_numbers(model: ScIReN, series: SeriesTable) -> np.ndarray:
    """Return the latents of every group and the constants, (G, Q) physical."""
    static = torch.from_numpy(series.static)
    latents = model.constrain(model.raw_latents(model.scaled(static)))
    constants = model.constant_scale.to_physical(model.constant_raw)
    return torch.cat([latents, constants.expand(len(latents), -1)], 1).numpy()


@torch.no_grad()
def linearised_at(
    problem: GroupProblem, physical: np.ndarray, centre: np.ndarray
) -> tuple[Linearisation, float]:
    """Linearise the loss of all groups at these numbers; also return the loss there.

    Where groups deviate the loss is taken at their modes about these numbers, and the
    deviations are integrated out.
    """
    law = problem.law
    losses = losses_about(problem, physical)
    # The loss is that of the predictions, not of the modes: it compares curves.
    linear = Linearisation.at(losses.without(law), law.forward(centre))
    return linear, float(problem.losses_at(physical).sum())


def _through_simulation(
    inner: ScIReN,
    problems: Sequence[GroupProblem],
    series: Sequence[SeriesTable],
    config: TrainConfig,
    history: SeriesHistory,
) -> None:
    """Solve the curves anew on the loss linearised where they are, while it falls."""
    again = config.replace(profiles=False, bootstrap=0)
    count = float(problems[0].comparison.counts.sum())
    weights, edges, lowest = _copied(inner), history.edges, np.inf
    for number in range(ROUNDS):
        numbers = [local_numbers(inner, table) for table in series]
        centre = numbers[0].mean(0)
        parts = [
            linearised_at(problem, q, centre)
            for problem, q in zip(problems, numbers, strict=True)
        ]
        loss = parts[0][1]
        history.append(
            "simulation", number, {"total": loss / count, "data": loss / count}
        )
        # The quadratic was trusted too far: keep the curves before.
        if loss > lowest:
            inner.load_state_dict(weights)
            return
        history.edges = edges
        # The noise of a loss of n unit variances grows as sqrt(n): less gain is none.
        if loss > lowest - SETTLED * count**0.5:
            return
        lowest, weights = loss, _copied(inner)
        tables = [part.table(own) for (part, _), own in zip(parts, series, strict=True)]
        # Edges are asked about anew: what they say is linearised where the curves are.
        edges = _fitted(inner, tables, again, None).edges


def _copied(model: ScIReN) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _fitted(
    inner: ScIReN,
    tables: Sequence[Table],
    config: TrainConfig,
    progress: Progress | None,
) -> History:
    return fit_ensemble([inner], tables[0], tables[1], config, progress)[0]


def _settings(config: TrainConfig) -> TrainConfig:
    """Return the settings of the second level: its rows have noise of one size."""
    # Such rows hold little noise: gentler weights are offered, unless the user chose.
    own = {"smooth_choices", "smooth"} & config.model_fields_set
    config = config.replace(residual="identity", offset=None)
    if own:
        return config
    return config.replace(smooth_choices=(*GENTLE, *config.smooth_choices))


def _say(history: SeriesHistory, groups: GroupFits) -> None:
    """Tell which groups sit on a bound, and the memory of the noise."""
    names, table = groups.problem.scale.names, groups.problem.process.table
    for column, name in enumerate(names):
        held = np.flatnonzero(groups.on_bound[:, column])
        if len(held):
            shown = ", ".join(table.groups[g] for g in held[:5])
            more = f" and {len(held) - 5} more" if len(held) > 5 else ""
            history.say(
                f"{name} lies on a bound in {len(held)} of {len(table)} groups fitted "
                f"alone: {shown}{more}."
            )
    noise = groups.problem.comparison.noise
    for target, memory in zip(
        groups.problem.process.model.targets, noise.memory, strict=True
    ):
        if memory.order:
            lags = ", ".join(f"{value:.2f}" for value in memory.coefficients[-1])
            history.say(f"The noise of {target} remembers the rows before: {lags}.")


def _say_deviations(history: SeriesHistory, fits: ModeFits) -> None:
    """Tell spreads of deviations, floors of errors, and what did not settle."""
    assert history.deviations is not None  # the caller has set them
    for row in history.deviations.summary().to_dict("records"):
        history.say(
            f"Groups deviate from what features say of {row['latent']} by {row['spread']:.2g} "
            f"({row['law']}); shrinkage {row['shrinkage']:.2g}."
        )
    model = fits.problem.process.model
    if model.error == "proportional+floor":
        floors = fits.problem.comparison.scale.offset.tolist()
        for target, floor in zip(model.targets, floors, strict=True):
            history.say(
                f"Errors of {target} are proportional above a floor of {floor:.3g}."
            )
    if fits.change >= MODES_SETTLED:
        history.say(
            f"Spreads had not settled when the search ended: the last round moved them by "
            f"{fits.change:.1%}."
        )
