"""Measured drivers of any half-hours: what is refused, and how they are split."""

import numpy as np
import pandas as pd
import pytest

from sciren.datasets import make_respiration
from sciren.datasets.drivers import measured_drivers, split_masks
from sciren.datasets.solar import radiation_signals
from sciren.errors import ColumnError, ConfigError, DataError


def record(first=2004, last=2004, every=4, seed=0) -> pd.DataFrame:
    """Every few half-hours of some years, with weather that nobody has seen."""
    time, sw_pot, dsw_pot = radiation_signals(first, last, 47.1)
    rng = np.random.default_rng(seed)
    ta = (sw_pot - 300) / 15 + 5 * rng.normal(size=len(time))
    frame = pd.DataFrame({"time": time, "sw_pot": sw_pot, "dsw_pot": dsw_pot, "ta": ta})
    return frame.iloc[::every].reset_index(drop=True)


@pytest.mark.parametrize("setting", ["linear", "abs"])
def test_respiration_is_made_on_the_drivers_that_were_given(setting):
    given = record()
    study = make_respiration(setting, 2, drivers=given)
    for name in given:
        np.testing.assert_array_equal(study.frame[name], given[name])
    assert study.temperature == "measured"
    slope = 0.0075 * given["sw_pot"] - 0.00375 * given["dsw_pot"]
    z = (slope - slope.mean()) / slope.std(ddof=0)
    rb = slope + 1.03506858 if setting == "linear" else np.abs(z) + 0.1
    np.testing.assert_allclose(study.truth.rb, rb, rtol=1e-12)
    clean = rb * 1.5 ** ((given["ta"] - 15) / 10)
    np.testing.assert_allclose(study.frame["reco_clean"], clean, rtol=1e-12)
    assert len(study.tables().test) == study.test.sum()


def test_the_split_of_other_years_keeps_weeks_together_and_no_seed_changes_it():
    given = record()
    one, other = (make_respiration("linear", s, drivers=given) for s in (1, 2))
    parts = (one.train, one.valid, one.test)
    for mine, theirs in zip(parts, (other.train, other.valid, other.test), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert (sum(part.astype(int) for part in parts) <= 1).all()
    week = given["time"].dt.to_period("W-SUN")
    seen = [set(week[part]) for part in parts]
    assert not seen[0] & seen[1] | seen[1] & seen[2] | seen[0] & seen[2]
    shares = [len(one) / len(set(week)) for one in seen]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.02)
    left_out = ~one.train & ~one.valid & ~one.test
    assert given["ta"][left_out].min() > given["ta"][one.train].max()
    assert left_out.sum() / (left_out | one.train).sum() == pytest.approx(0.2, abs=0.01)


def test_drivers_of_the_published_years_have_the_published_split():
    given = record(2003, 2008, every=48)
    years = given["time"].dt.year.to_numpy()
    _, valid, test = split_masks(given["time"].to_numpy(), given["ta"].to_numpy())
    np.testing.assert_array_equal(valid, years == 2007)
    np.testing.assert_array_equal(test, years == 2008)


def test_rows_with_a_gap_are_left_out():
    given = record()
    given.loc[3, "ta"] = np.nan
    given.loc[7, "time"] = pd.NaT
    found = measured_drivers(given.assign(other="text"))
    assert list(found) == ["time", "sw_pot", "dsw_pot", "ta"]
    assert len(found) == len(given) - 2
    assert np.isfinite(found["ta"]).all()


def test_times_with_a_zone_keep_their_clock():
    given = record()
    zoned = given.assign(time=given["time"].dt.strftime("%Y-%m-%dT%H:%MZ"))
    np.testing.assert_array_equal(measured_drivers(zoned)["time"], given["time"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda f: f.rename(columns={"sw_pot": "swpot"}),
            ColumnError,
            "no column .sw_pot.*swpot",
        ),
        (lambda f: f.assign(time="noon"), DataError, "cannot be read"),
        (lambda f: f.assign(ta="warm"), DataError, "cannot be read"),
        (lambda f: f.iloc[:40], DataError, "only 40 rows .* at least three weeks"),
        (lambda f: f.assign(ta=3.0), DataError, "'ta' of the record does not vary"),
    ],
)
def test_records_that_cannot_be_used_say_why(change, error, message):
    with pytest.raises(error, match=message):
        measured_drivers(change(record()))


def test_temperature_and_drivers_exclude_each_other():
    with pytest.raises(ConfigError, match="drivers, which hold one"):
        make_respiration(temperature=np.zeros(3), drivers=record())
