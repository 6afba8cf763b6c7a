"""A tower's file is read by the names of networks, and its gaps are filled plausibly."""

import numpy as np
import pandas as pd
import pytest

from discovery.partition.partition import partition
from discovery.partition.tower import fill_gaps, read_tower
from sciren.errors import ColumnError, DataError


def fluxnet(frame, flag=0):
    start = frame.time.dt.floor("30min")
    return pd.DataFrame(
        {
            "TIMESTAMP_START": start.dt.strftime("%Y%m%d%H%M"),
            "TIMESTAMP_END": (start + pd.Timedelta("30min")).dt.strftime("%Y%m%d%H%M"),
            "NEE_VUT_REF": frame.nee,
            "NEE_VUT_REF_QC": flag,
            "TA_F": frame.ta,
            "SW_IN_F": frame.sw_in,
            "VPD_F": frame.vpd,
        }
    )


def test_fluxnet_and_plain_names_give_the_same_tower(simulated, tmp_path):
    frame, _ = simulated
    frame.to_csv(tmp_path / "plain.csv", index=False)
    fluxnet(frame).to_csv(tmp_path / "fluxnet.csv", index=False)
    plain, network = (read_tower(tmp_path / f"{n}.csv") for n in ("plain", "fluxnet"))
    pd.testing.assert_frame_equal(plain.frame, network.frame, check_dtype=False)
    assert network.columns["nee"] == "NEE_VUT_REF"
    assert plain.dry_air
    assert set(plain.frame.split) == {"train", "valid", "test"}
    assert plain.frame.night[plain.frame.rg > 4].sum() == 0


def test_filled_fluxes_are_no_measurements(simulated, tmp_path):
    frame, _ = simulated
    flag = np.arange(len(frame)) % 2
    fluxnet(frame, flag).to_csv(tmp_path / "tower.csv", index=False)
    tower = read_tower(tmp_path / "tower.csv")
    assert tower.frame.nee.isna().tolist() == (flag == 1).tolist()


def test_dry_air_is_made_from_humidity(simulated, tmp_path):
    frame, _ = simulated
    damp = frame.drop(columns="vpd").assign(rh=100.0)
    damp.to_csv(tmp_path / "tower.csv", index=False)
    assert (read_tower(tmp_path / "tower.csv").frame.vpd == 0).all()


def test_a_gap_is_filled_by_the_same_hour_of_days_around():
    time = pd.date_range("2020-01-01 00:15", periods=48 * 5, freq="30min")
    day = pd.Series(np.tile(np.arange(48.0), 5), time)
    holes = day.where((time.day != 3) | (time.hour > 11))
    pd.testing.assert_series_equal(fill_gaps(holes), day, check_freq=False)


@pytest.mark.parametrize(
    ("columns", "change", "error", "message"),
    [
        ({"net": "nee"}, {}, ColumnError, "no column is a 'net'. Closest names: nee"),
        (
            {"nee": "neee"},
            {},
            ColumnError,
            "no column 'neee' for nee. Closest names: nee",
        ),
        ({}, {"ta": "warmth"}, ColumnError, "say which is ta with --column ta=NAME"),
    ],
)
def test_columns_that_are_not_there_are_told(
    simulated, tmp_path, columns, change, error, message
):
    simulated[0].rename(columns=change).to_csv(tmp_path / "tower.csv", index=False)
    with pytest.raises(error, match=message):
        read_tower(tmp_path / "tower.csv", columns)


def test_too_few_measurements_are_told(simulated, tmp_path):
    simulated[0].head(500).to_csv(tmp_path / "tower.csv", index=False)
    with pytest.raises(DataError, match="at least 1,000 are needed"):
        read_tower(tmp_path / "tower.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(nee="x"), "column 'nee' holds text in row 0"),
        (
            lambda f: f.assign(ta=f.ta.where(f.index != 7, np.inf)),
            "'ta' is infinite in row 7",
        ),
        (lambda f: f.assign(ta=np.nan), "column 'ta' has no value for ta"),
        (lambda f: f.assign(sw_in=np.nan), "column 'sw_in' has no value for rg"),
        (lambda f: f.assign(ta=f.ta + 273.15), "median of 29.*degrees C"),
        (lambda f: pd.concat([f, f]), r"2019-04-01 00:15:00 occurs twice \(5,760 rows"),
        (
            lambda f: f.assign(time=pd.date_range("1900", periods=len(f))),
            "24 hours apart",
        ),
    ],
)
def test_weather_that_is_none_is_told_by_column(simulated, tmp_path, change, message):
    change(simulated[0]).to_csv(tmp_path / "tower.csv", index=False)
    with pytest.raises(DataError, match=f"tower.csv: .*{message}"):
        read_tower(tmp_path / "tower.csv")


def test_one_column_is_not_two_roles(simulated, tmp_path):
    simulated[0].to_csv(tmp_path / "tower.csv", index=False)
    with pytest.raises(DataError, match="'ta' is nee and ta"):
        read_tower(tmp_path / "tower.csv", {"nee": "ta"})


def test_rows_in_any_order_are_one_tower(simulated, tmp_path):
    frame, _ = simulated
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.assign(ustar=np.nan).iloc[::-1].to_csv(tmp_path / "b.csv", index=False)
    ordered, reversed_ = (read_tower(tmp_path / f"{n}.csv").frame for n in "ab")
    pd.testing.assert_frame_equal(ordered, reversed_)


@pytest.mark.parametrize(("light", "part"), [(100.0, "night"), (0.0, "day")])
def test_a_record_without_nights_or_days_writes_nothing(
    simulated, tmp_path, light, part
):
    frame = simulated[0].assign(sw_in=light, ustar=0.3)
    frame.to_csv(tmp_path / "tower.csv", index=False)
    with pytest.raises(
        DataError, match=f"tower.csv: 0 measured half hours are of the {part}"
    ):
        partition(tmp_path / "tower.csv", tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()
