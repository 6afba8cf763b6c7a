"""The stored equations of a run on series once more, against its data."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.dynamics.functions.closing import closed_again, closes_functions
from discovery.dynamics.functions.shared import shared_numbers, without_latents
from discovery.dynamics.noise import noise_of
from discovery.dynamics.own import carrier_of, fits_groups_alone, joined
from discovery.dynamics.problems import SeriesProblems, free_runs, scores_by_group
from discovery.dynamics.scores import pooled_scores
from discovery.dynamics.state_function import finds_state_function, stored_problems
from discovery.dynamics.verdict.checks import FreeNumbers, free_run_checks
from discovery.results.scoring import EQUATION
from discovery.tables.records import PARTS

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.record import DiscoveryRecord
    from discovery.tables.study import SeriesStudy
    from sciren.data import SeriesTable
    from sciren.dynamics.groups.group_problem import GroupProblem
    from symbolic.verdict import Check

CLOSE = 1e-6  # relative difference of a recomputed number that counts as rounding

Lines = list[tuple[str, bool]]


def series_again(record: "DiscoveryRecord", study: "SeriesStudy") -> Lines:
    """Run the stored equations on the data; return (text, whether it agrees).

    Args:
        record: what the folder holds.
        study: settings and data.
    """
    # Nothing is fitted here: stored noise, stored numbers, simulated once more.
    parts, numbers, curves = _numbers(record, study)
    runs = free_runs(parts, {EQUATION: numbers})
    scores = scores_by_group(parts, runs)
    assert record.series is not None  # the caller has asked
    before = {
        stored_check.name: stored_check for stored_check in _stored_checks(record)
    }
    own = FreeNumbers(numbers["train"], curves)
    now = free_run_checks(
        parts["train"], record.series, own, _with_constant(record, scores)
    )
    lines: Lines = []
    for check in now.checks:
        was = before[check.name].verdict if check.name in before else "-"
        text = (
            f"free run, {check.name}: {check.number:.3g} {check.verdict}, stored {was}"
        )
        # PASS or FAIL must repeat; the number behind it may differ by rounding.
        lines.append((text, check.verdict == was))
    for part, models in pooled_scores(parts, runs, scores).items():
        for target, score in models[EQUATION].items():
            was = record.scores[part][EQUATION][target]["r2"]
            same = abs(score["r2"] - was) <= CLOSE * max(1.0, abs(was))
            text = f"R2 of {target}, {part} rows: {score['r2']:.6g}, stored {was:.6g}"
            lines.append((text, same))
    return lines


def _stored_checks(record: "DiscoveryRecord") -> "tuple[Check, ...]":
    assert record.series is not None  # the caller has asked
    judged = record.series.verification
    return judged.checks if judged else ()


def _numbers(
    record: "DiscoveryRecord", study: "SeriesStudy"
) -> "tuple[Mapping[str, GroupProblem], Mapping[str, np.ndarray], np.ndarray | None]":
    """Return the losses of a run, the numbers of its equations and those of its curves."""
    from discovery.config.file import train_config
    from discovery.runs.stored import network_of

    assert record.noise is not None  # every run on series keeps it
    assert record.series is not None  # the caller has asked
    noise, law = noise_of(record.noise), record.series.law
    if closes_functions(study):
        study = closed_again(study, record.series)
    # Four kinds of runs, as `discovery.runs.workflow.complete` tells them apart.
    if finds_state_function(study):
        plain, numbers = stored_problems(
            study, train_config(study.config), record.series
        )
        parts = {
            name: replace(problem, comparison=replace(problem.comparison, noise=noise))
            for name, problem in plain.items()
        }
        return parts, numbers, None
    parts = {n: part for n, part in zip(PARTS, study.split, strict=True) if len(part)}
    if not study.decoder.latent_names:
        carrier = without_latents(study, train_config(study.config))
        problems = SeriesProblems(carrier, parts, noise, law.substeps)
        values = record.series.relations.constants
        return problems.all(), shared_numbers(problems, values), None
    if fits_groups_alone(study):
        # As at the fit: validation rows were learned from.
        train = joined(study.split.train, study.split.valid)
        series = {"train": train, "test": study.split.test}
        carrier = carrier_of(study, train)
        problems = SeriesProblems(carrier, series, noise, law.substeps)
        return problems.all(), _own(record, problems), None
    model = network_of(record, study.decoder)
    problems = SeriesProblems(model, parts, noise, law.substeps)
    assert record.equations is not None  # series without relations have own numbers
    return (
        problems.all(),
        problems.of_relations(record.equations),
        problems.of_network()["train"],
    )


def _own(record: "DiscoveryRecord", problems: SeriesProblems) -> dict[str, np.ndarray]:
    assert record.series is not None  # the caller has asked
    names, own = problems.problem("train").scale.names, record.series.own

    def of(series: "SeriesTable") -> np.ndarray:
        return np.array(
            [[own[group][name] for name in names] for group in series.groups]
        )

    return {part: of(series) for part, series in problems.series.items()}


def _with_constant(record: "DiscoveryRecord", scores: "pd.DataFrame") -> "pd.DataFrame":
    """Add the stored scores of constant latents, which the equations are held against."""
    import pandas as pd

    stored = record.group_scores
    assert stored is not None  # every run on series keeps them
    # Constant latents would have to be fitted again; only the equations are asked here.
    others: pd.DataFrame = stored.loc[stored["model"] != EQUATION]
    return pd.concat([scores, others], ignore_index=True)
