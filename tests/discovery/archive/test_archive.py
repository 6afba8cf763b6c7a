"""archive and reproduce: everything travels, nothing foreign runs, changes are seen."""

import errno
import json
import zipfile

import pytest

from discovery.archive.pack import RECORD, archive
from discovery.archive.reproduce import compare_runs, reproduce, unpack
from discovery.runs import leftovers
from discovery.runs.leftovers import hidden_beside
from sciren.errors import ConfigError, DataError, DecoderError


@pytest.fixture(scope="module")
def packed(finished, tmp_path_factory):
    return archive(
        finished / "runs" / "light_use", tmp_path_factory.mktemp("zip") / "a.zip"
    )


def _changed(packed, target, change):
    """Copy an archive; ``change`` takes and returns name -> bytes."""
    with zipfile.ZipFile(packed) as inside:
        files = {name: inside.read(name) for name in inside.namelist()}
    with zipfile.ZipFile(target, "w") as out:
        for name, data in change(files).items():
            out.writestr(name, data)
    return target


def test_the_same_run_gives_the_same_bytes_with_all_it_rests_on(
    finished, packed, tmp_path
):
    again = archive(finished / "runs" / "light_use", tmp_path / "a.zip")
    assert again.read_bytes() == packed.read_bytes()
    with zipfile.ZipFile(packed) as inside:
        names = set(inside.namelist())
        text = inside.read("README.md").decode()
        record = json.loads(inside.read(RECORD))
    assert {"run/report.html", "run/manifest.json", "data/data.csv"} <= names
    assert {"process/my_process.py", "environment.txt", "CITATION.cff"} <= names
    assert "efficiency = " in text
    assert "sciren reproduce a.zip" in text
    assert record["decoder"].startswith("my_process.py:")


def test_data_stay_at_home_where_their_licence_asks_for_it(finished, tmp_path):
    out = archive(finished / "runs" / "light_use", tmp_path / "b.zip", data=False)
    with zipfile.ZipFile(out) as inside:
        assert not [name for name in inside.namelist() if name.startswith("data/")]
    with pytest.raises(ConfigError, match="is there already"):
        archive(finished / "runs" / "light_use", out)
    with pytest.raises(
        ConfigError, match="holds no observations; name the file with --data"
    ):
        reproduce(out, tmp_path / "new", allow_code=True)


def test_code_of_an_archive_runs_only_when_allowed(packed, tmp_path):
    with pytest.raises(
        DecoderError, match=r"my_process.py, which is code.*--allow-code"
    ):
        reproduce(packed, tmp_path / "new")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f | {"run/equations.json": f["run/equations.json"] + b" "},
            "was changed",
        ),
        (lambda f: f | {"run/extra.txt": b""}, "run/extra.txt is not as"),
        (lambda f: f | {"../out.txt": b""}, r"\.\./out.txt is not as"),
        (
            lambda f: {k: v for k, v in f.items() if k != "data/data.csv"},
            "data.csv is not",
        ),
        (lambda f: {k: v for k, v in f.items() if k != RECORD}, "is no archive"),
        (lambda f: f | {RECORD: b"[1]"}, "is no archive"),
    ],
)
def test_what_was_altered_is_refused(packed, tmp_path, change, message):
    other = _changed(packed, tmp_path / "other.zip", change)
    with pytest.raises(DataError, match=message):
        unpack(other, tmp_path / "new")
    assert not (tmp_path / "out.txt").exists()


def test_no_zip_file_and_a_full_folder_are_told(packed, tmp_path):
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(DataError, match="is no archive"):
        unpack(tmp_path / "text.zip", tmp_path / "new")
    with pytest.raises(ConfigError, match="is not empty"):
        unpack(packed, tmp_path)


def test_an_archive_is_unpacked_whole_or_not_at_all(packed, tmp_path, monkeypatch):
    def full(self, folder):
        (folder / "run").mkdir(parents=True)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extractall", full)
        with pytest.raises(ConfigError, match=r"new: cannot be written: No space"):
            unpack(packed, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    record = unpack(packed, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["archived"]
    # the same call goes on with what was unpacked; another archive, or an edit, is told
    assert unpack(packed, tmp_path / "new") == record
    (tmp_path / "new" / "archived" / "run" / "metrics.json").write_text("{}")
    with pytest.raises(
        DataError, match=r"metrics.json was changed .* remove .*archived"
    ):
        unpack(packed, tmp_path / "new")
    with pytest.raises(DataError, match=r"none.zip: no such file"):
        unpack(tmp_path / "none.zip", tmp_path / "other")


def test_a_killed_unpacking_is_cleared_away(packed, tmp_path, monkeypatch):
    half = hidden_beside(tmp_path / "new" / "archived")
    half.mkdir(parents=True)
    monkeypatch.setattr(leftovers, "_is_dead", lambda host, number: True)
    unpack(packed, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["archived"]


def test_a_run_is_equal_to_itself_and_not_to_another(packed, finished, tmp_path):
    record = unpack(packed, tmp_path / "new")
    run = finished / "runs" / "light_use"
    same = compare_runs(tmp_path / "new" / "archived" / "run", run, record)
    assert same.same
    assert not same.other_versions
    assert "came out the same" in same.text()


@pytest.mark.slow
def test_an_archive_is_reproduced(packed, tmp_path):
    result = reproduce(packed, tmp_path / "new", allow_code=True, quiet=True)
    assert result.same, result.text()
