"""FLUXNET and REddyProc tables: stamps, gaps, flags, units and days."""

import numpy as np
import pandas as pd
import pytest

from discovery import read_table
from discovery.config.file import config_from_mapping
from discovery.config.reading import ReadingSettings
from discovery.tables.head import check_head, column_names
from discovery.tables.networks import fluxnet_unit
from sciren.errors import DataError
from symbolic.units.algebra import parse_unit


def fluxnet(days=3):
    ends = pd.date_range("2013-01-01T00:30", periods=48 * days, freq="30min")
    rows = np.arange(len(ends))
    return pd.DataFrame(
        {
            "TIMESTAMP_START": (ends - pd.Timedelta("30min")).strftime("%Y%m%d%H%M"),
            "TIMESTAMP_END": ends.strftime("%Y%m%d%H%M"),
            "TA_F": rows / 10,
            "TA_F_QC": rows % 4,
            "P_F": 0.5,
            "NEE_VUT_REF": np.where(rows % 48 < 12, -9999, rows % 7),
            "NEE_VUT_REF_QC": np.where(rows % 48 < 12, -9999, 0),
        }
    )


@pytest.fixture
def file(tmp_path):
    fluxnet().to_csv(tmp_path / "FLX_HH.csv", index=False)
    return tmp_path / "FLX_HH.csv"


def test_half_hours_have_the_middle_of_the_interval_gaps_and_units(file):
    found = read_table(file, format="fluxnet")
    assert found["time"].astype(str)[:2].tolist() == [
        "2013-01-01 00:15:00", "2013-01-01 00:45:00"
    ]  # fmt: skip
    assert int(found["NEE_VUT_REF"].isna().sum()) == 36
    assert found.attrs["units"] == {
        "TA_F": "degC", "P_F": "mm", "NEE_VUT_REF": "umol m-2 s-1"
    }  # fmt: skip


@pytest.mark.parametrize(("quality", "kept"), [(None, 2), (0, 1), (1, 2), (3, 4)])
def test_values_are_kept_up_to_a_quality_flag_and_others_counted(file, quality, kept):
    found = read_table(file, format="fluxnet", quality=quality)
    assert found["TA_F"].notna().sum() == 144 * kept // 4
    note = next(n for n in found.attrs["notes"] if "quality flag" in n)
    assert f"above {1 if quality is None else quality}: " in note
    assert ("TA_F 72" in note) == (kept == 2)


def test_days_are_means_of_enough_values_and_sums_of_rain(file):
    found = read_table(file, format="fluxnet", quality=3, daily=True)
    halves = fluxnet()
    assert found["time"].astype(str).tolist() == [
        "2013-01-01",
        "2013-01-02",
        "2013-01-03",
    ]
    np.testing.assert_allclose(
        found["TA_F"], halves["TA_F"].to_numpy().reshape(3, 48).mean(1)
    )
    np.testing.assert_allclose(found["P_F"], 24.0)
    assert found.attrs["units"]["P_F"] == "mm d-1"
    assert found["NEE_VUT_REF"].isna().all()  # 36 of 48 are below 80 %
    enough = read_table(file, format="fluxnet", daily=0.75)["NEE_VUT_REF"]
    expected = halves["NEE_VUT_REF"].where(halves["NEE_VUT_REF"] > -9999)
    np.testing.assert_allclose(
        enough, np.nanmean(expected.to_numpy().reshape(3, 48), axis=1)
    )


def test_ameriflux_comments_and_daily_files_are_read(tmp_path):
    text = fluxnet(1)[["TIMESTAMP_START", "TIMESTAMP_END"]].assign(FC_1_1_1=-9999)
    path = tmp_path / "AMF_XX-Abc_BASE_HH.csv"
    path.write_text("# Site: XX-Abc\n# Version: 1-5\n" + text.to_csv(index=False))
    found = read_table(path, format="fluxnet")
    assert found["FC_1_1_1"].isna().all()
    assert "skipped 2 comment lines" in found.attrs["notes"]
    daily = {"TIMESTAMP": [20130101, 20130102], "GPP_NT_VUT_REF": [1.0, 2.0],
             "TA_F": [1.0, 2.0], "TA_F_QC": [0.9, 0.2]}  # fmt: skip
    found = read_table(daily, format="fluxnet")
    assert found["time"].dt.day.tolist() == [1, 2]
    assert found["TA_F"].isna().tolist() == [False, True]
    assert found.attrs["units"]["GPP_NT_VUT_REF"] == "gC m-2 d-1"


