"""From a long table to the padded arrays of a SeriesTable (numpy and pandas only)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sciren.data import frames
from sciren.data.build import Arrays, CellReading, Roles, collect
from sciren.data.conversion import as_frame
from sciren.data.labels import label_codes, row_name, stamp_text
from sciren.errors import ConfigError, DataError

# Numbers of a clock that were written as decimals: 0.1 + 0.2 is not 0.3.
SAME_INTERVAL = 1e-6
OFTEN = 0.5  # share of rows at the time of another from which the time itself is wrong


class SeriesReading(CellReading, total=False):
    """How the cells of a long table are read, beside what `CellReading` says.

    Attributes:
        units: column -> unit.
        time_unit: of a time column that holds numbers, such as ``"min"``.
        gaps: ``"raise"`` (default) where the time between two rows is not the usual one
            (a step stands for one interval), or ``"keep"`` for irregular times.
    """

    units: Mapping[str, str]
    time_unit: str | None
    gaps: str


def collect_series(
    frame: Any, roles: Roles, static: Sequence[str], time_unit: str | None, gaps: str
) -> dict[str, Any]:
    """Check a long table and return the fields of a SeriesTable.

    Args:
        roles: of its columns; the features are the static ones first.
        static, time_unit, gaps: as in ``SeriesTable.from_frame``.
    """
    if gaps not in ("raise", "keep"):
        raise ConfigError(f"gaps={gaps!r} does not exist; use 'raise' or 'keep'")
    frame, time, group = as_frame(frame), roles.time, roles.groups
    frames.check_columns(frame, [time, *([group] if group else [])], "time or group")
    static = tuple(static)
    # Numbers of time are no stamps; they are read apart.
    arrays = collect(frame, replace(roles, time=None) if time_unit else roles)
    _refuse_profiles(arrays)
    stamps = arrays.time if time_unit is None else _numbers(frame, time)
    assert stamps is not None  # collect was given the column
    labels, codes = _groups(frame, group)
    # By group, then by time within it.
    order = np.lexsort((stamps, codes))
    _check_times(stamps, codes, order, labels, frame.index, gaps)
    _check_static(arrays, codes, order, labels, len(static), frame.index)
    return _padded(arrays, stamps, codes, order, labels, len(static)) | {
        "static_names": static,
        "feature_names": tuple(roles.features)[len(static) :],
        "time_unit": time_unit or "d",
        "group_column": group,
        "time_column": time,
    }


def _refuse_profiles(arrays: Arrays) -> None:
    for name, values in arrays.forcings.items():
        if values.ndim != 1:
            raise DataError(
                f"forcing {name!r} has shape {values.shape}; a series has one value a row"
            )


def _numbers(frame: pd.DataFrame, time: str) -> np.ndarray:
    """Return a time column of numbers."""
    values = frames.numeric_column(frame, time)
    if np.isnan(values).any():
        where = row_name(frame.index, int(np.isnan(values).argmax()))
        raise DataError(
            f"time column {time!r} is empty in {where}; give every row a time"
        )
    return values


def _groups(frame: pd.DataFrame, group: str | None) -> tuple[list[str], np.ndarray]:
    if group is None:
        return ["all"], np.zeros(len(frame), dtype=np.int64)
    codes, labels = label_codes(frame[group], frame.index, f"group column {group!r}")
    return labels, codes


def _check_times(
    stamps: np.ndarray,
    codes: np.ndarray,
    order: np.ndarray,
    labels: Sequence[str],
    index: pd.Index,
    gaps: str,
) -> None:
    """Refuse a time that occurs twice in a group, and rows that are missing in between."""
    ahead = np.diff(stamps[order])
    same = np.diff(codes[order]) == 0
    if not same.any():
        return
    twice = same & (ahead == ahead.dtype.type(0))
    if twice.any():
        row = int(order[int(twice.argmax()) + 1])
        # Nearly all: the times are not those of the rows, and no row is one too many.
        remedy = (
            "name the column that says when each row was, or the one of the groups"
            if twice.sum() > OFTEN * same.sum()
            else "keep one of them, or their mean"
        )
        raise DataError(
            f"group {labels[codes[row]]} has two rows at {stamp_text(stamps[row])}, the "
            f"second in {row_name(index, row)} ({int(twice.sum())} such rows); {remedy}"
        )
    # The median: single gaps, however long, do not change what is usual.
    usual = np.median(ahead[same].astype(float))
    odd = same & (np.abs(ahead.astype(float) - usual) > SAME_INTERVAL * usual)
    if gaps == "raise" and odd.any():
        repeat = int(odd.argmax())
        before, row = int(order[repeat]), int(order[repeat + 1])
        raise DataError(
            f"group {labels[codes[row]]} jumps from {stamp_text(stamps[before])} to "
            f"{stamp_text(stamps[row])} in {row_name(index, row)} ({int(odd.sum())} such "
            "rows), while its rows are otherwise equally far apart; give every step a row, with an "
            "empty target where nothing was measured, or set gaps='keep' for "
            "a model with time='ode'"
        )


def _check_static(
    arrays: Arrays,
    codes: np.ndarray,
    order: np.ndarray,
    labels: Sequence[str],
    count: int,
    index: pd.Index,
) -> None:
    """Refuse a static column that changes inside a group."""
    # In the order of the groups, a change between two neighbours of one group is a
    # change inside it.
    same = np.diff(codes[order]) == 0
    for name, values in zip(
        arrays.feature_names[:count], arrays.features.T[:count], strict=True
    ):
        changed = same & (np.diff(values[order]) != 0)
        if changed.any():
            row = int(order[int(changed.argmax()) + 1])
            raise DataError(
                f"static column {name!r} changes inside group {labels[codes[row]]}, to "
                f"{values[row]:g} in {row_name(index, row)}; name it among the features "
                "that change in time, or correct the cell"
            )


def _padded(
    arrays: Arrays,
    stamps: np.ndarray,
    codes: np.ndarray,
    order: np.ndarray,
    labels: Sequence[str],
    static: int,
) -> dict[str, Any]:
    """Lay the rows of every group into a column, the last row repeated to the end."""
    lengths = np.bincount(codes, minlength=len(labels))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    within = np.arange(int(lengths.max()))[:, None]
    active = within < lengths
    # The minimum repeats the last row into the padding, so that steps there have
    # numbers.
    row_of = order[starts + np.minimum(within, lengths - 1)]  # (T, G) rows of the frame
    targets = arrays.targets[row_of]
    targets[~active] = np.nan
    return {
        "groups": tuple(labels),
        "lengths": lengths,
        "static": arrays.features[order[starts], :static],
        "features": arrays.features[row_of][..., static:],
        "forcings": {name: part[row_of] for name, part in arrays.forcings.items()},
        "targets": targets,
        "target_names": arrays.target_names,
        "time": stamps[row_of],
        "row_ids": np.where(active, row_of, -1),
        "counted": active,
        "forcing_columns": arrays.forcing_columns,
        "target_columns": arrays.target_columns,
        "units": arrays.units,
    }
