"""Sums are means of days in grams of carbon; calm nights are left out."""

import numpy as np
import pandas as pd
import pytest

from discovery.partition.sums import GRAMS, daily_means, usable, weeks, with_intervals


@pytest.fixture
def frame():
    time = pd.date_range("2020-01-06 00:15", periods=48 * 14, freq="30min")
    night = np.arange(len(time)) % 48 < 20
    ustar = np.tile([0.1, 0.5], len(time) // 2)
    nee = np.where(np.arange(len(time)) % 7 == 0, np.nan, 1.0)
    return pd.DataFrame({"time": time, "night": night, "ustar": ustar, "nee": nee})


def test_a_flux_of_one_is_a_gram_a_day(frame):
    daily = daily_means(frame, {"gpp": np.ones(len(frame))})["gpp"]
    assert len(daily) == 14
    assert daily.to_numpy() == pytest.approx(12.011 * 86400e-6)
    assert pytest.approx(1.0377, rel=1e-4) == GRAMS


def test_only_nights_need_turbulence(frame):
    rows = usable(frame, 0.3)
    used = frame.iloc[rows]
    assert (used.ustar[used.night] >= 0.3).all()
    assert used.nee.notna().all()
    assert len(usable(frame, 0.0)) == int(frame.nee.notna().sum())


def test_weeks_begin_on_monday(frame):
    assert pd.Series(weeks(frame)).value_counts().tolist() == [48 * 7, 48 * 7]


def test_intervals_hold_the_middle_of_the_resamples():
    estimate = pd.DataFrame({"gpp": [1.0], "nee_filled": [0.0]})
    drawn = pd.DataFrame({("gpp", k): [float(k)] for k in range(101)})
    found = with_intervals(estimate, drawn).iloc[0]
    assert found.gpp_low == pytest.approx(2.5)
    assert found.gpp_high == pytest.approx(97.5)
    assert list(found.index) == ["gpp", "gpp_low", "gpp_high", "nee_filled"]
