"""The command line in a process of its own that a harness may kill, starve or confuse.

The process is forked from one that has loaded everything, so that an attempt costs only
its own work; nothing of Python runs in it after the kill.
"""

import importlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

Fault = Callable[[], None]

# imported by commands only when they need them: seconds for each child that does it alone
LATE_IMPORTS = (
    "charset_normalizer", "discovery.cli", "discovery.dynamics.discovering",
    "discovery.runs.check", "discovery.runs.quick", "discovery.runs.training",
    "discovery.tables.prepare", "pydantic.type_adapter",
    "sciren.decoders.dry_run", "sciren.dynamics", "sciren.processes", "scipy.special",
    "symbolic.families", "sympy", "typer._adapters",
)  # fmt: skip
WRITING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


def sciren(arguments: Sequence[object], log: Path, fault: Fault | None = None) -> int:
    """Run one command in a child and return its exit code, minus the signal if killed.

    Args:
        arguments: of the command line.
        log: file that takes both outputs.
        fault: put in place before the command begins.
    """
    _import_late()
    child = os.fork()
    if child == 0:
        code = [70]
        try:
            _as_child(list(map(str, arguments)), log, fault, code)
        finally:
            # also where a signal comes after the command has ended: nothing of the harness
            # may go on in the child, which would remove the files of its parent
            os._exit(code[0])
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@cache
def _import_late() -> None:
    for name in LATE_IMPORTS:
        importlib.import_module(name)


def _as_child(
    arguments: list[str], log: Path, fault: Fault | None, code: list[int]
) -> None:
    """Run a command; its exit code goes into ``code``, whatever comes after it."""
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        warnings.simplefilter("default")  # as on a command line, also below a test
        if fault is not None:
            fault()
        from discovery.cli import main

        main(arguments)
        code[0] = 0
    except SystemExit as end:
        number = 0 if end.code is None else 1
        code[0] = end.code if isinstance(end.code, int) else number
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def killed_after(seconds: float) -> Fault:
    """Return a fault: the process is killed after so much CPU time."""

    def fault() -> None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process at once
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 1e-4))

    return fault


def asked_to_end_after(seconds: float, number: int) -> Fault:
    """Return a fault: the process gets a signal that it can answer, after CPU time.

    Args:
        seconds: of the process.
        number: of the signal, such as ``signal.SIGINT``.
    """

    def fault() -> None:
        # ignored in jobs of the background, which a harness may be
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGPROF, lambda *_: os.kill(os.getpid(), number))
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 1e-4))

    return fault


def killed_at_write(number: int) -> Fault:
    """Return a fault: the process is killed just before its n-th change of a file."""
    return _at_write(number, lambda: os.kill(os.getpid(), signal.SIGKILL))


def failing_at_write(number: int, code: int) -> Fault:
    """Return a fault: from its n-th change of a file on, the system refuses any.

    Args:
        number: of the change, from 1.
        code: of the system, such as ``errno.ENOSPC``.
    """

    def refuse() -> None:
        raise OSError(code, os.strerror(code))

    return _at_write(number, refuse)


def _at_write(number: int, act: Callable[[], None]) -> Fault:
    count = 0

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal count
        if event in WRITING or (event == "open" and _to_write(details)):
            count += 1
            if count >= number:
                act()

    return lambda: sys.addaudithook(hook)


def _to_write(details: tuple[object, ...]) -> bool:
    """Whether a call of open is for a file of ours that will be written."""
    path, mode, flags = details
    writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
    system = str(path).startswith(("/dev", "/proc"))
    in_memory = str(path).startswith("/dev/shm")  # files like others, see TMPDIR
    return writes and mode != "r" and (in_memory or not system)


def jumping_clock() -> None:
    """Fault: the clock of the system jumps by years, back and forth, at every look."""
    real, count = time.time, 0

    def jumped() -> float:
        nonlocal count
        count += 1
        return real() + (-1) ** count * count * 1e7

    time.time = jumped
    time.time_ns = lambda: int(jumped() * 1e9)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, but for what Python compiles."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def hidden(folder: Path) -> list[str]:
    """Return hidden files and folders below a folder, but for those of finished runs."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob(".*"))
    return sorted(name for name in found if not name.endswith("/.hashes.json"))
