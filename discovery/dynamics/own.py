"""Groups with numbers of their own: no relation, each group fitted alone, judged later.

Where groups are too few for a relation with their features, a process model is still worth
what it says of the same groups in another period. Validation chooses nothing here, so its
rows are learned from as well.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.dynamics.equations import SeriesEquations
from discovery.dynamics.noise import noise_record_of
from discovery.dynamics.problems import SeriesProblems, free_runs, scores_by_group
from discovery.dynamics.scores import CONSTANT, pooled_scores, ranges_of, spread_of
from discovery.dynamics.verdict.checks import FreeNumbers, free_run_checks, on_bound
from discovery.dynamics.verdict.own_numbers import judge_own
from discovery.results.scoring import EQUATION
from sciren.inference.intervals.quantiles import NORMAL_95
from symbolic.dynamics.recurrence import Recurrence
from symbolic.dynamics.relations import no_relations

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs

    from discovery.results.result import Discovery
    from discovery.tables.study import SeriesStudy, Study
    from sciren.data import SeriesTable
    from sciren.dynamics.groups.group_fit import GroupFits, GroupProblem
    from sciren.model import ScIReN
    from sciren.parameters import Parameter
    from sciren.training import TrainConfig

METHOD = "curvature, every group alone"
UNKNOWN = 12**-0.5
"""Standard error over the width between the bounds from which the data say nothing: that
of a number of which only the bounds are known (uniform distribution)."""


def fits_groups_alone(study: "Study | SeriesStudy") -> "TypeIs[SeriesStudy]":
    """Whether a study has series and no feature by which groups could be compared."""
    from discovery.tables.study import SeriesStudy

    if not isinstance(study, SeriesStudy) or study.config.features:
        return False
    return not study.decoder.latents_in_time


def own_numbers(
    study: "SeriesStudy",
    config: "TrainConfig",
    say: Callable[[str], None] = lambda sentence: None,
) -> "Discovery":
    """Fit every group alone, run the last period freely, check and judge.

    Args:
        study: series split by time, without features.
        config: ``residual`` and ``offset`` say how series are compared.
        say: hears what is going on.
    Raises:
        TrainingError: a group cannot be compared, or the simulation has no numbers.
        ExpressionError: the step cannot be written with symbols.
    """
    from sciren.dynamics.fitting import series_problem

    train, test = joined(study.split.train, study.split.valid), study.split.test
    carrier = carrier_of(study, train, config)
    problem = series_problem(carrier, train)
    say(f"training: {len(train)} groups, each fitted alone")
    groups = _alone(problem)
    noise = groups.problem.comparison.noise
    substeps = groups.problem.process.substeps
    series = {"train": train, "test": test}
    problems = SeriesProblems(carrier, series, noise, substeps)
    law = Recurrence.of(study.decoder, train.forcing_columns, substeps)
    return _discovery(study, groups, problems, law, say)


def _alone(problem: "GroupProblem") -> "GroupFits":
    """Fit all groups, each alone, by the squares of their residuals as they are.

    What a process model lacks lasts for weeks; whitened residuals would count only what
    changes from row to row, and free runs get worse. Errors count the memory.
    """
    from sciren.dynamics.groups.group_fit import described, fit_groups

    # Two passes: numbers from plain squares, then their errors under the noise that the
    # fit leaves.
    fits = fit_groups(problem, estimate_noise=False)
    plain = fits.problem
    outputs = plain.trajectory(fits.raw).outputs
    return described(plain.with_noise_of(outputs), fits.raw)


def joined(first: "SeriesTable", then: "SeriesTable") -> "SeriesTable":
    """Return the series of two periods of the same groups as one that counts both."""
    # Periods are cut from the same series, which run in from the beginning: the longer
    # table holds all rows of the other, and only the flags of rows that count are
    # joined.
    longer, other = (then, first) if then.rows >= first.rows else (first, then)
    counted = longer.counted.copy()
    places = [longer.groups.index(group) for group in other.groups]
    counted[: other.rows, places] |= other.counted
    return replace(longer, counted=counted)


def carrier_of(
    study: "SeriesStudy", train: "SeriesTable", config: "TrainConfig | None" = None
) -> "ScIReN":
    """Return constraint, process and comparison in the form that losses take them.

    Args:
        study: settings.
        train: series whose targets give the scale.
        config: says how series are compared; default as the study says.
    """
    from discovery.config.file import train_config
    from sciren.dynamics.fitting import series_problem
    from sciren.encoders import LinearEncoder
    from sciren.model import ScIReN

    # Losses take a model; its encoder is never asked.
    encoder = LinearEncoder(1, max(len(study.decoder.latent_names), 1))
    carrier = ScIReN(encoder, study.config.constraint, study.decoder)
    chosen = config or train_config(study.config)
    problem = series_problem(carrier, train, None, chosen)
    carrier.residual_scale = problem.comparison.scale
    return carrier


def _discovery(
    study: "SeriesStudy",
    groups: "GroupFits",
    problems: SeriesProblems,
    law: Recurrence,
    say: Callable[[str], None],
) -> "Discovery":
    import pandas as pd

    from discovery.results.result import Discovery

    train, test = problems.series["train"], problems.series["test"]
    names = problems.problem("train").scale.names
    own = {
        group: dict(zip(names, numbers.tolist(), strict=True))
        for group, numbers in zip(train.groups, groups.physical, strict=True)
    }
    equations = SeriesEquations(
        no_relations(law, train.target_columns), law, _columns(train), own=own
    )
    # The same groups later: numbers of the training period, in the order of the test
    # groups.
    of_test = groups.physical[[train.groups.index(group) for group in test.groups]]
    numbers_of = {EQUATION: {"train": groups.physical, "test": of_test}}
    # Numbers that one group shares with itself would be the same model once more.
    if len(train) > 1:
        numbers_of[CONSTANT] = problems.of_constants(groups.physical)
    parts = problems.all()
    runs = free_runs(parts, numbers_of)
    scores = scores_by_group(parts, runs)
    equations.spread = spread_of(parts, runs)
    equations.ranges = ranges_of(parts["train"], runs["train"][EQUATION])
    equations.verification = free_run_checks(
        parts["train"], equations, FreeNumbers(groups.physical, None), scores
    )
    constants = numbers_table(study, groups)
    result = Discovery(
        None, equations.relations, constants, (), pooled_scores(parts, runs, scores), {},
        pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), pd.DataFrame(),
        tuple(notes_on(groups)), (),
        series=equations, group_scores=scores,
        noise=noise_record_of(problems.noise),
    )  # fmt: skip
    result.verdict = judge_own(result, parts, runs, constants)
    say(f"verdict: {result.verdict.line()}")
    return result


def _columns(series: "SeriesTable") -> dict[str, Any]:
    from discovery.dynamics.discovering import columns_of

    return columns_of(series)


def numbers_table(study: "SeriesStudy", groups: "GroupFits") -> "pd.DataFrame":
    """Return one row a group and number, in the columns of the constants of a run.

    ``identified`` is False where a number lies on a bound, or its standard error says no
    more than its bounds.
    """
    import pandas as pd

    problem = groups.problem
    parameters = {p.name: p for p in study.decoder.parameters}
    held = np.zeros(groups.physical.shape, dtype=bool)
    # On a bound as a value, or held there by the fit.
    latents = on_bound(problem, groups.physical)
    held[:, : latents.shape[1]] = latents
    held |= groups.on_bound
    errors = standard_errors(groups.precision)
    rows = []
    for g, group in enumerate(problem.process.table.groups):
        for k, name in enumerate(problem.scale.names):
            value, error, p = groups.physical[g, k], errors[g, k], parameters[name]
            why = doubt(p, float(error), bool(held[g, k]))
            rows.append(
                {
                    "constant": f"{name} of {group}", "latent": name, "source": group,
                    "estimate": float(value), "error": float(error),
                    # curvature knows no bounds, a reader does
                    "low": max(float(value - NORMAL_95 * error), p.low),
                    "high": min(float(value + NORMAL_95 * error), p.high),
                    "unit": p.unit,
                    "method": METHOD, "identified": not why, "reason": why,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def doubt(parameter: "Parameter", error: float, held: bool) -> str:
    """Say why the data do not hold a number, or "".

    Args:
        parameter: with its bounds;  error: standard error of the number.
        held: whether it lies on a bound.
    """
    if held:
        return "on a bound"
    width = parameter.high - parameter.low
    if np.isfinite(width) and not error < UNKNOWN * width:
        return "the data say no more than its bounds"
    return "" if np.isfinite(error) else "the data do not hold it"


def standard_errors(precision: np.ndarray) -> np.ndarray:
    """Return standard errors (G, Q) from precisions (G, Q, Q); infinite where unseen."""
    # Scaled to a unit diagonal, so that units do not decide what counts as unseen.
    size = np.sqrt(np.maximum(np.einsum("gkk->gk", precision), 1e-300))
    scaled = precision / (size[:, :, None] * size[:, None])
    values, vectors = np.linalg.eigh(scaled)
    determined = (
        values > 1e-9 * values[:, -1:]
    )  # as the linearised loss counts directions
    inverse = np.where(determined, 1 / np.where(determined, values, 1.0), np.inf)
    with np.errstate(invalid="ignore"):
        # A number has an infinite error only if an unseen direction moves it: 0 * inf
        # would spoil all others.
        terms = np.where(vectors**2 > 1e-12, vectors**2 * inverse[:, None], 0.0)
    return np.sqrt(terms.sum(2)) / size


def notes_on(groups: "GroupFits") -> list[str]:
    """Say which numbers lie on a bound, and in which groups."""
    problem = groups.problem
    labels = problem.process.table.groups
    notes = []
    for k, name in enumerate(problem.scale.names):
        held = [
            g
            for g, at_bound in zip(labels, groups.on_bound[:, k], strict=True)
            if at_bound
        ]
        if held:
            notes.append(f"{name} lies on a bound in {len(held)} of {len(labels)} groups: "
                         f"{', '.join(held)}.")  # fmt: skip
    return notes
