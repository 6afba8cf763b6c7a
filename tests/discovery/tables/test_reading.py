"""Tables as loggers, archives and spreadsheets write them: read, or refused with keys."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from discovery import read_table
from sciren.errors import ColumnError, ConfigError, DataError, DataWarning

LOGGER = """\
"TOA5","CR3000","CR3000","5123","CR3000.Std.31","CPU:site.CR3","51216","Flux"
"TIMESTAMP","RECORD","ta","nee"
"TS","RN","degC","umol m-2 s-1"
"","","Avg","Smp"
"2018-01-01 00:30:00",1,1.5,"NAN"
"2018-01-01 01:00:00",2,1.7,0.5
"2018-01-01 01:30:00",3,1.9,0.7
"""
EUROPEAN = "time;ta;nee\n01.02.2018 07:15;1,5;2,25\n13.02.2018 07:45;1,7;-0,5\n"


def written(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(data)
    return path


def refused(path, **reading):
    with pytest.raises(DataError) as caught:
        read_table(path, **reading)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def proposed(message):
    """The keys that a message proposes, as a configuration reads them."""
    return yaml.safe_load(re.findall(r"data: (\{.*?\})", message)[0])


def test_comment_lines_above_the_header_and_elsewhere_are_skipped_and_counted(tmp_path):
    text = "# Site: XX-Abc\n# Version: 1-5\nta,nee\n1,2\n# calibration\n3,4\n"
    found = read_table(written(tmp_path, text))
    assert found.to_dict("list") == {"ta": [1, 3], "nee": [2, 4]}
    assert found.attrs["notes"] == ["skipped 3 comment lines"]
    other = read_table(written(tmp_path, text.replace("#", "%")), comment="%")
    assert other.equals(found)
    plain = read_table(written(tmp_path, "ta,#nee\n1,2\n"), comment=None)
    assert list(plain.columns) == ["ta", "#nee"]


def test_a_header_behind_the_comment_sign_is_read_where_it_is_named(tmp_path):
    path = written(tmp_path, "# made by hand\n# ta, nee\n1,2\n3,4\n")
    keys = proposed(refused(path))
    assert keys == {"header": 1}
    assert read_table(path, **keys).to_dict("list") == {"ta": [1, 3], "nee": [2, 4]}


def test_a_logger_file_with_four_head_lines_is_read_with_the_proposed_keys(tmp_path):
    path = written(tmp_path, LOGGER)
    keys = proposed(refused(path))
    assert keys == {"header": 1, "units_row": 2}
    found = read_table(path, time="TIMESTAMP", **keys)
    assert found["ta"].tolist() == [1.5, 1.7, 1.9]
    assert np.isnan(found["nee"][0])
    assert found.attrs["units"]["nee"] == "umol m-2 s-1"
    assert str(found["TIMESTAMP"][0]) == "2018-01-01 00:30:00"


def test_names_above_units_and_statistics_are_read_with_the_proposed_keys(tmp_path):
    path = written(tmp_path, "\n".join(LOGGER.splitlines()[1:]) + "\n")
    keys = proposed(refused(path))
    assert keys == {"header": 0, "units_row": 1}
    assert len(read_table(path, **keys)) == 3
    wrong = refused(path, header=9)
    assert "key 'data.header' is 9, but the file has no such line" in wrong


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_and_decimal_commas_are_proposed_and_read(tmp_path, separator):
    path = written(tmp_path, EUROPEAN.replace(";", separator))
    keys = proposed(refused(path))
    assert keys == {"separator": separator, "decimal": ","}
    found = read_table(path, **keys)
    assert found["ta"].tolist() == [1.5, 1.7]
    assert found["nee"].tolist() == [2.25, -0.5]


def test_columns_between_blanks_are_proposed_and_read(tmp_path):
    path = written(tmp_path, "ta    nee\n 1.5   2\n 10.5 -3\n")
    keys = proposed(refused(path))
    assert keys == {"separator": " "}
    assert read_table(path, **keys)["ta"].tolist() == [1.5, 10.5]


def test_a_declared_separator_still_finds_the_decimal_comma(tmp_path):
    path = written(tmp_path, EUROPEAN)
    assert proposed(refused(path, separator=";")) == {"decimal": ","}


@pytest.mark.parametrize(
    ("stamps", "layout", "first"),
    [
        (
            ["01.01.2018 07:15", "02.01.2018 07:15"],
            "%d.%m.%Y %H:%M",
            "2018-01-01T07:15",
        ),
        (["13/01/2018 07:15:30"], "%d/%m/%Y %H:%M:%S", "2018-01-13T07:15:30"),
        (["1/13/2018 7:15 PM"], "%m/%d/%Y %I:%M %p", "2018-01-13T19:15"),
        (["05-Mar-2018"], "%d-%b-%Y", "2018-03-05"),
    ],
)
def test_the_format_that_fits_all_stamps_is_proposed_and_read(
    tmp_path, stamps, layout, first
):
    rows = "".join(f"{stamp},1\n" for stamp in stamps)
    path = written(tmp_path, f"time,ta\n{rows}")
    with pytest.raises(DataError) as caught:
        read_table(path, time="time")
    keys = proposed(str(caught.value))
    assert keys == {"time_format": layout}
    found = read_table(path, time="time", **keys)
    assert found["time"].to_numpy()[0] == np.datetime64(first)


def test_days_and_times_of_day_in_two_columns_are_one_stamp(tmp_path):
    text = "Datum;Zeit;ta\n01.02.2018;07:15;1,5\n01.02.2018;07:45;2\n"
    path = written(tmp_path, text)
    keys = {"separator": ";", "decimal": ",", "time_format": "%d.%m.%Y %H:%M"}
    found = read_table(path, time="Datum", clock="Zeit", **keys)
    assert found["Datum"].dt.strftime("%m-%d %H:%M").tolist() == [
        "02-01 07:15",
        "02-01 07:45",
    ]
    days = {"day": pd.to_datetime(["2018-02-01"]), "at": ["07:15"], "ta": [1.0]}
    assert read_table(days, time="day", clock="at")["day"][0].hour == 7
    with pytest.raises(ColumnError, match=r"clock 'Zeitt' is not"):
        read_table(path, time="Datum", clock="Zeitt", **keys)
    with pytest.raises(ConfigError, match=r"needs a time column"):
        read_table(path, clock="Zeit", separator=";", decimal=",")


def test_day_and_month_that_may_be_either_are_asked_for(tmp_path):
    path = written(tmp_path, "time,ta\n01/02/2018,1\n03/04/2018,2\n")
    with pytest.raises(DataError, match=r'"%d/%m/%Y" and "%m/%d/%Y"; say which'):
        read_table(path, time="time")


def test_stamps_with_offsets_come_to_one_clock(tmp_path):
    rows = "2018-03-25T00:30+01:00,1\n2018-03-25T03:30+02:00,2\n"
    path = written(tmp_path, f"time,ta\n{rows}")
    with pytest.raises(
        DataError, match=r"in one time zone \(or name it, data.timezone"
    ):
        read_table(path, time="time")
    found = read_table(path, time="time", timezone="+01:00")["time"]
    assert found.astype(str).tolist() == ["2018-03-25 00:30:00", "2018-03-25 02:30:00"]
    local = read_table(path, time="time", timezone="Europe/Zurich")["time"]
    assert local.dt.hour.tolist() == [0, 3]
    mixed = written(tmp_path, f"time,ta\n{rows}2018-03-25T04:00,3\n")
    with pytest.raises(DataError, match="'2018-03-25T04:00' has no offset from UTC"):
        read_table(mixed, time="time", timezone="+01:00")


def test_a_clock_column_with_an_offset_is_told_or_brought_to_the_clock(tmp_path):
    path = written(tmp_path, "day,clock,ta\n2018-07-01,12:00+02:00,1\n")
    with pytest.warns(DataWarning, match=r"'day' is written with its offset.*\+02:00"):
        kept = read_table(path, time="day", clock="clock")["day"]
    moved = read_table(path, time="day", clock="clock", timezone="UTC")["day"]
    assert [str(kept[0]), str(moved[0])] == [
        "2018-07-01 12:00:00",
        "2018-07-01 10:00:00",
    ]
    german = written(tmp_path, "time,ta\n01.07.2018 12:00 +0200,1\n")
    layout = "%d.%m.%Y %H:%M %z"
    read = read_table(german, time="time", time_format=layout, timezone="UTC")["time"]
    assert str(read[0]) == "2018-07-01 10:00:00"


@pytest.mark.parametrize(
    ("stamps", "row"),
    [("201301010000\n\n201301010100", 1), ("201301010000\n201301010030\n ", 2)],
)
def test_the_row_without_a_stamp_is_named(tmp_path, stamps, row):
    lines = "".join(f"{stamp},1\n" for stamp in stamps.split("\n"))
    path = written(tmp_path, f"time,ta\n{lines}")
    with pytest.raises(DataError, match=rf"'time' has no value in row {row} .*1 of 3"):
        read_table(path, time="time")


@pytest.mark.parametrize(
    "stamps",
    [
        [201301010000, 201301010030],
        [201301010000.0, 201301010030.0],
        ["201301010000", "201301010030"],
        ["201301010000.0", " 201301010030"],
        pd.array([201301010000, 201301010030], dtype="Int64"),
    ],
    ids=["whole", "float", "text", "float text", "Int64"],
)
def test_digits_are_dates_however_they_are_stored(stamps):
    found = read_table({"time": stamps}, time="time")["time"]
    assert found.astype(str).tolist() == ["2013-01-01 00:00:00", "2013-01-01 00:30:00"]


def test_stamps_with_gaps_in_parquet_name_the_row(tmp_path):
    stamps = pd.array([201301010000, None, 201301010100], dtype="Int64")
    pd.DataFrame({"time": stamps}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="'time' has no value in row 1"):
        read_table(tmp_path / "a.parquet", time="time")


def test_marks_between_thousands(tmp_path):
    path = written(tmp_path, 'ta,co2\n1,"1,234"\n2,"12,345.5"\n')
    assert read_table(path, thousands=",")["co2"].tolist() == [1234, 12345.5]


def test_declared_gap_markers_become_gaps_in_every_source(tmp_path):
    frame = pd.DataFrame({"nee": [-9999, 1, 2], "x": ["--", "4", "-9999.0"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for source in (tmp_path / "a.csv", tmp_path / "a.parquet", frame):
        found = read_table(source, missing=[-9999, "--"])
        assert found["nee"].isna().tolist() == [True, False, False]
        assert pd.to_numeric(found["x"]).isna().tolist() == [True, False, True]
    single = pd.DataFrame({"nee": np.array([-9999.9, 1], dtype=np.float32)})
    assert read_table(single, missing=-9999.9)["nee"].isna().tolist() == [True, False]


def test_ids_are_text_as_written(tmp_path):
    sites = ["001", "01", "1", "0010", "010", "10", "NA", "null", ""]
    rows = "".join(f"{site},{k}\n" for k, site in enumerate(sites))
    path = written(tmp_path, f"site,ta\n{rows}")
    found = read_table(path, ids=["site"])["site"]
    assert found[:-1].tolist() == sites[:-1]
    assert found.isna().tolist() == [False] * 8 + [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has 2 of 3 cells; complete or remove"),
        (
            "a,b,c\n1,2,3\n4,5,6\n6,7",
            "line 4 has 2 of 3 cells: the file seems to be cut",
        ),
        ('a,b\n1,"x, y"\n2\n', "line 3 has 1 of 2 cells"),
        (
            "# note\na,b\n1,2\n3,4,5\n",
            "line 4 has 3 cells, more cells than the 2 named",
        ),
    ],
)
def test_a_row_with_another_number_of_cells_is_named(tmp_path, text, message):
    assert message in refused(written(tmp_path, text))


@pytest.mark.parametrize("ending", ["csv", "parquet", None])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("ta\u200b", "ta"), ("ta\u202e", "ta"), ("ta\u00a0(K)", "ta (K)"),
        ("ta\n (K)", "ta (K)"), ("\ufeffta", "ta"), ("t a", "t a"),
    ],
)  # fmt: skip
def test_names_are_read_without_what_nobody_sees(tmp_path, name, read, ending):
    source = frame = pd.DataFrame({"x": [1, 2], name: [3, 4]})
    if ending is not None:
        source = tmp_path / f"a.{ending}"
        getattr(frame, f"to_{ending}")(source, index=False)
    table = read_table(source)
    assert list(table.columns) == ["x", read]
    seen = name == read or (ending == "csv" and "\n" in name)
    assert table.attrs["notes"] == (
        [] if seen else [f"column {name!r} is read as {read!r}"]
    )


def test_two_names_that_look_alike_are_refused(tmp_path):
    frame = pd.DataFrame({"ta": [1, 2], "ta\u200b": [3, 4]})
    frame.to_parquet(tmp_path / "a.parquet")
    path = written(tmp_path, frame.to_csv(index=False))
    assert "'ta'" in refused(path)
    with pytest.raises(DataError, match="'ta'"):
        read_table({"ta": [1, 2], "ta\u200b": [3, 4]})
    with pytest.raises(DataError, match="'ta'"):
        read_table(tmp_path / "a.parquet")


def test_cells_go_on_behind_a_line_break_inside_quotes(tmp_path):
    text = 'a,"b\n(K)",note\n1,2,"wind\nand, ""rain"""\n3,4,5" pipe\n5,6,7" pipe\n'
    table = read_table(written(tmp_path, text), ids=["note"])
    assert list(table.columns) == ["a", "b (K)", "note"]
    assert table["note"].tolist() == ['wind and, "rain"', '5" pipe', '7" pipe']
    # lines keep the numbers that an editor shows
    short = text + "8,9\n"
    assert "line 7 has 2 of 3 cells" in refused(written(tmp_path, short))


