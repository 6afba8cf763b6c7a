"""Which rows train, choose and test, as the configuration says."""

from typing import TYPE_CHECKING

import numpy as np

from discovery.config.settings import (
    AutoSplit,
    BlockSplit,
    ColumnSplit,
    GroupSplit,
    RunConfig,
    TimeSplit,
)
from discovery.tables.head import require
from discovery.tables.labelled import split_by_label
from discovery.tables.records import PARTS
from sciren.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Split, Table


def split_rows(config: RunConfig, frame: "pd.DataFrame", table: "Table") -> "Split":
    """Split the rows of a table in the way of ``split``.

    Args:
        config: the settings.
        frame: rows that the filters kept, in the order that ``table.row_ids`` counts in.
        table: the usable ones among them.
    Raises:
        ColumnError: a column that the split goes by is not there.
        DataError: rows without coordinate or group, or a part without rows.
    """
    from sciren import data
    from sciren.data.frames import numeric_column
    from sciren.data.labels import id_text, refuse_missing

    def column(name: str, key: str) -> "pd.Series":
        require(frame, name, key)
        # Rows with gaps have left the table: the column is taken at those that stayed.
        return frame[name].iloc[table.row_ids]

    def place(name: str, key: str) -> np.ndarray:
        values = numeric_column(column(name, key).to_frame(), name)
        index = frame.index[table.row_ids]
        refuse_missing(np.isnan(values), index, f"column {name!r}", "coordinate")
        return values

    how = config.split
    if isinstance(how, TimeSplit) and table.time is None:
        raise DataError(
            "split: {kind: time} needs the time column; name it, data: {time: its column}"
        )
    if isinstance(how, TimeSplit):
        return data.split_by_time(table, how.train, how.valid, how.test)
    if isinstance(how, BlockSplit):
        lon, lat = place(how.lon, "split.lon"), place(how.lat, "split.lat")
        fold = data.split_by_block(lon, lat, how.degrees, how.folds, how.seed)
        return data.split_by_fold(table, fold, how.test, how.valid)
    if isinstance(how, GroupSplit) and how.column is not None:
        labels = column(how.column, "split.column")
        empty = labels.isna().to_numpy()
        refuse_missing(empty, labels.index, f"column {how.column!r}", "group")
        return data.split_by_group(table, labels, how.fractions, how.seed)
    if isinstance(how, ColumnSplit):
        labels = id_text(column(how.column, "split.column"))
        return split_by_label(table, labels.to_numpy(), how.column)
    if isinstance(how, GroupSplit | AutoSplit):
        _check_blocks(config, table)
        return data.split_by_group(table, None, how.fractions, how.seed)
    return data.split_random(table, how.fractions, how.seed)


def _check_blocks(config: RunConfig, table: "Table") -> None:
    """Refuse a table of fewer groups, or calendar weeks, than there are parts.

    Raises:
        DataError: with what makes parts of such a table.
    """
    count = int(table.blocks.unique().numel())
    if count >= len(PARTS) or len(table) < len(PARTS):
        return
    what = "group" if config.data.groups else "calendar week"
    raise DataError(
        f"all rows lie in {count} {what}{'s' * (count > 1)}, which cannot make three parts; "
        "set split: "
        "{kind: random}, whose scores are too good where neighbours resemble each other"
    )
