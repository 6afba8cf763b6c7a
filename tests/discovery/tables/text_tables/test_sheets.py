"""Excel sheets are read as text tables are, with the same keys and messages."""

import datetime as dt

import pandas as pd
import pytest

from discovery.tables.sources import read_table
from sciren.errors import DataError

openpyxl = pytest.importorskip("openpyxl")  # an extra, not everywhere

ROWS = [
    ["time", "site", "ta", "ok", None],
    [dt.datetime(2013, 1, 31, 7, 15), "007", 1.25, True, None],
    [dt.datetime(2013, 1, 31, 7, 45), '07, "b"\nnorth', None, False, None],
]


def written(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_a_sheet_keeps_dates_numbers_and_ids(tmp_path):
    path = written(tmp_path / "a.xlsx", data=ROWS, empty=[])
    frame = read_table(path, time="time", ids=["site"])
    assert list(frame.columns) == ["time", "site", "ta", "ok"]
    assert list(frame["time"]) == [row[0] for row in ROWS[1:]]
    assert list(frame["site"]) == ["007", '07, "b" north']
    assert frame["ta"][0] == 1.25
    assert pd.isna(frame["ta"][1])
    assert list(frame["ok"]) == [True, False]


def test_head_lines_and_marks_are_those_of_text(tmp_path):
    rows = [
        ["# a tower"],
        ["ta", "nee"],
        ["degC", "umol m-2 s-1"],
        [1.5, -9999],
        [2, 3],
    ]
    path = written(tmp_path / "a.xlsx", data=rows)
    frame = read_table(
        path, header=1, units_row=2, missing=[-9999], decimal=",", separator=";"
    )
    assert frame.attrs["units"] == {"ta": "degC", "nee": "umol m-2 s-1"}
    assert frame["ta"].tolist() == [1.5, 2.0]
    assert frame["nee"].isna().tolist() == [True, False]


def test_of_several_sheets_one_is_named(tmp_path):
    path = written(tmp_path / "a.xlsx", first=[["a"], [1]], other=[["b"], [2]])
    with pytest.raises(
        DataError, match=r"several sheets .*'other'.*such as sheet: first"
    ):
        read_table(path)
    with pytest.raises(DataError, match="no sheet 'third'; it has 'first', 'other'"):
        read_table(path, sheet="third")
    assert read_table(path, sheet="other")["b"].tolist() == [2]


def test_a_workbook_without_cells_is_empty(tmp_path):
    with pytest.raises(DataError, match="the file is empty"):
        read_table(written(tmp_path / "a.xlsx", data=[]))


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    path = written(tmp_path / "a.xlsx", data=ROWS)
    monkeypatch.setattr(
        "discovery.tables.text_tables.sheets.find_spec", lambda name: None
    )
    with pytest.raises(DataError, match=r"sciren\[excel\]"):
        read_table(path)


def test_a_cell_far_away_and_a_sheet_that_unfolds_are_refused(tmp_path):
    far = written(tmp_path / "far.xlsx", data=ROWS)
    book = openpyxl.load_workbook(far)
    book["data"].cell(50_000, 16_384, 1)
    book.save(far)
    with pytest.raises(DataError, match=r"spans 50,000 rows and 16,384 columns"):
        read_table(far)
    packed = written(
        tmp_path / "packed.xlsx", data=[["a", "b"], ["x" * 30_000] * 2] * 1300
    )
    with pytest.raises(DataError, match=r"packed.xlsx: [\d,]+ bytes would unfold"):
        read_table(packed)
