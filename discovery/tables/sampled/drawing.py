"""A sample of the rows of a file that does not fit into memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from discovery.tables.kinds import DATASETS, PARQUET, kind_of
from sciren.data.file_rows import ROWS, FileRows, file_rows
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.config.data import DataSettings


@dataclass(frozen=True)
class Sample:
    """Rows that were drawn from a file.

    Attributes:
        frame: their cells, in the order of the file.
        positions: (n,) of the rows in the file.
        places: ranges of all rows of the file.
        columns: that were read.
    """

    frame: "pd.DataFrame"
    positions: np.ndarray
    places: tuple[FileRows, ...]
    columns: tuple[str, ...]

    @property
    def total(self) -> int:
        """Rows of the file."""
        return sum(place.rows for place in self.places)


def draw(data: "DataSettings", columns: Sequence[str], seed: int) -> Sample:
    """Draw `data.sample` rows, each row with the same chance.

    Args:
        data: where they are.
        columns: that are needed; those that the row filter names are read as well.
        seed: of the draw.
    Raises:
        ColumnError: a column is missing, or has other dimensions than the others.
        ConfigError: the file cannot be read in parts.
        DataError: the file cannot be read, or has no rows.
    """
    import pandas as pd

    assert data.path is not None  # a sample is of a file
    assert data.sample is not None  # or nobody would ask
    names = _with_filter(data, columns)
    places = file_rows(data.path, names, ROWS)
    total = sum(place.rows for place in places)
    count, generator = min(data.sample, total), np.random.default_rng(seed)
    wanted = np.sort(generator.choice(total, count, replace=False, shuffle=False))
    parts, units = [], {}
    for place in places:
        inside = wanted[(wanted >= place.first) & (wanted < place.first + place.rows)]
        if len(inside):
            frame = place.frame(names)
            units = frame.attrs.get("units", {})
            parts.append(frame.iloc[inside - place.first])
    frame = pd.concat(parts, ignore_index=True)
    frame.attrs["units"] = dict(units)
    return Sample(frame, wanted, tuple(places), tuple(names))


def _with_filter(data: "DataSettings", columns: Sequence[str]) -> list[str]:
    """Return the needed columns and those that a row filter names."""
    from discovery.tables.head import column_names

    path, rows = data.path, data.rows
    assert path is not None  # a sample is of a file
    if kind_of(path) not in (PARQUET, *DATASETS):
        raise ConfigError(
            f"key 'data.sample': {path.name} is read as a whole; write the table as "
            "Parquet, NetCDF or Zarr, which are read in parts"
        )
    present = column_names(path, data) or _variables(path)
    # A name that stands in the text is read, whether the filter means it or not: a column
    # too many costs little.
    named = [name for name in present if rows is not None and name in rows]
    return list(dict.fromkeys([*columns, *named]))


def _variables(path: Path) -> list[str]:
    from sciren.data.opening import opened_dataset

    with opened_dataset(path) as dataset:
        return [str(name) for name in dataset.variables]
