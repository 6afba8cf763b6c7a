"""Files as newcomers have them: refused in one line that says what to do, or read."""

import gzip

import numpy as np
import pandas as pd
import pytest
import yaml
from small_study import CONFIG, ROWS

from discovery import cli

DAYS = pd.date_range("2013-01-01", periods=ROWS, freq="D")


def good(**other):
    k = np.arange(ROWS)
    frame = pd.DataFrame(
        {
            "time": DAYS.astype(str),
            "site": [f"s{i // 10}" for i in k],
            "x1": k * 0.5 + 0.1, "x2": (k * 7) % 11 * 1.5, "ta": k % 23 - 3.5,
            "reco": 1.1 + (k * 3) % 13 * 0.25,
        }
    )  # fmt: skip
    return frame.assign(**other)


def text(frame=None):
    return (good() if frame is None else frame).to_csv(index=False)


def bytes_of(content, name="data.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(content)


def sheet(*changes, top=()):
    """A workbook: lines above the names, the good table, and changes of the page."""

    def write(folder):
        openpyxl = pytest.importorskip("openpyxl")  # an extra, not everywhere
        book = openpyxl.Workbook()
        for line in (*top, list(good().columns), *good().to_numpy().tolist()):
            book.active.append(list(line))
        for change in changes:
            change(book.active)
        book.save(folder / "data.xlsx")

    return write


def below(line):
    """The good table with a line below the names."""
    return bytes_of(text().replace("\n", f"\n{line}\n", 1))


XLSX = {"data": {"path": "data.xlsx"}}
GROUPS = {"data": {"path": "data.xlsx", "groups": "site"}}
LOGGER = "Station,5123\n" + text().replace(
    "\n", "\nTS,-,deg,[-],degC,umol\n,,Avg,Avg,Avg,Smp\n", 1
)


def at_24(pattern):
    """Stamps every 8 hours, of which midnight is the end of the day before."""
    stamps = pd.date_range("2018-01-01", periods=ROWS, freq="8h")
    early = stamps.hour == 0
    days = (stamps - pd.to_timedelta(early.astype(int), "D")).strftime(pattern)
    return good(
        time=[
            f"{d}24:00" if e else f"{d}{s:%H:%M}"
            for d, e, s in zip(days, early, stamps, strict=True)
        ]
    )


# what: (file, changes of the configuration, words of the message)
REFUSED = {
    "titles in a sheet": (sheet(top=[["Messung"], ["Graz"]]), XLSX, "header: 2"),
    "a line of groups above the names": (
        bytes_of(f",,drivers,,met,flux\n{text()}"),
        {},
        "if that one holds the names, set data: {header: 1}",
    ),
    "units of which some are 1 or -": (
        below("UTC,-,m,1,degC,umol"),
        {},
        "units_row: 1",
    ),
    "a logger's head": (bytes_of(LOGGER), {}, "data: {header: 1, units_row: 2}"),
    "numbers merged over rows": (
        sheet(lambda p: p.merge_cells("C3:C6")),
        XLSX,
        "cells C3:C6 are merged",
    ),
    "a formula without its result": (
        sheet(lambda p: p.__setitem__("C4", "=D4*2")),
        XLSX,
        "cell C4 holds a formula",
    ),
    "an error of a spreadsheet": (
        sheet(lambda p: p.__setitem__("C4", "#DIV/0!")),
        XLSX,
        'missing: ["#DIV/0!"]',
    ),
    "a packed text with another ending": (
        bytes_of(gzip.compress(b"a,b\n1,2\n")),
        {},
        "named .csv.gz hold",
    ),
    "a workbook that is called csv": (
        lambda folder: (
            sheet()(folder),
            (folder / "data.xlsx").rename(folder / "data.csv"),
        ),
        {},
        "named .xlsx hold",
    ),
    "parquet that is called csv": (
        lambda folder: good().to_parquet(folder / "data.csv"),
        {},
        "named .parquet hold",
    ),
    "a text that is called xlsx": (bytes_of(text(), "data.xlsx"), XLSX, "such as .csv"),
    "a text that is called gz": (
        bytes_of(text(), "data.csv.gz"),
        {"data": {"path": "data.csv.gz"}},
        "ends with .csv",
    ),
    "a web page": (
        bytes_of("<!DOCTYPE html>\n<p>404"),
        {},
        "this is a web page, not a table",
    ),
    "JSON": (bytes_of('{"x1": [1]}'), {}, "this is JSON, not a table"),
    "an address": (
        bytes_of(text()),
        {"data": {"path": "https://example.org/a.csv"}},
        "download the file first",
    ),
    "the names once more": (
        bytes_of(text().replace("2013-01-09", text().split("\n")[0] + "\n2013-01-09")),
        {},
        "stands among the rows again",
    ),
    "blanks between thousands": (
        bytes_of(text(good(x1=[f"1 {k:03d}.5" for k in range(ROWS)]))),
        {},
        'thousands: " "',
    ),
    "quotes between thousands": (
        bytes_of(text(good(x1=[f"1\u2019{k:03d}" for k in range(ROWS)]))),
        {},
        'thousands: "\'"',
    ),
    "numbers beside their unit": (
        bytes_of(text(good(ta=[f"{k}\u00b0C" for k in range(ROWS)]))),
        {},
        "write the number alone",
    ),
    "years of two digits": (
        bytes_of(text(good(time=DAYS.strftime("%y-%m-%d")))),
        {},
        '"%y-%m-%d" and "%d-%m-%y"',
    ),
    "days of a spreadsheet": (
        bytes_of(text(good(time=range(41275, 41275 + ROWS)))),
        {},
        "(days of a spreadsheet?)",
    ),
    "summer time": (
        bytes_of(
            text(good(time=["2013-03-30 12:00+01:00", "2013-03-31 12:00+02:00"] * 30))
        ),
        {},
        'offsets +01:00 and +02:00 from UTC; name one clock, data: {timezone: "+01:00"}',
    ),
    "a minute that no hour has": (
        bytes_of(text().replace("2013-01-09", "2013-01-09 12:60")),
        {},
        "'2013-01-09 12:60' in row 8",
    ),
    "an end of the day that is none": (
        bytes_of(text().replace("2013-01-09", "2013-01-09 24:30")),
        {},
        "'2013-01-09 24:30' in row 8",
    ),
    "a marker that alone makes a column large": (
        bytes_of(
            text(good(reco=[1e20 if k in (3, 4) else k % 7 + 0.5 for k in range(ROWS)]))
        ),
        {},
        "missing: [1e+20]",
    ),
    "a marker in a column that is converted": (
        bytes_of(
            text(good(ta=[-9999 if k == 3 else 280 + k % 7 for k in range(ROWS)]))
        ),
        {"units": {"ta": "K"}, "convert": {"ta": "degC"}},
        "missing: [-9999]",
    ),
    "one week": (
        bytes_of(
            text(
                good(
                    time=pd.date_range("2013-01-01", periods=ROWS, freq="30min").astype(
                        str
                    )
                )
            )
        ),
        {},
        "all rows lie in 1 calendar week, which cannot make three parts; set split",
    ),
    "periods without a time": (
        bytes_of(text()),
        {
            "data": {"path": "data.csv"},
            "split": {
                "kind": "time",
                "train": "2013-01",
                "valid": "2013-02",
                "test": "2013-03",
            },
        },
        "data: {time: its column}",
    ),
    "two shares": (
        bytes_of(text()),
        {"split": {"kind": "random", "fractions": [0.8, 0.2]}},
        "is [0.8, 0.2]: give 3 values",
    ),
    "a function in a filter": (
        bytes_of(text()),
        {"data": {"path": "data.csv", "rows": "isnan(reco)"}},
        "nee == nee keeps what is there",
    ),
}
READ = {
    "a header that is told": (
        bytes_of(LOGGER),
        {"data": {"path": "data.csv", "header": 1, "units_row": 2}},
    ),
    "sites merged over their rows": (
        sheet(
            *[
                lambda p, k=k: p.merge_cells(f"B{2 + 10 * k}:B{11 + 10 * k}")
                for k in range(6)
            ]
        ),
        GROUPS,
    ),
    "names of two lines, merged where one is enough": (
        sheet(
            lambda p: p.insert_rows(2),
            lambda p: [p.__setitem__(f"{c}2", p[f"{c}1"].value) for c in "CD"],
            lambda p: (p.__setitem__("C1", "drivers"), p.merge_cells("C1:D1")),
            *[lambda p, c=c: p.merge_cells(f"{c}1:{c}2") for c in "ABEF"],
        ),
        {"data": {"path": "data.xlsx", "header": 1}},
    ),
    "blanks that do not break": (
        bytes_of(text(good(x1=[f"1\u00a0{k:03d}.5" for k in range(ROWS)]))),
        {"data": {"path": "data.csv", "thousands": " "}},
    ),
    "an end of the day": (bytes_of(text(at_24("%Y-%m-%d "))), {"data": CONFIG["data"]}),
    "an end of the day in a format": (
        bytes_of(text(at_24("%d.%m.%Y "))),
        {"data": CONFIG["data"] | {"time_format": "%d.%m.%Y %H:%M"}},
    ),
}


def checked(folder, make, changes):
    """Run ``check`` on a file, and return its exit code."""
    made = make(folder)
    assert made is not None or list(folder.iterdir())
    (folder / "CONFIG.yaml").write_text(yaml.safe_dump(CONFIG | changes))
    with pytest.raises(SystemExit) as end:
        cli.main(["check", str(folder / "CONFIG.yaml"), "--quiet"])
    return end.value.code


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_in_one_line_that_says_what_to_do(tmp_path, capsys, what):
    make, changes, words = REFUSED[what]
    assert checked(tmp_path, make, changes) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err


@pytest.mark.parametrize("what", READ)
def test_it_is_read_whole(tmp_path, capsys, what):
    make, changes = READ[what]
    code = checked(tmp_path, make, changes)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert f"{ROWS} rows, {ROWS} complete" in said.out


def test_the_end_of_a_day_is_the_beginning_of_the_next():
    from sciren.data.stamps import time_column

    for stamp in ("2013-12-31 24:00", "2013-12-31T24:00:00", "201312312400"):
        read = time_column([stamp, stamp], pd.RangeIndex(2))
        assert (read == np.datetime64("2014-01-01")).all()
