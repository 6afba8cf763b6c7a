"""Tables in blocks of rows, of which one at a time is in memory.

A block is plain data: where its rows lie and how they are read. Workers read their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sciren.data.table import Table
from sciren.errors import ColumnError, ConfigError, DataError, closest_names

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

ROWS = 250_000
"""Rows of a block: 25 MB with ten columns, and about a second of work for one solve."""


class RowBlock(Protocol):
    """Some rows of a table.

    Attributes:
        rows: how many the source holds there, those with missing cells included.
    """

    @property
    def rows(self) -> int:
        """Number of rows."""
        ...

    def table(self) -> Table | None:
        """Read the rows; None where none of them is complete."""
        ...


@dataclass(frozen=True)
class TableBlock:
    """Rows that are in memory already."""

    whole: Table

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.whole)

    def table(self) -> Table | None:
        """Return the rows."""
        return self.whole


def table_blocks(table: Table, rows: int = ROWS) -> list[TableBlock]:
    """Cut a table that is in memory into blocks, for several workers.

    Args:
        table: all rows.
        rows: most rows of a block.
    """
    starts = range(0, len(table), rows)
    return [TableBlock(table.take(slice(start, start + rows))) for start in starts]


@dataclass(frozen=True)
class FrameBlock:
    """Rows of a file that is read in parts.

    Attributes:
        path: of the file or store.
        first, rows: place of the rows in it.
        part: what the file calls the part: row groups of Parquet, or the row dimension.
        reading: arguments of `Table.from_frame`.
    """

    path: Path
    first: int
    rows: int
    part: tuple[int, ...] | str
    reading: Mapping[str, Any]

    def table(self) -> Table | None:
        """Read the rows; None where none of them is complete.

        Raises:
            ColumnError: a column is missing.
            DataError: the file cannot be read, or its cells hold no numbers.
        """
        frame = self._frame()
        needed = [*self.reading["features"], *columns_of(self.reading["forcings"])]
        targets = columns_of(self.reading["targets"])
        complete = frame[needed].notna().all(axis=1)
        # A block without any value of a target is no error, though a table without is.
        observed = frame.loc[complete, targets].notna().any(axis=0)
        if not len(observed) or not bool(observed.all()):
            return None
        # A feature may well be constant within a block and vary between blocks.
        settings: dict[str, Any] = {"constant": "keep"} | dict(self.reading)
        table = Table.from_frame(frame, **settings)
        # Class 3 of one block would be class 2 of the next.
        if table.kinds and "kinds" not in self.reading:
            raise ConfigError(
                f"{self.path}: {', '.join(table.kinds)} are classes or periodic, which "
                "every block would number anew; give kinds=..., such as those of a table "
                "of some of the rows"
            )
        # Positions in the whole file, so that rows of several blocks can be told apart.
        return replace(table, row_ids=table.row_ids + self.first)

    def _frame(self) -> "pd.DataFrame":
        try:
            if isinstance(self.part, str):
                return self._from_dataset(self.part)
            names = used_columns(self.reading)
            file = _parquet(self.path)
            return file.read_row_groups(list(self.part), columns=names).to_pandas()
        except (OSError, ValueError) as error:
            problem = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path}: cannot be read: {problem}") from error

    def _from_dataset(self, row: str) -> "pd.DataFrame":
        import pandas as pd

        from sciren.data.opening import opened_dataset

        names = used_columns(self.reading)
        rows = slice(self.first, self.first + self.rows)
        with opened_dataset(self.path) as dataset:
            part = dataset[names].isel({row: rows})
            return pd.DataFrame({name: part[name].to_numpy() for name in names})


def parquet_blocks(
    path: str | Path,
    features: Sequence[str],
    forcings: Sequence[str] | Mapping[str, str] = (),
    targets: Sequence[str] | Mapping[str, str] = (),
    rows: int = ROWS,
    **reading: Any,
) -> list[FrameBlock]:
    """Return the blocks of a Parquet file: row groups, small ones together.

    Args:
        path: of the file.
        features, forcings, targets: columns, as in `Table.from_frame`.
        rows: most rows of a block; a larger row group is a block of its own.
        reading: further arguments of `Table.from_frame`.
    Raises:
        ColumnError: a column is missing.
        DataError: the file cannot be read, or has no rows.
    """
    given = _reading(features, forcings, targets, reading)
    file = _parquet(Path(path))
    _check_columns(Path(path), given, list(file.schema_arrow.names))
    sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    blocks: list[FrameBlock] = []
    groups: list[int] = []
    first = held = 0
    for number, size in enumerate(sizes):
        # A row group is read as a whole, so blocks end between row groups.
        if groups and held + size > rows:
            blocks.append(FrameBlock(Path(path), first, held, tuple(groups), given))
            first, held, groups = first + held, 0, []
        groups.append(number)
        held += size
    if not held and not blocks:
        raise DataError(f"{path}: has no rows")
    return [*blocks, FrameBlock(Path(path), first, held, tuple(groups), given)]


def dataset_blocks(
    path: str | Path,
    features: Sequence[str],
    forcings: Sequence[str] | Mapping[str, str] = (),
    targets: Sequence[str] | Mapping[str, str] = (),
    rows: int = ROWS,
    **reading: Any,
) -> list[FrameBlock]:
    """Return the blocks of a Zarr store or NetCDF file whose variables have one dimension.

    Args:
        path: of the store or file.
        features, forcings, targets: variables, as in `Table.from_frame`.
        rows: of a block; a multiple of the store's chunks reads each of them once.
        reading: further arguments of `Table.from_frame`.
    Raises:
        ColumnError: a variable is missing, or has other dimensions than the others.
        DataError: the store cannot be read, or has no rows.
    """
    from sciren.data.opening import opened_dataset

    given = _reading(features, forcings, targets, reading)
    with opened_dataset(Path(path)) as dataset:
        _check_columns(Path(path), given, [str(name) for name in dataset.variables])
        row = str(dataset[given["features"][0]].dims[0])
        for name in used_columns(given):
            if dataset[name].dims != (row,):
                raise ColumnError(
                    f"{path}: variable {name!r} has dimensions {dataset[name].dims}; rows "
                    f"are counted by {row!r} alone. Stack the others into it first"
                )
        total = int(dataset.sizes[row])
    if not total:
        raise DataError(f"{path}: has no rows")
    return [
        FrameBlock(Path(path), first, min(rows, total - first), row, given)
        for first in range(0, total, rows)
    ]


def used_columns(reading: Mapping[str, Any]) -> list[str]:
    """Return the columns that a block reads, each once."""
    named = [reading.get(key) for key in ("time", "weights", "groups")]
    names = [
        *reading["features"],
        *columns_of(reading["forcings"]),
        *columns_of(reading["targets"]),
        *(name for name in named if isinstance(name, str)),
    ]
    return list(dict.fromkeys(names))


def columns_of(names: Sequence[str] | Mapping[str, str]) -> list[str]:
    """Return the columns of a list, or of a mapping from other names."""
    return list(names.values() if isinstance(names, Mapping) else names)


def _reading(
    features: Sequence[str],
    forcings: Sequence[str] | Mapping[str, str],
    targets: Sequence[str] | Mapping[str, str],
    others: Mapping[str, Any],
) -> dict[str, Any]:
    if not features or not targets:
        raise ConfigError(
            "blocks of rows need features and targets; name columns of both"
        )
    names = {"features": list(features), "forcings": forcings, "targets": targets}
    return names | dict(others)


def _parquet(path: Path) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be read as Parquet: {problem}") from error


def _check_columns(
    path: Path, reading: Mapping[str, Any], present: Sequence[str]
) -> None:
    for name in used_columns(reading):
        if name not in present:
            raise ColumnError(
                f"{path}: there is no column {name!r}. {closest_names(name, present)}"
            )