def test_sums_of_years_have_their_unit():
    yearly = {
        "TIMESTAMP": [2013, 2014],
        "NEE_VUT_REF": [-200.0, -250.0],
        "P_F": [800, 900],
    }
    found = read_table(yearly, format="fluxnet")
    assert found["time"].dt.year.tolist() == [2013, 2014]
    assert found.attrs["units"] == {"NEE_VUT_REF": "gC m-2 yr-1", "P_F": "mm yr-1"}
    monthly = {"TIMESTAMP": [201301, 201302], "RECO_NT_VUT_REF": [1.0, 2.0]}
    found = read_table(monthly, format="fluxnet")
    assert found["time"].dt.month.tolist() == [1, 2]
    assert found.attrs["units"] == {"RECO_NT_VUT_REF": "gC m-2 d-1"}


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("TA_F", "degC"), ("SW_IN_POT", "W m-2"), ("SWC_1_2_1", "%"), ("P", "mm"),
        ("PA_F", "kPa"), ("NEE_CUT_REF", "umol m-2 s-1"), ("G_F_MDS", "W m-2"),
        ("GPP_DT_VUT_REF", "umol m-2 s-1"), ("TA_F_QC", ""), ("NIGHT", ""), ("PI", ""),
    ],
)  # fmt: skip
def test_variables_have_the_units_of_their_network(name, unit):
    assert fluxnet_unit(name) == unit
    parse_unit(unit)


REDDYPROC = """\
Year\tDoY\tHour\tNEE\tTair\tRg
--\t--\t--\tumolm-2s-1\tdegC\tWm-2
1998\t1\t0.5\t-1.21\t7.4\t0
1998\t1\t1\t-9999\t7.5\t0
1998\t1\t24\t0.72\t7.3\t0
"""


def test_reddyproc_counts_days_and_ends_of_half_hours(tmp_path):
    path = tmp_path / "DETha98.txt"
    path.write_text(REDDYPROC.replace("1998\t1\t24", "1998\t1\t1.5"))
    found = read_table(path, format="reddyproc")
    assert found["time"].astype(str)[0] == "1998-01-01 00:15:00"
    assert found["NEE"].isna().tolist() == [False, True, False]
    assert found.attrs["units"] == {
        "NEE": "umol m-2 s-1", "Tair": "degC", "Rg": "W m-2"
    }  # fmt: skip


def test_the_head_of_reddyproc_is_checked_as_it_is_read(tmp_path):
    path = tmp_path / "DETha98.txt"
    path.write_text(REDDYPROC)
    config = {"features": ["Tair"], "targets": {"y": "NEE"}, "out": "x"}
    config["data"] = {"path": str(path), "format": "reddyproc"}
    check_head(config_from_mapping(config))
    assert column_names(path, ReadingSettings(format="reddyproc"))[:2] == [
        "Year",
        "DoY",
    ]


def test_reddyproc_output_keeps_good_fills():
    frame = {
        "DateTime": ["1998-01-01T00:30", "1998-01-01T01:00", "1998-01-01T01:30"],
        "NEE_f": [1.0, 2.0, 3.0],
        "NEE_fqc": [0, 1, 2],
    }
    found = read_table(frame, format="reddyproc")
    assert found["NEE_f"].isna().tolist() == [False, False, True]
    assert found["time"].astype(str)[0] == "1998-01-01 00:15:00"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "fluxnet",
            "needs the columns TIMESTAMP_START and TIMESTAMP_END, or TIMESTAMP",
        ),
        ("reddyproc", "needs the columns Year, DoY and Hour, or DateTime"),
    ],
)
def test_a_table_of_another_network_is_refused(name, message):
    with pytest.raises(DataError, match=message):
        read_table({"date": [1], "nee": [2]}, format=name)


def test_a_missing_part_of_a_stamp_names_the_row():
    frame = {"Year": [1998, 1998], "DoY": [1, 1], "Hour": [0.5, np.nan], "NEE": [1, 2]}
    with pytest.raises(DataError, match="column 'Hour' has no value in row 1"):
        read_table(frame, format="reddyproc")
