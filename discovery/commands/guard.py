"""What every command shares: quiet and debug, errors as one line, interrupts, pipes."""

import _thread
import errno
import functools
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

import typer

from sciren.errors import DownloadError, SciRenError, ShapeError, TrainingError

_WORK_ERRORS = (TrainingError, ShapeError, DownloadError)
_WRONG_NAMES = (
    errno.ENAMETOOLONG,
    errno.ELOOP,
)  # the user's own, as wrong as any input
REQUESTS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED, TERMINATED = (128 + number for number in REQUESTS)


@dataclass
class Options:
    """What stands beside every command."""

    quiet: bool = False
    debug: bool = False


@dataclass
class Course:
    """How far the command of this process has come.

    Attributes:
        asked: the exit code that a request to end gives;  came: whether one came.
        told: whether that end is told;  done: whether the work had ended before it.
    """

    asked: int = INTERRUPTED
    came: bool = False
    told: bool = False
    done: bool = False


SOON = 0.01  # s after which a request is repeated that came where nothing can be raised

options = Options()
course = Course()


def set_options(quiet: bool, debug: bool) -> None:
    """Take over the global options, and say warnings about the data in one line."""
    options.quiet, options.debug = quiet, debug
    warnings.showwarning = _show_warning


class RepeatedRequests:
    """Hears what Python cannot raise, and repeats a request to end that is among it.

    An interrupt that comes inside a finaliser or the callback of a weak reference is reported
    with its traceback and forgotten (`sys.unraisablehook`); the work would go on to its end.
    """

    def __init__(self, other: Callable[[Any], object]) -> None:
        self.other = other

    def __call__(self, unraisable: Any) -> None:
        """Repeat a request a moment later; hand on everything else."""
        if not (course.came and isinstance(unraisable.exc_value, KeyboardInterrupt)):
            self.other(unraisable)
            return
        timer = threading.Timer(SOON, _ask_again, (course.asked - 128,))
        timer.daemon = True
        timer.start()


def _ask_again(number: int) -> None:
    main = threading.main_thread().ident
    if main is None or not hasattr(signal, "pthread_kill"):
        _thread.interrupt_main(signal.Signals(number))
    else:  # a signal to the thread itself, which wakes it from waiting as well
        signal.pthread_kill(main, number)


def end_on_request() -> None:
    """Let a request to end (SIGTERM) stop the work as Ctrl-C does."""
    course.asked, course.came = INTERRUPTED, False
    course.told, course.done = False, False
    if not isinstance(sys.unraisablehook, RepeatedRequests):
        sys.unraisablehook = RepeatedRequests(sys.unraisablehook)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)
        # A job of the background ignores it, and goes on doing so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end)


def ignore_requests() -> None:
    """Let requests to end pass: all is done, and the process is ending by itself."""
    if threading.current_thread() is threading.main_thread():
        for number in REQUESTS:
            signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    course.asked, course.came = 128 + number, True
    raise KeyboardInterrupt


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    # Warnings of libraries are for developers.
    if category.__module__.startswith("sciren") or options.debug:
        tell(f"warning: {one_line(message)}")


def one_line(message: object) -> str:
    """Return a message without line breaks."""
    return " ".join(str(message).split())


def show(text: object) -> None:
    """Print a result on standard output; a reader who has left is no error."""
    _write(sys.stdout, str(text))


def tell(text: object) -> None:
    """Print a message on standard error; a reader who has left is no error."""
    _write(sys.stderr, str(text))


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"  # names of files may hold what it cannot say
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        # what is still to come, and the flush at the end of the process, go nowhere
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors of the work into one line and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except (KeyboardInterrupt, Exception) as error:
            # An import of C code that is interrupted ends in an error of its own.
            if course.came or isinstance(error, KeyboardInterrupt):
                _stop(error)
            _fail(error)
        else:
            course.done = True

    return run


def _fail(error: Exception) -> NoReturn:
    """Say an error in one line, and end with its code."""
    if options.debug:
        raise error
    line, code = one_line(error) or type(error).__name__, 1
    if isinstance(error, SciRenError):
        # 1: the work was tried and failed; 2: the input is at fault.
        code = 1 if isinstance(error, _WORK_ERRORS) else 2
    elif isinstance(error, OSError):
        code = 2 if error.errno in _WRONG_NAMES else 1
    elif not isinstance(error, MemoryError):
        line = f"unexpected {type(error).__name__}: {line}; --debug shows where"
    tell(f"error: {line}")
    raise typer.Exit(code)


def _stop(error: BaseException) -> NoReturn:
    """Say what an interrupt has left; the work adds it to the exception."""
    kept = " ".join(getattr(error, "__notes__", ())) or "nothing was written"
    _tell_end(one_line(kept))
    raise typer.Exit(course.asked)


def _tell_end(kept: str) -> None:
    word = "terminated" if course.asked == TERMINATED else "interrupted"
    with _undisturbed():
        course.told = True
        tell(f"{word}: {kept}")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let further requests to end pass: a second Ctrl-C would cut the sentence off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in REQUESTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def code_of_end(code: object) -> object:
    """Return the exit code of a command; say an interrupt outside its own work.

    While words are read nothing is written yet, and after the work nothing is lost; typer
    ends both without a sentence.

    Args:
        code: with which the program is about to end.
    """
    if code != INTERRUPTED or course.told:
        return code
    if course.done:
        return 0
    _tell_end("nothing was written")
    return course.asked
