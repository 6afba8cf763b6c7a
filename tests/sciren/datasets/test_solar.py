"""Laws of the radiation signals: geometry, and the published statistics."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.datasets.solar import (
    half_hours,
    moving_average,
    potential_radiation,
    radiation_signals,
    slow_radiation,
)

AT_NEU = Path(__file__).parents[3].parent / "shared" / "data" / "at_neu_partial"
LATITUDE = 47.1167


@pytest.fixture(scope="module")
def record() -> pd.DataFrame:
    time, sw_pot, dsw_pot = radiation_signals(2003, 2011, LATITUDE)
    return pd.DataFrame({"sw_pot": sw_pot, "dsw_pot": dsw_pot}, index=time)


def test_the_record_is_every_half_hour_of_nine_years(record):
    assert len(record) == 157_776
    assert str(record.index[0]) == "2003-01-01 00:15:00"
    assert str(record.index[-1]) == "2011-12-31 23:45:00"
    assert (np.diff(record.index) == np.timedelta64(30, "m")).all()


def test_the_published_minimum_is_met(record):
    slope = 0.0075 * record["sw_pot"] - 0.00375 * record["dsw_pot"]
    assert slope.min() == pytest.approx(-0.7996, abs=2e-4)
    assert slope.min() == pytest.approx(0.75 * 0.1 * np.pi - 1.03506858, abs=2e-4)
    assert slope.max() == pytest.approx(5.1010, abs=1e-3)


@pytest.mark.parametrize(
    ("years", "numbers"),
    [
        (("2003", "2011"), (300.621, 134.607, 0.000, 482.172, 2.25466, 2.07089)),
        (("2003", "2006"), (300.607, 134.612, 0.000, 482.153, 2.2546, 2.0708)),
        (("2007", "2007"), (300.738, 134.566, 0.000, 482.326, 2.2555, 2.0712)),
        (("2008", "2008"), (300.214, 134.753, 0.107, 481.670, 2.2512, 2.0701)),
    ],
)
def test_means_and_deviations_are_the_published_ones(record, years, numbers):
    part = record.loc[years[0] : years[1]]
    slope = 0.0075 * part["sw_pot"] - 0.00375 * part["dsw_pot"]
    series = (part["sw_pot"], part["dsw_pot"], slope)
    found = [f(s) for s in series for f in (np.mean, lambda s: s.std(ddof=0))]
    assert found[:4] == pytest.approx(numbers[:4], abs=6e-4)
    assert found[4:] == pytest.approx(numbers[4:], abs=6e-5)


def test_signals_are_a_quarter_period_apart(record):
    assert abs(record["sw_pot"].corr(record["dsw_pot"])) < 1e-6


@settings(deadline=None)
@given(st.floats(-90, 90), st.integers(0, 364))
def test_radiation_is_symmetric_about_noon_and_bounded(latitude, day):
    time = half_hours(2005, 2005)[48 * day : 48 * (day + 1)]
    radiation = potential_radiation(time, latitude)
    np.testing.assert_allclose(radiation, radiation[::-1], rtol=1e-9, atol=1e-9)
    assert radiation.min() >= 0
    assert radiation.max() <= 1376 * 1.0351
    assert radiation.argmax() in (23, 24) or np.ptp(radiation) < 1e-6


def test_the_pole_is_dark_in_winter_and_the_equator_never():
    time = half_hours(2005, 2005)
    january, july = time[: 48 * 20], time[48 * 181 : 48 * 200]
    assert potential_radiation(january, 89.0).max() == 0
    assert potential_radiation(july, 89.0).min() > 0
    noon = potential_radiation(time, 0.0).reshape(365, 48).max(axis=1)
    assert noon.min() > 1100


def test_averages_and_slopes_of_a_line_are_exact_inside():
    line = 3.0 + 2.0 * np.arange(4000.0)
    sw_pot, dsw_pot = slow_radiation(line)
    inside = slice(480, -480)
    # an even window reaches one half-hour further back than ahead
    np.testing.assert_allclose(sw_pot[inside], (line - 1.0)[inside], rtol=1e-12)
    np.testing.assert_allclose(dsw_pot[inside], 2.0 * 10_000, rtol=1e-9)
    np.testing.assert_allclose(moving_average(np.ones(20), 4)[2:-1], 1.0)


@pytest.mark.skipif(
    not AT_NEU.is_dir(), reason="../shared/data/at_neu_partial is not there"
)
def test_signals_agree_with_rows_of_the_original_record(record):
    rows = pd.read_csv(AT_NEU / "at_neu_partial_2004.csv.gz")
    time = pd.to_datetime(rows["time"]).dt.tz_localize(None)
    ours = record.loc[time]
    assert np.abs(ours["sw_pot"].to_numpy() - rows["sw_pot"]).max() < 0.5
    assert np.abs(ours["dsw_pot"].to_numpy() - rows["dsw_pot"]).max() < 10
