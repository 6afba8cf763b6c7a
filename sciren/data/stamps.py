"""Time stamps: ISO dates, digits, other formats, time zones; missing ones are named."""

import datetime as dt
import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from sciren.data.labels import refuse_missing, row_name
from sciren.data.zones import zone_named
from sciren.errors import DataError, DataWarning

# archives such as FLUXNET write YYYYMMDDHHMM or a shorter part of it
_DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# of spreadsheets and data loggers, offered where one fits every row
_PROPOSED = tuple(
    f"{day}{clock}"
    for day in (
        "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d",
        "%Y.%m.%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y-%m-%d", "%d-%m-%y",
        "%d-%b-%Y", "%d %b %Y",
        "%b %d %Y", "%Y%j", "%Y-%j",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p")
)  # fmt: skip
# ISO 8601 until 2019, and loggers: the end of a day, which is the beginning of the next
_MIDNIGHT = re.compile(r"(?<=[T ])24(?=:?00(?::?00(?:\.0+)?)?(?![\d.:]))")
_MIDNIGHT_DIGITS = re.compile(r"(?<=^\d{8})24(?=00(?:00)?$)")
# days since 30 December 1899 between 1954 and 2064, as spreadsheets store dates
_SPREADSHEET = (20_000, 60_000)
_WITH_OFFSET = r"\d[T ]\d\d(?::?\d\d){0,2}(?:\.\d+)? ?(?:Z|[+-]\d\d(?::?\d\d)?)$"


class PlainNumbersError(DataError):
    """A time column counts in some unit and holds no dates."""


def time_column(
    values: Any,
    index: pd.Index,
    name: str = "time",
    layout: str | None = None,
    timezone: str | None = None,
) -> np.ndarray:
    """Return time stamps as (n,) datetime64[ns], local clock time.

    Reads datetimes, ISO 8601 text, and digits written as YYYYMMDDHHMM (or a shorter part
    of it), as whole numbers or text; other text with its format.

    Args:
        values: (n,) stamps.
        index: labels of the rows, for messages.
        name: of the column, for messages.
        layout: format of the stamps, such as ``%d.%m.%Y %H:%M``.
        timezone: zone to which stamps with an offset are brought, such as ``+01:00``
            or ``Europe/Zurich``; without it their clock time is kept with a warning, and
            they must have one offset.
    Raises:
        ConfigError: no such time zone.
        DataError: a stamp is missing or cannot be read; names the first such row, and
            proposes the format that fits all rows.
    """
    series = pd.Series(values).reset_index(drop=True)
    label = f"time column {name!r}"
    refuse_missing(_missing(series), index, label, "time")
    if layout is None and not pd.api.types.is_datetime64_any_dtype(series):
        # pandas would read 201301310015 as nanoseconds since 1970.
        series, layout = _digits(series, label)
    zone = None if timezone is None else zone_named(timezone)
    try:
        stamps = _read(series, layout, zone, label)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{label} cannot be read as dates ({error}); write every date as "
            "2013-01-31T00:15, in one time zone (or name it, data.timezone), between "
            "1678 and 2261"
        ) from error
    if stamps.hasnans:
        first = int(stamps.isna().argmax())
        raise DataError(
            f"{label} has {str(series.iloc[first])[:40]!r} in {row_name(index, first)}; "
            f"{_advice(series, layout)}"
        )
    return stamps.to_numpy()


def _missing(series: pd.Series) -> np.ndarray:
    empty = series.isna().to_numpy()
    if series.dtype == object or pd.api.types.is_string_dtype(series):
        empty = empty | (series.astype(str).str.strip() == "").to_numpy()
    return empty


def _digits(series: pd.Series, label: str) -> tuple[pd.Series, str]:
    """Return stamps as text and their format, where they are written in digits."""
    if pd.api.types.is_bool_dtype(series) or series.dtype.kind in "mc":
        raise DataError(f"{label} holds {series.dtype} values, not dates")
    if pd.api.types.is_numeric_dtype(series):
        numbers = series.to_numpy(dtype=float)
        whole = bool((numbers == np.round(numbers)).all())
        texts = pd.Series([f"{v:.0f}" for v in numbers]) if whole else None
    else:
        texts = series.astype(str).str.strip()
        # Whole numbers that passed through a float column end with .0.
        texts = texts.str.replace(r"\.0+$", "", regex=True)
        if not texts.str.fullmatch(r"[+-]?\d+(\.\d+)?").all():
            return series, "ISO8601"
    # One length in all rows, or the same digits would mean day here and month there.
    lengths = set() if texts is None else {len(text) for text in texts}
    layout = _DIGITS.get(next(iter(lengths))) if len(lengths) == 1 else None
    if texts is None or layout is None:
        low, high = _SPREADSHEET
        numbers = np.asarray(pd.to_numeric(series, errors="coerce"), dtype=float)
        days = (
            " (days of a spreadsheet?)"
            if ((numbers > low) & (numbers < high)).all()
            else ""
        )
        raise PlainNumbersError(
            f"{label} holds plain numbers{days}; write dates such as 2013-01-31T00:15 or "
            "201301310015, or name their format, data.time_format"
        )
    return texts, layout


