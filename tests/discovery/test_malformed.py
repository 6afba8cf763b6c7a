"""Sixty malformed tables and configurations: one line, exit code 2, nothing written."""

import gzip

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from small_study import CONFIG, ROWS

from discovery import cli


def good():
    k = np.arange(ROWS)
    return pd.DataFrame(
        {
            "time": pd.date_range("2013-01-01", periods=ROWS, freq="D").astype(str),
            "site": [f"s{i % 6}" for i in k],
            "part": np.resize(["train", "train", "valid", "test"], ROWS),
            "lon": 5 + k % 10 * 1.0, "lat": 45 + k % 7 * 1.0,
            "x1": k * 0.5, "x2": (k * 7) % 11 * 1.0, "ta": k % 23 - 3.0,
            "reco": 1 + (k * 3) % 13 * 0.25,
        }
    )  # fmt: skip


def cell(column, row, value):
    """A table with one other cell."""

    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return change


def column(name, values):
    return lambda frame: frame.assign(**{name: values})


def text(change):
    """A csv file from the text of the good one."""
    return lambda folder: (folder / "data.csv").write_bytes(
        change(good().to_csv(index=False)).encode()
    )


def raw(content, name="data.csv"):
    return lambda folder: (folder / name).write_bytes(content)


def parquet(change):
    return lambda folder: change(good()).to_parquet(folder / "data.parquet")


def netcdf(folder):
    dims = {"x1": "time", "x2": "time", "ta": "layer", "reco": "time"}
    data = {name: (dim, np.arange(5.0 + (dim == "time"))) for name, dim in dims.items()}
    xr.Dataset(data).to_netcdf(folder / "data.nc", engine="h5netcdf")


def calendar(folder):
    dataset = xr.Dataset(
        {name: ("time", np.arange(40.0)) for name in ("x1", "x2", "ta", "reco")},
        coords={"time": np.arange(40)},
    )
    dataset["time"].attrs = {"units": "days since 2001-02-01", "calendar": "360_day"}
    dataset.to_netcdf(folder / "data.nc", engine="h5netcdf")


def wide(frame):
    names = [f"spectral_band_{k:06d}_nm" for k in range(13_000)]
    return pd.concat([pd.DataFrame(0.5, frame.index, names), frame], axis=1)


def process(body):
    head = (
        "import math, sys\nimport numpy as np\n"
        "from sciren import Parameter, process_model\n"
        '@process_model([Parameter("rb", low=0)], ["ta"], ["reco"])\ndef mine(p, f):\n'
    )
    return lambda folder: (folder / "mine.py").write_text(f"{head}    {body}\n")


MINE = {"decoder": "mine.py:mine"}
GROUPS = {"data": {"groups": "site"}}
BLOCK = {"split": {"kind": "block", "lon": "lon", "lat": "lat"}}
COLUMN = {"split": {"kind": "column", "column": "part"}}
PARQUET = {"data": {"path": "data.parquet"}}
NETCDF = {"data": {"path": "data.nc"}}


def split(**how):
    return {"split": how}


def cut(content):
    return content.rstrip()[:-8]


