"""The long attack: `python -m benchmarks.reliability [PART ...] [--count N] [--seed N]`.

Parts: digits (200), edits (every kind of value), kills (50), interrupts (48), fuzz (200,000),
units (18 for each process), malformed (300), numeric (1000 samples of every law); all of
them by default.
`--count` makes one part shorter or longer, and `--first` begins it at another attempt, so
that it can be split. Ctrl-C and SIGTERM end it with the score so far. TMPDIR says where its
files lie; in memory (/dev/shm) they cost least.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import torch

from benchmarks.reliability.digits import altered_digits
from benchmarks.reliability.edits import caught_edits, computed_again
from benchmarks.reliability.fuzz import fuzzed_loads
from benchmarks.reliability.interrupts import ended_commands
from benchmarks.reliability.kills import KillRange, killed_commands
from benchmarks.reliability.loaders import loaders
from benchmarks.reliability.malformed.attempt import malformed_inputs
from benchmarks.reliability.numeric import LAWS, laws_kept
from benchmarks.reliability.numeric_figures import (
    FIGURE_LAWS,
    FIGURE_ROWS,
    FIGURE_SIZES,
)
from benchmarks.reliability.numeric_models import HEAVY, HEAVY_ROWS, MODEL_LAWS
from benchmarks.reliability.numeric_series import SERIES_LAWS, SIMULATION_LAWS
from benchmarks.reliability.score import Attempts, Score
from benchmarks.reliability.study import make_run
from benchmarks.reliability.units import PAIRS, units_kept

MakeRun = Callable[[], Path]
Part = Callable[[MakeRun, Path, Attempts], Iterator[Score]]
"""Yields score by score, so that an interrupt of the first ends the part."""


def _digits(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    yield altered_digits(run(), attempts)


def _edits(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    yield caught_edits(run(), computed_again(run(), place), attempts)


def _kills(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    yield killed_commands(KillRange(place), attempts)


def _interrupts(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    yield ended_commands(KillRange(place), attempts)


def _fuzz(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    yield fuzzed_loads(loaders(run(), place), attempts)


def _units(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    for process in ("q10", None):
        yield units_kept(process, attempts)


def _malformed(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    yield malformed_inputs(place, attempts)


def _numeric(run: MakeRun, place: Path, attempts: Attempts) -> Iterator[Score]:
    # a sample of the heavy ones takes as long as a hundred of the others, a figure as ten
    few, some = (max(attempts.count // share, 5) for share in (100, 10))
    yield laws_kept(LAWS | MODEL_LAWS, attempts.count, attempts)
    yield laws_kept(SIMULATION_LAWS, attempts.count, attempts, sizes=FIGURE_SIZES)
    yield laws_kept(FIGURE_LAWS, some, attempts, FIGURE_ROWS, FIGURE_SIZES)
    yield laws_kept(SERIES_LAWS, some, attempts, HEAVY_ROWS)
    yield laws_kept(HEAVY, few, attempts, HEAVY_ROWS)


PARTS: dict[str, tuple[Part, int]] = {
    "digits": (_digits, 200),
    "edits": (_edits, 10_000),
    "kills": (_kills, 50),
    "interrupts": (_interrupts, 48),
    "fuzz": (_fuzz, 200_000),
    "units": (_units, len(PAIRS)),
    "malformed": (_malformed, 300),
    "numeric": (_numeric, 1000),
}
"""Every part and its attempts; there are fewer edits, and all of them are made."""


def _end(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; the exit code is 1 where anything went through, or was not tried."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--count", type=int, help="attempts of each part")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seed", type=int, default=0, help="of the attempts")
    asked = parser.parse_args(arguments)
    unknown = [part for part in asked.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; known: {', '.join(PARTS)}")
    torch.set_num_threads(1)
    # a job of the background ignores interrupts unless it asks for them
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="sciren-soak-") as folder:
        return _run(asked, Path(folder))


def _run(asked: argparse.Namespace, folder: Path) -> int:
    """Run the parts that are asked for; an interrupt ends them all."""
    run, failed = cache(lambda: make_run(folder / "study")), False
    for name in asked.parts or PARTS:
        part, count = PARTS[name]
        place = folder / name
        place.mkdir()
        attempts = Attempts(asked.count or count, asked.seed, asked.first, _say)
        for score in part(run, place, attempts):
            _say(score.line())
            if score.asked is not None:
                return 1
            failed |= bool(score.missed)
    return int(failed)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
