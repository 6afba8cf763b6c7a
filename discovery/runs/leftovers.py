"""Hidden files and folders in which something grows, and what a killed process leaves.

Their names hold the machine and the number of the process that writes them, so that the
next command can tell one whose writer is dead from one that is being written.
"""

import os
import platform
import re
import secrets
import shutil
import zlib
from contextlib import suppress
from pathlib import Path

_MARK = re.compile(r"\.(?P<name>.+)\.sciren-(?P<purpose>[a-z]+)-"
                   r"(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}(\..*)?", re.DOTALL)  # fmt: skip
NEW, OLD = "new", "old"
LONG = 60  # characters, of up to four bytes each; systems allow 255 bytes


def hidden_beside(path: Path, purpose: str = NEW, suffix: str = "") -> Path:
    """Return a fresh hidden name beside a path.

    Args:
        path: what shall appear at the end.
        purpose: ``"new"``, or ``"old"`` for what is replaced.
        suffix: end of the name, because writers choose a compression by it.
    """
    tag = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(f".{_label(path)}.sciren-{purpose}-{tag}{suffix}")


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is one of these, or inside of one."""
    return any(_MARK.fullmatch(part) for part in path.parts)


def dead(path: Path, purpose: str) -> list[Path]:
    """Return what killed processes of this machine have left beside a path."""
    if not path.parent.is_dir():
        return []
    abandoned = []
    # The pattern is wide, since names may hold characters that glob would interpret;
    # the mark decides.
    for beside in path.parent.glob(f".*.sciren-{purpose}-*"):
        mark = _MARK.fullmatch(beside.name)
        if (
            mark
            and mark["name"] == _label(path)
            and _is_dead(mark["host"], mark["pid"])
        ):
            abandoned.append(beside)
    return sorted(abandoned)


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as that is allowed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _label(path: Path) -> str:
    """Return the name, shortened where a mark behind it would make it too long."""
    name = path.name
    return (
        name
        if len(name) < LONG
        else f"{name[: LONG // 2]}-{zlib.crc32(name.encode()):08x}"
    )


def _host() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_dead(host: str, number: str) -> bool:
    """Whether a process of this machine is no more; of others nothing is known."""
    if host != _host():
        return False
    try:
        # Signal 0 sends nothing and only asks whether the process exists.
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    # It exists and belongs to somebody else, or the number is no process number: leave
    # it.
    except (OSError, OverflowError):
        return False
    return False
