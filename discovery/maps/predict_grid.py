"""predict for grids: a Zarr store with targets, latents, limits and the flag `outside`.

The store grows beside its place, in a hidden folder, block by block; a block that is done
is noted there, so that the same command goes on after an interrupt. Blocks are chunks of
the store, so several workers never write to the same file.
"""

import hashlib
import json
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.maps.grid import (
    Grid,
    Region,
    check_units,
    coordinates,
    open_grid,
)
from discovery.results.record import DiscoveryRecord
from discovery.runs.alone import alone
from discovery.runs.files import read_json, write_json
from discovery.runs.predict import Using, predict_frame
from discovery.runs.prediction_files import check_not_read, units_of
from discovery.runs.stored import load_discovery
from sciren.errors import ConfigError, DataWarning
from sciren.execution import Executor, InOrder

if TYPE_CHECKING:
    from sciren.training.progress import Progress

ZARR = ".zarr"  # by this ending the command line and readers know a map
STORE, ASKED, DONE = f"store{ZARR}", "asked.json", "done.json"
OUTSIDE = "outside"


@dataclass(frozen=True)
class Task:
    """One block, as plain data that travels to a worker."""

    run: Path
    store: Path
    grid: Grid
    region: Region
    number: int
    using: Using
    interval: float | None


def predict_grid(
    run: Path,
    data: Path,
    out: Path,
    using: Using = "equations",
    overwrite: bool = False,
    interval: float | None = 0.95,
    executor: Executor | None = None,
    quiet: bool = True,
) -> str:
    """Write targets and latents for every cell of a grid; return a line about it.

    Args:
        run: folder of the discovery.
        data: NetCDF file or Zarr store whose variables or coordinates have the names of
            features and forcings; variables may lack dimensions.
        out: Zarr store, .zarr.
        using: the equations, or the network.
        overwrite: whether a store at ``out`` may be replaced.
        interval: probability of the intervals, None for none: several times faster.
        executor: who computes the blocks; default one after the other.
        quiet: no progress on stderr.
    Raises:
        ConfigError: ``out`` may not be written, is the grid itself or not called .zarr, zarr
            is not installed, or the run has no equations.
        ColumnError: the grid lacks a variable.
        DataError: run or grid cannot be read, or a variable has another unit.
    """
    from discovery.runs.folder import open_run
    from discovery.runs.workflow import progress_of

    hidden = out.with_name(f".{out.name}.unfinished")
    if out.exists():
        with alone(out, "predict"):
            _clear(hidden)
    _check_out(out, overwrite)
    check_not_read(out, data)
    folder = open_run(run)
    discovery = load_discovery(folder)
    grid = open_grid(data, needed(discovery, using))
    check_units(grid, units_of(discovery))
    with alone(out, "predict"):
        done = _begin(hidden, folder, grid, discovery, using, interval)
        tasks = [
            Task(folder, hidden / STORE, grid, region, number, using, interval)
            for number, region in enumerate(grid.regions())
            if number not in done
        ]
        _run(tasks, done, hidden, executor or InOrder(), progress_of(quiet))
        _consolidate(hidden / STORE)
        beyond = _share_outside(hidden / STORE, grid)
        _replace(out, hidden)
    if beyond:
        told = f"{beyond:.1%} of the cells are outside the rows that the model was made from"
        warnings.warn(f"{told}; variable {OUTSIDE!r} marks them", DataWarning, 2)
    cells = " x ".join(f"{size:,} {name}" for name, size in grid.sizes.items())
    return f"wrote {out}: {cells}, by {using}"


def _replace(out: Path, hidden: Path) -> None:
    """Put a whole map in its place; an old one goes only now."""
    if out.exists():
        shutil.rmtree(out)
    (hidden / STORE).rename(out)
    shutil.rmtree(hidden)


def needed(discovery: DiscoveryRecord, using: Using) -> list[str]:
    """Return the variables that a grid has to have: features and forcings in use."""
    from discovery.results.record import equations_of
    from discovery.runs.stored import network_of

    if using == "network":
        features = list(network_of(discovery).feature_names)
    else:
        features = list(equations_of(discovery).used_features())
    forcings = equations_of(discovery).forcing_columns if discovery.equations else {}
    # The flag of outside looks at columns that the equations may have dropped.
    watched = discovery.uncertainty.reach.names if discovery.uncertainty else ()
    return list(dict.fromkeys([*features, *forcings.values(), *watched]))


def _check_out(out: Path, overwrite: bool) -> None:
    if out.suffix != ZARR:
        raise ConfigError(
            f"{out}: a map is a Zarr store; give it a name that ends with {ZARR}"
        )
    if find_spec("zarr") is None:
        raise ConfigError(f"{out}: writing Zarr needs sciren[big]")
    if out.exists() and not overwrite:
        raise ConfigError(
            f"{out}: is there already; choose another name, or replace it with --overwrite"
        )
    if out.exists() and not _is_store(out):
        raise ConfigError(f"{out}: is no Zarr store, so it is left alone")


