"""Progress of long work for the person who waits; libraries stay silent without one."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol, TextIO

SETTLED = 1.0  # seconds of a stage after which its pace says something


class Progress(Protocol):
    """Receives how far a training has come, for whoever waits for it."""

    def update(
        self, stage: str, step: int, total: int, values: Mapping[str, float]
    ) -> None:
        """Take note of step 1..total of a stage, with the numbers worth showing."""
        ...

    def say(self, message: str) -> None:
        """Take note of a sentence."""
        ...


class Silence:
    """Progress that nobody hears (the default)."""

    def update(
        self, stage: str, step: int, total: int, values: Mapping[str, float]
    ) -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""


class LineProgress:
    """Plain lines on a stream: one line rewritten in a terminal, few lines in a log.

    A reader who leaves (``sciren discover ... 2>&1 | head``) does not stop the work.

    Args:
        stream: default standard error.
        every: seconds between two lines of one stage; the last step always shows.
    """

    def __init__(
        self, stream: TextIO | None = None, every: float | None = None
    ) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.rewrite = self.stream.isatty()
        self.every = (0.1 if self.rewrite else 5.0) if every is None else every
        self._stage, self._shown, self._width = "", -float("inf"), 0
        self._began = (0, 0.0)  # first step of the stage that was heard, and when

    def update(
        self, stage: str, step: int, total: int, values: Mapping[str, float]
    ) -> None:
        """Write ``stage step/total name value ...`` unless the last line is too fresh."""
        now = time.monotonic()
        # A stage that begins again counts its pace anew.
        if stage != self._stage or step < self._began[0]:
            self._began = step, now
        if stage == self._stage and step < total and now - self._shown < self.every:
            return
        self._stage, self._shown = stage, now
        numbers = (f"{name} {value:.4g}" for name, value in values.items())
        parts = [f"{stage} {step}/{total}", *numbers, self._left(step, total, now)]
        self._write("  ".join(part for part in parts if part), step >= total)

    def _left(self, step: int, total: int, now: float) -> str:
        """Return how long the stage will last if its steps go on as they went so far."""
        first, since = self._began
        seconds = now - since
        if seconds < SETTLED or step <= first or step >= total:
            return ""
        return f"about {duration(seconds / (step - first) * (total - step))} left"

    def say(self, message: str) -> None:
        """Write the sentence on a line of its own."""
        self._write(message, last=True)

    def _write(self, line: str, last: bool) -> None:
        text = f"{line}\n"
        if self.rewrite:
            # Padded to the last width, or the end of a longer line would stay.
            text = f"\r{line.ljust(self._width)}" + ("\n" if last else "")
            self._width = 0 if last else len(line)
        with suppress(BrokenPipeError):
            self.stream.write(text)
            self.stream.flush()


def duration(seconds: float) -> str:
    """Return a time as a person would say it: 40 s, 3 min, 1.5 h."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    if seconds < 3570:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