def test_quotes_that_nothing_closes_swallow_no_table(tmp_path):
    text = "a,b\n1,2\n" + '3,"4\n' + "5,6\n" * 99
    assert "close the quotes" in refused(written(tmp_path, text))


@pytest.mark.parametrize("name", ["utf-16", "utf-32", "utf-8-sig"])
def test_text_with_a_mark_is_read_in_its_encoding(tmp_path, name):
    path = written(tmp_path, "té,nee\n1,2\n".encode(name))
    assert list(read_table(path).columns) == ["té", "nee"]


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "cp1252"])
def test_text_without_a_mark_is_named_and_read_with_its_encoding(tmp_path, name):
    path = written(tmp_path, "té,nee\n1,2\n3,4\n".encode(name))
    keys = proposed(refused(path))
    assert keys == {"encoding": name}
    assert read_table(path, **keys).columns[0] == "té"


def test_polars_pyarrow_pandas_and_mappings_are_tables():
    import pyarrow as pa

    class Arrow:
        """What polars offers of its tables."""

        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    columns = {"ta": [1.5, 2.5], "site": ["a", "b"]}
    table = pa.table(columns)
    for source in (columns, pd.DataFrame(columns), table, Arrow()):
        found = read_table(source)
        assert found["ta"].tolist() == [1.5, 2.5]
        assert found["site"].tolist() == ["a", "b"]
    with pytest.raises(DataError, match="columns have different lengths"):
        read_table({"a": [1], "b": [1, 2]})
    with pytest.raises(DataError, match=r"column 'a' has shape \(2, 2\)"):
        read_table({"a": np.ones((2, 2))})
    with pytest.raises(DataError, match="a int is no table"):
        read_table(3)


