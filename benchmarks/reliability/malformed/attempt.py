"""Run malformed inputs and judge what came of them."""

import os
import random
import shutil
from pathlib import Path

from benchmarks.reliability.malformed import functions, series, settings, tables, words
from benchmarks.reliability.malformed.case import Kind, Malformed, write
from benchmarks.reliability.processes import content, sciren
from benchmarks.reliability.score import Attempts, Score

KINDS: tuple[Kind, ...] = (
    *tables.KINDS, *settings.KINDS, *functions.KINDS, *words.KINDS, *series.KINDS,
)  # fmt: skip
TRAINED = 99  # exit code of a child that reached the training


def drawn(number: int, rng: random.Random) -> Malformed:
    """Return a malformed input, every kind in turn."""
    return KINDS[number % len(KINDS)](rng)


def malformed_inputs(place: Path, attempts: Attempts, finish: bool = True) -> Score:
    """Try every case in a folder of its own.

    Args:
        place: an empty folder.
        attempts: how many cases, and their seed.
        finish: whether an input that is trained with is followed to its end.
    """

    def tried(number: int, rng: random.Random) -> list[str]:
        case, folder = drawn(number, rng), place / str(number)
        folder.mkdir()
        problem, told = attempt(case, folder, finish)
        shutil.rmtree(folder)
        return [f"{case.name}: {problem}: {told}"] if problem else []

    return attempts.made("malformed inputs: one line before training, or right", tried)


def attempt(case: Malformed, folder: Path, finish: bool = True) -> tuple[str, str]:
    """Run a case; return what is wrong with the outcome, empty for nothing, and its text."""
    write(case, folder)
    before, log = content(folder), folder.with_suffix(".log")
    command = ("--quiet", *case.command)
    code = sciren(command, log, lambda: _in(folder, stop=True))
    told = log.read_text(errors="replace").strip()
    log.unlink()
    if code != TRAINED:
        return _refusal(case, code, told, content(folder) == before), told
    if case.sound is False and not _warned(case, told):
        return "reached the training", told
    if not finish:
        return "", told
    code = sciren(command, log, lambda: _in(folder, stop=False))
    told = log.read_text(errors="replace").strip()
    log.unlink()
    wrong = (
        code not in (0, 1) or "error: unexpected" in told or told.count("error:") > 1
    )
    return f"ended with {code}" if wrong or (code and case.sound) else "", told


def _refusal(case: Malformed, code: int, told: str, unchanged: bool) -> str:
    """Say what is wrong with an input that was refused."""
    lines = told.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if case.sound:
        return f"was refused with {code}"
    if code != 2:
        return f"exit code {code}"
    if len(lines) != 1 or len(errors) != 1:
        return f"{len(lines)} lines"
    if told.startswith("error: unexpected"):
        return "unexpected"
    if not any(place in told for place in case.place.split("|")):
        return f"does not name {case.place}"
    return "" if unchanged else "something was written"


def _warned(case: Malformed, told: str) -> bool:
    """Whether a warning named what is odd, with a number."""
    return told.startswith("warning: ") and case.place in told and "\n" not in told


def _in(folder: Path, stop: bool) -> None:
    """Fault: work in a folder, and end where the training begins."""
    os.chdir(folder)
    if not stop:
        from discovery.report import figures

        figures.DPI = 40  # the numbers behind them are the same
        return
    from discovery.dynamics import own
    from discovery.runs import training

    def end(*args: object, **settings: object) -> None:
        os._exit(TRAINED)

    training.train = own.own_numbers = end
