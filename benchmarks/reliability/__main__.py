"""The long attack: `python -m benchmarks.reliability [PART ...] [--count N] [--seed N]`.

Parts: digits (200), edits (every kind of value), kills (50), interrupts (48), fuzz (200,000),
units (18 for each process), malformed (300), numeric (1000 samples of every law); all of
them by default.
`--count` makes one part shorter or longer.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch

from benchmarks.reliability.digits import altered_digits
from benchmarks.reliability.edits import caught_edits, computed_again
from benchmarks.reliability.fuzz import fuzzed_loads, loaders
from benchmarks.reliability.interrupts import ended_commands
from benchmarks.reliability.kills import KillRange, killed_commands
from benchmarks.reliability.malformed.attempt import drawn, malformed_inputs
from benchmarks.reliability.numeric import LAWS, laws_kept
from benchmarks.reliability.numeric_models import HEAVY, HEAVY_ROWS, MODEL_LAWS
from benchmarks.reliability.score import Score
from benchmarks.reliability.study import make_run
from benchmarks.reliability.units import units_kept

MakeRun = Callable[[], Path]
Part = Callable[[MakeRun, Path, int | None, int], list[Score]]


def _digits(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [altered_digits(run(), count or 200, seed)]


def _edits(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [caught_edits(run(), computed_again(run(), place), count, seed)]


def _kills(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [killed_commands(KillRange(place), count or 50, seed)]


def _interrupts(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [ended_commands(KillRange(place), count or 48, seed)]


def _fuzz(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [fuzzed_loads(loaders(run(), place), count or 200_000, seed)]


def _units(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [units_kept("q10"), units_kept(None)]


def _malformed(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    return [malformed_inputs(place, drawn(count or 300, seed))]


def _numeric(run: MakeRun, place: Path, count: int | None, seed: int) -> list[Score]:
    examples = count or 1000
    # a sample of the heavy ones takes as long as a hundred of the others
    few = max(examples // 100, 5)
    return [
        laws_kept(LAWS | MODEL_LAWS, examples, seed),
        laws_kept(HEAVY, few, seed, HEAVY_ROWS),
    ]


PARTS: dict[str, Part] = {
    "digits": _digits,
    "edits": _edits,
    "kills": _kills,
    "interrupts": _interrupts,
    "fuzz": _fuzz,
    "units": _units,
    "malformed": _malformed,
    "numeric": _numeric,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; the exit code is 1 where anything went through."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--count", type=int, help="attempts of each part")
    parser.add_argument("--seed", type=int, default=0, help="of the attempts")
    asked = parser.parse_args(arguments)
    unknown = [part for part in asked.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; known: {', '.join(PARTS)}")
    torch.set_num_threads(1)
    missed = 0
    with tempfile.TemporaryDirectory(prefix="sciren-soak-") as folder:
        run = cache(lambda: make_run(Path(folder) / "study"))
        for part in asked.parts or PARTS:
            place = Path(folder) / part
            place.mkdir()
            for score in PARTS[part](run, place, asked.count, asked.seed):
                sys.stdout.write(score.line() + "\n")
                sys.stdout.flush()
                missed += len(score.missed)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