def two_dimensions(path):
    xr.Dataset(
        {
            "ta": ("time", [1.0, 2.0, 3.0]), "nee": ("time", [4.0, 5.0, 6.0]),
            "sand": ("layer", [1.0, 2.0]), "silt": ("layer", [1.0, 2.0]),
            "clay": ("layer", [1.0, 2.0]),
        }
    ).to_netcdf(path, engine="h5netcdf")  # fmt: skip
    return path


def test_a_data_set_in_memory_is_a_table(tmp_path):
    import sciren.data

    with xr.open_dataset(two_dimensions(tmp_path / "a.nc"), engine="h5netcdf") as data:
        assert read_table(data, columns=["ta", "nee"])["nee"].tolist() == [
            4.0,
            5.0,
            6.0,
        ]
        with pytest.raises(DataError, match="has the dimensions time, layer; give"):
            sciren.data.Table.from_frame(data, ["ta"], [], ["nee"])
        data["ta"].attrs["units"] = "degC"
        one = data[["ta", "nee"]].assign_coords(time=[3.0, 2.0, 1.0])
        table = sciren.data.Table.from_frame(one, ["ta", "time"], [], ["nee"])
    assert table.features[:, 1].tolist() == [3.0, 2.0, 1.0]
    assert table.units["ta"] == "degC"


