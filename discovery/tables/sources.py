"""Tables from files and from memory, with errors that name them.

Nothing is guessed: without further settings separators are commas, text is UTF-8, the
first line that is no comment names the columns and empty cells are missing values.
"""

import csv
import zlib
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from discovery.config.reading import ReadingSettings
from discovery.tables.datasets import frame_of_dataset, open_dataset
from discovery.tables.kinds import DATASETS, PARQUET, kind_of
from discovery.tables.text_tables.form import readable_name
from discovery.tables.text_tables.reader import read_text
from sciren.config_errors import config_error
from sciren.data.conversion import as_frame
from sciren.data.frames import check_columns, check_unique_columns
from sciren.data.labels import id_text
from sciren.data.markers import replace_markers
from sciren.data.stamps import time_column
from sciren.errors import ConfigError, DataError

T = TypeVar("T")

_READER_ERRORS = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ImportError,
    EOFError, zlib.error, csv.Error,
)  # fmt: skip


def read_table(
    source: Any,
    columns: Collection[str] = (),
    time: str | None = None,
    **reading: Any,
) -> pd.DataFrame:
    """Read a table; rows are numbered from 0 in the order of the file.

    ```python
    read_table("tower.dat", header=1, units_row=2, missing=["NAN"], time="TIMESTAMP")
    read_table("logger.csv", separator=";", decimal=",", time_format="%d.%m.%Y %H:%M")
    ```

    Args:
        source: path of a text table (csv, tsv, txt, dat; gzip too), an Excel sheet,
            parquet, NetCDF or Zarr; or a pandas, polars or pyarrow table, an xarray
            Dataset, or a mapping name -> array.
        columns: variables that are needed; in NetCDF and Zarr their dimension counts
            the rows. Default: the dimension that most variables have.
        time: column whose stamps become datetime64[ns]; default: they stay as written.
        reading: keys of `discovery.config.reading.ReadingSettings`: format, separator,
            decimal, thousands, sheet, encoding, header, units_row, comment,
            time_format, clock, timezone, missing, not_missing, ids, quality, daily.
    Returns:
        One row an observation; ``attrs["units"]`` are units that the file carries,
        ``attrs["notes"]`` sentences on what was skipped or converted.
    Raises:
        DataError: the file is missing, empty, damaged, of another form than the keys
            say (the message proposes those that fit), or two columns share a name.
        ConfigError: a key does not exist or has a value that cannot be.
    """
    settings = reading_settings(reading)
    frame = read_with(source, settings, columns, {time} if time else ())
    if time is not None:
        check_columns(frame, [time], "time")
        frame[time] = time_column(
            frame[time], frame.index, time, settings.time_format, settings.timezone
        )
    return frame


def reading_settings(reading: dict[str, Any]) -> ReadingSettings:
    """Return checked keys of reading.

    Raises:
        ConfigError: a key does not exist or has a value that cannot be.
    """
    from pydantic import ValidationError

    try:
        return ReadingSettings.model_validate(reading)
    except ValidationError as error:
        raise config_error(error, ReadingSettings, reading, "read_table") from error


def read_with(
    source: Any,
    settings: ReadingSettings,
    columns: Collection[str] = (),
    stamps: Collection[str] = (),
) -> pd.DataFrame:
    """Read a table with checked settings; ``stamps`` are columns kept as written.

    See `read_table`.
    """
    from discovery.tables.networks import in_common_form

    settings = settings.completed()
    ids, clock = set(settings.ids), settings.clock
    if clock is not None and not stamps:
        raise ConfigError(f"clock {clock!r} needs a time column that holds the days")
    # Columns that will become stamps or labels are read as text: a number would lose
    # leading zeros and the way it was written.
    if isinstance(source, str | Path):
        as_text = ids | set(stamps) | ({clock} if clock else set())
        frame = _read_file(Path(source), settings, columns, as_text)
    elif hasattr(source, "data_vars"):
        frame = frame_of_dataset(source, Path("data set"), columns)
    else:
        frame = _with_readable_names(as_frame(source))
    for name in ids & set(frame.columns):
        frame[name] = id_text(frame[name])
    if clock is not None:
        for name in set(stamps) & set(frame.columns):
            frame[name] = _with_clock(frame, name, clock)
    # Markers after the clock is joined, before the format: -9999 must be a gap when
    # means are taken. Labels keep theirs, since site -9999 may exist.
    frame = replace_markers(frame, settings.missing or (), keep=ids)
    return in_common_form(frame, settings, source)


def _with_clock(frame: pd.DataFrame, day: str, clock: str) -> pd.Series:
    """Return days and times of day as one text; missing where either is.

    Raises:
        ColumnError: there is no such column.
    """
    check_columns(frame, [clock], "clock")
    days = frame[day].astype("string").str.strip()
    # a spreadsheet has no days without a clock: theirs is midnight
    days = days.str.replace(r"[ T]00:00(:00(\.0+)?)?$", "", regex=True)
    return (days + " " + frame[clock].astype("string").str.strip()).astype(object)


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a table without further settings; see `read_table`.

    Raises:
        DataError: as for `read_table`.
    """
    return read_table(path)


def _read_file(
    path: Path,
    settings: ReadingSettings,
    columns: Collection[str],
    as_text: Collection[str],
) -> pd.DataFrame:
    kind = kind_of(path)
    if kind in DATASETS:
        return frame_of_dataset(open_dataset(path, _reading), path, columns)
    if kind == PARQUET:
        frame = _read_parquet(path)
    else:
        frame = _reading(path, lambda: read_text(path, settings, as_text))
    if frame.empty:
        raise DataError(f"{path}: there are column names but no rows")
    return frame


def _reading(path: Path, read: Callable[[], T]) -> T:
    """Run a reader of some library and turn its failure into one line."""
    try:
        return read()
    # Says more than the library's own line could.
    except DataError:
        raise
    except _READER_ERRORS as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: the file cannot be read ({first[:200]})") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            raise DataError(f"{path}: this is not a parquet file")
    from pyarrow import parquet

    # pandas renames doubles without a word; the schema still has them.
    names = _reading(path, lambda: parquet.read_schema(path).names)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        shown = ", ".join(map(repr, twice))
        raise DataError(
            f"{path}: columns occur more than once: {shown}; rename or remove them"
        )
    frame = _reading(path, lambda: pd.read_parquet(path))
    stored = [name for name in frame.index.names if name is not None]
    # An index with a name was a column once (often the time); without one it only
    # counts.
    frame = frame.reset_index(drop=not stored)
    return _with_readable_names(frame)


def _with_readable_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose names hold nothing that nobody sees, units and notes beside.

    Raises:
        DataError: two columns have one name, as they are or as they are read.
    """
    units = dict(frame.attrs.get("units", {}))
    written = [str(name) for name in frame.columns]
    renamed = {n: s for n in written if (s := readable_name(n)) != n}
    frame = frame.rename(columns=renamed)
    check_unique_columns(frame)
    frame.attrs = {
        "units": {renamed.get(name, name): unit for name, unit in units.items()},
        "notes": [f"column {o!r} is read as {n!r}" for o, n in renamed.items()],
    }
    return frame
