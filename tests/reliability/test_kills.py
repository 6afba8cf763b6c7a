"""A killed command leaves what was there, and the same command finishes the work."""

import errno

import pytest

from benchmarks.reliability.kills import KillRange, killed_commands
from benchmarks.reliability.processes import (
    content,
    failing_at_write,
    jumping_clock,
    killed_at_write,
)
from benchmarks.reliability.score import Attempts
from discovery.runs import files, folder, leftovers
from discovery.runs.leftovers import dead, hidden_beside, is_hidden

fork = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
QUICK_COMMANDS = ("predict", "report")


@pytest.fixture(scope="module")
def killing(tmp_path_factory, made):
    return KillRange(
        tmp_path_factory.mktemp("kills"), QUICK_COMMANDS, run=made.parents[1]
    )


@fork
def test_killed_commands_are_finished_to_the_same_bits(killing):
    score = killed_commands(killing, Attempts(8, 3))
    assert score.missed == (), score.line()


@fork
def test_the_harness_sees_what_a_kill_leaves_behind(killing, monkeypatch):
    monkeypatch.setattr(files, "dead", lambda path, purpose: [])
    predict = killing.attacks[0]
    problems = [killing.kill(predict, killed_at_write(number)) for number in (1, 2, 3)]
    assert any("left" in text for found in problems for text in found)


@fork
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_refused_write_is_one_line_and_changes_nothing(killing, code):
    for attack in killing.attacks:
        killing.restore(attack)
        before = content(killing.study)
        assert killing.do(attack.command, failing_at_write(1, code)) in (1, 2)
        said = killing.log.read_text()
        assert said.count("error:") == len(said.strip().splitlines()) == 1
        assert "unexpected" not in said
        assert content(killing.study) == before


@fork
def test_a_jumping_clock_changes_nothing(killing):
    for attack in killing.attacks:
        killing.restore(attack)
        killing.do(attack.command, jumping_clock)
        assert killing.problems(attack) == []


def test_hidden_names_tell_the_dead_from_the_living(tmp_path, monkeypatch):
    path = tmp_path / "a table [1].csv.gz"
    mine = hidden_beside(path, suffix=".csv.gz")
    mine.touch()
    assert mine.name.endswith(".csv.gz")
    assert is_hidden(mine)
    assert not is_hidden(path)
    assert dead(path, leftovers.NEW) == []
    monkeypatch.setattr(leftovers, "_is_dead", lambda host, number: True)
    assert dead(path, leftovers.NEW) == [mine]
    assert dead(tmp_path / "other.csv.gz", leftovers.NEW) == []
    assert len(hidden_beside(tmp_path / ("x" * 250)).name.encode()) < 200


def test_a_run_that_was_moved_aside_comes_back(attacked, monkeypatch):
    before = content(attacked)
    old = hidden_beside(attacked, leftovers.OLD)
    attacked.rename(old)
    hidden_beside(attacked).mkdir()
    monkeypatch.setattr(leftovers, "_is_dead", lambda host, number: True)
    assert folder.open_run(attacked) == attacked
    assert content(attacked) == before
    assert [path.name for path in attacked.parent.iterdir()] == [attacked.name]


def test_files_of_the_user_survive_a_kill_between_two_renames(attacked, monkeypatch):
    import shutil

    old = hidden_beside(attacked, leftovers.OLD)
    shutil.copytree(attacked, old)
    (old / "notes.txt").write_text("mine")
    monkeypatch.setattr(leftovers, "_is_dead", lambda host, number: True)
    folder.open_run(attacked)
    assert (attacked / "notes.txt").read_text() == "mine"
    assert not old.exists()
