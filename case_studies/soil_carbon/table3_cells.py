"""One trained model of Table 3: its training, its figures, and their file.

A cell is a method and a split. Its result is written as soon as it is known and used
again as long as nothing that it depends on has changed, so that broken runs go on.
"""

import hashlib
import json
import math
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from case_studies.results import kept
from case_studies.soil_carbon import table3_methods as methods
from case_studies.soil_carbon.table3_metrics import judge
from case_studies.soil_carbon.table4_cells import say
from sciren import ScIReN, SciRenError, Split, fit, load_model, save_model
from sciren.datasets import SoilCarbonStudy, make_soil_carbon

FOLDER = "cells"


@dataclass(frozen=True)
class Record:
    """What all cells of a run share.

    Args:
        out: folder of the results.
        mode: ours (Gauss-Newton), first-order, or paper.
        seed, truth, noise, n_sites: of the simulated sites.
    """

    out: Path
    mode: methods.Mode = "ours"
    seed: int = 0
    truth: int = 12345
    noise: float = 0.0
    n_sites: int = 1018

    @property
    def tag(self) -> str:
        """Ending of the names of files that are not made with the default settings."""
        parts = [] if self.mode == "ours" else [self.mode]
        parts += [] if self.truth == 12345 else [f"truth{self.truth}"]
        parts += [f"noise{self.noise:g}"] if self.noise else []
        parts += [f"sites{self.seed}"] if self.seed else []
        return "".join(f"_{part}" for part in parts)

    def study(self) -> SoilCarbonStudy:
        """Return the simulated sites."""
        return _study(self.n_sites, self.seed, self.truth, self.noise)


@lru_cache(maxsize=4)
def _study(n_sites: int, seed: int, truth: int, noise: float) -> SoilCarbonStudy:
    return make_soil_carbon(n_sites, seed, truth, noise)


@lru_cache(maxsize=4)
def _fingerprint(n_sites: int, seed: int, truth: int, noise: float) -> str:
    frame = _study(n_sites, seed, truth, noise).frame
    return hashlib.sha256(frame.to_numpy().tobytes()).hexdigest()


@dataclass(frozen=True)
class Cell:
    """A method, a split from 1 to 5, and what all cells share."""

    method: methods.Method
    number: int
    record: Record

    @property
    def folder(self) -> Path:
        """Where result and model are kept."""
        name = f"table3-{self.method.slug}-{self.number}{self.record.tag}"
        return self.record.out / FOLDER / name

    @property
    def title(self) -> str:
        """Name in messages."""
        return f"{self.method.name}, split {self.number}"

    def tables(self) -> tuple[SoilCarbonStudy, Split]:
        """Return the sites and the tables of the split."""
        study = self.record.study()
        return study, study.tables(self.number)

    def build(self) -> ScIReN:
        """Return the untrained model; its seed is the number of the split."""
        study, split = self.tables()
        return methods.build(self.method, study, split, self.record.mode, self.number)

    def key(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""
        model, (_, split) = self.build(), self.tables()
        one = self.record
        config = methods.settings(self.method, split, one.mode, self.number)
        key = {
            "method": self.method.name,
            "split": self.number,
            "encoder": {"kind": model.encoder.kind} | model.encoder.settings(),
            "constraints": [type(part).__name__ for part in model.constraints],
            "training": config.model_dump(),
            "data": _fingerprint(one.n_sites, one.seed, one.truth, one.noise),
        }
        return json.loads(json.dumps(key))

    def stored(self) -> dict[str, Any] | None:
        """Return the result, if it is there and still holds."""
        return kept(self.folder, self.key())

    def model(self) -> ScIReN:
        """Return the trained model."""
        return load_model(self.folder, self.record.study().decoder())


def compute(cell: Cell) -> dict[str, Any]:
    """Train and judge the model of a cell, write both, and return the result.

    A training that fails is a result too: its figures are missing, its error is kept.
    """
    study, split = cell.tables()
    model = cell.build()
    config = methods.settings(cell.method, split, cell.record.mode, cell.number)
    result: dict[str, Any] = {"key": cell.key(), "split": cell.number}
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        history = fit(model, split.train, split.valid, config)
    except SciRenError as error:
        result["failed"] = f"{type(error).__name__}: {error}"
    else:
        result |= {"engine": history.engine, "messages": list(history.messages)}
    result["cpu_seconds"] = time.process_time() - cpu
    result["wall_seconds"] = time.perf_counter() - wall
    cell.folder.mkdir(parents=True, exist_ok=True)
    if "failed" not in result:
        result["metrics"] = judge(model, study, split.test)
        if cell.method.name != methods.PURE:
            save_model(model, cell.folder)
    part = cell.folder / ".result.json.part"
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(cell.folder / "result.json")
    return result


def run(cells: Sequence[Cell], workers: int = 1) -> list[dict[str, Any]]:
    """Return the results of cells in their order, computing those that are missing.

    Args:
        cells: what is wanted;  workers: processes, each with one thread.
    """
    found = {cell: cell.stored() for cell in cells}
    missing = [cell for cell, result in found.items() if result is None]
    say(f"{len(cells)} models, {len(cells) - len(missing)} of them kept from before")
    for number, (cell, result) in enumerate(_computed(missing, workers), start=1):
        found[cell] = result
        say(f"{number}/{len(missing)} {describe(cell, result)}")
    return [result for result in found.values() if result is not None]


def _computed(
    cells: Sequence[Cell], workers: int
) -> Iterator[tuple[Cell, dict[str, Any]]]:
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
    """Two processes with one thread each beat one with two."""
    torch.set_num_threads(1)


def describe(cell: Cell, result: dict[str, Any]) -> str:
    """Return a line about a finished cell."""
    spent = f"{result['cpu_seconds']:.1f} s CPU"
    if "failed" in result:
        return f"{cell.title}: {result['failed']} ({spent})"
    values = result["metrics"]
    names = ("r2_obs", "r2_latent", "r2_four", "kl")
    shown = ", ".join(f"{name} {values[name]:.5f}" for name in names)
    kept = ""
    if not math.isnan(values["edges"]):
        kept = f", {values['edges_true']:.0f} of 8 edges, {values['edges_false']:.0f} false"
    return f"{cell.title}: {shown}{kept}, {spent}"
