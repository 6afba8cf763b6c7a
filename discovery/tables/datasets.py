"""NetCDF and Zarr: the variables along one dimension as a table, units and calendars."""

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from sciren.data.opening import HDF5, check_hdf5
from sciren.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T")
Reader = Callable[[Path, Callable[[], Any]], Any]


def open_dataset(path: Path, guarded: Reader) -> "xr.Dataset":
    """Read a NetCDF file or Zarr folder into memory.

    Dates that cannot be decoded ("months since ...") stay the numbers that they are.

    Args:
        path: of the file or folder.
        guarded: runs a reader and turns its failure into one line about the path.
    Raises:
        DataError: it cannot be read, or is a Zarr folder without the package zarr.
    """
    engine = "zarr" if path.name.lower().endswith(".zarr") else _engine(path, guarded)
    import xarray as xr

    def load() -> "xr.Dataset":
        try:
            with xr.open_dataset(path, engine=engine) as dataset:
                return dataset.load()
        except ValueError as error:
            # xarray gives up the whole file for one undecodable time; read once more
            # without decoding.
            if "unable to decode time" not in str(error):
                raise
        with xr.open_dataset(path, engine=engine, decode_times=False) as dataset:
            return dataset.load()

    return guarded(path, load)


def _engine(path: Path, guarded: Reader) -> str:
    with path.open("rb") as file:
        mark = file.read(4)
    # NetCDF-4 is HDF5, the classic format begins with CDF; endings do not tell them
    # apart.
    if mark == HDF5:
        guarded(path, lambda: check_hdf5(path))
        return "h5netcdf"
    if mark.startswith(b"CDF"):
        return "scipy"  # the classic format
    raise DataError(f"{path}: this is not a NetCDF file")


def frame_of_dataset(
    dataset: "xr.Dataset", path: Path, columns: Collection[str] = ()
) -> pd.DataFrame:
    """Return the variables along one dimension, which counts the rows.

    Where two of the named columns are the coordinates of two dimensions (group and time),
    every pair of both is a row, unless all named variables are missing there.

    Args:
        dataset: what the file holds; dimensions of size 1 are passed over.
        path: for messages.
        columns: variables that are needed; their dimension is taken. Without any, the
            dimension that most variables have.
    Returns:
        One row an entry of the dimension; ``attrs`` hold "units" and "notes".
    Raises:
        DataError: no dimension is common, or it has no entries.
    """
    single = [name for name, size in dataset.sizes.items() if size == 1]
    # A file of a single entry: one dimension of size 1 has to stay, as the rows.
    rows_are_single = len(single) == len(dataset.sizes)
    flat = dataset.squeeze(single[rows_are_single:], drop=True)
    # Two layouts: (group, time) with coordinates for both becomes one row a pair; else
    # one dimension counts the rows.
    pair = _pair(flat, columns)
    if pair is not None:
        return _long(flat, pair, columns)
    row = _row_dimension(flat, path, columns)
    variables = {
        str(name): variable
        for name, variable in flat.variables.items()
        if variable.dims == (row,)
    }
    frame = pd.DataFrame({name: _values(v) for name, v in variables.items()})
    if frame.empty:
        raise DataError(f"{path}: dimension {row!r} has no rows")
    frame.attrs["units"] = {
        name: str(v.attrs["units"])
        for name, v in variables.items()
        if "units" in v.attrs
    }
    others = [f"{name} ({size})" for name, size in flat.sizes.items() if name != row]
    frame.attrs["notes"] = (
        [f"rows count along dimension {row!r}, not along {', '.join(others)}"]
        if others
        else []
    )
    return frame


