"""Checks of a DataFrame on its way into a Table: each failure names column, row, value.

Pandas and numpy only. Every function returns float64, int64 or datetime64[ns] arrays.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sciren.data.labels import row_name
from sciren.data.text_cells import advice_on_text
from sciren.errors import ColumnError, DataError, ShapeError, closest_names

LEAST_SCORED = 3  # observations: a variance of two has one degree of freedom
# a spread this small against the values is rounding, some 5,000 times that of a double
ROUNDING = 1e-12


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
    # Dates would turn into nanoseconds, complex numbers lose their imaginary part.
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
    # Empty cells are gaps; a cell that is not empty and no number is text.
    text = np.isnan(values) & raw.notna().to_numpy()
    if text.any():
        first = int(text.argmax())
        value = raw.iloc[first]
        raise DataError(
            f"column {name!r} holds text in {row_name(column.index, first)}: "
            f"{str(value)[:40]!r} ({_share(text)}); {advice_on_text(raw[text].tolist(), name)}"
        )
    return values


def _share(bad: np.ndarray) -> str:
    return f"{int(bad.sum())} of {len(bad)} rows"


def has_one_value(seen: np.ndarray) -> bool:
    """Whether numbers without gaps are one value up to rounding.

    Fewer than `LEAST_SCORED` are too few to tell.
    """
    return len(seen) >= LEAST_SCORED and bool(
        np.ptp(seen) <= ROUNDING * np.abs(seen).max()
    )


def week_blocks(time: np.ndarray) -> np.ndarray:
    """Return (n,) int64 calendar weeks (Monday to Sunday), numbered from 0 in time."""
    return consecutive(calendar_weeks(time))


def calendar_weeks(time: np.ndarray) -> np.ndarray:
    """Return (n,) int64 calendar weeks, counted from that of 1 January 1970."""
    days = time.astype("datetime64[D]").astype(np.int64)
    return (days + 3) // 7  # day 0 was a Thursday


def consecutive(ids: np.ndarray) -> np.ndarray:
    """Return the same grouping with ids 0, 1, 2, ... in sorted order, (n,) int64."""
    return np.unique(ids, return_inverse=True)[1].astype(np.int64)


# a row of the smallest weight then counts as much as rounding does in a sum of the largest
WEIGHT_RANGE = 1e12


def _check_range(weights: np.ndarray) -> None:
    """Refuse weights of which some leave nothing of the others.

    Raises:
        DataError: the largest is more than WEIGHT_RANGE times the smallest above zero.
    """
    # Zero leaves a row out on purpose and has no ratio to others.
    some = weights[weights > 0]
    if len(some) and some.max() > WEIGHT_RANGE * some.min():
        raise DataError(
            f"weights go from {some.min():.3g} to {some.max():.3g}, so that single rows "
            f"rule alone; keep them within a factor of {WEIGHT_RANGE:g}"
        )


def check_weights(weights: np.ndarray, index: pd.Index) -> np.ndarray:
    """Return row weights as they are, after checking that they can be used.

    Raises:
        DataError: a weight is missing, infinite or negative, all are zero, or they span
            more than WEIGHT_RANGE.
    """
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        first = int(bad.argmax())
        raise DataError(
            f"weight {weights[first]} in {row_name(index, first)} is not usable; "
            "weights must be finite and not negative"
        )
    _check_range(weights)
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
        shape = "a single value" if array.ndim == 0 else f"{len(array)} rows"
        raise ShapeError(f"{name} has {shape}, the data have {rows} rows")
    return array


def coordinates(lon: Any, lat: Any, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return degrees east and north, (n,) each, after checking them.

    Args:
        kind: what is located, for the message ("row", "place").
    Raises:
        DataError: a coordinate is missing or outside the globe.
        ShapeError: lon and lat differ in length.
    """
    east, north = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if east.shape != north.shape or east.ndim != 1 or len(east) == 0:
        raise ShapeError(
            f"lon has shape {east.shape}, lat {north.shape}; need (n,) both"
        )
    # Longitudes are given as -180 to 180 or 0 to 360; negated so that nan is wrong.
    bad = ~((np.abs(east) <= 360) & (np.abs(north) <= 90))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{kind} {row} lies at lon {east[row]}, lat {north[row]}; "
            "give degrees east (-180 to 360) and north (-90 to 90)"
        )
    return east, north
