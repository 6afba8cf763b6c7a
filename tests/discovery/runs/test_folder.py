"""What is written appears whole or not at all, and nothing of others is touched."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.runs import folder as folders
from sciren.errors import ConfigError, DataError


def fill(folder: Path, text: str = "new") -> None:
    for name in folders.RUN_FILES:
        (folder / name).write_text(text)


def test_a_run_appears_when_all_of_it_is_written(tmp_path):
    out = tmp_path / "runs" / "one"
    with folders.run_folder(out) as folder:
        fill(folder)
        (folder / "figures").mkdir()
        assert not out.exists()
        assert folder.parent == out.parent
        assert folder.name.startswith(".")
    assert folders.open_run(out) == out
    assert [path.name for path in out.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_leaves_everything_as_it_was(tmp_path, failure, overwrite):
    out = tmp_path / "one"
    if overwrite:
        out.mkdir()
        fill(out, "old")

    def fail(folder):
        fill(folder)
        raise failure

    with pytest.raises(failure), folders.run_folder(out, overwrite) as folder:
        fail(folder)
    assert [p.name for p in tmp_path.iterdir()] == (["one"] if overwrite else [])
    if overwrite:
        assert (out / "config.yaml").read_text() == "old"


def test_an_existing_run_is_replaced_only_when_asked_and_only_at_the_end(tmp_path):
    out = tmp_path / "one"
    out.mkdir()
    fill(out, "old")
    with (
        pytest.raises(ConfigError, match=r"a run is there already.*--overwrite"),
        folders.run_folder(out),
    ):
        pass
    with folders.run_folder(out, overwrite=True) as folder:
        fill(folder)
        assert (out / "config.yaml").read_text() == "old"
    assert (out / "config.yaml").read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


def test_an_old_run_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path, monkeypatch
):
    out = tmp_path / "one"
    out.mkdir()
    fill(out, "old")
    rename = Path.rename

    def no_new_ones(self, target):
        if ".new-" in self.name:
            raise OSError("disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", no_new_ones)
    with (
        pytest.raises(OSError, match="disk is gone"),
        folders.run_folder(out, overwrite=True) as folder,
    ):
        fill(folder)
    assert (out / "config.yaml").read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_is_no_run_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="no run of sciren, so it is left alone"):
        folders.check_free(tmp_path, overwrite=True)
    with pytest.raises(ConfigError, match="is a file; choose a folder"):
        folders.check_free(tmp_path / "thesis.tex", overwrite=True)


def test_an_empty_folder_may_be_filled(tmp_path):
    out = tmp_path / "empty"
    out.mkdir()
    with folders.run_folder(out) as folder:
        fill(folder)
    assert folders.is_run(out)


def test_a_place_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="cannot be written"),
        folders.run_folder(tmp_path / "file" / "run"),
    ):
        pass
    with pytest.raises(ConfigError, match=r"a.txt: cannot be written"):
        folders.write_text(tmp_path / "no" / "a.txt", "text")


def test_opening_what_is_no_run_says_what_is_missing(tmp_path):
    with pytest.raises(DataError, match="no such run folder"):
        folders.open_run(tmp_path / "no")
    (tmp_path / "config.yaml").write_text("")
    with pytest.raises(DataError, match=r"data.json is missing"):
        folders.open_run(tmp_path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    folders.write_json(file, {"a": 1})
    with pytest.raises(TypeError, match="object has no plain form"):
        folders.write_json(file, {"a": object()})
    assert folders.read_json(file) == {"a": 1}
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

    text = json.dumps(folders.plain(data), allow_nan=False)
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
    assert folders.plain(data) == {
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
    folders.write_csv(tmp_path / name, frame)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / name), frame, rtol=0, atol=0)


def test_reading_a_broken_or_missing_json_says_so(tmp_path):
    with pytest.raises(DataError, match="is missing; run `sciren discover` again"):
        folders.read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        folders.read_json(tmp_path / "a.json")


def test_the_hash_follows_content_and_names(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "0").write_text("1")
    same = folders.file_hash(tmp_path / "a")
    assert folders.file_hash(tmp_path / "b") == same
    (tmp_path / "b" / "deep" / "0").rename(tmp_path / "b" / "deep" / "1")
    assert folders.file_hash(tmp_path / "b") != same
    one = folders.file_hash(tmp_path / "a" / "deep" / "0")
    (tmp_path / "a" / "deep" / "0").write_text("2")
    assert folders.file_hash(tmp_path / "a" / "deep" / "0") != one
