"""Which rows of a whole file train, when a sample of it was split.

Rows of the sample that validate or test, and all rows of the file that share their unit
(group, week, period), are not learned from.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discovery.config.settings import (
    AutoSplit,
    BlockSplit,
    ColumnSplit,
    GroupSplit,
    RunConfig,
    TimeSplit,
)
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Split, Table


@dataclass(frozen=True)
class HeldOut:
    """What is not learned from.

    Attributes:
        config: how rows are split.
        units: of the rows of the sample that validate or test.
    """

    config: RunConfig
    units: frozenset[Any]

    @classmethod
    def of(
        cls, config: RunConfig, frame: "pd.DataFrame", table: "Table", split: "Split"
    ) -> Self:
        """Note the units of the validation and test rows of a sample.

        Args:
            config: the settings.
            frame: rows that the filters kept; its index counts the rows of the file.
            table: the usable ones among them;  split: its parts.
        """
        # Units, not rows: a group or week of which one row of the sample validates must
        # not train by its other rows.
        units = _units(config, frame, table)
        held = [part.row_ids for part in (split.valid, split.test)]
        rows = np.isin(table.row_ids, np.concatenate(held))
        return cls(config, frozenset(units[rows].tolist()))

    def trains(self, frame: "pd.DataFrame", table: "Table") -> np.ndarray:
        """Return which rows (n,) of a table from the same file train."""
        from sciren.data.splits import period_span

        how = self.config.split
        if isinstance(how, TimeSplit) and table.time is not None:
            first, end = period_span(how.train, "train")
            return (table.time >= first) & (table.time < end)
        units = _units(self.config, frame, table)
        if isinstance(how, ColumnSplit):
            return units == "train"
        return ~np.isin(units, list(self.units))


def refuse_split(config: RunConfig) -> None:
    """Refuse splits that a sample does not decide for all rows.

    Raises:
        ConfigError: names the key and another split.
    """
    if isinstance(config.split, BlockSplit):
        raise ConfigError(
            "key 'split.kind': block counts its cells from the outermost rows, which a "
            "sample may lack; with data.sample use group, with a column of cells"
        )


def _units(config: RunConfig, frame: "pd.DataFrame", table: "Table") -> np.ndarray:
    """Return what is split as a whole, in the rows of a table: (n,)."""
    from sciren.data.frames import calendar_weeks
    from sciren.data.labels import id_text

    how = config.split
    column = getattr(how, "column", None)
    if column is None and isinstance(how, GroupSplit | AutoSplit):
        column = config.data.groups
    if column is not None:
        return id_text(frame[column].iloc[table.row_ids]).to_numpy()
    if isinstance(how, GroupSplit | AutoSplit) and table.time is not None:
        return calendar_weeks(table.time)
    return frame.index.to_numpy()[table.row_ids]
