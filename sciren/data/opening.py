"""NetCDF files and Zarr stores, opened with one message for what is wrong with them."""

import functools
import mmap
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
HEAP, HEAD = b"GCOL\x01\x00\x00\x00", 16
"""First bytes of a global heap (signature, version, reserved), where texts of any length
lie one behind the other; bytes before its first object, and before the data of an object.
HDF5 File Format Specification 3.0, III.E, Disk Format: Level 1E - Global Heap."""
MOST_SEARCHED = 2**30
"""Bytes of a file that is searched for heaps, in about 1 s; a larger one is opened as it is."""


def check_hdf5(path: Path) -> None:
    """Read the head of a NetCDF-4 file as h5netcdf does.

    Where that fails inside of h5netcdf, its half-made file writes a traceback to stderr.

    Raises:
        OSError, RuntimeError, KeyError, ValueError: as h5py raises them.
    """
    import h5py

    check_heaps(path)
    with h5py.File(path, "r") as file:
        file.attrs.get("_nc3_strict")


@contextmanager
def opened_dataset(path: Path) -> "Iterator[xr.Dataset]":
    """Open a file or store; values are read when they are asked for.

    Raises:
        DataError: it cannot be read.
    """
    import xarray as xr

    if not path.exists():
        raise DataError(f"{path}: there is no such file or store")
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


def check_heaps(path: Path) -> None:
    """Refuse a file with a heap that would be read without end.

    The HDF5 library goes from one object to the next by the lengths that the file gives.
    Where damage makes a length zero it never arrives, and only a kill ends the process.

    Raises:
        OSError: an object of a heap has no length.
    """
    state = path.stat()
    if 0 < state.st_size <= MOST_SEARCHED:
        _searched(path, state.st_size, state.st_mtime_ns)


# A map opens its grid for every block; a file that has not changed is searched once.
@functools.lru_cache(maxsize=16)
def _searched(path: Path, size: int, changed: int) -> None:
    """Search a file of a size and a time of its last change for heaps without an end."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        start = content.find(HEAP)
        while start >= 0:
            if not _ends(content, start):
                raise OSError(f"its heap at byte {start} is damaged and has no end")
            start = content.find(HEAP, start + 1)


def _ends(content: mmap.mmap, start: int) -> bool:
    """Whether the objects of a heap lead to its end."""
    size = int.from_bytes(content[start + 8 : start + HEAD], "little")
    place, end = start + HEAD, min(start + size, len(content))
    while place + HEAD <= end:
        number = int.from_bytes(content[place : place + 2], "little")
        length = int.from_bytes(content[place + 8 : place + HEAD], "little")
        # Object 0 is free space, its length holds its own head. The others are filled up
        # to 8 bytes, in the library's 64-bit numbers.
        step = (HEAD + (length + 7) // 8 * 8) % 2**64 if number else length
        if step == 0:
            return False
        place += step
    return True
