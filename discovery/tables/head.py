"""What can be known from the head of a table, before anything heavy loads.

A wrong path, file or column is told in a fraction of a second: neither torch nor pandas is
imported here. Whatever passes is checked again, cell by cell, when the table is read.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from discovery.config.process import check_process_file
from discovery.config.reading import ReadingSettings
from discovery.config.settings import RunConfig
from discovery.tables.kinds import DATASETS, PARQUET, kind_of
from sciren.errors import ColumnError, DataError, closest_names

if TYPE_CHECKING:
    import pandas as pd


def check_head(config: RunConfig) -> None:
    """Check the file of the process model, the file of the data, and its columns.

    Raises:
        DecoderError: the file of the process model is missing or does not parse.
        DataError: the file is missing, of an unknown kind or of another form.
        ColumnError: a column that the configuration names is not there.
    """
    # "file.py:function" is the user's own process model.
    if config.decoder is not None and ":" in config.decoder.name:
        check_process_file(Path(config.decoder.name.rpartition(":")[0]))
    data = config.data
    if data.path is None:
        return
    names = column_names(data.path, data)
    # networks rename columns when they are read, see `discovery.tables.networks`
    if names is None or data.format is not None:
        return
    for key, column in _named(config):
        if column not in names:
            raise ColumnError(f"{data.path}: {no_column(key, column, names)}")


def column_names(path: Path, reading: ReadingSettings) -> list[str] | None:
    """Return the columns that the head of a file names, None where that takes a library.

    Raises:
        DataError: the file is missing, of an unknown kind or of another form.
    """
    kind = kind_of(path)
    if kind in DATASETS:
        return None
    if kind == PARQUET:
        return _parquet_names(path)
    from discovery.tables.text_tables.reader import read_names

    return read_names(path, reading.completed())


def _parquet_names(path: Path) -> list[str]:
    from pyarrow import parquet

    try:
        return list(parquet.read_schema(path).names)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: this is not a parquet file") from error


def require(present: "pd.DataFrame", column: str, key: str) -> None:
    """Raise ColumnError unless a table has the column that a key names."""
    if column not in present.columns:
        raise ColumnError(no_column(key, column, list(map(str, present.columns))))


def no_column(key: str, column: str, present: Collection[str]) -> str:
    """Say that a key of the configuration names a column that is not there."""
    return (
        f"key {key!r}: there is no column {column!r}. {closest_names(column, present)}"
    )


def _named(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, column) of every column that a configuration names."""
    yield from (("features", name) for name in config.features)
    for part in ("forcings", "targets", "truth"):
        columns = getattr(config, part)
        yield from ((f"{part}.{name}", column) for name, column in columns.items())
    places = [("data", n) for n in ("time", "clock", "weights", "groups")]
    places += [("split", n) for n in ("column", "lon", "lat")]
    for group, name in places:
        column = getattr(getattr(config, group), name, None)
        if column is not None:
            yield f"{group}.{name}", column
