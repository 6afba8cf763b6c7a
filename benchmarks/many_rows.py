"""One fit on more rows than memory holds: time, memory, and workers that share them.

    python -m benchmarks.many_rows --rows 1000000 --workers 1,2 --rounds 3
    python -m benchmarks.many_rows --rows 10000000 --workers 1

Six features and a temperature go through Q10 respiration with 10 % noise; three features
matter. The table is a Parquet file, written and read in blocks. Workers are compared in
turns, because other work on the machine slows both; CPU seconds of each worker say what
a machine of its own would take. Workers are started before the clock runs, and what that
takes is said: it is the same for any number of rows. Peak memory is that of the largest
process.
"""

import argparse
import importlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig
from sciren.data.blocks import ROWS, parquet_blocks
from sciren.execution import Executor, open_executor
from sciren.training import fit_many_rows

FEATURES = [f"x{k}" for k in range(6)]
COLUMNS: dict[str, Any] = {
    "features": FEATURES,
    "forcings": {"ta": "ta"},
    "targets": {"reco": "reco"},
}
Q10 = 1.8
VALID = 20_000  # rows to choose by


def frame_of(rows: int, seed: int) -> pd.DataFrame:
    """Return rows of the study."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.uniform(-1, 1, (rows, 6)), columns=FEATURES)
    ta = 12 + 6 * rng.standard_normal(rows)
    rb = 3 + np.sin(3 * data.x0) + data.x1**2 - 0.7 * data.x2
    noise = 1 + 0.1 * rng.standard_normal(rows)
    return data.assign(ta=ta, reco=rb * Q10 ** ((ta - 15) / 10) * noise)


def write_rows(path: Path, rows: int, seed: int) -> None:
    """Write the table as Parquet, a block at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for number, first in enumerate(range(0, rows, ROWS)):
        part = frame_of(min(ROWS, rows - first), seed + number)
        table = pa.Table.from_pandas(part, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


@dataclass
class Metered:
    """An executor that notes what every worker spends.

    Attributes:
        seconds: process -> CPU seconds;  peak: largest memory of one, GiB.
    """

    executor: Executor
    seconds: dict[int, float] = field(default_factory=dict)
    peak: float = 0.0

    @property
    def workers(self) -> int:
        """As the executor says."""
        return self.executor.workers

    def results(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield the results, keeping the costs."""
        spent = partial(_spent, function)
        for position, (process, seconds, peak, result) in self.executor.results(
            spent, items
        ):
            self.seconds[process] = self.seconds.get(process, 0.0) + seconds
            self.peak = max(self.peak, peak)
            yield position, result


def _spent(function: Callable[[Any], Any], item: Any) -> tuple[int, float, float, Any]:
    began = time.process_time()
    result = function(item)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return os.getpid(), time.process_time() - began, peak, result


def start(executor: Executor) -> float:
    """Have every worker import what it needs; return the seconds."""
    began = time.perf_counter()
    for _ in executor.results(_loaded, range(executor.workers)):
        pass
    return time.perf_counter() - began


def _loaded(number: int) -> int:
    importlib.import_module("pyarrow.parquet")
    # Long enough for the other workers to take the other tasks.
    time.sleep(0.1)
    return number


def fit_once(path: Path, workers: int, seed: int) -> dict[str, Any]:
    """Fit the file with some workers; return what it took and what came out."""
    blocks = parquet_blocks(path, **COLUMNS)
    valid = Table.from_frame(frame_of(VALID, seed - 1), **COLUMNS)
    model = ScIReN(KANEncoder(6, 1), "auto", Q10Respiration())
    config = TrainConfig(engine="gauss-newton", profile_points=9)
    with open_executor(workers) as executor:
        starting = start(executor)
        metered = Metered(executor)
        began, own = time.perf_counter(), time.process_time()
        history = fit_many_rows(model, blocks, valid, config, metered)
        wall, cpu = time.perf_counter() - began, time.process_time() - own
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    steps = sum(row["stage"] == "all rows" for row in history.rows)
    summary = history.summaries["q10"]
    return {
        "start": starting,
        "wall": wall,
        "cpu": cpu if workers == 1 else cpu + sum(metered.seconds.values()),
        "busiest": max(metered.seconds.values()),
        "shared": sum(metered.seconds.values()),
        "peak": max(peak, metered.peak),
        "steps": steps,
        "q10": model.constants()["q10"],
        "error": summary.error,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a fit, and the ratios of the workers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_rows")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--workers", default="1")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1000)
    given = parser.parse_args(arguments)
    several = [int(one) for one in given.workers.split(",")]
    walls: dict[int, list[float]] = {workers: [] for workers in several}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, given.rows, given.seed)
        for _ in range(given.rounds):
            for workers in several:
                cost = fit_once(path, workers, given.seed)
                walls[workers].append(cost["wall"])
                print(
                    f"{given.rows:,} rows, {workers} workers: {cost['wall']:.1f} s wall, "
                    f"{cost['start']:.1f} s to start, {cost['cpu']:.1f} CPU s in all, "
                    f"{cost['busiest']:.1f} of {cost['shared']:.1f} CPU s of the passes in the "
                    f"busiest process, "
                    f"{cost['steps']} steps, peak {cost['peak']:.2f} GiB, "
                    f"q10 {cost['q10']:.15g} (error {cost['error']:.2g})",
                    flush=True,
                )
    for workers in several[1:]:
        pairs = zip(walls[several[0]], walls[workers], strict=True)
        ratios = ", ".join(f"{one / other:.2f}" for one, other in pairs)
        print(f"wall of {several[0]} over {workers} workers, by round: {ratios}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
