"""Half-hourly air temperature: a surrogate, and measured series laid on the record."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pandas as pd

from sciren.datasets.solar import half_hours
from sciren.errors import DataError

FIRST_YEAR, LAST_YEAR = 2003, 2011
"""Years of the published synthetic record, whole years."""

ROWS = 157_776
"""Half-hours of the record, two leap days included."""

# Degrees C; chosen so that the surrogate resembles a mountain site, and compared with the
# CH-Dav tower by the correlations with radiation below.
MEAN, ANNUAL_AMPLITUDE = 6.6, 9.5
DAILY_AMPLITUDE, WEATHER_SD = 4.2, 4.2
WEATHER_DAYS = 2.5
"""Time in which the autocorrelation of the weather falls to 1/e.

At the CH-Dav tower, after annual and daily harmonics, lags of 1, 2 and 3 days give
2.6, 2.5 and 2.7 days.
"""
WARMEST_DAY, WARMEST_HOUR = 205.0, 14.7
"""Peaks of the annual (25 July) and daily harmonic, as at the CH-Dav tower."""

TOWER_CORRELATIONS = {"sw_pot": 0.647, "dsw_pot": -0.420}
"""Correlation of measured air temperature with the two radiation signals.

CH-Dav (Davos), 157,776 half-hours 2013-2021, gap-filled; sw_pot and dsw_pot by
``radiation_signals(2013, 2021, 46.815)``. The 24-hour means that come with that record
give the same numbers to 0.001.
"""

Temperature = pd.Series | np.ndarray | Sequence[float]


def surrogate_temperature(time: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Return a made-up air temperature: annual and daily cycle plus weather.

        ta = 6.6 + 9.5 cos(2 pi (day - 205)/365.25) + 4.2 cos(2 pi (hour - 14.7)/24) + w

    with w a first-order autoregression of standard deviation 4.2 and a time scale of
    2.5 days, shifted and scaled so that its sample mean and deviation are exact.

    Args:
        time: (n,) datetime64, half-hourly; default: the record 2003-2011.
        seed: of the weather.
    Returns:
        (n,) degrees C.
    """
    stamps = half_hours(FIRST_YEAR, LAST_YEAR) if time is None else time
    start = stamps[0].astype("datetime64[Y]")
    day = (stamps - start) / np.timedelta64(1, "D")
    annual = ANNUAL_AMPLITUDE * np.cos(2 * np.pi * (day - WARMEST_DAY) / 365.25)
    daily = DAILY_AMPLITUDE * np.cos(2 * np.pi * (day - WARMEST_HOUR / 24))
    memory = np.exp(-1 / (48 * WEATHER_DAYS))
    shocks = np.random.default_rng([seed, FIRST_YEAR]).normal(size=len(stamps))
    shocks[0] /= np.sqrt(1 - memory**2)  # start in the stationary state
    # w_t = memory w_(t-1) + shock: a filter written with the standard library.
    chain = accumulate(shocks.tolist(), lambda past, shock: memory * past + shock)
    weather = np.fromiter(chain, dtype=float, count=len(stamps))
    weather = WEATHER_SD * (weather - weather.mean()) / weather.std()
    return MEAN + annual + daily + weather


def lay_on_record(temperature: Temperature) -> np.ndarray:
    """Return a measured temperature as the 157,776 half-hours of 2003-2011.

    A series whose time index covers 2003-2011 is cut to these years. Any other series
    needs exactly as many values (nine whole years with two leap days, for example
    2013-2021) and is laid on the record one by one from the first half-hour on.
    Because other years have their leap days elsewhere, the season can then be off by
    one day between the two leap days; no value is left out or used twice. Stamps name
    the start or the centre of a half-hour; shift stamps that name its end.

    Args:
        temperature: (157776,) degrees C, half-hourly, or a Series with a time index.
    Raises:
        DataError: wrong number of values, a gap, text, infinite or constant values,
            or a time index that is not half-hourly from 1 January on.
    """
    series = pd.Series(np.asarray(temperature))
    if isinstance(temperature, pd.Series):
        series = pd.Series(temperature)
        if isinstance(series.index, pd.DatetimeIndex):
            series = _record_years(series, series.index.tz_localize(None))
    if len(series) != ROWS:
        raise DataError(
            f"the temperature has {len(series)} values; the record needs {ROWS} "
            "half-hours: 2003-2011, or nine other whole years with two leap days such "
            "as 2013-2021"
        )
    numbers = pd.Series(pd.to_numeric(series, errors="coerce"))
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"the temperature is {series.iloc[row]!r} at {series.index[row]} "
            f"({int(bad.sum())} such values); fill gaps before handing it in"
        )
    if np.ptp(values) == 0:
        raise DataError(f"the temperature is {values[0]:g} throughout; it must vary")
    return values


def _record_years(series: pd.Series, index: pd.DatetimeIndex) -> pd.Series:
    """Cut to 2003-2011 if these are covered; refuse an irregular time index."""
    time = index.to_numpy().astype("datetime64[ns]")
    values = pd.Series(series.to_numpy(), index=index)
    year = time.astype("datetime64[Y]").astype(int) + 1970
    covered = (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    # Only a full cover is cut; other years are laid on row by row.
    if covered.sum() == ROWS:
        time, values = time[covered], values.loc[covered]
    irregular = np.diff(time) != np.timedelta64(30, "m")
    if irregular.any():
        row = int(irregular.argmax())
        raise DataError(
            f"the temperature's time index jumps from {values.index[row]} to "
            f"{values.index[row + 1]}; "
            "it must rise by 30 minutes from value to value"
        )
    if len(time) and time[0] - time[0].astype("datetime64[Y]") > np.timedelta64(
        30, "m"
    ):
        raise DataError(
            f"the temperature starts at {values.index[0]}; it must start on 1 January, "
            "in the first half-hour"
        )
    return values
