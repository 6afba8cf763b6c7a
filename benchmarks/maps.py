"""Cells a second, and memory, of a map predicted by the equations of a run.

    python -m benchmarks.maps RUN --cells 1000000 [--intervals] [--workers 2] [--kill]

The grid is drawn inside the ranges of the run's features; it lives in a temporary folder.
With ``--kill`` a second process is killed in the middle of the same map (SIGKILL), the
map is gone on with, and both stores are compared cell by cell.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from discovery.maps.grid import open_grid
from discovery.maps.predict_grid import DONE, needed, predict_grid
from discovery.runs.files import read_json
from discovery.runs.stored import load_discovery
from sciren.execution import open_executor

COMMAND = "from discovery.cli import main; main()"
PATIENCE = 600.0  # seconds in which the killed process has to come to the middle


def make_grid(run: Path, cells: int, path: Path) -> int:
    """Write a square grid with the variables that a run needs; return its cells."""
    side = max(1, round(cells**0.5))
    ranges = read_json(run / "data.json")["ranges"]
    rng = np.random.default_rng(0)
    for name in needed(load_discovery(run), "equations"):
        low, high = ranges[name]
        values = rng.uniform(low, high, (side, side))
        xr.Dataset({name: (("lat", "lon"), values)}).to_netcdf(
            path, mode="a" if path.exists() else "w"
        )
    return side * side


def killed(run: Path, grid: Path, out: Path, level: float | None) -> int:
    """Begin a map in another process, kill it in the middle; return the blocks it did."""
    words = ["predict", str(run), str(grid), "-o", str(out), "--quiet"]
    words += [] if level else ["--no-intervals"]
    process = subprocess.Popen([sys.executable, "-c", COMMAND, *words])
    done = out.with_name(f".{out.name}.unfinished") / DONE
    blocks = len(open_grid(grid, needed(load_discovery(run), "equations")).regions())
    end, count = time.monotonic() + PATIENCE, 0
    while count < blocks // 2 and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
        if done.is_file():
            count = len(json.loads(done.read_text(encoding="utf-8")))
    process.kill()
    process.wait()
    return count


def same(one: Path, other: Path) -> bool:
    """Whether two stores hold the same numbers, compared strip by strip."""
    with (
        xr.open_zarr(one, consolidated=False) as first,
        xr.open_zarr(other, consolidated=False) as second,
    ):
        if set(first.variables) != set(second.variables):
            return False
        return all(
            np.array_equal(
                first[name].isel(lat=slice(k, k + 100)).to_numpy(),
                second[name].isel(lat=slice(k, k + 100)).to_numpy(),
                equal_nan=True,
            )
            for name in first.data_vars
            for k in range(0, first.sizes["lat"], 100)
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, predict, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--intervals", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kill", action="store_true")
    given = parser.parse_args(arguments)
    level = 0.95 if given.intervals else None
    with tempfile.TemporaryDirectory() as folder:
        grid, out = Path(folder) / "grid.nc", Path(folder) / "out.zarr"
        cells = make_grid(given.run, given.cells, grid)
        with open_executor(given.workers) as executor:
            wall, cpu = time.perf_counter(), time.process_time()
            predict_grid(given.run, grid, out, interval=level, executor=executor)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{cells:,} cells, {wall:.1f} s wall, {cpu:.1f} CPU s here: "
            f"{cells / wall:,.0f} cells a second, peak {peak:.2f} GiB"
        )
        if not given.kill:
            return 0
        again = out.with_name("again.zarr")
        blocks = killed(given.run, grid, again, level)
        predict_grid(given.run, grid, again, interval=level)
        equal = same(out, again)
        print(
            f"killed after {blocks} blocks and gone on with: {'equal' if equal else 'OTHER'}"
        )
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
