"""A command that is asked to end, or refused its writes, says so and leaves nothing hidden."""

import random

import pytest

from benchmarks.reliability import processes
from benchmarks.reliability.interrupts import drawn_ending, end_early, ended_commands
from benchmarks.reliability.kills import KillRange
from benchmarks.reliability.score import Attempts
from discovery.commands import guard

pytestmark = pytest.mark.skipif(
    not hasattr(__import__("os"), "fork"), reason="needs fork"
)


@pytest.fixture(scope="module")
def predicting(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("interrupts")
    return KillRange(folder, ("predict", "--version"), run=made.parents[1])


def test_commands_that_are_ended_say_so_and_are_finished(predicting):
    score = ended_commands(predicting, Attempts(8, 1))
    assert score.missed == (), score.line()


def test_the_harness_sees_an_end_without_a_word(predicting, monkeypatch):
    def silent(text):
        pass

    monkeypatch.setattr(guard, "tell", silent)
    rng, attack = random.Random(1), predicting.attacks[0]
    # Within the first half of its work: what has finished has nothing to say.
    half = predicting.seconds[attack.name] / 2
    endings = [drawn_ending(rng, half) for _ in range(8)]
    for word in ("interrupted: ", "error: "):
        ending = next(one for one in endings if one.word == word)
        problems = end_early(predicting, attack, ending)
        assert any("last line ''" in problem for problem in problems)


def test_a_signal_after_the_end_of_a_command_stays_in_the_child(tmp_path, monkeypatch):
    def ended(*arguments):
        raise KeyboardInterrupt  # as in the last lines of the child

    monkeypatch.setattr(processes, "_as_child", ended)
    # the child would otherwise go on here, with the rest of the tests
    assert processes.sciren(["--version"], tmp_path / "log") == 70
