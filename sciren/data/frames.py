"""Checks of a DataFrame on its way into a Table: each failure names column, row, value.

Pandas and numpy only. Every function returns float64, int64 or datetime64[ns] arrays.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sciren.errors import ColumnError, DataError, ShapeError, closest_names

_TIME_FORMATS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def row_name(index: pd.Index, position: int) -> str:
    """Return how a message calls one row: by its label in the frame's index."""
    label = index[position]
    if isinstance(label, (int, np.integer)):
        return f"row {label} (the first row is 0)"
    return f"row {label}"


def check_unique_columns(frame: pd.DataFrame) -> None:
    """Refuse a frame in which two columns share a name.

    Raises:
        DataError: names the columns that occur more than once.
    """
    twice = list(dict.fromkeys(frame.columns[frame.columns.duplicated()]))
    if twice:
        names = ", ".join(repr(name) for name in twice)
        raise DataError(f"columns occur more than once: {names}; rename or remove them")


def check_columns(frame: pd.DataFrame, names: Sequence[str], role: str) -> None:
    """Refuse names that are no column of the frame, or that are listed twice.

    Raises:
        ColumnError: a column is missing; the message gives the closest names.
        DataError: a name is listed twice.
    """
    for name in names:
        if name not in frame.columns:
            raise ColumnError(
                f"{role} {name!r} is not a column of the data. "
                f"{closest_names(name, map(str, frame.columns))}"
            )
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise DataError(f"{role} {twice[0]!r} is listed twice; name each column once")


def numeric_column(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return one column as (n,) float64; empty cells become nan.

    Raises:
        DataError: the column holds text, dates, complex numbers or infinities; names
            the first such row and its value.
    """
    column = pd.Series(frame[name])
    if column.dtype.kind in "mMc":
        raise DataError(
            f"column {name!r} holds {column.dtype} values, not numbers; "
            "name a numeric column or convert it"
        )
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = _numbers_in_text(column, name)
    infinite = np.isinf(values)
    if infinite.any():
        where = row_name(frame.index, int(infinite.argmax()))
        raise DataError(
            f"column {name!r} is infinite in {where} ({_share(infinite)}); "
            "leave the cell empty or remove the row"
        )
    return values


def _numbers_in_text(column: pd.Series, name: str) -> np.ndarray:
    raw = column.astype(object)
    numbers = pd.Series(pd.to_numeric(raw, errors="coerce"))
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    text = np.isnan(values) & raw.notna().to_numpy()
    if text.any():
        first = int(text.argmax())
        value = raw.iloc[first]
        comma = isinstance(value, str) and re.fullmatch(r"\s*-?\d*,\d+\s*", value)
        advice = "write decimals with a point" if comma else "write a number"
        raise DataError(
            f"column {name!r} holds text in {row_name(column.index, first)}: "
            f"{str(value)[:40]!r} ({_share(text)}); {advice} or leave the cell empty"
        )
    return values


def _share(bad: np.ndarray) -> str:
    return f"{int(bad.sum())} of {len(bad)} rows"


def time_column(values: Any, index: pd.Index, name: str = "time") -> np.ndarray:
    """Return time stamps as (n,) datetime64[ns].

    Reads datetimes, ISO 8601 text, and integers written as YYYYMMDDHHMM (or a shorter
    part of it). A time zone is dropped and the local clock time kept.

    Raises:
        DataError: a stamp is missing or cannot be read; names the first such row.
    """
    series = pd.Series(values)
    if pd.api.types.is_integer_dtype(series):
        digits = {len(text) for text in series.astype(str)}
        layout = _TIME_FORMATS.get(digits.pop()) if len(digits) == 1 else None
    elif pd.api.types.is_numeric_dtype(series):
        layout = None
    else:
        layout = "ISO8601"
    if layout is None:
        raise DataError(
            f"time column {name!r} holds plain numbers; "
            "write dates such as 2013-01-31T00:15 or 201301310015"
        )
    raw = series.astype(str) if layout != "ISO8601" else series
    try:
        stamps = pd.DatetimeIndex(pd.to_datetime(raw, format=layout, errors="coerce"))
        stamps = stamps.tz_localize(None).as_unit("ns")
    except (ValueError, TypeError) as error:
        raise DataError(
            f"time column {name!r} cannot be read as dates ({error}); write every "
            "date as 2013-01-31T00:15, in one time zone, between 1678 and 2261"
        ) from error
    if stamps.hasnans:
        first = int(stamps.isna().argmax())
        raise DataError(
            f"time column {name!r} has {str(series.iloc[first])[:40]!r} in "
            f"{row_name(index, first)}; write a date such as 2013-01-31T00:15"
        )
    return stamps.to_numpy()


def week_blocks(time: np.ndarray) -> np.ndarray:
    """Return (n,) int64 calendar weeks (Monday to Sunday), numbered from 0 in time."""
    days = time.astype("datetime64[D]").astype(np.int64)
    return consecutive((days + 3) // 7)  # day 0, 1 January 1970, was a Thursday


def consecutive(ids: np.ndarray) -> np.ndarray:
    """Return the same grouping with ids 0, 1, 2, ... in sorted order, (n,) int64."""
    return np.unique(ids, return_inverse=True)[1].astype(np.int64)


def group_blocks(groups: Any, index: pd.Index, name: str = "groups") -> np.ndarray:
    """Return (n,) int64 ids of groups such as sites, numbered from 0 in sorted order.

    Raises:
        DataError: a row has no group.
    """
    codes = np.asarray(pd.factorize(pd.Series(groups), sort=True)[0], dtype=np.int64)
    if (codes < 0).any():
        where = row_name(index, int((codes < 0).argmax()))
        raise DataError(f"{name} has no value in {where}; give every row a group")
    return codes


def check_weights(weights: np.ndarray, index: pd.Index) -> np.ndarray:
    """Return row weights as they are, after checking that they can be used.

    Raises:
        DataError: a weight is missing, infinite or negative, or all are zero.
    """
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        first = int(bad.argmax())
        raise DataError(
            f"weight {weights[first]} in {row_name(index, first)} is not usable; "
            "weights must be finite and not negative"
        )
    if not weights.any():
        raise DataError("all weights are zero; give at least one row a positive weight")
    return weights


def leading_rows(values: Any, rows: int, name: str) -> np.ndarray:
    """Return an array with one leading entry a row, as numpy.

    Raises:
        ShapeError: the array has another number of rows.
    """
    if hasattr(values, "detach"):  # a tensor, wherever it lives
        values = values.detach().cpu()
    array = np.asarray(values)
    if array.ndim == 0 or len(array) != rows:
        found = "a single value" if array.ndim == 0 else f"{len(array)} rows"
        raise ShapeError(f"{name} has {found}, the data have {rows} rows")
    return array
