"""NetCDF files and Zarr stores, opened with one message for what is wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sciren.errors import DataError

if TYPE_CHECKING:
    import xarray as xr


@contextmanager
def opened_dataset(path: Path) -> "Iterator[xr.Dataset]":
    """Open a file or store; values are read when they are asked for.

    Raises:
        DataError: it cannot be read.
    """
    import xarray as xr

    engine = "zarr" if path.is_dir() else None
    try:
        # chunks=None: without dask values are read lazily by slices, which is all that
        # blocks need.
        dataset = xr.open_dataset(path, engine=engine, chunks=None)
    except (OSError, ValueError, KeyError, ImportError) as error:
        problem = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be read as a grid: {problem}") from error
    with dataset:
        yield dataset
