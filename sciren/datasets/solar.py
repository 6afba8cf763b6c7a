"""Radiation at the top of the atmosphere and the slow signals made from it.

    P       = max(0, 1376 E0 [sin(dec) sin(lat) + cos(dec) cos(lat) cos(15 deg (h - 12))])
    sw_pot  = 10-day moving average of P
    dsw_pot = 10-day moving average of 10000 (sw_pot[t + 1] - sw_pot[t])

These settings, among them 1376 W m-2, the local standard time without correction and a
year of 365 days, are those that reproduce the constant of the published synthetic record.

Reference: Spencer 1971, Fourier series of the position of the sun, Search 2, 172;
Reichstein et al. 2022, chapter on hybrid modelling, synthetic respiration record.
"""

import numpy as np

SOLAR_CONSTANT = 1376.0
"""Irradiance at the mean distance of the sun, W m-2, as in the published record."""

WINDOW = 480
"""Half-hours in the moving averages: ten days."""

SLOPE_FACTOR = 10_000.0
"""Factor of dsw_pot, so that its numbers resemble those of sw_pot."""


def half_hours(first_year: int, last_year: int) -> np.ndarray:
    """Return the centres of all half-hours of whole years, datetime64[ns].

    The first is 00:15 on 1 January, local standard time.
    """
    start = np.datetime64(f"{first_year}-01-01T00:15", "m")
    end = np.datetime64(f"{last_year + 1}-01-01T00:00", "m")
    return np.arange(start, end, np.timedelta64(30, "m")).astype("datetime64[ns]")


def potential_radiation(time: np.ndarray, latitude: float) -> np.ndarray:
    """Return irradiance on a horizontal plane above the atmosphere, (n,) W m-2.

    Args:
        time: (n,) datetime64, local standard time, centre of each interval.
        latitude: degrees north.
    """
    days = time.astype("datetime64[D]")
    day_of_year = (days - days.astype("datetime64[Y]")).astype(np.int64)
    hour = (time - days) / np.timedelta64(1, "h")
    theta = 2 * np.pi * day_of_year / 365
    declination = (
        0.006918 - 0.399912 * np.cos(theta) + 0.070257 * np.sin(theta)
        - 0.006758 * np.cos(2 * theta) + 0.000907 * np.sin(2 * theta)
        - 0.002697 * np.cos(3 * theta) + 0.00148 * np.sin(3 * theta)
    )  # fmt: skip
    distance = (
        1.00011 + 0.034221 * np.cos(theta) + 0.00128 * np.sin(theta)
        + 0.000719 * np.cos(2 * theta) + 0.000077 * np.sin(2 * theta)
    )  # fmt: skip
    phi = np.deg2rad(latitude)
    elevation = np.sin(declination) * np.sin(phi) + np.cos(declination) * np.cos(
        phi
    ) * np.cos(np.deg2rad(15 * (hour - 12)))
    return np.maximum(0.0, SOLAR_CONSTANT * distance * elevation)


def moving_average(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Return the centred running mean, (n,), zeros assumed beyond both ends."""
    return np.convolve(values, np.ones(window), "same") / window


def slow_radiation(radiation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (sw_pot, dsw_pot) of a half-hourly series.

    The first and last ten days are spoilt by the missing neighbours: hand in a
    longer series and cut it.

    Args:
        radiation: (n,) potential radiation, W m-2.
    Returns:
        sw_pot (n,) W m-2 and dsw_pot (n,) 1e-4 W m-2 per half-hour.
    """
    sw_pot = moving_average(radiation)
    change = np.empty_like(sw_pot)
    change[1:-1] = sw_pot[2:] - sw_pot[1:-1]
    # Cyclic at the end; both ends are spoilt anyway and are cut off.
    change[0], change[-1] = sw_pot[1] - sw_pot[0], sw_pot[0] - sw_pot[-1]
    return sw_pot, moving_average(SLOPE_FACTOR * change)


def radiation_signals(
    first_year: int, last_year: int, latitude: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (time, sw_pot, dsw_pot) of whole years, without effects of the ends.

    One more year on each side is computed and cut off.
    """
    time = half_hours(first_year - 1, last_year + 1)
    sw_pot, dsw_pot = slow_radiation(potential_radiation(time, latitude))
    year = time.astype("datetime64[Y]").astype(int) + 1970
    inside = (year >= first_year) & (year <= last_year)
    return time[inside], sw_pot[inside], dsw_pot[inside]
