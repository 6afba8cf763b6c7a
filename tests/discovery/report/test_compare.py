"""compare: what runs found, side by side, in three forms of the same facts."""

import json
import shutil

import pandas as pd
import pytest

from discovery import cli
from discovery.report.compare import compare
from sciren.errors import ConfigError, DataError


@pytest.fixture
def runs(finished, tmp_path):
    run = finished / "runs" / "light_use"
    return [run, shutil.copytree(run, tmp_path / "again")]


def test_a_run_compared_with_its_copy_differs_in_nothing(runs):
    first, second = compare(runs).facts.values()
    assert first == second
    kinds = [fact.kind for fact in first]
    assert kinds[0] == "verdict"
    assert {"equation", "constant", "score", "features"} <= set(kinds)


def test_a_constant_lies_in_its_interval_and_has_its_unit(runs):
    frame = compare(runs[:1]).frame().set_index(["kind", "name"])
    half = frame.loc[("constant", "half")]
    assert half["low"] < half["value"] < half["high"]
    assert half["low"] < 6 < half["high"]  # the truth of the record
    assert half["unit"] == "MJ m-2 d-1"


def test_the_table_has_a_column_for_each_run_and_keeps_its_width(runs):
    lines = compare(runs).text(width=90).splitlines()
    assert lines[0].split() == ["light_use", "again"]
    assert max(map(len, lines)) <= 90
    assert any(line.startswith("efficiency ") for line in lines)
    assert any(line.startswith("R2 of gpp, test rows, equation") for line in lines)


def test_csv_and_json_hold_the_same_facts(runs, tmp_path, capsys):
    outputs = {}
    for form in ("csv", "json"):
        with pytest.raises(SystemExit) as end:
            cli.main(["compare", *map(str, runs), "--format", form])
        assert end.value.code == 0
        outputs[form] = capsys.readouterr().out
    (tmp_path / "facts.csv").write_text(outputs["csv"])
    table = pd.read_csv(tmp_path / "facts.csv")
    record = json.loads(outputs["json"])
    assert list(record) == ["light_use", "again"]
    assert [row["text"] for rows in record.values() for row in rows] == list(
        table["text"]
    )


def test_runs_of_one_name_are_told_apart_by_their_paths(runs, tmp_path):
    other = shutil.copytree(runs[0], tmp_path / "elsewhere" / "light_use")
    assert list(compare([runs[0], other]).facts) == [str(runs[0]), str(other)]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such run folder"):
        compare([tmp_path / "none"])
    with pytest.raises(ConfigError, match="name the folders"):
        compare([])
