"""Every command asked to end, or refused its writes: a sentence, a code, nothing hidden."""

import errno
import random
import resource
import signal
from dataclasses import dataclass

from benchmarks.reliability.kills import WRITES, Attack, KillRange
from benchmarks.reliability.processes import (
    Fault,
    asked_to_end_after,
    failing_at_write,
    hidden,
)
from benchmarks.reliability.score import Attempts, Score

FORBIDDEN = ("Traceback", "unexpected", "Exception ignored", "Aborted")


@dataclass(frozen=True)
class Ending:
    """How a command is ended before its time, and how it says so.

    Attributes:
        name: for the report;  fault: ends it.
        codes: exit codes that say so;  word: with which the last line begins.
    """

    name: str
    fault: Fault
    codes: tuple[int, ...]
    word: str


def limited_files(size: int) -> Fault:
    """Return a fault: no file of the process may become larger than so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def drawn_ending(rng: random.Random, seconds: float) -> Ending:
    """Draw how a command that works for some CPU seconds is ended."""
    kind = rng.choice(("interrupted", "terminated", "write", "size"))
    moment = rng.uniform(0, seconds)
    if kind == "interrupted":
        fault = asked_to_end_after(moment, signal.SIGINT)
        return Ending(f"SIGINT at {moment:.2f} s", fault, (130,), "interrupted: ")
    if kind == "terminated":
        fault = asked_to_end_after(moment, signal.SIGTERM)
        return Ending(f"SIGTERM at {moment:.2f} s", fault, (143,), "terminated: ")
    if kind == "write":
        number, code = (
            rng.randint(1, WRITES),
            rng.choice((errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS)),
        )
        name = f"{errno.errorcode[code]} at write {number}"
        return Ending(name, failing_at_write(number, code), (1, 2), "error: ")
    size = int(10 ** rng.uniform(2, 5.5))
    return Ending(f"files of {size} bytes", limited_files(size), (1, 2), "error: ")


def end_early(range_: KillRange, attack: Attack, ending: Ending) -> list[str]:
    """End a command once, finish it, and say what is wrong."""
    range_.restore(attack)
    code = range_.do(attack.command, ending.fault)
    said = range_.log.read_text(errors="replace").strip()
    name = f"{attack.name}, {ending.name}"
    wrong = _told(code, said, ending)
    # where every change of a file is refused, nothing can be removed either
    left = [] if code == 0 or " at write " in ending.name else _left(range_)
    unfinished = range_.finish(attack, code == 0)
    return [f"{name}: {text}" for text in (*wrong, *left, *unfinished)]


def _told(code: int, said: str, ending: Ending) -> list[str]:
    """Say what is wrong with the last words of a command; nothing where it had finished."""
    wrong = [f"said {word!r}: {said[-300:]}" for word in FORBIDDEN if word in said]
    if code == 0:
        return wrong
    if code not in ending.codes:
        wrong.append(f"ended with {code}: {said[-300:]}")
    last = said.splitlines()[-1] if said else ""
    if not last.startswith(ending.word):
        wrong.append(f"last line {last!r}")
    return wrong


def _left(range_: KillRange) -> list[str]:
    """Hidden files after an end that let the process clean up; stages of a run may stay."""
    left = [name for name in hidden(range_.study) if ".sciren-new-" in name]
    return [f"left {left[:3]}"] if left else []


def ended_commands(range_: KillRange, attempts: Attempts) -> Score:
    """End every command in turn at a moment or a write that is drawn."""

    def attempt(number: int, rng: random.Random) -> list[str]:
        attack = range_.attacks[number % len(range_.attacks)]
        return end_early(range_, attack, drawn_ending(rng, range_.seconds[attack.name]))

    return attempts.made("ended early: told, finished bit-equal", attempt)