def _clear(hidden: Path) -> None:
    """Remove what a call leaves that was killed when its map was in place already."""
    if hidden.is_dir() and not (hidden / STORE).exists():
        shutil.rmtree(hidden)


def _is_store(path: Path) -> bool:
    return (path / "zarr.json").is_file() or (path / ".zgroup").is_file()


def _begin(
    hidden: Path,
    folder: Path,
    grid: Grid,
    discovery: DiscoveryRecord,
    using: Using,
    interval: float | None,
) -> set[int]:
    """Make the empty store, or find the blocks that an interrupted call has done."""
    asked = {
        "manifest": _hash(folder / "manifest.json"),
        "grid": [str(grid.path.resolve()), _stamp(grid.path)],
        "sizes": dict(grid.sizes),
        "using": using,
        "interval": interval,
    }
    # Through JSON and back, so that tuples and numbers compare as they were written.
    same = (hidden / ASKED).is_file() and read_json(hidden / ASKED) == json.loads(
        json.dumps(asked)
    )
    if same:
        return set(read_json(hidden / DONE))
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    _make_store(hidden / STORE, grid, discovery, using, interval)
    write_json(hidden / DONE, [])
    # Written last: a store without it is half made and begins again.
    write_json(hidden / ASKED, asked)
    return set()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _stamp(path: Path) -> list[int]:
    """Size and time of change; a hash of a large grid would take as long as the map."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _make_store(
    store: Path,
    grid: Grid,
    discovery: DiscoveryRecord,
    using: Using,
    interval: float | None,
) -> None:
    """Write dimensions, coordinates, names and units, and no values."""
    import xarray as xr
    import zarr

    from discovery.runs.prediction_files import describer, global_attributes

    # One cell is predicted to learn the names of the columns.
    few = grid.block(dict.fromkeys(grid.sizes, (0, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = list(map(str, predict_frame(discovery, few, using, interval).columns))
    empty = xr.Dataset(
        coords=coordinates(grid.path, grid.sizes), attrs=global_attributes()
    )
    empty.to_zarr(store, consolidated=False, zarr_format=3)
    group = zarr.open_group(store, mode="r+")
    describe = describer(discovery, interval or 0.95)
    for name in columns:
        flag = name == OUTSIDE
        array = group.create_array(
            name,
            shape=grid.shape,
            chunks=grid.chunks,
            # Seven digits are enough for a map, at half the size.
            dtype="int8" if flag else "float32",
            fill_value=0 if flag else np.nan,
            dimension_names=list(grid.sizes),
        )
        attributes = {k: v for k, v in describe(name).items() if k != "flag_values"}
        array.attrs.update(attributes | ({"flag_values": [0, 1]} if flag else {}))


def _run(
    tasks: Sequence[Task],
    done: set[int],
    hidden: Path,
    executor: Executor,
    progress: "Progress",
) -> None:
    total = len(done) + len(tasks)
    for position, _ in executor.results(write_block, tasks):
        done.add(tasks[position].number)
        # Noted after the block was written: an interrupt repeats a block, never skips
        # one.
        write_json(hidden / DONE, sorted(done), indent=None)
        progress.update("blocks", len(done), total, {})


def write_block(task: Task) -> int:
    """Predict the cells of one block and write them; return how many."""
    import zarr

    # Read in the worker: a path travels, a network does not.
    discovery = load_discovery(task.run)
    frame = task.grid.block(task.region)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the share of cells outside is told at the end
        result = predict_frame(discovery, frame, task.using, task.interval)
    group: Any = zarr.open_group(task.store, mode="r+")
    places = tuple(slice(*ends) for ends in task.region.values())
    shape = tuple(end - first for first, end in task.region.values())
    for name in result.columns:
        group[str(name)][places] = result[name].to_numpy().reshape(shape)
    return len(frame)


def _consolidate(store: Path) -> None:
    """Gather what describes the variables, so that readers open the store at once."""
    import zarr

    with warnings.catch_warnings():
        # zarr says that version 3 of the format has not adopted what xarray asks for
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(str(store))


def _share_outside(store: Path, grid: Grid) -> float:
    """Return the share of cells that are marked as outside."""
    import zarr

    group: Any = zarr.open_group(store, mode="r")
    if OUTSIDE not in group:
        return 0.0
    total = 0
    for region in grid.regions():
        total += int(
            group[OUTSIDE][tuple(slice(*ends) for ends in region.values())].sum()
        )
    return total / int(np.prod(grid.shape))