def _pair(flat: "xr.Dataset", columns: Collection[str]) -> tuple[Any, Any] | None:
    """Return the two dimensions that named columns span with coordinates of their own."""
    needed = {n: flat.variables[n].dims for n in columns if n in flat.variables}
    along = [dims[0] for dims in needed.values() if len(dims) == 1]
    for dims in needed.values():
        # Both dimensions need a named one-dimensional column (site names, times), or
        # rows of the pair could not be told apart.
        if len(dims) == 2 and set(dims) == set(along):
            spanned = all(set(other) <= set(dims) for other in needed.values())
            return (dims[0], dims[1]) if spanned else None
    return None


def _long(
    flat: "xr.Dataset", pair: tuple[Any, Any], columns: Collection[str]
) -> pd.DataFrame:
    """Return one row an entry of the first dimension and of the second."""
    sizes = [flat.sizes[dim] for dim in pair]
    columns_by_name, units = {}, {}
    for name, variable in flat.variables.items():
        if not variable.dims or not set(variable.dims) <= set(pair):
            continue
        values = _values(variable)
        # Rows run through the second dimension fastest: what depends on the first alone
        # repeats, what depends on the second alone is tiled.
        if variable.dims == pair[:1]:
            values = np.repeat(values, sizes[1])
        elif variable.dims == pair[1:]:
            values = np.tile(values, sizes[0])
        else:
            # Both orders of dimensions occur in files; transposed it becomes ours.
            values = (values if variable.dims == pair else values.T).reshape(-1)
        columns_by_name[str(name)] = values
        if "units" in variable.attrs:
            units[str(name)] = str(variable.attrs["units"])
    frame = pd.DataFrame(columns_by_name)
    # Groups of unequal length are padded in such files: pairs without any value are no
    # rows.
    cells = [
        n for n in columns if n in columns_by_name and len(flat.variables[n].dims) == 2
    ]
    there = frame[cells].notna().to_numpy().any(axis=1)
    frame = frame.loc[there].reset_index(drop=True)
    said = f"rows count along {pair[0]} and {pair[1]}, {sizes[0]} by {sizes[1]}"
    missing = int((~there).sum())
    said += f"; {missing} of them hold nothing" if missing else ""
    frame.attrs = {"units": units, "notes": [said]}
    return frame


def _row_dimension(flat: "xr.Dataset", path: Path, columns: Collection[str]) -> Any:
    needed = {
        name: flat.variables[name].dims for name in columns if name in flat.variables
    }
    along = {dims[0] for dims in needed.values() if len(dims) == 1}
    if needed and (len(along) > 1 or any(len(dims) != 1 for dims in needed.values())):
        shown = ", ".join(f"{n} ({', '.join(map(str, d))})" for n, d in needed.items())
        raise DataError(
            f"{path}: the named variables have different dimensions: {shown}; name "
            "variables of one dimension, or stack them into one that counts the rows "
            "(`sciren predict` writes the cells of a grid to a map, -o NAME.zarr)"
        )
    if along:
        return along.pop()
    counts = Counter(v.dims[0] for v in flat.data_vars.values() if v.ndim == 1)
    if not counts:
        dims = ", ".join(f"{name} ({size})" for name, size in flat.sizes.items())
        raise DataError(
            f"{path}: no variable has exactly one dimension (found {dims or 'none'}); "
            "stack the dimensions into one that counts the rows"
        )
    # Most variables, then the longer dimension.
    return max(counts, key=lambda name: (counts[name], flat.sizes[name]))


def _values(variable: Any) -> np.ndarray:
    """Return values; dates of other calendars (noleap) as dates where they exist."""
    values = variable.to_numpy()
    if values.dtype != object or not hasattr(values[:1].tolist()[:1] or [0], "__len__"):
        return values
    if not len(values) or not hasattr(values[0], "calendar"):
        return values
    stamps = np.array([_stamp(date) for date in values])
    return values if np.isnat(stamps).any() else stamps


def _stamp(date: Any) -> np.datetime64:
    """Return a date; one that no calendar year has (30 February) as not a time."""
    try:
        return np.datetime64(date.isoformat(), "ns")
    except (ValueError, TypeError):
        return np.datetime64("NaT", "ns")
