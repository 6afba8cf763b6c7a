"""Files of predictions: ids stay, nothing runs as a formula, units go along."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from discovery import Discovery
from discovery.runs.manifest import edits_accepted
from discovery.runs.predict_file import passed_through, predict
from discovery.runs.prediction_files import (
    check_place,
    dataset_of,
    write_predictions,
)
from sciren.errors import ColumnError, ConfigError, DataWarning

pytestmark = pytest.mark.filterwarnings("default::sciren.errors.DataWarning")


@pytest.fixture
def rows(tmp_path):
    """A file with stamps, ids with leading zeros, a gap mark, and an observed target."""
    path = tmp_path / "new.csv"
    path.write_text(
        "when,site,note,ta,vpd,par,gpp\n"
        "01.02.2020 00:30,001,=SUM(A1),5,9,4,3.0\n"
        "01.02.2020 01:00,01,fine,-9999,9,4,3.1\n"
        "01.02.2020 01:30,1,@here,7,9,6,3.2\n"
    )
    return path


@pytest.fixture
def keyed(light):
    """The finished run as if its data had had stamps, sites and gap marks."""
    path = light / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["data"] |= {
        "time": "when", "time_format": "%d.%m.%Y %H:%M", "missing": [-9999],
        "ids": ["site"],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(config))
    with edits_accepted():
        yield light


def test_time_and_ids_stand_first_and_gaps_are_those_of_the_training(
    keyed, rows, tmp_path
):
    predict(keyed, rows, tmp_path / "out.csv", columns=["note", "gpp"])
    table = pd.read_csv(tmp_path / "out.csv", dtype={"site": str})
    names = ["when", "site", "note", "gpp_given", "gpp", "efficiency"]
    assert list(table.columns[:6]) == names
    assert table["site"].tolist() == ["001", "01", "1"]
    assert table["when"][0] == "01.02.2020 00:30"
    assert table["note"].tolist() == ["'=SUM(A1)", "fine", "'@here"]
    assert table["gpp_given"].tolist() == [3.0, 3.1, 3.2]
    assert table["gpp"].isna().tolist() == [False, True, False]


def test_netcdf_has_the_stamps_as_its_dimension_and_units(keyed, rows, tmp_path):
    predict(keyed, rows, tmp_path / "out.nc", interval=0.9)
    with xr.open_dataset(tmp_path / "out.nc", engine="h5netcdf") as dataset:
        assert dict(dataset.sizes) == {"when": 3}
        assert str(dataset["when"].values[2])[:16] == "2020-02-01T01:30"
        assert dataset["site"].values.tolist() == ["001", "01", "1"]
        assert dataset["efficiency"].attrs["units"] == "g MJ-1"
        assert dataset["gpp_mean_low"].attrs == {
            "long_name": "lower limit of the 90 % interval of the mean of gpp",
            "units": "g m-2 d-1",
        }
        assert dataset["outside"].attrs["flag_meanings"] == "inside outside"
        assert dataset.attrs["Conventions"].startswith("CF-")


def test_what_leads_beyond_every_number_is_empty_and_told(light, tmp_path):
    far = tmp_path / "far.csv"
    far.write_text("ta,vpd,par\n5,9,4\n1e308,9,1e308\n")
    with pytest.warns(
        DataWarning, match=r"1 of 2 rows, the first is row 1, lead beyond"
    ):
        predict(light, far, tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv")
    assert np.isfinite(table.iloc[0]).all()
    assert not np.isinf(table.select_dtypes("number")).any(axis=None)


def test_every_kind_of_file_holds_the_same_numbers(light, tmp_path):
    frame = pd.DataFrame({"gpp": [1.5, np.nan], "outside": [0, 1], "site": ["a", None]})
    discovery = Discovery.load(light)
    for kind in ("csv", "csv.gz", "parquet", "nc"):
        write_predictions(tmp_path / f"out.{kind}", frame, discovery)
    tables = [pd.read_csv(tmp_path / f"out.{kind}") for kind in ("csv", "csv.gz")]
    tables.append(pd.read_parquet(tmp_path / "out.parquet"))
    with xr.open_dataset(tmp_path / "out.nc", engine="h5netcdf") as dataset:
        tables.append(dataset.to_dataframe())
    for table in tables:
        np.testing.assert_array_equal(table["gpp"], frame["gpp"])
        np.testing.assert_array_equal(table["outside"], frame["outside"])


def test_stamps_that_occur_twice_leave_the_row_as_dimension(light):
    twice = np.array(["2020-01-01", "2020-01-01"], dtype="datetime64[ns]")
    frame = pd.DataFrame({"when": twice, "gpp": [1.0, 2.0]})
    dataset = dataset_of(frame, Discovery.load(light), ("when", twice))
    assert dict(dataset.sizes) == {"row": 2}


def test_a_column_that_is_not_there_is_named(light, rows, tmp_path):
    with pytest.raises(
        ColumnError, match=r"new.csv: --columns nope: .* Closest|Present"
    ):
        predict(light, rows, tmp_path / "out.csv", columns=["nope"])
    assert not (tmp_path / "out.csv").exists()


def test_a_column_of_the_results_name_is_told_apart():
    frame = pd.DataFrame({"site": ["a"], "reco": [1.0], "rb": [2.0]})
    passed = passed_through(frame, ["site", "rb", "time"], ["reco"], {"reco", "rb"})
    assert list(passed.columns) == ["site", "reco_given"]


def test_excel_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("discovery.runs.prediction_files.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"sciren\[excel\]"):
        check_place(tmp_path / "out.xlsx", overwrite=False)


def test_excel_holds_the_numbers_and_no_formula(light, tmp_path):
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"gpp": [1.5, np.nan], "note": ["=1+1", "a"]})
    write_predictions(tmp_path / "out.xlsx", frame, Discovery.load(light))
    table = pd.read_excel(tmp_path / "out.xlsx")
    assert table["note"].tolist() == ["'=1+1", "a"]
    np.testing.assert_array_equal(table["gpp"], frame["gpp"])


def test_more_rows_than_a_sheet_holds_are_refused(light, tmp_path, monkeypatch):
    monkeypatch.setattr("discovery.runs.prediction_files.EXCEL_ROWS", 1)
    frame = pd.DataFrame({"gpp": [1.0, 2.0]})
    with pytest.raises(ConfigError, match="a sheet holds 1 rows, these are 2"):
        write_predictions(tmp_path / "out.xlsx", frame, Discovery.load(light))
