"""Tables as flux networks write them: FLUXNET2015, AmeriFlux BASE, ICOS and REddyProc.

Stamps become the middle of their interval in a column ``time``, -9999 a gap, filled
values go by their quality flag, and columns of the networks' lists of variables get
their units. References: Pastorello et al. 2020 (Scientific Data 7, 225) for the
variables and flags of FLUXNET2015; Wutzler et al. 2018 (Biogeosciences 15, 5015) for
REddyProc.
"""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sciren.data.stamps import time_column
from sciren.errors import DataError

if TYPE_CHECKING:
    from discovery.config.data import DataSettings
    from discovery.config.reading import ReadingSettings

TIME = "time"
DAY, YEAR = dt.timedelta(days=1), dt.timedelta(days=360)  # the shortest calendar's
QUALITY = 1  # measured (0) or filled with good confidence (1); 2 and 3 are poorer fills
GOOD_SHARE = 0.5  # daily files: flags are the share of half hours that are 0 or 1

_FLUX, _POWER = "umol m-2 s-1", "W m-2"
UNITS: Mapping[str, str] = {
    "TA": "degC", "TS": "degC", "T_SONIC": "degC", "T_CANOPY": "degC", "RH": "%",
    "VPD": "hPa", "PA": "kPa", "P": "mm", "WS": "m s-1", "WD": "deg", "USTAR": "m s-1",
    "SW_IN": _POWER, "SW_OUT": _POWER, "SW_DIF": _POWER, "LW_IN": _POWER,
    "LW_OUT": _POWER, "NETRAD": _POWER, "G": _POWER, "H": _POWER, "LE": _POWER,
    "SH": _POWER, "SLE": _POWER, "SB": _POWER, "ALB": "%", "PPFD_IN": _FLUX,
    "PPFD_OUT": _FLUX, "PPFD_DIF": _FLUX, "APAR": _FLUX, "SWC": "%", "WTD": "m",
    "D_SNOW": "cm", "CO2": "umol mol-1", "H2O": "mmol mol-1", "FC": _FLUX, "SC": _FLUX,
    "NEE": _FLUX, "RECO": _FLUX, "GPP": _FLUX, "FCH4": "nmol m-2 s-1",
    "TAU": "kg m-1 s-2", "MO_LENGTH": "m",
}  # fmt: skip
_REDDYPROC_UNITS = {
    "umolm-2s-1": _FLUX, "umol_m-2_s-1": _FLUX, "Wm-2": _POWER, "W_m-2": _POWER,
    "ms-1": "m s-1", "m_s-1": "m s-1", "degC": "degC", "°C": "degC", "%": "%",
    "hPa": "hPa", "kPa": "kPa",
}  # fmt: skip
_CARBON = ("NEE", "RECO", "GPP")  # daily and longer files count them in grams


def time_of(data: "DataSettings") -> str | None:
    """Return the column of time stamps; a known format makes one."""
    return data.time or (TIME if data.format is not None else None)


def in_common_form(
    frame: pd.DataFrame, settings: "ReadingSettings", source: Any
) -> pd.DataFrame:
    """Return the table with ``time``, without doubtful values, with units.

    Args:
        frame: as it was read, gaps as nan.
        settings: format, quality and daily.
        source: for messages.
    Raises:
        DataError: the columns that the format needs are not there.
    """
    if settings.format is None:
        return frame
    read = _fluxnet if settings.format == "fluxnet" else _reddyproc
    quality = QUALITY if settings.quality is None else settings.quality
    frame, step = read(frame, source)
    frame = _without_doubtful(frame, quality, step)
    # Files of days are as they are wanted already.
    if settings.daily is not None and step < DAY:
        frame = _daily(frame, settings.daily, step)
    return frame


def _fluxnet(frame: pd.DataFrame, source: Any) -> tuple[pd.DataFrame, dt.timedelta]:
    starts, ends = "TIMESTAMP_START", "TIMESTAMP_END"
    if {starts, ends} <= set(frame.columns):
        first, last = (_stamps(frame, name) for name in (starts, ends))
        step = _length(last - first)
        # Fluxes are means of an interval: the middle is the time that they stand for.
        middle = first + (last - first) // 2
    elif "TIMESTAMP" in frame.columns:
        middle = _stamps(frame, "TIMESTAMP")
        # Files of days, weeks, months and years have one stamp, the date.
        step = _length(np.diff(middle)) if len(middle) > 1 else DAY
        step = max(step, DAY)
    else:
        raise DataError(
            f"{source}: format fluxnet needs the columns {starts} and {ends}, or "
            f"TIMESTAMP; the table begins with {', '.join(map(str, frame.columns[:4]))}"
        )
    per = "" if step < DAY else "yr" if step >= YEAR else "d"
    units = {
        str(name): unit
        for name in frame.columns
        if (unit := fluxnet_unit(str(name), per))
    }
    return _with_time(frame, middle, units), step


def fluxnet_unit(name: str, per: Literal["", "d", "yr"] = "") -> str:
    """Return the unit of a variable of FLUXNET or AmeriFlux; empty for none.

    Args:
        name: such as ``TA_F``, ``NEE_VUT_REF`` or ``SWC_1_2_1``.
        per: "d" in files of days, weeks or months, "yr" in those of years, which count
            carbon in grams and rain in sums; "" in those of half hours.
    """
    if name.endswith(("_QC", "_METHOD", "_SSITC_TEST")):
        return ""
    bases = [base for base in UNITS if name == base or name.startswith(f"{base}_")]
    if not bases:
        return ""
    base = max(bases, key=len)
    if per and base in _CARBON:
        return f"gC m-2 {per}-1"
    return f"mm {per}-1" if per and base == "P" else UNITS[base]


