"""Train the cells of a row together, rows beside one another in processes."""

import hashlib
import json
import multiprocessing
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from case_studies.respiration import methods, metrics
from case_studies.respiration.cells import Cell, say
from sciren import (
    History,
    ScIReN,
    SciRenError,
    TrainConfig,
    fit,
    fit_ensemble,
    save_model,
)

EVERY = 15.0  # seconds between two lines about a training

Group = Sequence[Cell]


def run(cells: Group, workers: int = 1) -> list[dict[str, Any]]:
    """Return the results of cells in their order, computing those that are missing.

    Args:
        cells: what is wanted; missing cells of one row train together.
        workers: processes, each with one thread.
    """
    missing = [cell for cell in cells if cell.stored() is None]
    if missing:
        say(f"{len(cells)} models, {len(cells) - len(missing)} kept from before")
    done = 0
    for group, results in _computed(_rows(missing), workers):
        for cell, result in zip(group, results, strict=True):
            done += 1
            say(f"{done}/{len(missing)} {cell.describe(result)}")
    found = [cell.stored() for cell in cells]
    return [result for result in found if result is not None]


def _rows(cells: Group) -> list[Group]:
    """Return the cells of each row and mode; what takes longest comes first."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.row.slug, cell.record.mode), []).append(cell)
    return sorted(groups.values(), key=lambda group: -group[0].row.layers)


def _computed(
    groups: Sequence[Group], workers: int
) -> Iterable[tuple[Group, list[dict[str, Any]]]]:
    if workers <= 1 or len(groups) <= 1:
        one_thread()
        for group in groups:
            yield group, compute(group)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=one_thread) as pool:
        futures = {pool.submit(compute, group): group for group in groups}
        for future in as_completed(futures):
            yield futures[future], future.result()


def one_thread() -> None:
    """Small matrices: two processes with one thread each beat one with two."""
    import torch

    torch.set_num_threads(1)


# -- one row ----------------------------------------------------------------------------
def compute(cells: Group) -> list[dict[str, Any]]:
    """Train the seeds of a row together, judge and store each, return the results.

    The CPU seconds of a cell are its share of those of the group. A training that fails
    is a result too: its figures are missing, its error is kept.
    """
    if len(cells) == 1:
        return [_alone(cells[0])]
    models = [_model(cell) for cell in cells]
    splits = [cell.tables()[1] for cell in cells]
    cpu, wall = _now()
    try:
        histories = fit_ensemble(
            models,
            [split.train for split in splits],
            [split.valid for split in splits],
            _settings(cells),
            Lines(cells[0]),
        )
    except SciRenError as error:
        say(f"{cells[0].row.title}: {error}; training every seed alone")
        return [_alone(cell) for cell in cells]
    spent = _spent(cpu, wall, len(cells))
    found = [
        _judged(cell, model, history, spent)
        for cell, model, history in zip(cells, models, histories, strict=True)
    ]
    shutil.rmtree(_state(cells), ignore_errors=True)
    return found


def _settings(cells: Group) -> list[TrainConfig]:
    """Settings of trainings that go on in the middle after a break."""
    place = str(_state(cells))
    return [
        methods.settings(one.row, one.record.mode, one.seed).replace(checkpoint=place)
        for one in cells
    ]


def _state(cells: Group) -> Path:
    """Where the training of some cells keeps its state while it lasts."""
    keys = json.dumps([[cell.key(), cell.seed] for cell in cells], sort_keys=True)
    name = f".training-{hashlib.sha256(keys.encode()).hexdigest()[:16]}"
    return cells[0].folder.with_name(name)


def _model(cell: Cell) -> ScIReN:
    return methods.build(cell.row, cell.record.mode, cell.seed)


def _alone(cell: Cell) -> dict[str, Any]:
    [settings] = _settings([cell])
    model, (_, split) = _model(cell), cell.tables()
    cpu, wall = _now()
    try:
        history = fit(model, split.train, split.valid, settings, Lines(cell))
    except SciRenError as error:
        failed = {"failed": f"{type(error).__name__}: {error}"}
        found = cell.store(_spent(cpu, wall, 1) | failed)
    else:
        found = _judged(cell, model, history, _spent(cpu, wall, 1))
    shutil.rmtree(_state([cell]), ignore_errors=True)
    return found


def _judged(
    cell: Cell, model: ScIReN, history: History, spent: Mapping[str, float]
) -> dict[str, Any]:
    save_model(model, cell.folder)
    study, split = cell.tables()
    return cell.store(
        dict(spent)
        | {
            "engine": history.engine,
            "hidden": list(getattr(model.encoder, "hidden", ())),
            "dropped": _dropped(model),
            "messages": history.messages,
            "metrics": metrics.judge(model, study, split, cell.seed),
        }
    )


def _now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _spent(cpu: float, wall: float, members: int) -> dict[str, float]:
    now = _now()
    return {
        "cpu_seconds": (now[0] - cpu) / members,
        "wall_seconds": (now[1] - wall) / members,
    }


def _dropped(model: ScIReN) -> list[str]:
    """Features that the encoder no longer reads."""
    layers = getattr(model.encoder, "spline_layers", [])
    if not layers:
        return []
    used = layers[0].mask.sum(1).tolist()
    return [n for n, one in zip(model.feature_names, used, strict=True) if one == 0]


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
