"""Numbers that mark gaps, such as -9999: declared ones are replaced, others refused."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sciren.errors import DataError

# Any repeated extreme counts as a marker where it is this many ranges of the other
# values away from them; a heavy tail repeats no value exactly, and rarely goes so far.
_FAR = 5.0
_REPEATED = 3  # a number that two rows share may be chance
_DISTINCT = 10  # fewer other values are codes (0, 1, 9), whose distances say nothing
# archives' own: ICOS and NOAA, 16-bit loggers, NetCDF's default fill value
_SPECIAL = (-6999.0, -7777.0, -8888.0, 32767.0, -32768.0, 9.969209968386869e36, 1e20)


@dataclass(frozen=True)
class Marker:
    """A number that looks like a gap marker: its count and the range of the others."""

    value: float
    count: int
    low: float
    high: float


def replace_markers(
    frame: pd.DataFrame, missing: Sequence[float | str], keep: Collection[str] = ()
) -> pd.DataFrame:
    """Return a frame in which declared markers are missing values.

    Args:
        frame: any columns; numbers in text columns are compared by value too.
        missing: numbers or words.
        keep: columns that are left as they are, such as ids.
    """
    if not missing:
        return frame
    words = {m.strip() for m in missing if isinstance(m, str)}
    numbers = np.array(
        [m for m in missing if not isinstance(m, str)]
        + [float(w) for w in words if _is_float(w)]
    )
    changed = {}
    for name in frame.columns:
        if name in keep:
            continue
        column = pd.Series(frame[name])
        if pd.api.types.is_bool_dtype(column) or column.dtype.kind in "mM":
            continue
        if pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(dtype=float, na_value=np.nan)
            gap = _equal(values, numbers)
            if gap.any():
                changed[name] = np.where(gap, np.nan, values)
            continue
        # Numbers in text columns are compared by value: -9999 and "-9999.0" are one
        # marker.
        texts = column.astype(str).str.strip()
        numeric = pd.Series(pd.to_numeric(texts, errors="coerce"))
        values = numeric.to_numpy(dtype=float, na_value=np.nan)
        gap = texts.isin(words).to_numpy() | _equal(values, numbers)
        if gap.any():
            changed[name] = column.where(~gap, None)
    # assign makes a new frame; the units stand in the attributes of the old one.
    attributes = frame.attrs
    frame = frame.assign(**changed) if changed else frame
    frame.attrs = attributes
    return frame


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _equal(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Where a value is one of the numbers, but for the rounding of single precision."""
    gap = np.zeros(len(values), dtype=bool)
    for number in numbers:
        # -9999 in single precision is exact, 1e20 is not.
        gap |= np.abs(values - number) <= 1e-6 * abs(number)
    return gap


def undeclared_marker(values: np.ndarray, data: Sequence[float] = ()) -> Marker | None:
    """Return a repeated extreme far outside the other values, or None.

    Args:
        values: (n,) numbers, nan = missing.
        data: numbers that were declared as data.
    """
    known = values[np.isfinite(values)]
    distinct, counts = np.unique(known, return_counts=True)
    # markers of several kinds (-9999 and -6999) stand side by side: compare each with
    # what looks like none
    first, last = 0, len(distinct) - 1
    # Skip all that looks like a marker on either side; what is left is the measured
    # range.
    while first < last and _looks_like_one(distinct[first]):
        first += 1
    while last > first and _looks_like_one(distinct[last]):
        last -= 1
    # A marker is an extreme: the smallest or the largest value.
    for k in (0, len(distinct) - 1):
        # All others, those that look like markers left out.
        others = distinct[
            max(first, k == 0) : min(last, len(distinct) - 1 - (k > 0)) + 1
        ]
        if not len(others) or distinct[k] in data:
            continue
        marker = Marker(
            float(distinct[k]), int(counts[k]), float(others[0]), float(others[-1])
        )
        if _is_usual(marker) or _is_strange(marker, len(others)):
            return marker
    return None


def marker_beyond(
    values: np.ndarray, low: float, high: float, data: Sequence[float] = ()
) -> Marker | None:
    """Return a number that archives write into gaps, far outside a known range, or None.

    Args:
        values: (n,) numbers of new rows, nan = missing;  low, high: of earlier ones.
        data: numbers that were declared as data.
    """
    outside = values[(values < low) | (values > high)]
    for value, count in zip(*np.unique(outside, return_counts=True), strict=True):
        marker = Marker(float(value), int(count), low, high)
        if value not in data and _is_usual(marker):
            return marker
    return None


def _is_usual(marker: Marker) -> bool:
    """A number that archives use, farther from the others than these from each other."""
    away = max(marker.low - marker.value, marker.value - marker.high)
    return _looks_like_one(marker.value) and away > marker.high - marker.low


def _is_strange(marker: Marker, distinct: int) -> bool:
    """Any other repeated number; zero is too common as a measurement."""
    away = max(marker.low - marker.value, marker.value - marker.high)
    repeated = marker.count >= _REPEATED and marker.value != 0 and distinct >= _DISTINCT
    return repeated and away > _FAR * (marker.high - marker.low)


def _looks_like_one(value: float) -> bool:
    """Whether a number is what archives and loggers write into gaps."""
    if any(abs(value - special) <= 1e-6 * abs(special) for special in _SPECIAL):
        return True
    # Four nines or more: -9999, 99999, 999.9.
    digits = f"{abs(value):.6f}".rstrip("0").replace(".", "")
    return len(digits) >= 4 and set(digits) == {"9"}


def refuse_markers(
    columns: Mapping[str, np.ndarray], data: Sequence[float] = ()
) -> None:
    """Refuse columns that hold an undeclared gap marker.

    Args:
        columns: name -> (n,) numbers.
        data: numbers that were declared as data.
    Raises:
        DataError: names column, number and the keys that declare it.
    """
    for name, values in columns.items():
        marker = undeclared_marker(values, data)
        if marker is None:
            continue
        number = f"{marker.value:.15g}"
        raise DataError(
            f"column {name!r} is {number} in {marker.count} of {len(values)} rows, far "
            f"from the others ({marker.low:g} to {marker.high:g}); if that marks gaps set "
            f"data: {{missing: [{number}]}}, if it was measured set "
            f"data: {{not_missing: [{number}]}} (from_frame: gap_markers, not_missing)"
        )
