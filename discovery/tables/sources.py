"""Tables from files: csv, csv.gz, parquet, NetCDF and Zarr, with errors that name them.

Nothing is guessed: separators are commas, text is UTF-8, the first line names the
columns, empty cells are missing values.
"""

import codecs
import csv
import gzip
import io
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from sciren.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

ENDINGS = (".csv", ".csv.gz", ".parquet", ".nc", ".nc4", ".zarr")

T = TypeVar("T")

_HEAD = 65_536  # bytes that are looked at before a reader gets the file

_READER_ERRORS = (
    OSError, ValueError, LookupError, TypeError, RuntimeError, ImportError, EOFError,
    zlib.error, csv.Error,
)  # fmt: skip


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a table; rows are numbered from 0 in the order of the file.

    From NetCDF and Zarr come the variables along one dimension; units that they carry
    are in ``frame.attrs["units"]``.

    Raises:
        DataError: the file is missing, empty, binary, damaged, of an unknown kind, has
            no rows, or two columns of one name.
    """
    path = Path(path)
    kind = _kind(path)
    if kind in (".nc", ".nc4", ".zarr"):
        return _frame_of_dataset(read_dataset(path), path)
    frame = _read_parquet(path) if kind == ".parquet" else _read_csv(path, kind)
    if frame.empty:
        raise DataError(f"{path}: there are column names but no rows")
    return frame


def read_dataset(path: str | Path) -> "xr.Dataset":
    """Read a NetCDF file or Zarr folder into memory, for ``Table.from_dataset``.

    Raises:
        DataError: as for ``read_frame``, or a Zarr folder without the package zarr.
    """
    path = Path(path)
    kind = _kind(path)
    if kind not in (".nc", ".nc4", ".zarr"):
        raise DataError(f"{path}: only .nc, .nc4 and .zarr hold a data set")
    engine = "zarr" if kind == ".zarr" else _netcdf_engine(path)
    import xarray as xr

    def load() -> "xr.Dataset":
        with xr.open_dataset(path, engine=engine) as dataset:
            return dataset.load()

    return _reading(path, load)


def _kind(path: Path) -> str:
    """Return the known ending, after checking that there is something to read."""
    name = path.name.lower()
    kind = next((end for end in reversed(ENDINGS) if name.endswith(end)), "")
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path")
    if not kind:
        known = ", ".join(ENDINGS)
        raise DataError(f"{path}: unknown kind of file; the known endings are {known}")
    if kind == ".zarr":
        _require_zarr(path)
    elif path.is_dir():
        raise DataError(f"{path}: this is a folder; name the file inside it")
    elif path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    return kind


def _require_zarr(path: Path) -> None:
    if find_spec("zarr") is None:
        raise DataError(
            f"{path}: reading Zarr needs an extra; pip install 'sciren[big]'"
        )


def _reading(path: Path, read: Callable[[], T]) -> T:
    """Run a reader of some library and turn its failure into one line."""
    try:
        return read()
    except DataError:
        raise
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: the text is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: rows hold more cells than the first line has column names; "
            "name every column, or remove separators at the ends of the lines"
        ) from error
    except _READER_ERRORS as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: the file cannot be read ({first[:200]})") from error


def _refuse_doubles(path: Path, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        shown = ", ".join(map(repr, twice))
        raise DataError(
            f"{path}: columns occur more than once: {shown}; rename or remove them"
        )


def _read_csv(path: Path, kind: str) -> pd.DataFrame:
    _check_header(path, _reading(path, lambda: _first_line(path, kind)))

    def load() -> pd.DataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                path, compression="gzip" if kind == ".csv.gz" else None,
                encoding="utf-8-sig", index_col=False, low_memory=False,
                skipinitialspace=True,
            )  # fmt: skip

    frame = _reading(path, load)
    return frame.set_axis([str(name).strip() for name in frame.columns], axis=1)


def _first_line(path: Path, kind: str) -> list[str]:
    """Return the cells of the first line that is not empty."""
    with gzip.open(path) if kind == ".csv.gz" else path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise DataError(f"{path}: the file is empty")
    if b"\0" in head:
        raise DataError(f"{path}: this is a binary file, not text")
    text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    return next(([cell.strip() for cell in row] for row in rows if row), [])


def _check_header(path: Path, names: list[str]) -> None:
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            raise DataError(
                f"{path}: cells are separated by {word}; save the table with commas "
                "between the cells and a point in decimal numbers"
            )
    if all(map(_is_number, names)):
        raise DataError(
            f"{path}: the first line holds numbers; it must name the columns"
        )
    _refuse_doubles(path, names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _starts_with(path: Path, *marks: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(max(map(len, marks))).startswith(marks)


def _read_parquet(path: Path) -> pd.DataFrame:
    if not _starts_with(path, b"PAR1"):
        raise DataError(f"{path}: this is not a parquet file")
    from pyarrow import parquet

    _refuse_doubles(path, _reading(path, lambda: parquet.read_schema(path).names))
    frame = _reading(path, lambda: pd.read_parquet(path))
    stored = [name for name in frame.index.names if name is not None]
    return frame.reset_index(drop=not stored)


def _netcdf_engine(path: Path) -> str:
    if _starts_with(path, b"\x89HDF"):
        import h5py

        # h5netcdf leaves a traceback on stderr where HDF5 itself refuses the file
        _reading(path, lambda: h5py.File(path, "r").close())
        return "h5netcdf"
    if _starts_with(path, b"CDF"):
        return "scipy"  # the classic format
    raise DataError(f"{path}: this is not a NetCDF file")


def _frame_of_dataset(dataset: "xr.Dataset", path: Path) -> pd.DataFrame:
    """Return the variables along the dimension that most of them share."""
    single = [name for name, size in dataset.sizes.items() if size == 1]
    rows_are_single = len(single) == len(dataset.sizes)
    flat = dataset.squeeze(single[rows_are_single:], drop=True)
    along = Counter(v.dims[0] for v in flat.data_vars.values() if v.ndim == 1)
    if not along:
        dims = ", ".join(f"{name} ({size})" for name, size in flat.sizes.items())
        raise DataError(
            f"{path}: no variable has exactly one dimension (found {dims or 'none'}); "
            "stack the dimensions into one that counts the rows"
        )
    row = max(along, key=lambda name: (along[name], flat.sizes[name]))
    columns = {
        str(name): variable
        for name, variable in flat.variables.items()
        if variable.dims == (row,)
    }
    frame = pd.DataFrame({name: v.to_numpy() for name, v in columns.items()})
    if frame.empty:
        raise DataError(f"{path}: dimension {row!r} has no rows")
    frame.attrs["units"] = {
        name: str(v.attrs["units"]) for name, v in columns.items() if "units" in v.attrs
    }
    return frame
