"""Nothing in a run changes without a word, and nothing of the user is thrown away."""

import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from discovery import Discovery
from discovery.report.run_report import write_report
from discovery.runs.explain import explain
from discovery.runs.folder import open_run
from discovery.runs.manifest import (
    EXPECTED,
    MANIFEST,
    alterations,
    edits_accepted,
    foreign_files,
    read_manifest,
    renew,
    write_manifest,
    write_owned,
)
from discovery.runs.predict_file import predict
from sciren.errors import DataError


@pytest.fixture
def copy(light, finished):
    """A run to alter, and its data."""
    return light, finished / "data.csv"


def change_a_digit(path: Path, rng: random.Random) -> bool:
    """Change one byte of a file at random; False for an empty one."""
    content = bytearray(path.read_bytes())
    if not content:
        return False
    place = rng.randrange(len(content))
    content[place] = (content[place] + rng.randrange(1, 256)) % 256
    path.write_bytes(content)
    return True


def test_every_file_of_a_run_is_in_its_manifest(finished):
    folder = finished / "runs" / "light_use"
    written = {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    }
    assert set(read_manifest(folder)["files"]) == written - {MANIFEST}
    assert alterations(folder) == []


def test_one_changed_byte_is_noticed_in_every_file(copy):
    folder, _ = copy
    rng = random.Random(0)
    for name in read_manifest(folder)["files"]:
        before = (folder / name).read_bytes()
        if change_a_digit(folder / name, rng):
            with pytest.raises(DataError, match="since the run was written") as error:
                open_run(folder)
            assert name in str(error.value)
        (folder / name).write_bytes(before)
    assert open_run(folder) == folder


def test_no_command_goes_on_with_an_altered_run(copy, tmp_path):
    folder, data = copy
    file = folder / "equations.json"
    file.write_text(file.read_text().replace("1", "2", 1))
    for work in (
        lambda: predict(folder, data, tmp_path / "out.csv"),
        lambda: write_report(folder),
        lambda: explain(folder, quiet=True),
        lambda: Discovery.load(folder),
    ):
        with pytest.raises(
            DataError, match=r"equations.json was changed.*accept-edits"
        ):
            work()
    assert not (tmp_path / "out.csv").exists()


def test_accepted_edits_mark_every_output(copy, tmp_path):
    folder, data = copy
    metrics = folder / "metrics.json"
    metrics.write_text(metrics.read_text() + "\n")
    with edits_accepted():
        predict(folder, data, tmp_path / "out.csv")
        write_report(folder)
    note = "Edited after the run was written: metrics.json was changed."
    assert set(pd.read_csv(tmp_path / "out.csv")["edited"]) == {1}
    assert note[:-1] in (folder / "report.html").read_text()
    assert Discovery.load(folder, accept_edits=True).notes[0] == note
    with pytest.raises(DataError, match="was changed"):
        Discovery.load(folder)


@pytest.mark.parametrize("content", ["[]", "null", '{"rows": 3}', '{"units": [[1]]}'])
def test_accepted_edits_that_cannot_be_used_are_named(copy, content):
    folder, _ = copy
    (folder / "views.json").write_text(content)
    with (
        pytest.raises(DataError, match=r"views.json: holds what no run holds"),
        edits_accepted(),
    ):
        write_report(folder)


def test_errors_of_an_unaltered_run_stay_as_they_are(copy):
    folder, _ = copy

    def fail():
        open_run(folder)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), edits_accepted():
        fail()


def test_a_report_written_again_belongs_to_the_run(copy):
    folder, _ = copy
    write_report(folder)
    assert open_run(folder) == folder


def test_a_missing_manifest_is_noticed_and_a_missing_file_is_not_an_edit(copy):
    folder, _ = copy
    (folder / "edges.csv").unlink()
    assert [str(alteration) for alteration in alterations(folder)] == [
        "edges.csv is missing"
    ]
    assert open_run(folder) == folder
    (folder / MANIFEST).unlink()
    with pytest.raises(DataError, match=r"manifest.json: is missing"):
        open_run(folder)
    (folder / MANIFEST).write_text("[]")
    with pytest.raises(DataError, match="is not as `sciren discover` writes it"):
        open_run(folder)


def test_explain_keeps_what_the_user_has_put_into_the_folder(copy):
    folder, _ = copy
    (folder / "notes.txt").write_text("mine")
    (folder / "figures" / "mine.png").write_bytes(b"picture")
    assert foreign_files(folder) == [Path("figures/mine.png"), Path("notes.txt")]
    explain(folder, ["discovery.bootstrap=0"], quiet=True)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "figures" / "mine.png").read_bytes() == b"picture"
    assert open_run(folder) == folder


def test_a_changed_process_file_is_noticed(copy):
    folder, _ = copy
    process = Path(read_manifest(folder)["process file"]["path"])
    before = process.read_text()
    try:
        process.write_text(before + "\n# changed\n")
        with pytest.raises(DataError, match=rf"{process.name} was changed"):
            open_run(folder)
    finally:
        process.write_text(before)
    assert open_run(folder) == folder


@pytest.mark.parametrize("number", range(1, 8))
def test_a_kill_while_a_file_is_written_again_leaves_a_run_that_passes(
    tmp_path, monkeypatch, number
):
    class Killed(BaseException):
        pass

    (tmp_path / "a.txt").write_text("before")
    write_manifest(tmp_path, "", None)
    rename, calls = Path.replace, iter(range(1, 9))

    def killing(self, target):
        place = next(calls)
        if place == number // 2 and number % 2:
            raise Killed
        moved = rename(self, target)
        if place == number // 2:
            raise Killed
        return moved

    monkeypatch.setattr(Path, "replace", killing)
    with suppress(Killed):
        write_owned(tmp_path, "a.txt", "after")
    monkeypatch.undo()
    assert alterations(tmp_path) == []
    write_owned(tmp_path, "a.txt", "after")
    assert EXPECTED not in read_manifest(tmp_path)
    assert (tmp_path / "a.txt").read_text() == "after"
    (tmp_path / "a.txt").write_text("edited")
    assert [str(change) for change in alterations(tmp_path)] == ["a.txt was changed"]


def test_two_commands_that_write_at_once_both_reach_the_manifest(tmp_path, monkeypatch):
    names = ("a.txt", "b.txt")
    for name in names:
        (tmp_path / name).write_text("before")
    write_manifest(tmp_path, "", None)

    def slowly(folder):
        record = read_manifest(folder)
        time.sleep(0.05)
        return record

    monkeypatch.setattr("discovery.runs.manifest.read_manifest", slowly)
    work = [threading.Thread(target=renew, args=(tmp_path, name)) for name in names]
    for name, thread in zip(names, work, strict=True):
        (tmp_path / name).write_text("after")
        thread.start()
    for thread in work:
        thread.join()
    monkeypatch.undo()
    assert alterations(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == {*names, MANIFEST}
