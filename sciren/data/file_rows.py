"""Files in ranges of rows: row groups of Parquet, slices of a Zarr store or NetCDF file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sciren.errors import (
    ColumnError,
    ConfigError,
    DataError,
    SciRenError,
    closest_names,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

ROWS = 250_000
"""Rows of a range: 25 MB with ten columns, and about a second of work for one solve."""


@dataclass(frozen=True)
class FileRows:
    """Neighbouring rows of a file, which are read when they are asked for.

    Attributes:
        path: of the file or store.
        first, rows: place of the rows in it.
        part: what the file calls the part: row groups of Parquet, or the row dimension.
    """

    path: Path
    first: int
    rows: int
    part: tuple[int, ...] | str

    def frame(self, names: Sequence[str]) -> "pd.DataFrame":
        """Read some columns; rows are numbered from 0, units stand in ``attrs``.

        Raises:
            DataError: the file cannot be read.
        """
        try:
            if isinstance(self.part, str):
                return self._from_dataset(names, self.part)
            file = _parquet(self.path)
            table = file.read_row_groups(list(self.part), columns=list(names))
            # An index that pandas stored is a column here, and must not number the rows.
            frame = table.to_pandas(ignore_metadata=True)
            known = (file.schema_arrow.pandas_metadata or {}).get("attributes") or {}
            frame.attrs["units"] = dict(known.get("units", {}))
            return frame
        # a Zarr store raises RuntimeError for values that it cannot unpack
        except (OSError, ValueError, RuntimeError) as error:
            if isinstance(error, SciRenError):
                raise
            problem = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path}: cannot be read: {problem}") from error

    def _from_dataset(self, names: Sequence[str], row: str) -> "pd.DataFrame":
        import pandas as pd

        from sciren.data.opening import opened_dataset

        with opened_dataset(self.path) as dataset:
            part = dataset[list(names)].isel(
                {row: slice(self.first, self.first + self.rows)}
            )
            frame = pd.DataFrame({name: part[name].to_numpy() for name in names})
            units = {name: part[name].attrs.get("units") for name in names}
        frame.attrs["units"] = {name: str(u) for name, u in units.items() if u}
        return frame


def file_rows(path: Path, names: Sequence[str], rows: int = ROWS) -> list[FileRows]:
    """Return the ranges of rows of a file.

    Args:
        path: of a Parquet file, else of a Zarr store or NetCDF file whose variables have
            one dimension.
        names: columns that will be read.
        rows: most rows of a range; a larger row group of Parquet is a range of its own,
            and a multiple of a store's chunks reads each of them once.
    Raises:
        ColumnError: a column is missing, or has other dimensions than the others.
        DataError: the file cannot be read, or has no rows.
    """
    parquet = path.name.lower().endswith(".parquet")
    return (parquet_rows if parquet else dataset_rows)(path, names, rows)


def parquet_rows(path: Path, names: Sequence[str], rows: int) -> list[FileRows]:
    """Return the ranges of a Parquet file; see `file_rows`."""
    check_rows(rows)
    file = _parquet(path)
    _check_columns(path, names, list(file.schema_arrow.names))
    sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    ranges: list[FileRows] = []
    groups: list[int] = []
    first = held = 0
    for number, size in enumerate(sizes):
        # A row group is read as a whole, so ranges end between row groups.
        if groups and held + size > rows:
            ranges.append(FileRows(path, first, held, tuple(groups)))
            first, held, groups = first + held, 0, []
        groups.append(number)
        held += size
    if not held and not ranges:
        raise DataError(f"{path}: has no rows")
    return [*ranges, FileRows(path, first, held, tuple(groups))]


def dataset_rows(path: Path, names: Sequence[str], rows: int) -> list[FileRows]:
    """Return the ranges of a Zarr store or NetCDF file; see `file_rows`."""
    from sciren.data.opening import opened_dataset

    check_rows(rows)
    # Only the head is read here; rows come later, range by range.
    with opened_dataset(path) as dataset:
        _check_columns(path, names, [str(name) for name in dataset.variables])
        dims = dataset[names[0]].dims
        for name in names:
            if len(dims) != 1 or dataset[name].dims != dims:
                raise ColumnError(
                    f"{path}: variable {name!r} has dimensions {dataset[name].dims}; rows "
                    f"are counted by {dims[0] if dims else 'one dimension'!r} alone. Stack "
                    "the others into it first"
                )
        row = str(dims[0])
        total = int(dataset.sizes[row])
    if not total:
        raise DataError(f"{path}: has no rows")
    return [
        FileRows(path, first, min(rows, total - first), row)
        for first in range(0, total, rows)
    ]


def check_rows(rows: int) -> None:
    """Refuse ranges without rows.

    Raises:
        ConfigError: fewer than one row.
    """
    if rows < 1:
        raise ConfigError(f"blocks have {rows} rows; at least 1 is needed")


def _parquet(path: Path) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be read as Parquet: {problem}") from error


def _check_columns(path: Path, names: Sequence[str], present: Sequence[str]) -> None:
    for name in names:
        if name not in present:
            raise ColumnError(
                f"{path}: there is no column {name!r}. {closest_names(name, present)}"
            )
