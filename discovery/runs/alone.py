"""One command at a time on one place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sciren.errors import ConfigError


@contextmanager
def alone(place: Path, what: str) -> Iterator[None]:
    """Hold a place while something works on it, until the end or the process's death.

    Args:
        place: file or folder that will be written; a hidden file beside it is locked.
        what: that works, for the message to another one.
    Raises:
        ConfigError: something works on it already, or it cannot be written.
    """
    mark = place.with_name(f".{place.name}.lock")
    with _opened(mark, place) as file:
        # Between opening and locking the holder may have ended and removed the file: a
        # lock on a removed file protects nothing.
        if not _locked(file) or not _same(file, mark):
            raise ConfigError(
                f"{place}: another {what} is at work there; wait for its end, or choose "
                "another place with --out or --set out=FOLDER"
            )
        try:
            yield
        finally:
            # Removed while the lock is still held: nobody else can hold this file then.
            mark.unlink(missing_ok=True)


def _opened(mark: Path, place: Path) -> IO[str]:
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        return mark.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{place}: cannot be written: {error.strerror or error}; choose another place "
            "with --out or --set out=FOLDER"
        ) from error


def _locked(file: IO[str]) -> bool:
    """Whether the file could be locked; where there are no such locks it counts as held."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _same(file: IO[str], mark: Path) -> bool:
    """Whether the locked file is still the one of that name: its holder removes it."""
    return mark.exists() and os.fstat(file.fileno()).st_ino == mark.stat().st_ino
