"""Tables in blocks of rows, of which one at a time is in memory.

A block is plain data: where its rows lie and how they are read. Workers read their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sciren.data.file_rows import (
    ROWS,
    FileRows,
    check_rows,
    dataset_rows,
    parquet_rows,
)
from sciren.data.table import Table
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


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
    check_rows(rows)
    starts = range(0, len(table), rows)
    return [TableBlock(table.take(slice(start, start + rows))) for start in starts]


@dataclass(frozen=True)
class FrameBlock:
    """Rows of a file that is read in parts.

    Attributes:
        place: of the rows.
        reading: arguments of `Table.from_frame`.
    """

    place: FileRows
    reading: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.place.rows

    def table(self) -> Table | None:
        """Read the rows; None where none of them is complete.

        Raises:
            ColumnError: a column is missing.
            DataError: the file cannot be read, or its cells hold no numbers.
        """
        place = self.place
        frame = place.frame(used_columns(self.reading))
        return rows_of_block(frame, self.reading, place.first, str(place.path))


def rows_of_block(
    frame: "pd.DataFrame", reading: Mapping[str, Any], first: int, source: str
) -> Table | None:
    """Return the usable rows of a frame as a part of a larger table; None without any.

    Args:
        frame: the cells.
        reading: arguments of `Table.from_frame`.
        first: position of its first row in the larger table.
        source: of the cells, for messages.
    Raises:
        ConfigError: a feature is of classes or periodic, and no kinds are given.
        ColumnError, DataError: as of `Table.from_frame`.
    """
    needed = [*reading["features"], *columns_of(reading["forcings"])]
    targets = columns_of(reading["targets"])
    complete = frame[needed].notna().to_numpy().all(axis=1)
    # A block without any value of a target is no error, though a table without is.
    observed = frame.loc[complete, targets].notna().any(axis=0)
    if not complete.any() or not bool(observed.all()):
        return None
    # A feature may well be constant within a block and vary between blocks.
    settings: dict[str, Any] = {"constant": "keep"} | dict(reading)
    table = Table.from_frame(frame, **settings)
    # Class 3 of one block would be class 2 of the next.
    if table.kinds and "kinds" not in reading:
        raise ConfigError(
            f"{source}: {', '.join(table.kinds)} are classes or periodic, which every "
            "block would number anew; give kinds=..., such as those of a table of some "
            "of the rows"
        )
    # Positions in the whole table, so that rows of several blocks can be told apart.
    return replace(table, row_ids=table.row_ids + first)


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
    places = parquet_rows(Path(path), used_columns(given), rows)
    return [FrameBlock(place, given) for place in places]


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
    given = _reading(features, forcings, targets, reading)
    places = dataset_rows(Path(path), used_columns(given), rows)
    return [FrameBlock(place, given) for place in places]


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
