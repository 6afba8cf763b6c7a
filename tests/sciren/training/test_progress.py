"""Progress writes few lines, and only where somebody asked for them."""

import io
import sys

import pytest

from sciren.training.progress import LineProgress, Silence, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_the_first_and_the_last_step():
    stream = io.StringIO()
    progress = LineProgress(stream, every=3600)
    for step in range(1, 6):
        progress.update("train", step, 5, {"total": 1 / step, "valid": 2.0})
    assert stream.getvalue().splitlines() == [
        "train 1/5  total 1  valid 2",
        "train 5/5  total 0.2  valid 2",
    ]


def test_a_new_stage_shows_at_once():
    stream = io.StringIO()
    progress = LineProgress(stream, every=3600)
    progress.update("additive", 1, 9, {})
    progress.update("hidden", 3, 9, {})
    assert stream.getvalue().splitlines() == ["additive 1/9", "hidden 3/9"]


def test_a_terminal_rewrites_one_line():
    stream = Terminal()
    progress = LineProgress(stream, every=0)
    progress.update("train", 1, 2, {"total": 1234.5678})
    progress.update("train", 2, 2, {"total": 1.0})
    progress.say("done")
    first, second, rest = stream.getvalue().lstrip("\r").split("\r")
    assert first == "train 1/2  total 1235"
    assert second.rstrip() == "train 2/2  total 1"
    assert len(second.rstrip("\n")) == len(first), "what stood there is covered"
    assert rest == "done\n"


def test_sentences_have_their_own_line():
    stream = io.StringIO()
    LineProgress(stream).say("stopped")
    assert stream.getvalue() == "stopped\n"


def test_the_default_is_standard_error():
    assert LineProgress().stream is sys.stderr


@pytest.mark.parametrize("call", ["update", "say"])
def test_silence_is_silent(call, capfd):
    arguments = ("train", 1, 2, {}) if call == "update" else ("done",)
    getattr(Silence(), call)(*arguments)
    assert capfd.readouterr() == ("", "")


def test_the_time_left_is_that_of_the_steps_so_far(monkeypatch):
    clock = iter([0.0, 0.5, 30.0, 60.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    progress = LineProgress(stream, every=0)
    for step in (1, 2, 4, 7):
        progress.update("train", step, 7, {})
    lines = stream.getvalue().splitlines()
    assert lines == [
        "train 1/7",
        "train 2/7",  # too early to tell
        "train 4/7  about 30 s left",
        "train 7/7",
    ]


def test_a_reader_who_leaves_does_not_stop_the_work():
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    progress = LineProgress(Closed(), every=0)
    progress.update("train", 1, 2, {})
    progress.say("done")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59, "59 s"), (60, "1 min"), (3569, "59 min"), (5400, "1.5 h")],
)
def test_a_duration_is_said_in_its_largest_unit(seconds, said):
    assert duration(seconds) == said
