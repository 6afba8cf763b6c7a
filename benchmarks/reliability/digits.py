"""One digit of a run changed at random places: every command must name the file."""

import random
from pathlib import Path

from benchmarks.reliability.score import Attempts, Score
from discovery.runs.folder import open_run
from discovery.runs.manifest import MANIFEST, owned_files
from sciren.errors import DataError

DIGITS = b"0123456789"


def altered_digits(run: Path, attempts: Attempts) -> Score:
    """Change one digit at a time, files drawn evenly, and open the run.

    Args:
        run: its folder; every change is taken back.
        attempts: how many places, and their seed.
    """
    names = [*map(str, owned_files(run)), MANIFEST]
    return attempts.made(
        "one digit changed, noticed by name",
        lambda number, rng: _noticed(run, run / rng.choice(names), rng),
    )


def _noticed(run: Path, file: Path, rng: random.Random) -> list[str]:
    before = file.read_bytes()
    place, after = _with_other_digit(before, rng)
    file.write_bytes(after)
    try:
        open_run(run)
    except DataError as error:
        if file.name in str(error):
            return []
        return [f"{file.name}, byte {place}: {error}"]
    finally:
        file.write_bytes(before)
    return [f"{file.name}, byte {place}: opened"]


def _with_other_digit(content: bytes, rng: random.Random) -> tuple[int, bytes]:
    """Change a digit, or any byte of a file without digits."""
    places = [k for k, byte in enumerate(content) if byte in DIGITS]
    place = rng.choice(places or range(len(content)))
    others = [byte for byte in DIGITS if byte != content[place]]
    return place, content[:place] + bytes([rng.choice(others)]) + content[place + 1 :]
