"""Trained models of a table: each is a cell with a folder, a key, and a result that is kept.

A result is written as soon as it is known and used again as long as its key, that is
everything that it depends on apart from the program, is the same. So a study that was
interrupted goes on where it stopped.
"""

import json
import math
import multiprocessing
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

FOLDER = "cells"
RESULT = "result.json"
SPENT = ("cpu_seconds", "wall_seconds")

Result = dict[str, Any]


class Cell(ABC):
    """One trained model of a table."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where result and model are kept."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Name in messages."""

    @abstractmethod
    def depends_on(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""

    @abstractmethod
    def figures(self, result: Result) -> str:
        """Return the figures of merit of a result in a few words."""

    @abstractmethod
    def labels(self, result: Result) -> dict[str, Any]:
        """Return the columns that say which run a row of the table of runs is about."""

    def key(self) -> dict[str, Any]:
        """Return what the result depends on as it reads in the file."""
        return json.loads(json.dumps(self.depends_on()))

    def stored(self) -> Result | None:
        """Return the result, if it is there and still holds."""
        try:
            stored = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there, or broken off
            return None
        same = isinstance(stored, dict) and stored.get("key") == self.key()
        return stored if same else None

    def store(self, result: Result) -> Result:
        """Write a result, whole or not at all, and return it as it reads in the file."""
        text = json.dumps({"key": self.key()} | result, indent=1) + "\n"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / RESULT, text)
        return json.loads(text)

    def describe(self, result: Result) -> str:
        """Return a line about the finished cell."""
        said = result.get("failed") or self.figures(result)
        return f"{self.title}: {said}, {result['cpu_seconds']:.1f} s CPU"


C = TypeVar("C", bound=Cell)


def run(
    cells: Sequence[C],
    compute: Callable[[Sequence[C]], list[Result]],
    workers: int = 1,
    groups: Callable[[Sequence[C]], Sequence[Sequence[C]]] | None = None,
) -> list[Result]:
    """Return the results of cells in their order, computing those that are missing.

    Args:
        cells: what is wanted.
        compute: cells that are trained together -> their results.
        workers: processes, each with one thread.
        groups: missing cells -> those that are trained together; default each alone.
    """
    results = [cell.stored() for cell in cells]
    place = {id(cell): k for k, cell in enumerate(cells)}
    missing = [
        cell for cell, known in zip(cells, results, strict=True) if known is None
    ]
    if missing:
        kept = len(cells) - len(missing)
        say(f"{len(cells)} models, {kept} of them kept from before")
    together = groups(missing) if groups else [[cell] for cell in missing]
    done = 0
    for group, made in _computed(together, compute, workers):
        for cell, result in zip(group, made, strict=True):
            done += 1
            results[place[id(cell)]] = result
            say(f"{done}/{len(missing)} {cell.describe(result)}")
    return [result for result in results if result is not None]


def _computed(
    groups: Sequence[Sequence[C]],
    compute: Callable[[Sequence[C]], list[Result]],
    workers: int,
) -> Iterator[tuple[Sequence[C], list[Result]]]:
    if workers <= 1 or len(groups) <= 1:
        one_thread()
        for group in groups:
            yield group, compute(group)
        return
    # a forked process would inherit the threads of torch in an unknown state
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=one_thread) as pool:
        futures = {pool.submit(compute, group): group for group in groups}
        for future in as_completed(futures):
            yield futures[future], future.result()


def one_thread() -> None:
    """Let torch use one thread: two processes with one each beat one with two."""
    import torch

    torch.set_num_threads(1)


class Stopwatch:
    """Processor and wall seconds since it was made."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def spent(self, members: int = 1) -> dict[str, float]:
        """Return the share of one of so many models that were trained together."""
        seconds = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return {
            name: value / members for name, value in zip(SPENT, seconds, strict=True)
        }


def runs_frame(
    cells: Sequence[Cell], results: Sequence[Result], metrics: Sequence[str]
) -> pd.DataFrame:
    """Return one row a run: labels, figures of merit (nan where it failed), seconds."""
    missing = dict.fromkeys(metrics, math.nan)
    rows = [
        cell.labels(result)
        | {"failed": result.get("failed", "")}
        | result.get("metrics", missing)
        | {name: result[name] for name in SPENT}
        for cell, result in zip(cells, results, strict=True)
    ]
    return pd.DataFrame(rows)


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def say(message: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
