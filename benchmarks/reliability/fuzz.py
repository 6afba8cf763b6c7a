"""Every loader fed with mutated files: only errors of ours, quickly, in little memory."""

import json
import random
import resource
import time
import warnings
from typing import Any

from benchmarks.reliability.loaders import Loader
from benchmarks.reliability.score import Attempts, Score
from benchmarks.reliability.watched import PATIENCE, Watched
from sciren.errors import SciRenError

SECONDS, MEBIBYTES = 1.0, 500
TOKENS = (
    b"[" * 3000, b"{" * 3000, b"null", b"true", b"-1", b"1e999", b"9" * 400, b"NaN", b'""',
    b"[]", b"{}", b"\x00", b"\xff\xfe", b"!!python/object:os.system", b"&a [*a]", b"!!bool x",
    b"10000000000", b"0.5", b"'", b'"', b"\n", b",", b";", b":", b"../", b"=1+1",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**7, 10**30, 1e308, float("nan"), float("inf"), "", "x" * 5000,
    [], {}, [[]], [None], {"a": 1}, "linear", "../..", "-inf",
)  # fmt: skip


def fuzzed_loads(
    found: list[Loader],
    attempts: Attempts,
    slow: float = SECONDS,
    patience: float = PATIENCE,
) -> Score:
    """Load mutated files, each loader in turn.

    Args:
        found: the loaders;  attempts: how many files, and their seed.
        slow: CPU seconds that a load may take.
        patience: seconds after which a load is ended.
    """
    valid = {loader.name: loader.file.read_bytes() for loader in found}

    def restore(loader: Loader) -> None:
        loader.file.write_bytes(valid[loader.name])
        if loader.seal is not None:
            loader.seal()

    def attempt(number: int) -> list[str]:
        loader, rng = found[number % len(found)], attempts.draw(number)
        content = mutated(valid[loader.name], loader.file.suffix, rng)
        problem = _problem(loader, content, slow)
        restore(loader)
        return [problem] if problem else []

    def named(number: int, rng: random.Random) -> list[str]:
        name = found[number % len(found)].name
        return [f"{name}: {problem}" for problem in watched(number)]

    def restore_all() -> None:
        for loader in found:
            restore(loader)

    watched = Watched(attempt, restore_all, patience)
    try:
        return attempts.made("hostile files loaded", named)
    finally:
        watched.end()


def _problem(loader: Loader, content: bytes, slow: float) -> str:
    """Load once and say what is wrong, or nothing."""
    loader.file.write_bytes(content)
    if loader.seal is not None:
        loader.seal()
    before, peak = time.process_time(), _peak()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loader.load()
    except SciRenError:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.120}"
    seconds, grown = time.process_time() - before, _peak() - peak
    if seconds > slow:
        return f"took {seconds:.1f} s"
    return f"took {grown:.0f} MiB" if grown > MEBIBYTES else ""


def _peak() -> float:
    """Return the largest memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mutated(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """Return a file changed in one to four places, or in one value where it is JSON."""
    if suffix == ".json" and rng.random() < 0.6:
        return _other_value(content, rng)
    for _ in range(rng.randint(1, 4)):
        content = rng.choice((_flipped, _inserted, _cut, _doubled))(content, rng)
    return content


def _flipped(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    place = rng.randrange(len(content))
    return content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]


def _inserted(content: bytes, rng: random.Random) -> bytes:
    place = rng.randint(0, len(content))
    return content[:place] + rng.choice(TOKENS) + content[place:]


def _cut(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randint(0, len(content)) for _ in range(2))
    return content[:first] + content[last:] if rng.random() < 0.5 else content[:last]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randint(0, len(content)) for _ in range(2))
    return content[:last] + content[first:]


def _other_value(content: bytes, rng: random.Random) -> bytes:
    """Put an odd value in the place of a random part of a JSON file."""
    data = json.loads(content)
    holder, depth = data, rng.randint(1, 8)
    while isinstance(holder, dict | list) and holder:
        keys: list[Any] = (
            list(holder) if isinstance(holder, dict) else [*range(len(holder))]
        )
        key, depth = rng.choice(keys), depth - 1
        inner = holder[key]
        if depth <= 0 or not isinstance(inner, dict | list) or not inner:
            _change(holder, key, rng)
            break
        holder = inner
    return json.dumps(data).encode()


def _change(holder: Any, key: Any, rng: random.Random) -> None:
    if rng.random() < 0.2:
        del holder[key]
    else:
        holder[key] = rng.choice(VALUES)