# what: (how the table is written or changed, changes of the configuration, message)
MALFORMED = {
    # the form of the file
    "comments only": (raw(b"# a\n# b\n"), {}, "every line is a comment"),
    "semicolons": (text(lambda t: t.replace(",", ";")), {}, 'separator: ";"'),
    "decimal commas": (
        text(lambda t: t.replace(",", ";").replace(".", ",")),
        {},
        'separator: ";", decimal: ","',
    ),
    "tabs": (text(lambda t: t.replace(",", "\t")), {}, 'separator: "\\t"'),
    "units below the names": (
        text(lambda t: t.replace("\n", "\n,,,deg,deg,m,m,degC,umol\n", 1)),
        {},
        "header: 0, units_row: 1",
    ),
    "a title above the names": (
        text(lambda t: f"Station,5123\n{t}"),
        {},
        "data: {header: 1}",
    ),
    "no names": (text(lambda t: "1,2,3\n4,5,6\n"), {}, "it must name the columns"),
    "a row too short": (text(lambda t: t.replace(",45.0,", ",", 1)), {}, "line 2 has 8 of 9"),
    "a row too long": (text(lambda t: t.replace("45.0", "45,0", 1)), {}, "line 2 has 10"),
    "a cut last line": (text(cut), {}, "line 61 has 8 of 9 cells: the file seems to be"),
    "an open quote": (text(lambda t: t.replace("s0", '"s0', 1)), {}, "close the quotes"),
    "Windows' encoding": (raw("time,té\n1,2\n".encode("cp1252")), {}, 'encoding: "cp1252"'),
    "UTF-16 without a mark": (raw("a,b\n1,2\n".encode("utf-16-le")), {}, '"utf-16-le"'),
    "a picture": (raw(b"\x89PNG\r\n\x1a\n" + bytes(40)), {}, "binary file"),
    "a cut archive": (
        raw(gzip.compress(b"x1,x2\n1,2\n" * 99)[:-9], "data.csv.gz"),
        {"data": {"path": "data.csv.gz"}},
        "data.csv.gz: the file cannot be read",
    ),
    "another ending": (raw(b"1", "data.doc"), {"data": {"path": "data.doc"}}, ".parquet"),
    "no workbook": (raw(b"1", "data.xlsx"), {"data": {"path": "data.xlsx"}}, "not an Excel"),
    "an older sheet": (raw(b"1", "data.xls"), {"data": {"path": "data.xls"}}, "as .xlsx"),
    "a folder": (None, {"data": {"path": "."}}, "unknown kind of file"),
    "a header that is not there": (None, {"data": {"header": 99}}, "has no such line"),
    "parquet that is none": (raw(b"x", "data.parquet"), PARQUET, "is not a parquet file"),
    "variables of two dimensions": (netcdf, NETCDF, "different dimensions: x1 (time)"),
    "a day that no calendar has": (calendar, NETCDF, "'time' has '2001-02-29"),
    # cells
    "a gap marker in the target": (
        cell("reco", slice(3, 9), -9999), {}, "data: {missing: [-9999]}"
    ),
    "another marker in the target": (
        cell("reco", slice(3, 9), -9999.9), {}, "data: {missing: [-9999.9]}"
    ),
    "a marker in a feature": (cell("x1", slice(3, 5), -6999), {}, "missing: [-6999]"),
    "a repeated extreme": (cell("reco", slice(3, 9), -555), {}, "missing: [-555]"),
    "a word in numbers": (cell("x1", 7, "broken"), {}, "'x1' holds text in row 7"),
    "a dash for a gap": (cell("x1", slice(7, 9), "---"), {}, 'data: {missing: ["---"]}'),
    "thousands": (
        column("x1", [f"1,{k:03d}" for k in range(ROWS)]), {}, 'data: {thousands: ","}'
    ),
    "an infinity": (cell("ta", 4, np.inf), {}, "'ta' is infinite in row 4"),
    "a constant feature": (column("x2", 4.0), {}, "feature 'x2' is 4 in all 60"),
    "an empty feature": (column("x2", np.nan), {}, "missing feature x2: 60"),
    "an empty target": (column("reco", np.nan), {}, "'reco' has no value in any"),
    "one class": (column("x1", "ENF"), {}, "'x1' is ENF in all"),
    "a target of another sign": (
        column("reco", -1 - np.arange(ROWS) % 5.0), {}, "data.csv: column 'reco' is from -5 to"
    ),
    "dates in a feature": (
        column("x1", pd.date_range("2018-01-13", periods=ROWS).strftime("%Y-%m-%d")), {},
        "dates are no amounts"
    ),
    "classes in a target": (column("reco", "ENF"), {}, "'reco' holds text in row 0"),
    # stamps, groups, parts, places
    "no stamp": (cell("time", 5, None), {}, "'time' has no value in row 5"),
    "dates with points": (
        column("time", pd.date_range("2018-01-13", periods=ROWS).strftime("%d.%m.%Y")),
        {},
        'data: {time_format: "%d.%m.%Y"}',
    ),
    "dates of two kinds": (cell("time", 5, "13.01.2013"), {}, "'13.01.2013' in row 5"),
    "numbers for dates": (column("time", range(ROWS)), {}, "holds plain numbers"),
    "stamps with gaps in parquet": (
        parquet(column("time", pd.array([None, *[20130101] * (ROWS - 1)], "Int64"))),
        PARQUET,
        "'time' has no value in row 0",
    ),
    "offsets of two kinds": (
        column("time", ["2013-01-01T00:00+01:00", "2013-07-01T00:00+02:00"] * 30),
        {},
        "in one time zone",
    ),
    "no group": (cell("site", 8, None), GROUPS, "'site' has no value in row 8"),
    "no group of the split": (
        cell("site", 8, None), split(kind="group", column="site"), "no value in row 8"
    ),
    "a place with a letter": (cell("lon", 2, "10E"), BLOCK, "'lon' holds text in row 2"),
    "no place": (cell("lat", 2, None), BLOCK, "column 'lat' has no value in row 2"),
    "a place off the globe": (cell("lat", 2, 99.0), BLOCK, "lat 99.0"),
    "a part that is missing": (
        column("part", "train"), COLUMN, "valid has no rows: column 'part' holds 'train'"
    ),
    "a negative weight": (cell("x2", 3, -1.0), {"data": {"weights": "x2"}}, "in row 3"),
    # configurations
    "a table of FLUXNET that is none": (
        None, {"data": {"format": "fluxnet"}}, "needs the columns TIMESTAMP_START"
    ),
    "a quality without a format": (None, {"data": {"quality": 1}}, "need a format"),
    "the same mark twice": (None, {"data": {"decimal": ","}}, "are both ','"),
    "an unknown time zone": (None, {"data": {"timezone": "CETT"}}, "'CETT' does not exist"),
    "a format without signs": (None, {"data": {"time_format": "dd.mm"}}, "data.time_format"),
    "an unknown key": (None, {"data": {"seperator": ";"}}, "Closest names: separator"),
    "two parts that overlap": (
        None,
        split(kind="time", train="2013", valid="2013-02", test="2013-03"),
        "overlap",
    ),
    "a part without rows": (
        None,
        split(kind="time", train="2013-01", valid="2013-02", test="2019"),
        "test has no rows: it asks for 2019-01-01",
    ),
    "shares above one": (None, split(kind="random", fractions=[0.9, 0.9, 0.1]), "sum to"),
    "a filter with text": (None, {"data": {"rows": "site == 's1'"}}, "the value 's1'"),
    "a name without quotes": (
        lambda folder: good().rename(columns={"x2": "qc flag"}).to_csv(
            folder / "data.csv", index=False
        ),
        {"features": ["x1", "qc flag"], "data": {"rows": "qc flag > 1"}},
        "write the name 'qc flag' in quotes",
    ),
    "a name written with what nobody sees": (
        lambda folder: good().rename(columns={"x2": "T\u200b2"}).to_csv(
            folder / "data.csv", index=False
        ),
        {"features": ["x1", "T\u200b2"]},
        "there is no column 'T\\u200b2'. Closest names: T2",
    ),
    "a unit that is not known": (None, {"convert": {"x2": "K"}}, "'x2' is not known"),
    "another quantity": (
        None,
        {"units": {"x2": "kg"}, "convert": {"x2": "K"}},
        "'convert.x2': 'kg' cannot be converted to 'K'",
    ),
    "no column to convert": (None, {"convert": {"x3": "K"}}, "there is no column 'x3'"),
    "classes that are no feature": (None, {"categorical": ["x3"]}, "'x3', which is none of"),
    "a period of zero": (None, {"periodic": {"x2": 0}}, "periodic"),
    "a feature listed twice": (None, {"features": ["x1", "x1"]}, "'x1' stands twice"),
    "a target that is not there": (None, {"targets": {"reco": "rec"}}, "names: reco"),
    "a device that is none": (None, {"train": {"device": "quantum"}}, "'quantum' is not"),
    "a temperature that is a word": (
        None, {"decoder": {"name": "q10", "settings": {"t_ref": "warm"}}}, "warm"
    ),
    "bounds the wrong way": (
        None, {"parameters": {"rb": {"low": 5, "high": 1}}}, "low must be below high"
    ),
    "a training without epochs": (None, {"train": {"epochs": 0}}, "'train.epochs' is 0"),
    "an unknown home": (None, {"out": "~no-such-user/x"}, "~no-such-user is no home"),
    "a path with NUL": (None, {"data": {"path": "a\0b.csv"}}, "holds a NUL character"),
    "a place below a file": (None, {"out": "data.csv/run"}, "is no folder"),
    "a header longer than any": (
        lambda folder: wide(good()).drop(columns="ta").to_csv(
            folder / "data.csv", index=False
        ),
        {}, "there is no column 'ta'",
    ),
    "a target far from the others": (
        cell("reco", 5, 1e15), {}, "'reco' is 1e+15 in row 5"
    ),
    # process models
    "a process model with if": (process("return p.rb if f.ta > 0 else f.ta"), MINE, "where("),
    "with math": (process("return math.exp(p.rb) * f.ta"), MINE, "line 6: `float` and"),
    "with an unknown name": (process("return p.rc * f.ta"), MINE, "p.rc is not declared"),
    "in place": (process("f.ta -= 5; return p.rb * f.ta"), MINE, "changes f.ta in place"),
    "with a single result": (process("return (p.rb * f.ta).sum()"), MINE, "a single value"),
    "with a print": (process("print(p.rb); return p.rb * f.ta"), MINE, "remove the print"),
    "that does not parse": (process("return p.rb *"), MINE, "line 6: not readable as Python"),
    "that ends": (process("return 1\nsys.exit()"), MINE, "line 7: ends the program"),
}  # fmt: skip


