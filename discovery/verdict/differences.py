"""Where two runs differ: every number, word and picture of one beside the other."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

CLOSE = 1e-6  # relative difference of a recomputed number that counts as rounding
NOISE = 1e-12  # absolute; on another machine numbers that are rounding noise themselves
SHOWN = 3  # differences of a file that are named

# Not inside a word or a longer number: x1, 1.2.3 and hashes are words, which must be
# equal.
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])")
# Three parts at least, so that a decimal number is never taken for a version.
_VERSION = re.compile(r"\d+(?:\.\d+){2}[\w.+]*")
_PICTURE = re.compile(r"(data:[\w/+-]+;base64,)[A-Za-z0-9+/=]+")
_TEXTS = {
    ".json", ".csv", ".yaml", ".tex", ".md", ".txt", ".html", ".graphml",
    ".py", ".c", ".f90", ".jl", ".R",
}  # fmt: skip
_DRAWN = {".png", ".pdf", ".svg"}


@dataclass(frozen=True)
class Difference:
    """One place where a stored file is not what was computed again.

    Attributes:
        file: its name, relative to the run.
        place: line of a text file, else "".
        stored, again: what stands there, and what should.
    """

    file: str
    place: str
    stored: str
    again: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.place}" if self.place else self.file
        return f"{where}: {_short(self.stored)}, computed again {_short(self.again)}"


def differences(
    stored: Path, again: Path, name: str, exact: bool = True
) -> list[Difference]:
    """Compare one file of a run with the same file computed again.

    Numbers may differ by rounding, everything else must be the same.

    Args:
        stored, again: the two folders.
        name: of the file, relative to both.
        exact: whether both come from the same versions on the same kind of machine;
            otherwise pictures, version numbers and rounding noise are not compared.
    """
    old, new = stored / name, again / name
    if not old.is_file() or not new.is_file():
        state = {True: "there", False: "missing"}
        return [Difference(name, "", state[old.is_file()], state[new.is_file()])]
    # Another version of the drawing library draws other bytes from the same numbers.
    if old.suffix in _DRAWN and not exact:
        return []
    if old.read_bytes() == new.read_bytes():
        return []
    if old.suffix not in _TEXTS:
        return [Difference(name, "", _digest(old), _digest(new))]
    before, now = (path.read_text("utf-8", errors="replace") for path in (old, new))
    return list(_in_lines(name, before, now, exact))


def _in_lines(name: str, old: str, new: str, exact: bool) -> Iterator[Difference]:
    # A file that ends early differs in every line that it lacks.
    pairs = zip_longest(old.splitlines(), new.splitlines(), fillvalue="")
    for number, (before, now) in enumerate(pairs, 1):
        if before != now and not _same(before, now, exact):
            yield Difference(name, f"line {number}", before.strip(), now.strip())


def _plain(line: str, exact: bool) -> str:
    """Return a line without what other versions may do differently."""
    return line if exact else _VERSION.sub("", _PICTURE.sub(r"\1", line))


def _same(before: str, now: str, exact: bool) -> bool:
    """Whether two lines have the same words, and the same numbers up to rounding."""
    before, now = _plain(before, exact), _plain(now, exact)
    # What stands between the numbers must be the same, and so must their count; only
    # then do the numbers pair up.
    if _NUMBER.split(before) != _NUMBER.split(now):
        return False
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(now), strict=True)
    # A residual of 1e-17 has no digits to agree in; on the same machine even these
    # repeat.
    noise = 0.0 if exact else NOISE
    return all(old == new or _close(old, new, noise) for old, new in pairs)


def _close(old: str, new: str, noise: float) -> bool:
    if old.lstrip("+-").isdigit() and new.lstrip("+-").isdigit():
        return False  # counts and hashes have no rounding
    first, second = float(old), float(new)
    return abs(first - second) <= noise + CLOSE * max(abs(first), abs(second))


def _digest(path: Path) -> str:
    return f"SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}..."


def _short(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}...")
