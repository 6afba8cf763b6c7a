"""Train the cells of a row together, rows beside one another in processes."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from case_studies import cells
from case_studies.cells import Result, Stopwatch, say
from case_studies.respiration import methods, metrics
from case_studies.respiration.cells import Cell
from sciren import (
    History,
    ScIReN,
    SciRenError,
    TrainConfig,
    fit,
    fit_ensemble,
    load_model,
    save_model,
)

EVERY = 15.0  # seconds between two lines about a training

Group = Sequence[Cell]


def run(group: Group, workers: int = 1) -> list[Result]:
    """Return the results of cells in their order, computing those that are missing.

    Args:
        group: what is wanted; missing cells of one row train together.
        workers: processes, each with one thread.
    """
    return cells.run(group, compute, workers, _rows)


def _rows(group: Group) -> list[Group]:
    """Return the cells of each row and mode; what takes longest comes first."""
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in group:
        rows.setdefault((cell.row.slug, cell.record.mode), []).append(cell)
    return sorted(rows.values(), key=lambda row: -row[0].row.layers)


# -- one row ----------------------------------------------------------------------------
def compute(group: Group) -> list[Result]:
    """Train the seeds of a row together, judge and store each, return the results.

    The CPU seconds of a cell are its share of those of the group. A training that fails
    is a result too: its figures are missing, its error is kept.
    """
    if len(group) == 1:
        return [_alone(group[0])]
    models = [_model(cell) for cell in group]
    splits = [cell.tables()[1] for cell in group]
    watch = Stopwatch()
    try:
        histories = fit_ensemble(
            models,
            [split.train for split in splits],
            [split.valid for split in splits],
            _settings(group),
            Lines(group[0]),
        )
    except SciRenError as error:
        say(f"{group[0].row.title}: {error}; training every seed alone")
        return [_alone(cell) for cell in group]
    spent = watch.spent(len(group))
    results = [
        _judged(cell, model, history, spent)
        for cell, model, history in zip(group, models, histories, strict=True)
    ]
    shutil.rmtree(_state(group), ignore_errors=True)
    return results


def trained(cell: Cell) -> ScIReN:
    """Return the trained model of a cell; one that cannot be read is trained again."""
    try:
        return load_model(cell.folder)
    except SciRenError as error:
        say(f"{error}; training it again")
        compute([cell])
    return load_model(cell.folder)


def _settings(group: Group) -> list[TrainConfig]:
    """Settings of trainings that go on in the middle after a break."""
    place = str(_state(group))
    return [
        methods.settings(cell.row, cell.record.mode, cell.seed).replace(
            checkpoint=place
        )
        for cell in group
    ]


def _state(group: Group) -> Path:
    """Where the training of some cells keeps its state while it lasts."""
    keys = json.dumps([[cell.key(), cell.seed] for cell in group], sort_keys=True)
    name = f".training-{hashlib.sha256(keys.encode()).hexdigest()[:16]}"
    return group[0].folder.with_name(name)


def _model(cell: Cell) -> ScIReN:
    return methods.build(cell.row, cell.record.mode, cell.seed)


def _alone(cell: Cell) -> Result:
    [settings] = _settings([cell])
    model, (_, split) = _model(cell), cell.tables()
    watch = Stopwatch()
    try:
        history = fit(model, split.train, split.valid, settings, Lines(cell))
    except SciRenError as error:
        failed = {"failed": f"{type(error).__name__}: {error}"}
        result = cell.store({"seed": cell.seed} | watch.spent() | failed)
    else:
        result = _judged(cell, model, history, watch.spent())
    shutil.rmtree(_state([cell]), ignore_errors=True)
    return result


def _judged(
    cell: Cell, model: ScIReN, history: History, spent: Mapping[str, float]
) -> Result:
    save_model(model, cell.folder)
    study, split = cell.tables()
    return cell.store(
        {"seed": cell.seed}
        | dict(spent)
        | {
            "engine": history.engine,
            "hidden": list(getattr(model.encoder, "hidden", ())),
            "dropped": _dropped(model),
            "messages": history.messages,
            "metrics": metrics.judge(model, study, split, cell.seed),
        }
    )


def _dropped(model: ScIReN) -> list[str]:
    """Features that the encoder no longer reads."""
    layers = getattr(model.encoder, "spline_layers", [])
    if not layers:
        return []
    used = layers[0].mask.sum(1).tolist()
    return [n for n, edges in zip(model.feature_names, used, strict=True) if edges == 0]


class Lines:
    """Progress of a long training as lines that say which row they are about."""

    def __init__(self, cell: Cell) -> None:
        self.start = f"{cell.row.title}{cell.record.tag}"
        self.last = time.monotonic()

    def update(
        self, stage: str, step: int, total: int, values: Mapping[str, float]
    ) -> None:
        """Write a line where the last one is some time ago."""
        now = time.monotonic()
        if now - self.last >= EVERY:
            self.last = now
            say(f"{self.start}: {stage} {step}/{total}")

    def say(self, message: str) -> None:
        """Stay silent; the history keeps the sentences."""