def merged(changes):
    config = {**CONFIG, **changes}
    config["data"] = CONFIG["data"] | changes.get("data", {})
    return config


def prepared(folder, make):
    """Write the good table, then what is wrong with it."""
    frame = good()
    frame.to_csv(folder / "data.csv", index=False)
    if make is None:
        return
    made = make(frame) if make.__code__.co_varnames[0] == "frame" else make(folder)
    if isinstance(made, pd.DataFrame):
        made.to_csv(folder / "data.csv", index=False)


def no_training(*_, **__):
    raise AssertionError("a malformed input reached the training")


def test_there_are_sixty():
    assert len(MALFORMED) >= 60


@pytest.mark.parametrize("what", MALFORMED)
def test_it_is_one_line_and_exit_code_2_and_nothing_is_written(
    tmp_path, capsys, monkeypatch, what
):
    make, changes, message = MALFORMED[what]
    monkeypatch.setattr("discovery.runs.training.train", no_training)
    prepared(tmp_path, make)
    config = tmp_path / "CONFIG.yaml"
    config.write_text(yaml.safe_dump(merged(changes)))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit) as end:
        cli.main(["discover", str(config), "--quiet"])
    said = capsys.readouterr()
    assert end.value.code == 2, said.err
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert [line.startswith("error: ") for line in lines] == [True], said.err
    assert message in lines[0]
    assert any(
        name in lines[0] for name in ("CONFIG.yaml", "data.", "mine.py", f"{tmp_path}:")
    )
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path in after if "__pycache__" not in path.parts} == set(before)
    assert all(after[path] == content for path, content in before.items())


def test_the_table_that_they_start_from_is_sound(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("discovery.runs.training.train", no_training)
    prepared(tmp_path, None)
    config = tmp_path / "CONFIG.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    with pytest.raises(SystemExit) as end:
        cli.main(["discover", str(config), "--quiet"])
    assert end.value.code == 1
    assert "reached the training" in capsys.readouterr().err
