"""NetCDF files and Zarr stores, opened with one message for what is wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sciren.errors import DataError, SciRenError

if TYPE_CHECKING:
    import xarray as xr

_DAMAGED = (OSError, RuntimeError, ImportError)
HDF5 = b"\x89HDF"
"""First bytes of a NetCDF-4 file: the signature of HDF5."""


def check_hdf5(path: Path) -> None:
    """Read the head of a NetCDF-4 file as h5netcdf does.

    Where that fails inside of h5netcdf, its half-made file writes a traceback to stderr.

    Raises:
        OSError, RuntimeError, KeyError, ValueError: as h5py raises them.
    """
    import h5py

    with h5py.File(path, "r") as file:
        file.attrs.get("_nc3_strict")


@contextmanager
def opened_dataset(path: Path) -> "Iterator[xr.Dataset]":
    """Open a file or store; values are read when they are asked for.

    Raises:
        DataError: it cannot be read.
    """
    import xarray as xr

    engine = "zarr" if path.is_dir() else None
    try:
        if path.is_file() and _first_bytes(path) == HDF5:
            check_hdf5(path)
        # chunks=None: without dask values are read lazily by slices, which is all that
        # blocks need.
        dataset = xr.open_dataset(path, engine=engine, chunks=None)
    except (*_DAMAGED, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error
    with dataset:
        try:
            yield dataset
        # what reading damaged values raises; errors of ours are none of the file's
        except _DAMAGED as error:
            if isinstance(error, SciRenError):
                raise
            raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    problem = " ".join(str(error).split())[:200]
    return DataError(f"{path}: cannot be read as a grid: {problem}")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(HDF5))
