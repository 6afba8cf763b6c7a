"""A run without latents of groups: closed forms and constants that all groups share."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np

from discovery.dynamics.discovering import columns_of
from discovery.dynamics.equations import SeriesEquations
from discovery.dynamics.functions.closing import closed_study
from discovery.dynamics.noise import noise_record_of
from discovery.dynamics.own import doubt
from discovery.dynamics.problems import SeriesProblems, free_runs, scores_by_group
from discovery.dynamics.scores import CONSTANT, pooled_scores, ranges_of, spread_of
from discovery.dynamics.verdict.checks import FreeNumbers, free_run_checks
from discovery.dynamics.verdict.judging import on_held_out, reasons_of_checks
from discovery.results.scoring import EQUATION
from discovery.tables.records import PARTS
from discovery.verdict.record import Reason, Verdict
from sciren.inference.intervals.quantiles import NORMAL_95
from symbolic.dynamics.recurrence import Recurrence
from symbolic.dynamics.relations import no_relations

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from discovery.tables.study import SeriesStudy
    from sciren.dynamics.prediction import SeriesPrediction
    from sciren.model import ScIReN
    from sciren.training import TrainConfig
    from symbolic.dynamics.closed.forms import FunctionForms

METHOD = "curvature, through the simulation"


def shared_functions(
    study: "SeriesStudy",
    config: "TrainConfig",
    forms: "FunctionForms",
    say: Callable[[str], None] = lambda sentence: None,
) -> "Discovery":
    """Run closed forms and constants freely in all parts, check and judge them.

    Args:
        study: with the latents as they are declared.
        config: says how series are compared.
        forms: of all its latents, found on the training series.
        say: hears what is going on.
    """
    import pandas as pd

    from discovery.results.result import Discovery

    # 1. The process with its formulas, and one set of constants for all groups.
    fit, closed = forms.fit, closed_study(study, forms)
    train = closed.split.train
    law = Recurrence.of(
        closed.decoder, train.forcing_columns, fit.problem.process.substeps
    )
    constants = _values(forms)
    problems = _problems(closed, config, forms)
    parts, numbers = problems.all(), shared_numbers(problems, constants)
    # 2. Free runs, beside those of a process whose latents are one number each: without
    # better runs than these no function is claimed.
    runs = free_runs(parts, {EQUATION: numbers})
    _add_constant(study, config, forms, runs)
    scores = scores_by_group(parts, runs)
    equations = SeriesEquations(
        no_relations(law, train.target_columns, constants), law, columns_of(train)
    )
    equations.spread = spread_of(parts, runs)
    equations.ranges = ranges_of(parts["train"], runs["train"][EQUATION])
    equations.verification = free_run_checks(
        parts["train"], equations, FreeNumbers(numbers["train"], None), scores
    )
    # 3. The result has no network and no edges; what a report asks of them is empty.
    table = _table(closed, forms)
    result = Discovery(
        None, equations.relations, table, (), pooled_scores(parts, runs, scores), {},
        pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), (), (),
        series=equations, group_scores=scores, noise=noise_record_of(problems.noise),
    )  # fmt: skip
    # Judged on what chose least: test rows where there are any, else validation.
    part = next(n for n in ("test", "valid", "train") if n in parts)
    reasons = [on_held_out(parts, runs, part, False)]
    reasons += reasons_of_checks(equations.verification.checks)
    result.verdict = Verdict.of([*reasons, *_doubts(table)])
    say(f"verdict: {result.verdict.line()}")
    return result


def _values(forms: "FunctionForms") -> dict[str, float]:
    """Return all constants by name: of the formulas, and of the process."""
    scale = forms.fit.problem.scale
    own = dict(zip(scale.names, forms.fit.numbers[0].tolist(), strict=True))
    return {**own, **forms.constants}


def _problems(
    closed: "SeriesStudy", config: "TrainConfig", forms: "FunctionForms"
) -> SeriesProblems:
    series = {n: part for n, part in zip(PARTS, closed.split, strict=True) if len(part)}
    problem = forms.fit.problem
    return SeriesProblems(
        without_latents(closed, config), series, problem.comparison.noise,
        problem.process.substeps,
    )  # fmt: skip


def without_latents(closed: "SeriesStudy", config: "TrainConfig") -> "ScIReN":
    """Return what losses of series ask of a model, for a process of constants alone.

    Args:
        closed: whose process has no latent, so that no encoder could exist.
        config: says how series are compared.
    """
    from sciren.dynamics import SeriesProcess
    from sciren.dynamics.residuals import Comparison

    process = SeriesProcess(closed.decoder, closed.split.train)
    scale = Comparison.declared(process, config).scale
    # A model needs an encoder, and nothing is left to encode: this is the part of a
    # model that losses of series read.
    known = SimpleNamespace(
        decoder=closed.decoder, constraints=(), residual_scale=scale, spread=None
    )
    return cast("ScIReN", known)


def shared_numbers(
    problems: SeriesProblems, constants: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Return part -> constants (G, Q), the same in every group."""
    names = problems.problem("train").scale.names
    row = np.array([constants[name] for name in names])
    return {n: np.tile(row, (len(part), 1)) for n, part in problems.series.items()}


def _add_constant(
    study: "SeriesStudy",
    config: "TrainConfig",
    forms: "FunctionForms",
    runs: "dict[str, dict[str, SeriesPrediction]]",
) -> None:
    """Add runs of the same process with every latent as one number, refitted."""
    flat = closed_study(study, forms.flat())
    problems = _problems(flat, config, forms)
    start = shared_numbers(problems, {**_values(forms), **forms.flat().constants})
    numbers = problems.of_constants(start["train"])
    for part, predicted in free_runs(problems.all(), {CONSTANT: numbers}).items():
        runs[part] |= predicted


def _table(closed: "SeriesStudy", forms: "FunctionForms") -> "pd.DataFrame":
    """Return one row a constant of formulas and process, with errors by curvature."""
    import pandas as pd

    values, errors = _values(forms), forms.all_errors()
    known = {p.name: p for p in closed.decoder.parameters}
    owner = forms.owners()
    rows = []
    for name, value in values.items():
        parameter, error = known[name], errors[name]
        ends = value - NORMAL_95 * error, value + NORMAL_95 * error
        latent, source = owner.get(name, ("", ""))
        why = doubt(parameter, error, value in (parameter.low, parameter.high))
        # The offset is a level: zero is a value like any other.
        if source and ends[0] <= 0 <= ends[1]:
            why = "its interval holds zero"
        rows.append(
            {
                "constant": name, "latent": latent, "source": source, "estimate": value,
                "error": error, "low": max(ends[0], parameter.low),
                "high": min(ends[1], parameter.high), "unit": parameter.unit,
                "method": METHOD, "identified": not why, "reason": why,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _doubts(table: "pd.DataFrame") -> list[Reason]:
    doubtful = table.loc[~table["identified"].astype(bool)]
    return [
        Reason("identified", row["constant"], False,
               f"{row['constant']} is not held: {row['reason']}",
               next_step="Fix it, or observe what depends on it", rank=3)
        for row in doubtful.to_dict("records")
    ]  # fmt: skip
