"""Cells a second, and memory, of a map predicted by the equations of a run.

    python -m benchmarks.maps RUN --cells 1000000 [--intervals] [--workers 2]

The grid is drawn inside the ranges of the run's features; it lives in a temporary folder.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

from discovery.maps.predict_grid import needed, predict_grid
from discovery.runs.files import read_json
from discovery.runs.stored import load_discovery
from sciren.execution import open_executor


def make_grid(run: Path, cells: int, path: Path) -> int:
    """Write a square grid with the variables that a run needs; return its cells."""
    side = max(1, round(cells**0.5))
    ranges = read_json(run / "data.json")["ranges"]
    rng = np.random.default_rng(0)
    names = needed(load_discovery(run), "equations")
    dataset = xr.Dataset(
        {
            name: (
                ("lat", "lon"),
                rng.uniform(ranges[name][0], ranges[name][1], (side, side)),
            )
            for name in names
        }
    )
    dataset.to_netcdf(path)
    return side * side


def main() -> None:
    """Read the arguments, predict, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--intervals", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cells = make_grid(given.run, given.cells, Path(folder) / "grid.nc")
        level = 0.95 if given.intervals else None
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        with open_executor(given.workers) as executor:
            wall, cpu = time.perf_counter(), time.process_time()
            predict_grid(
                given.run, Path(folder) / "grid.nc", Path(folder) / "out.zarr",
                interval=level, executor=executor,
            )  # fmt: skip
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(
        f"{cells:,} cells, {wall:.1f} s wall, {cpu:.1f} CPU s here: "
        f"{cells / wall:,.0f} cells a second, peak {peak:.2f} GiB (grid made: {before:.2f})\n"
    )


if __name__ == "__main__":
    main()