def _stamps(frame: pd.DataFrame, name: str) -> np.ndarray:
    return time_column(frame[name], frame.index, name)


def _reddyproc(frame: pd.DataFrame, source: Any) -> tuple[pd.DataFrame, dt.timedelta]:
    """Stamps of REddyProc are the ends of their intervals."""
    from sciren.data.frames import numeric_column

    names = ("Year", "DoY", "Hour")
    written = next((n for n in ("DateTime", "Date Time") if n in frame.columns), None)
    if set(names) <= set(frame.columns):
        year, day, hour = (numeric_column(frame, name) for name in names)
        for name, values in zip(names, (year, day, hour), strict=True):
            if np.isnan(values).any():
                row = int(np.isnan(values).argmax())
                raise DataError(f"{source}: column {name!r} has no value in row {row}")
        ends = (
            # Day of year counts from 1; hours of 24 run into the next day by
            # themselves.
            (year - 1970).astype("datetime64[Y]").astype("datetime64[ns]")
            + np.round((day - 1) * 86_400 + hour * 3_600).astype("timedelta64[s]")
        )  # fmt: skip
    elif written is not None:
        ends = _stamps(frame, written)
    else:
        raise DataError(
            f"{source}: format reddyproc needs the columns Year, DoY and Hour, or "
            f"DateTime; the table begins with {', '.join(map(str, frame.columns[:4]))}"
        )
    step = _length(np.diff(ends))
    units = {
        name: str(_REDDYPROC_UNITS.get(unit, unit))
        for name, unit in frame.attrs.get("units", {}).items()
        if name not in names
    }
    return _with_time(frame, ends - np.timedelta64(step) // 2, units), step


def _length(steps: np.ndarray) -> dt.timedelta:
    """Return the usual length of the intervals; zero where it is not known."""
    seconds = steps.astype("timedelta64[s]").astype(float)
    # The median is not moved by gaps in the record.
    return dt.timedelta(seconds=float(np.median(seconds)) if len(seconds) else 0.0)


def _with_time(
    frame: pd.DataFrame, middle: np.ndarray, units: Mapping[str, str]
) -> pd.DataFrame:
    notes = [*frame.attrs.get("notes", ()), "time is the middle of each interval"]
    frame = frame.assign(**{TIME: middle})
    frame.attrs = {"units": dict(units), "notes": notes}
    return frame


def _without_doubtful(
    frame: pd.DataFrame, quality: int, step: dt.timedelta
) -> pd.DataFrame:
    """Leave values empty whose quality flag is above the highest that is kept."""
    emptied: dict[str, int] = {}
    changed = {}
    for name in map(str, frame.columns):
        flags = next((f for f in _flag_names(name) if f in frame.columns), None)
        if flags is None or not pd.api.types.is_numeric_dtype(frame[name]):
            continue
        flag = frame[flags].to_numpy(dtype=float, na_value=np.nan)
        # Flags mean opposite things: in daily files a share that should be high, in
        # half hours a rank of poor fills. A missing flag compares false and keeps its
        # value.
        bad = flag < GOOD_SHARE if step >= DAY else flag > quality
        values = frame[name].to_numpy(dtype=float, na_value=np.nan)
        emptied[name] = int((bad & ~np.isnan(values)).sum())
        changed[name] = np.where(bad, np.nan, values)
    # assign may drop attrs, which hold units and notes.
    attributes = frame.attrs
    frame = frame.assign(**changed)
    frame.attrs = attributes
    if emptied:
        rule = (
            f"with less than {GOOD_SHARE:.0%} good half hours"
            if step >= DAY
            else f"with a quality flag above {quality}"
        )
        shown = ", ".join(
            f"{name} {count:,}" for name, count in emptied.items() if count
        )
        frame.attrs["notes"].append(f"left values empty {rule}: {shown or 'none'}")
    return frame


def _flag_names(name: str) -> tuple[str, ...]:
    """Where a network writes the flag of a column: TA_F -> TA_F_QC, NEE_f -> NEE_fqc."""
    return (f"{name}_QC", f"{name}qc") if name.endswith("_f") else (f"{name}_QC",)


def _daily(frame: pd.DataFrame, share: float, step: dt.timedelta) -> pd.DataFrame:
    """Return means of days; precipitation is summed. Days with fewer values are empty."""
    needed = share * (DAY / step)
    day = frame[TIME].dt.floor("D")
    numbers = frame.drop(columns=[TIME]).select_dtypes("number")
    stamps = [n for n in numbers if str(n).startswith("TIMESTAMP")]
    # Stamps as numbers (201501010030) are no amounts.
    groups = numbers.drop(columns=stamps).groupby(day)
    # the slack is for rounding: 0.8 of 48 half hours are 38.400000000000006
    enough = groups.count() >= needed - 1e-9
    means = pd.DataFrame(groups.mean()).where(enough)
    units = dict(frame.attrs["units"])
    for name in means.columns:
        if units.get(name) == "mm":
            # Sum of a day from its mean: an estimate also where some half hours are
            # missing.
            means[name] *= DAY / step
            units[name] = "mm d-1"
    daily = means.reset_index()
    notes = [
        *frame.attrs["notes"],
        f"{len(daily):,} days from {len(frame):,} rows, with at least {share:.0%} of a "
        "day's values",
    ]
    daily.attrs = {"units": units, "notes": notes}
    return daily