def test_the_dimension_of_the_named_variables_counts_the_rows(tmp_path):
    path = two_dimensions(tmp_path / "a.nc")
    assert list(read_table(path).columns) == ["sand", "silt", "clay"]
    found = read_table(path, columns=["ta", "nee"])
    assert list(found.columns) == ["ta", "nee"]
    assert found.attrs["notes"] == [
        "rows count along dimension 'time', not along layer (2)"
    ]
    message = r"different dimensions: ta \(time\), clay \(layer\)"
    with pytest.raises(DataError, match=message):
        read_table(path, columns=["ta", "clay"])


@pytest.mark.parametrize("calendar", ["noleap", "365_day", "360_day", "all_leap"])
def test_dates_of_other_calendars_are_read_where_they_exist(tmp_path, calendar):
    path = tmp_path / "a.nc"
    dataset = xr.Dataset(
        {"ta": ("time", np.arange(90.0))}, coords={"time": np.arange(90)}
    )
    dataset["time"].attrs = {"units": "days since 2001-01-01", "calendar": calendar}
    dataset.to_netcdf(path, engine="h5netcdf")
    assert read_table(path)["ta"].tolist() == list(range(90))
    if calendar in ("noleap", "365_day"):
        found = read_table(path, time="time")["time"]
        assert found.astype(str)[59] == "2001-03-01"
    else:
        with pytest.raises(DataError, match=r"'time' has '2001-02-(29|30)"):
            read_table(path, time="time")


