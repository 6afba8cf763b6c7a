"""check: what a configuration would do, told without training or writing anything."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from discovery.config.settings import RunConfig
from discovery.runs.folder import check_free
from discovery.runs.workflow import ReadyRun, prepare_run, progress_of
from discovery.tables.records import PARTS
from discovery.tables.study import SeriesStudy, Study

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.data import Table
    from sciren.parameters import Parameter

MOST_LABELS = 4  # of classes in a line: what a reader needs to know the column again


def check(config: RunConfig, overwrite: bool = False, quiet: bool = False) -> str:
    """Read and check everything as `run` does, and say what it would do.

    Args:
        config: all settings.
        overwrite: whether a run may be there already.
        quiet: no progress on stderr.
    Raises:
        SciRenError: whatever `run` would raise before its training.
    """
    out = Path(config.out)
    # The same order as in `run`: what would stop it stops the check, with the same
    # message.
    check_free(out, overwrite)
    ready = prepare_run(config, progress_of(quiet).say)
    study = ready.study
    lines = [
        _rows(study),
        _features(study),
        *_process(study),
        *_trades(ready),
        f"steps: {', '.join(_steps(ready))}",
        f"would be written: {out}",
        "nothing was trained or written",
    ]
    return "\n".join([*ready.notes, *lines])


def _rows(study: "Study | SeriesStudy") -> str:
    text = f"data: {study.source}, {study.read:,} rows"
    if study.kept < study.read:
        keys = [k for k in ("only", "rows") if getattr(study.config.data, k)]
        text += f", {study.kept:,} kept by data.{' and data.'.join(keys)}"
    if isinstance(study, SeriesStudy):
        return f"{text}; {_series(study)}"
    parts = (
        f"{name} {len(part):,} in {int(part.blocks.unique().numel()):,} blocks"
        for name, part in zip(PARTS, study.split, strict=True)
    )
    return f"{text}, {len(study.table):,} complete; {', '.join(parts)}"


def _series(study: SeriesStudy) -> str:
    """Return groups, and how many of them and of their rows every part has."""
    warmup = study.decoder.warmup
    parts = (
        f"{name} {len(part):,} with {int((part.active & part.counted).sum()):,} rows"
        for name, part in zip(PARTS, study.split, strict=True)
    )
    return (
        f"{len(study.table):,} groups, {', '.join(parts)}; the first {warmup:,} rows of "
        "a group only run"
    )


def _features(study: "Study | SeriesStudy") -> str:
    """Return the features with their ranges, or classes, over the usable rows."""
    if isinstance(study, SeriesStudy):
        return _static(study)
    table = study.table
    columns = zip(table.feature_names, table.features.unbind(1), strict=True)
    return f"features: {', '.join(_feature(table, *column) for column in columns)}"


def _static(study: SeriesStudy) -> str:
    """Return the static features with their ranges over the groups."""
    from discovery.dynamics.state_function import finds_state_function

    table = study.table
    if finds_state_function(study):
        return "features: none, every group has the same function of a state"
    if not table.static_names and not table.feature_names:
        return "features: none, every group gets numbers of its own"
    moving = zip(table.feature_names, np.moveaxis(table.features, -1, 0), strict=True)
    shown = [
        f"{name} {v[table.active].min():.4g} to {v[table.active].max():.4g} "
        f"{table.units.get(name, '')}".rstrip()
        + " (changes in time)"
        for name, v in moving
    ]
    shown += [
        f"{name} {v.min():.4g} to {v.max():.4g} {table.units.get(name, '')}".rstrip()
        for name, v in zip(table.static_names, table.static.T, strict=True)
    ]
    return f"features: {', '.join(shown)}"


def _feature(table: "Table", name: str, values: "Tensor") -> str:
    from sciren.data.kinds import NUMERIC, Categorical

    kind = table.kinds.get(name, NUMERIC)
    if isinstance(kind, Categorical):
        few = ", ".join(kind.labels[:MOST_LABELS])
        more = ", ..." if len(kind.labels) > MOST_LABELS else ""
        return f"{name} {len(kind.labels)} classes ({few}{more})"
    low, high = float(values.min()), float(values.max())
    return f"{name} {low:.4g} to {high:.4g} {table.units.get(name, '')}".rstrip()


def _process(study: "Study | SeriesStudy") -> list[str]:
    decoder, table = study.decoder, study.table
    lines = []
    if study.config.decoder is None:
        lines.append("process model: none, plain regression")
    else:
        lines.append(f"process model: {decoder.name}")
        lines += [
            f"{parameter.kind}: {_parameter(parameter)}"
            for parameter in decoder.parameters
        ]
        forcings = (f"{n} = {column}" for n, column in table.forcing_columns.items())
        lines.append(f"forcings: {', '.join(forcings) or 'none'}")
    states = getattr(decoder, "states", ())
    if states:
        lines.append(f"states: {', '.join(state.name for state in states)}")
    observed = (
        study.table.compared(study.decoder.warmup).sum((0, 1))
        if isinstance(study, SeriesStudy)
        else study.table.observed.sum(0)
    )
    counts = observed.tolist()
    targets = (
        f"{name} = {table.target_columns.get(name, name)} ({count:,} observed)"
        for name, count in zip(table.target_names, counts, strict=True)
    )
    return [*lines, f"targets: {', '.join(targets)}"]


def _trades(ready: ReadyRun) -> list[str]:
    """Return a line for every pair of latents that no data of this kind tell apart."""
    from discovery.dynamics.functions.closing import closes_functions, trades_of

    if not closes_functions(ready.study):
        return []
    return [
        f"not identified: {trade.sentence()}. {trade.remedy()}"
        for trade in trades_of(ready.study, ready.training)
    ]


def _parameter(parameter: "Parameter") -> str:
    text = f"{parameter.name}, {parameter.low:g} to {parameter.high:g}"
    return f"{text} {parameter.unit}".rstrip()


def _series_steps(study: SeriesStudy) -> tuple[list[str], bool]:
    """Return what is found before relations with features, and whether these are sought."""
    from discovery.dynamics.functions.closing import closes_functions
    from discovery.dynamics.state_function import finds_state_function

    decoder, table = study.decoder, study.table
    if finds_state_function(study):
        return ["curve of the state", "closed forms"], False
    first = []
    if closes_functions(study):
        latents = decoder.latents_in_time
        first = [f"curves of {', '.join(p.name for p in latents)}", "closed forms"]
        if not decoder.group_latents:
            return first, False
    # As `sciren.dynamics.fitting`: groups too short for numbers of their own, or drawn about
    # a relation, are fitted together.
    numbers = len(decoder.group_latents) + len(decoder.constant_names)
    counts = table.compared(decoder.warmup).sum((0, 2))
    deviate = any(p.deviation for p in decoder.group_latents)
    trains = bool(table.static_names)
    together = trains and (deviate or np.median(counts) <= numbers)
    return [*first, f"{'all groups' if together else 'every group'} fitted "
            f"{'together' if together else 'alone'}"], trains  # fmt: skip


def _steps(ready: ReadyRun) -> list[str]:
    """Return what a run would do, in order."""
    from discovery.config.build import model_of
    from sciren.training.engines import choose_engine

    study = ready.study
    decided = study.config.discovery
    if isinstance(study, SeriesStudy):
        first, trains = _series_steps(study)
        if not trains:
            return [*first, "free runs", "verdict", "report"]
        steps = [*first, "training (curves of the features, through the simulation)"]
    else:
        # The model is built, because the engine depends on what encoder and process allow.
        _, why = choose_engine(model_of(study.config, study.decoder), ready.training)
        steps = [f"training ({why})"]
        if decided.members > 1:
            steps.append(f"{decided.members} members")
        if decided.baselines:
            steps.append("baselines")
    steps += [f"equations ({', '.join(decided.families)})", "consistency"]
    if decided.bootstrap:
        steps.append(f"{decided.bootstrap} resamples")
    steps.append("verdict")
    if study.config.controls:
        steps.append("controls")
    return [*steps, "report"]
