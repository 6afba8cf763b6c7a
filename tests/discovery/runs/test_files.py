"""Files appear whole or not at all."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.runs import files
from sciren.errors import DataError


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    files.write_json(file, {"a": 1})
    with pytest.raises(TypeError, match="object has no plain form"):
        files.write_json(file, {"a": object()})
    assert files.read_json(file) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_plain_data_survive_json_and_only_the_not_finite_becomes_null(data):
    def expected(value):
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, list):
            return [expected(one) for one in value]
        if isinstance(value, dict):
            return {key: expected(one) for key, one in value.items()}
        return value

    text = json.dumps(files.plain(data), allow_nan=False)
    assert json.loads(text) == expected(data)


def test_numbers_of_numpy_paths_and_dataclasses_become_plain():
    @dataclass
    class Edge:
        name: str
        share: float

    data = {
        "edge": Edge("sw -> rb", np.float64(0.5)),
        "range": np.array([1.0, np.nan]),
        "count": np.int64(3),
        "day": np.datetime64("2013-01-01"),
        "path": Path("a/b"),
        1: (True, {2}),
    }
    assert files.plain(data) == {
        "edge": {"name": "sw -> rb", "share": 0.5},
        "range": [1.0, None],
        "count": 3,
        "day": "2013-01-01",
        "path": "a/b",
        "1": [True, [2]],
    }


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_table_keeps_every_digit(tmp_path, name):
    frame = pd.DataFrame({"x": [0.1 + 0.2, 1 / 3, np.nan], "name": ["a", "b", "c"]})
    files.write_csv(tmp_path / name, frame)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / name), frame, rtol=0, atol=0)


def test_reading_a_broken_or_missing_json_says_so(tmp_path):
    with pytest.raises(DataError, match="is missing; run `sciren discover` again"):
        files.read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        files.read_json(tmp_path / "a.json")


def test_the_hash_follows_content_and_names(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "0").write_text("1")
    same = files.file_hash(tmp_path / "a")
    assert files.file_hash(tmp_path / "b") == same
    (tmp_path / "b" / "deep" / "0").rename(tmp_path / "b" / "deep" / "1")
    assert files.file_hash(tmp_path / "b") != same
    one = files.file_hash(tmp_path / "a" / "deep" / "0")
    (tmp_path / "a" / "deep" / "0").write_text("2")
    assert files.file_hash(tmp_path / "a" / "deep" / "0") != one
