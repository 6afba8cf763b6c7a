"""Laws of the temperature: cycles of stated size, and nothing lost when laid on."""

import numpy as np
import pandas as pd
import pytest

from sciren.datasets.solar import half_hours
from sciren.datasets.temperature import ROWS, lay_on_record, surrogate_temperature
from sciren.errors import DataError


@pytest.fixture(scope="module")
def surrogate() -> np.ndarray:
    return surrogate_temperature()


def harmonic(values: np.ndarray, period_days: float) -> complex:
    """Amplitude and phase of one harmonic by least squares."""
    day = np.arange(len(values)) / 48
    angle = 2 * np.pi * day / period_days
    design = np.stack([np.ones_like(day), np.cos(angle), np.sin(angle)], axis=1)
    found = np.linalg.lstsq(design, values, rcond=None)[0]
    return complex(found[1], found[2])


def test_cycles_mean_and_weather_have_the_stated_size(surrogate):
    assert surrogate.mean() == pytest.approx(6.6, abs=0.01)
    assert abs(harmonic(surrogate, 365.25)) == pytest.approx(9.5, abs=0.5)
    assert abs(harmonic(surrogate, 1.0)) == pytest.approx(4.2, abs=0.1)
    calm = surrogate - MEAN_CYCLES
    assert calm.std() == pytest.approx(4.2, rel=1e-9)
    assert calm.mean() == pytest.approx(0, abs=1e-9)


DAY = (np.arange(ROWS) + 0.5) / 48
MEAN_CYCLES = (
    6.6
    + 9.5 * np.cos(2 * np.pi * (DAY - 205) / 365.25)
    + 4.2 * np.cos(2 * np.pi * (DAY - 14.7 / 24))
)


@pytest.mark.parametrize("days", [0.5, 1.0, 2.5, 5.0])
def test_weather_forgets_with_the_stated_time_scale(surrogate, days):
    calm = surrogate - MEAN_CYCLES
    lag = int(48 * days)
    found = np.corrcoef(calm[:-lag], calm[lag:])[0, 1]
    assert found == pytest.approx(np.exp(-days / 2.5), abs=0.06)


def test_the_same_seed_gives_the_same_weather_and_another_seed_another(surrogate):
    assert np.array_equal(surrogate, surrogate_temperature(seed=0))
    assert not np.allclose(surrogate, surrogate_temperature(seed=1))


def test_values_without_ties_so_that_a_quantile_cuts_exactly(surrogate):
    assert len(np.unique(surrogate)) == ROWS


@pytest.fixture(scope="module")
def measured() -> np.ndarray:
    return np.random.default_rng(0).normal(size=ROWS)


def test_an_array_or_plain_series_is_taken_as_it_stands(measured):
    assert np.array_equal(lay_on_record(measured), measured)
    assert np.array_equal(lay_on_record(measured.tolist()), measured)
    assert np.array_equal(lay_on_record(pd.Series(measured)), measured)


@pytest.mark.parametrize("minutes", [-15, 0])
def test_a_longer_series_is_cut_to_the_record_by_its_stamps(measured, minutes):
    time = half_hours(2002, 2012) + np.timedelta64(minutes, "m")
    long = np.zeros(len(time))
    start = 365 * 48
    long[start : start + ROWS] = measured
    series = pd.Series(long, index=pd.DatetimeIndex(time))
    np.testing.assert_array_equal(lay_on_record(series), measured)


def test_other_nine_years_are_laid_one_by_one(measured):
    index = pd.DatetimeIndex(half_hours(2013, 2021), tz="Etc/GMT-1")
    assert np.array_equal(lay_on_record(pd.Series(measured, index)), measured)


def shifted(values: np.ndarray, years: tuple[int, int]) -> pd.Series:
    time = half_hours(*years)
    return pd.Series(np.resize(values, len(time)), pd.DatetimeIndex(time))


def spoilt(values: np.ndarray, row: int, value: object) -> pd.Series:
    series = pd.Series(values, dtype=object)
    series[row] = value
    return series


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda v: v[:-1], "has 157775 values"),
        (lambda v: shifted(v, (2012, 2020)), "has 157824 values"),
        (lambda v: shifted(v, (2013, 2014)), "has 35040 values"),
        (lambda v: shifted(v, (2013, 2021)).iloc[::2], "rise by 30 minutes"),
        (lambda v: shifted(v, (2003, 2011)).iloc[::-1], "rise by 30 minutes"),
        (
            lambda v: shifted(v, (2013, 2021)).shift(96, freq="30min"),
            "must start on 1 January",
        ),
        (lambda v: spoilt(v, 7, np.nan), "nan at 7 .1 such values"),
        (lambda v: spoilt(v, 8, np.inf), "inf at 8"),
        (lambda v: spoilt(v, 9, "warm"), "'warm' at 9"),
        (lambda v: np.full(ROWS, 3.0), "is 3 throughout"),
    ],
)
def test_a_series_that_cannot_be_laid_is_named(measured, make, message):
    with pytest.raises(DataError, match=message):
        lay_on_record(make(measured))