def _read(
    series: pd.Series, layout: str | None, zone: dt.tzinfo | None, label: str
) -> pd.DatetimeIndex:
    if layout is not None and layout != "ISO8601":
        series = series.astype(str).str.strip()
    series, late = _without_24(series)
    # Without a zone the clock time is kept, as it stands in the file.
    aware = zone is not None and _has_offsets(series, layout)
    if not aware and layout == "ISO8601":
        _refuse_offsets(series)
    stamps = pd.DatetimeIndex(
        pd.to_datetime(series, format=layout, errors="coerce", utc=aware)
    )
    if late.any():
        stamps = pd.DatetimeIndex(
            pd.Series(stamps).where(~late, stamps + pd.Timedelta(days=1))
        )
    if stamps.tz is not None and zone is None:
        warnings.warn(
            f"{label} is written with its offset from UTC ({stamps.tz}), and its clock time "
            "is used as it stands; name the clock that you mean, data.timezone",
            DataWarning,
            stacklevel=3,
        )
    elif stamps.tz is not None:
        stamps = stamps.tz_convert(zone)
    return stamps.tz_localize(None).as_unit("ns")


def _without_24(series: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Return stamps with 00:00 for 24:00, and where (n,) that was: one day is missing."""
    late = np.zeros(len(series), dtype=bool)
    if series.dtype.kind in "mMiufb":
        return series, late
    texts = series.astype(str)
    for pattern in (_MIDNIGHT, _MIDNIGHT_DIGITS):
        here = texts.str.contains(pattern.pattern, regex=True).to_numpy(dtype=bool)
        if here.any():
            late |= here
            texts = texts.str.replace(pattern, "00", regex=True)
    return (texts, late) if late.any() else (series, late)


def _refuse_offsets(series: pd.Series) -> None:
    """Refuse stamps of several offsets, as before and after a change to summer time.

    Raises:
        ValueError: they have no order on one clock that is not named.
    """
    if series.dtype.kind in "mM":
        return
    # Offsets are looked for behind a time of day: the -05 at the end of 2013-05 is a
    # month.
    offsets = series.astype(str).str.extract(r"\d\d ?(Z|[+-]\d\d(?::?\d\d)?)$")[0]
    offsets = offsets[
        series.astype(str).str.contains(r"\d[T ]\d\d", regex=True)
    ].dropna()
    different = sorted(set(offsets))
    if len(different) > 1:
        raise ValueError(
            f"they have the offsets {' and '.join(different[:3])} from UTC; name one clock, "
            f'data: {{timezone: "{different[0]}"}} or such as Europe/Zurich'
        )


def _has_offsets(series: pd.Series, layout: str | None) -> bool:
    """Whether the stamps carry an offset from UTC; those without are local already.

    Raises:
        ValueError: some do and some do not.
    """
    if layout != "ISO8601":
        return layout is not None and "%z" in layout
    offset = series.astype(str).str.strip().str.contains(_WITH_OFFSET, regex=True)
    # Clock times with and without an offset cannot be put into one order.
    if offset.any() and not offset.all():
        first = int((~offset).to_numpy().argmax())
        raise ValueError(f"{series.iloc[first]!r} has no offset from UTC, others have")
    return bool(offset.all())


def _advice(series: pd.Series, layout: str | None) -> str:
    """Propose the formats that fit every row, or show what is expected."""
    # One format that fits every row is a remedy; several are a question to the user.
    texts = series.astype(str).str.strip()
    fitting = [
        proposed
        for proposed in _PROPOSED
        if proposed != layout and _fits(texts, proposed)
    ]
    if len(fitting) == 1:
        return f'every row fits time_format, set data: {{time_format: "{fitting[0]}"}}'
    if fitting:
        shown = " and ".join(f'"{pattern}"' for pattern in fitting)
        return f"several formats fit every row, {shown}; say which, data.time_format"
    if layout not in (None, "ISO8601"):
        return f"the format of the stamps is {layout!r}; correct the cell or the format"
    return "write a date such as 2013-01-31T00:15, or name the format, data.time_format"


def _fits(texts: pd.Series, layout: str) -> bool:
    # Twenty rows rule most formats out before all rows are read.
    texts, _ = _without_24(texts)
    head = pd.to_datetime(texts.iloc[:20], format=layout, errors="coerce")
    if head.isna().any():
        return False
    return not pd.to_datetime(texts, format=layout, errors="coerce").isna().any()