def test_times_that_cannot_be_decoded_stay_numbers(tmp_path):
    path = tmp_path / "a.nc"
    dataset = xr.Dataset({"ta": ("time", [1.0, 2.0])}, coords={"time": [0, 1]})
    dataset["time"].attrs = {"units": "months since 2001-01-31", "calendar": "standard"}
    dataset.to_netcdf(path, engine="h5netcdf")
    assert read_table(path)["ta"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"separater": ";"}, "key 'separater' does not exist. Closest names: separator"),
        ({"separator": ";;"}, "write one character"),
        ({"decimal": ","}, 'name the character between the cells, such as separator: ";"'),
        ({"decimal": ",", "separator": ";", "thousands": ","}, "are both ','"),
        ({"encoding": "utf-7000"}, "write utf-8, utf-16, cp1252 or latin-1"),
        ({"header": 1, "units_row": 1}, "are the same line"),
        ({"header": -1}, "greater than or equal to 0"),
        ({"time_format": "dd.mm.yyyy"}, 'such as "%d.%m.%Y %H:%M"'),
        ({"timezone": "Mars/Olympus"}, "'Mars/Olympus' does not exist; write an offset"),
        ({"quality": 1}, "need a format: fluxnet or reddyproc"),
        ({"daily": True}, "need a format: fluxnet or reddyproc"),
        ({"format": "flxnet"}, "use one of fluxnet, reddyproc. Closest names: fluxnet"),
    ],
)  # fmt: skip
def test_keys_that_cannot_be_are_refused(tmp_path, keys, message):
    with pytest.raises(ConfigError) as caught:
        read_table(written(tmp_path, "a,b\n1,2\n"), **keys)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
