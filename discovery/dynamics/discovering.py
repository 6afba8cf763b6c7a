"""discover on series: closed forms behind the constants of groups, refitted through runs.

Every linearisation of the loss turns groups into rows of a row-wise process
(`sciren.dynamics.linearised`), on which all of `discovery.discover` works. The loss is
linearised anew at the equations until a step through the simulation moves no constant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from discovery.dynamics.deviating import GroupModes
from discovery.dynamics.equations import SeriesEquations
from discovery.dynamics.noise import noise_of, noise_record
from discovery.dynamics.problems import SeriesProblems, free_runs, scores_by_group
from discovery.dynamics.refitting import CURVATURE, refitted
from discovery.dynamics.result import SeriesDiscovery
from discovery.dynamics.scores import (
    CONSTANT,
    MODES,
    pooled_scores,
    ranges_of,
    spread_of,
)
from discovery.dynamics.verdict.checks import FreeNumbers, free_run_checks
from discovery.dynamics.verdict.judging import judge_series
from sciren.errors import TrainingError
from symbolic.dynamics.recurrence import Recurrence
from symbolic.dynamics.relations import with_process
from symbolic.options import SymbolicOptions, options_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from discovery.config.settings import RunConfig
    from discovery.results.result import Discovery
    from discovery.runs.checkpoints import Checkpoints
    from discovery.runs.training import Training
    from sciren.data import SeriesTable
    from sciren.dynamics.groups.group_problem import GroupProblem
    from sciren.dynamics.prediction import SeriesPrediction
    from sciren.model import ScIReN
    from sciren.training import History
    from symbolic.model.symbolic_model import SymbolicModel


def discover_series(
    model: "ScIReN",
    train: "SeriesTable",
    valid: "SeriesTable | None" = None,
    test: "SeriesTable | None" = None,
    *,
    history: "History",
    options: SymbolicOptions | Mapping[str, Any] | Sequence[str] | None = None,
    seed: int = 0,
    **keywords: Any,
) -> SeriesDiscovery:
    """Turn a model that was fitted on series into verified equations.

    Args:
        model: trained by `sciren.fit`; it is not changed.
        train: groups that it was trained on;  valid, test: others.
        history: what `fit` returned, with the noise of the series.
        options, keywords: as in `discovery.discover`.
        seed: of everything random.
    Raises:
        TrainingError: the history is not that of a fit on series.
        ExpressionError: the step cannot be written with symbols.
    """
    from discovery.runs.training import Training

    if noise_record(history) is None:
        raise TrainingError(
            "discover on series needs the history of fit(model, train, valid), which "
            "holds the noise of the series; pass history=..."
        )
    given = {"train": train, "valid": valid, "test": test}
    series = {name: part for name, part in given.items() if part is not None}
    decided = options_of(options, keywords)
    training = Training.of(model, history)
    return SeriesDiscovery(series_discovery(training, series, decided, seed))


def series_discovery(
    training: "Training",
    series: "dict[str, SeriesTable]",
    options: SymbolicOptions,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
    keep: "Checkpoints | None" = None,
) -> "Discovery":
    """Find, refit, run, check and judge the equations of a training on series.

    Args:
        training: with the noise of the series.
        series: "train", "valid", "test" -> series, those that there are.
        options: of the equations;  seed: of everything random.
        say: hears what is going on.
        keep: stages that are finished already, and where to keep others.
    """
    from discovery.results.stages import discover
    from sciren.comparison import ResidualScale
    from sciren.dynamics.fitting import second_level

    assert training.noise is not None  # the callers have asked
    # 1. Linearise the loss at the network: groups become rows. 2. All of `discover` on
    # these rows. 3. Refit through the simulation. 4. Put relations into the recurrence.
    # 5. Free runs, checks, verdict.
    model, train = training.model, series["train"]
    problems = SeriesProblems(model, series, noise_of(training.noise))
    # The printed recurrence of an ODE takes as many substeps as the fit did, or the two
    # would differ by the error of the solver.
    substeps = problems.problem("train").process.substeps
    law = Recurrence.of(model.decoder, train.forcing_columns, substeps)
    inner = second_level(model)
    tables = problems.tables(problems.of_network())
    # Rows of the linearised loss are pseudo-observations with a size of their own.
    inner.residual_scale = ResidualScale.fit(tables["train"].targets)
    level = discover(
        inner, tables["train"], tables.get("valid"), tables.get("test"),
        history=training, options=options, seed=seed, say=say, keep=keep,
    )  # fmt: skip
    if level.equations is None:
        raise TrainingError(f"there are no equations: {' '.join(level.notes)}")
    relations = refitted(level.equations, inner, problems, options, seed)
    deviations = _deviations(relations, problems)
    level.constants = _after_refit(level.constants, relations)
    relations = with_process(
        relations, law, train.target_columns, deviations and deviations.laws
    )
    equations = SeriesEquations(
        relations, law, columns_of(train), deviations=deviations
    )
    return _with_free_runs(level, equations, problems, training.noise)


def _after_refit(
    constants: "pd.DataFrame", relations: "SymbolicModel"
) -> "pd.DataFrame":
    """Give constants of closed forms the numbers that the refit through the runs found.

    Those of the process stay: the recommended ones were found without the equations.
    """
    changed = constants.copy()
    indexed = relations.table.set_index(["latent", "name"])
    keys = zip(changed.index, changed["latent"], changed["constant"], strict=True)
    for place, latent, name in keys:
        if (latent, name) not in indexed.index:
            continue
        row = indexed.loc[(latent, name)]
        if row["value"] == changed.at[place, "estimate"]:
            continue  # the refit did not move it: its interval stands
        for column in ("error", "low", "high"):
            changed.at[place, column] = row[column]
        changed.at[place, "estimate"], changed.at[place, "method"] = (
            row["value"],
            CURVATURE,
        )
    return changed


def _deviations(
    relations: "SymbolicModel", problems: SeriesProblems
) -> GroupModes | None:
    """Return the modes of the training groups about the equations, where they deviate."""
    problem = problems.problem("train")
    if not problem.law:
        return None
    return GroupModes.of(problem, problems.of_relations(relations)["train"])


def columns_of(series: "SeriesTable") -> dict[str, Any]:
    """Return how a table like that of these series is read: group, time, time_unit."""
    return {
        "group": series.group_column,
        "time": series.time_column,
        "time_unit": None if series.time.dtype.kind == "M" else series.time_unit,
    }


def with_time_format(discovery: "Discovery", config: "RunConfig") -> "Discovery":
    """Remember how the stamps of the file are written, for new files like it."""
    assert discovery.series is not None  # of series
    if config.data.format is None and config.data.time_format is not None:
        columns = dict(discovery.series.columns)
        discovery.series.columns = columns | {"time_format": config.data.time_format}
    return discovery


def _with_free_runs(
    level: "Discovery",
    equations: SeriesEquations,
    problems: SeriesProblems,
    noise: dict[str, Any],
) -> "Discovery":
    """Run equations, network and constant latents freely; score, check and judge them."""
    from discovery.results.scoring import EQUATION, NETWORK

    network = problems.of_network()
    numbers_of = {
        EQUATION: problems.of_relations(equations.relations),
        NETWORK: network,
        CONSTANT: problems.of_constants(network["train"]),
    }
    parts = problems.all()
    runs = free_runs(parts, numbers_of)
    # Before the scores, which then hold a row for groups at their modes as well.
    _add_modes(equations, parts, numbers_of[EQUATION], runs)
    scores = scores_by_group(parts, runs)
    equations.spread = spread_of(parts, runs)
    equations.ranges = ranges_of(parts["train"], runs["train"][EQUATION])
    numbers = FreeNumbers(numbers_of[EQUATION]["train"], network["train"])
    equations.verification = free_run_checks(parts["train"], equations, numbers, scores)
    # From here the record of the second level stands for the whole: its model, scores
    # and verdict are replaced by those of free runs.
    level.model, level.equations = problems.model, equations.relations
    level.series, level.group_scores, level.noise = equations, scores, noise
    level.scores = pooled_scores(parts, runs, scores)
    level.verdict = judge_series(level, parts, runs)
    return level


def _add_modes(
    equations: SeriesEquations,
    parts: "dict[str, GroupProblem]",
    numbers: Mapping[str, "np.ndarray"],
    runs: "dict[str, dict[str, SeriesPrediction]]",
) -> None:
    """Run groups that are known at their modes as well, and learn how far they are off."""
    from sciren.dynamics.prediction import simulated

    modes = equations.deviations
    if modes is None:
        return
    for name, problem in parts.items():
        groups, scale = problem.process.table.groups, problem.scale
        if modes.known(groups).any():
            moved = modes.numbers(scale.names, numbers[name], groups)
            runs[name][MODES] = simulated(problem.process, scale, moved)
    # Only training groups have modes, so only their series can give this width.
    spread = spread_of(parts, runs, "train", MODES)
    equations.deviations = replace(modes, spread=spread)
