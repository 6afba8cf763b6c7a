"""One trained model of a table: its training, its figures, and their file.

A cell is a row and a seed. Its result is written as soon as it is known and is used again
as long as nothing that it depends on has changed, so that broken runs go on.
"""

import hashlib
import json
import multiprocessing
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from case_studies.respiration import methods, metrics
from case_studies.respiration.published import Row, Setting
from discovery import read_frame
from sciren import ScIReN, SciRenError, Split, fit, load_model, save_model
from sciren.datasets import RespirationStudy, make_respiration

FOLDER = "cells"


@dataclass(frozen=True)
class Record:
    """What all cells of a run share.

    Args:
        out: folder of the results.
        mode: ours, paper or nominal.
        temperature: file with a measured temperature (half-hours, column ta); default:
            the surrogate.
        thin: every how many rows are used; above 1 for trials only.
    """

    out: Path
    mode: methods.Mode = "ours"
    temperature: Path | None = None
    thin: int = 1

    @property
    def tag(self) -> str:
        """Ending of the names of files that are not made with our settings."""
        return "" if self.mode == "ours" else f"_{self.mode}"


@dataclass(frozen=True)
class Cell:
    """A row, a seed, and what all cells share."""

    row: Row
    seed: int
    record: Record

    @property
    def folder(self) -> Path:
        """Where result and model are kept."""
        name = f"{self.row.slug}-seed{self.seed}{self.record.tag}"
        return self.record.out / FOLDER / name

    def key(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""
        model = methods.build(self.row, self.record.mode, self.seed)
        settings = methods.settings(self.row, self.record.mode, self.seed)
        key = {
            "table": self.row.table,
            "method": self.row.method,
            "setting": self.row.setting,
            "constraint": self.row.constraint,
            "encoder": {"kind": model.encoder.kind} | model.encoder.settings(),
            "constants": model.constants(),
            "training": settings.model_dump(),
            "temperature": fingerprint(self.record.temperature),
            "thin": self.record.thin,
        }
        return json.loads(json.dumps(key))

    def stored(self) -> dict[str, Any] | None:
        """Return the result, if it is there and still holds."""
        try:
            text = (self.folder / "result.json").read_text(encoding="utf-8")
            found = json.loads(text)
        except (OSError, ValueError):
            return None
        same = isinstance(found, dict) and found.get("key") == self.key()
        return found if same else None

    def model(self) -> ScIReN:
        """Return the trained model; one that cannot be read is trained again."""
        try:
            return load_model(self.folder)
        except SciRenError as error:
            say(f"{error}; training it again")
            compute(self)
        return load_model(self.folder)


# -- the record -------------------------------------------------------------------------
@lru_cache(maxsize=4)
def temperature_of(file: Path | None) -> pd.Series | None:
    """Return the column ta of a file, with its times where it has any."""
    if file is None:
        return None
    frame = read_frame(file)
    column = "ta" if "ta" in frame else frame.columns[-1]
    index = pd.to_datetime(frame["time"]) if "time" in frame else None
    values = pd.Series(frame[column].to_numpy(), name=column)
    return values if index is None else values.set_axis(pd.DatetimeIndex(index))


@lru_cache(maxsize=4)
def fingerprint(file: Path | None) -> str:
    """Return a hash of a temperature, or "surrogate"."""
    series = temperature_of(file)
    if series is None:
        return "surrogate"
    values = np.asarray(series, dtype=np.float64)
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


@lru_cache(maxsize=2)
def study_of(setting: Setting, seed: int, file: Path | None) -> RespirationStudy:
    """Return the record of a seed."""
    return make_respiration(setting, seed, temperature_of(file))


def tables_of(cell: Cell) -> tuple[RespirationStudy, Split]:
    """Return the record of a cell and its tables."""
    record = cell.record
    study = study_of(cell.row.setting, cell.seed, record.temperature)
    every = slice(None, None, record.thin)
    return study, Split(*(part.take(every) for part in study.tables()))


# -- one cell ---------------------------------------------------------------------------
def compute(cell: Cell) -> dict[str, Any]:
    """Train and judge the model of a cell, write both, and return the result.

    A training that fails is a result too: its figures are missing, its error is kept.
    """
    study, split = tables_of(cell)
    model = methods.build(cell.row, cell.record.mode, cell.seed)
    settings = methods.settings(cell.row, cell.record.mode, cell.seed)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        history = fit(model, split.train, split.valid, settings)
    except SciRenError as error:
        found = {"failed": f"{type(error).__name__}: {error}"}
        spent = _spent(wall, cpu)
    else:
        spent = _spent(wall, cpu)
        save_model(model, cell.folder)
        found = {
            "engine": history.engine,
            "hidden": list(getattr(model.encoder, "hidden", ())),
            "dropped": _dropped(model),
            "messages": history.messages,
            "metrics": metrics.judge(model, study, split, cell.seed),
        }
    result = {"key": cell.key(), "seed": cell.seed} | spent | found
    _write(cell.folder / "result.json", result)
    return result


def _spent(wall: float, cpu: float) -> dict[str, float]:
    return {
        "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
    }


def _dropped(model: ScIReN) -> list[str]:
    """Features that the encoder no longer reads."""
    layers = getattr(model.encoder, "spline_layers", [])
    if not layers:
        return []
    used = layers[0].mask.sum(1).tolist()
    return [n for n, one in zip(model.feature_names, used, strict=True) if one == 0]


def _write(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


# -- many cells -------------------------------------------------------------------------
def run(cells: Sequence[Cell], workers: int = 1) -> list[dict[str, Any]]:
    """Return the results of cells in their order, computing those that are missing.

    Args:
        cells: what is wanted.
        workers: processes, each with one thread.
    """
    missing = [cell for cell in cells if cell.stored() is None]
    say(f"{len(cells)} models, {len(cells) - len(missing)} of them kept from before")
    for number, (cell, result) in enumerate(_computed(missing, workers), start=1):
        say(f"{number}/{len(missing)} {describe(cell, result)}")
    found = [cell.stored() for cell in cells]
    return [result for result in found if result is not None]


def _computed(
    cells: Sequence[Cell], workers: int
) -> Iterable[tuple[Cell, dict[str, Any]]]:
    if workers <= 1 or len(cells) <= 1:
        one_thread()
        for cell in cells:
            yield cell, compute(cell)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=one_thread) as pool:
        futures = {pool.submit(compute, cell): cell for cell in cells}
        for future in as_completed(futures):
            yield futures[future], future.result()


def one_thread() -> None:
    """Small matrices: two processes with one thread each beat one with two."""
    import torch

    torch.set_num_threads(1)


def describe(cell: Cell, result: dict[str, Any]) -> str:
    """Return a line about a finished cell."""
    start = f"table {cell.row.table}, {cell.row.method}, seed {cell.seed}:"
    spent = f"{result['cpu_seconds']:.1f} s CPU"
    if "failed" in result:
        return f"{start} {result['failed']} ({spent})"
    values = result["metrics"]
    shown = [f"{name} {values[name]:.4f}" for name in ("r2_obs", "r2_latent", "kl")]
    width = f", hidden nodes {result['hidden']}" if result["hidden"] else ""
    return f"{start} {', '.join(shown)}{width}, {spent}"


def say(message: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
