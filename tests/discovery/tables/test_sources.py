"""Laws of reading: every format gives the same table, every bad file one clear line."""

import contextlib
import gc
import gzip
import importlib.util
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from discovery.tables.sources import read_frame
from sciren.errors import DataError

EXCEL = importlib.util.find_spec("openpyxl") is not None


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": pd.date_range("2013-01-01T00:15", periods=4, freq="30min"),
            "ta": [1.5, np.nan, 0.1 + 0.2, -1e-7],
            "nee": [1, 2, 3, 4],
        }
    )


def write(frame: pd.DataFrame, path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".nc":
        units = {"ta": {"units": "degC"}}
        dataset = xr.Dataset.from_dataframe(frame.set_index("time"))
        dataset["ta"].attrs = units["ta"]
        dataset.to_netcdf(path, engine="h5netcdf")
    else:
        frame.to_csv(path, index=False)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.nc", "A.CSV"])
def test_every_format_gives_the_same_numbers(frame, tmp_path, name):
    path = tmp_path / name
    write(frame, path)
    found = read_frame(path)
    assert sorted(found.columns) == ["nee", "ta", "time"]
    np.testing.assert_array_equal(found["ta"], frame["ta"])
    np.testing.assert_array_equal(found["nee"], frame["nee"])
    np.testing.assert_array_equal(pd.to_datetime(found["time"]), frame["time"])
    assert found.index.tolist() == [0, 1, 2, 3]


def test_an_index_stored_in_parquet_becomes_a_column(frame, tmp_path):
    frame.set_index("time").to_parquet(tmp_path / "a.parquet")
    assert read_frame(tmp_path / "a.parquet").columns[0] == "time"


def test_spaces_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeff ta , nee\r\n1.5,  2\r\n  ,3\r\n".encode())
    found = read_frame(path)
    assert found.columns.tolist() == ["ta", "nee"]
    assert found["ta"].isna().tolist() == [False, True]
    assert found["nee"].tolist() == [2, 3]


def test_units_of_netcdf_come_along(frame, tmp_path):
    write(frame, tmp_path / "a.nc")
    assert read_frame(tmp_path / "a.nc").attrs["units"] == {"ta": "degC"}


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_tower_files_with_single_places_become_rows(tmp_path, engine):
    shape = ("time", "y", "x")
    dataset = xr.Dataset(
        {"ta": (shape, np.arange(3.0).reshape(3, 1, 1)), "height": ((), 2.0)},
        coords={"time": pd.date_range("2013", periods=3), "y": [46.8], "x": [9.9]},
    )
    dataset.to_netcdf(tmp_path / "a.nc", engine=engine)
    found = read_frame(tmp_path / "a.nc")
    assert sorted(found.columns) == ["ta", "time"]
    assert found["ta"].tolist() == [0.0, 1.0, 2.0]
    dataset.isel(time=[1]).to_netcdf(tmp_path / "one.nc", engine=engine)
    assert read_frame(tmp_path / "one.nc")["ta"].tolist() == [1.0]


def test_variables_along_the_common_dimension_are_the_columns(tmp_path):
    dataset = xr.Dataset(
        {
            "clay": ("site", [1.0, 2.0, 3.0]),
            "ph": ("site", [5.0, 6.0, 7.0]),
            "depth": ("layer", [0.1, 0.2]),
            "soc": (("site", "layer"), np.ones((3, 2))),
        }
    )
    dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert read_frame(tmp_path / "a.nc").columns.tolist() == ["clay", "ph"]


def csv(text: str | bytes):
    content = text.encode() if isinstance(text, str) else text
    return lambda path: path.write_bytes(content)


def packed(text: str, cut: int | None = None):
    return lambda path: path.write_bytes(gzip.compress(text.encode())[:cut])


def grid(path) -> None:
    dataset = xr.Dataset({"ta": (("lat", "lon"), np.ones((2, 3)))})
    dataset.to_netcdf(path, engine="h5netcdf")


def no_rows(path) -> None:
    xr.Dataset({"ta": ("t", np.empty(0))}).to_netcdf(path, engine="h5netcdf")


def double_parquet(path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table([[1], [2]], names=["ta", "ta"]), path)


LONG = "ta,nee\n" + "".join(f"{i}.123,{i * 7}\n" for i in range(9000))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("a.csv", None, "no such file; check the path"),
        ("a.csv", csv(""), "the file is empty"),
        ("a.csv", csv("\n \n"), "the file is empty"),
        ("a.csv", csv("ta,nee\n"), "column names but no rows"),
        ("a.csv", csv(b"PK\x03\x04\0\0\0"), "what files named .xlsx hold"),
        ("a.csv", csv("ta,né\n1,2\n".encode("latin-1")), "not UTF-8"),
        ("a.csv", csv(LONG.encode() + b"\xe9,1\n"), "not UTF-8"),
        ("a.csv", csv("ta,nee,ta\n1,2,3\n"), "occur more than once: 'ta'"),
        ("a.csv", csv("ta, ta \n1,2\n"), "occur more than once: 'ta'"),
        ("a.csv", csv("ta;nee\n1,5;2\n"), "separated by semicolons"),
        ("a.csv", csv("ta\tnee\n1\t2\n"), "separated by tabs"),
        ("a.csv", csv("1.5,2\n3,4\n"), "first line holds numbers"),
        (
            "a.csv",
            csv("a,b\n1,2\n3,4,5\n"),
            "line 3 has 3 cells, more cells than the 2 named",
        ),
        (
            "a.csv",
            csv("a,b\n1,2,3\n3,4,5\n"),
            "line 2 has 3 cells, more cells than the 2",
        ),
        ("a.csv", csv('a,b\n1,"2\n3,4'), "line 3 cannot be read .*close the quotes"),
        ("a.csv.gz", csv("a,b\n1,2\n"), "cannot be read .*gzip"),
        ("a.csv.gz", packed(""), "the file is empty"),
        ("a.csv.gz", packed(LONG, 200), "cannot be read .*[Cc]ompressed file ended"),
        ("a.csv.gz", packed(LONG, -200), "cannot be read .*[Cc]ompressed file ended"),
        ("a.csv", lambda path: path.mkdir(), "this is a folder"),
        pytest.param(
            "a.xlsx",
            csv("x"),
            "this is not an Excel workbook",
            marks=pytest.mark.skipif(not EXCEL, reason="openpyxl is an extra"),
        ),
        ("a.ods", csv("x"), "save the sheet as .xlsx or .csv"),
        ("a.doc", csv("x"), "unknown kind of file; the known endings are .csv"),
        ("a", csv("x"), "unknown kind of file"),
        ("a.parquet", csv("ta\n1\n"), "not a parquet file"),
        ("a.parquet", csv(b"PAR1 and nothing else PAR1"), "cannot be read"),
        ("a.parquet", double_parquet, "occur more than once: 'ta'"),
        ("a.nc", csv("ta\n1\n"), "not a NetCDF file"),
        ("a.nc", csv(b"\x89HDF\r\n\x1a\n broken"), "cannot be read"),
        ("a.nc", csv(b"CDF\x01 broken"), "cannot be read"),
        ("a.nc", grid, r"exactly one dimension \(found lat \(2\), lon \(3\)\)"),
        ("a.nc", no_rows, "dimension 't' has no rows"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, make, message):
    path = tmp_path / name
    if make:
        make(path)
    with pytest.raises(DataError, match=message) as caught:
        read_frame(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_zarr_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("discovery.tables.kinds.find_spec", lambda name: None)
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(DataError, match=r"needs an extra; pip install 'sciren\[big\]'"):
        read_frame(tmp_path / "a.zarr")


def test_zarr_gives_the_same_numbers(frame, tmp_path):
    pytest.importorskip("zarr", reason="zarr (extra 'big') is not installed")
    dataset = xr.Dataset.from_dataframe(frame.set_index("time"))
    dataset.to_zarr(tmp_path / "a.zarr", zarr_format=2, consolidated=True)
    found = read_frame(tmp_path / "a.zarr")
    np.testing.assert_array_equal(found["ta"], frame["ta"])
    np.testing.assert_array_equal(found["time"], frame["time"])
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(DataError, match=r"b\.zarr: the file cannot be read"):
        read_frame(tmp_path / "b.zarr")


def test_reading_and_filtering_load_no_torch():
    code = (
        "import sys, discovery.tables.sources, discovery.tables.rows; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_damaged_netcdf_file_leaves_nothing_on_stderr(frame, tmp_path):
    # filterwarnings = error: a traceback that a destructor writes fails the test
    write(frame, tmp_path / "a.nc")
    whole = (tmp_path / "a.nc").read_bytes()
    places = [k for k in range(len(whole)) if whole[k : k + 4] in (b"OHDR", b"OCHK")]
    assert places
    for place in places:
        for offset in (8, 60):
            changed = bytearray(whole)
            changed[place + offset] ^= 0xFF
            (tmp_path / "b.nc").write_bytes(changed)
            with contextlib.suppress(DataError):
                read_frame(tmp_path / "b.nc")
    gc.collect()
