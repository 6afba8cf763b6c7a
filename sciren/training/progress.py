"""Progress of long work for the person who waits; libraries stay silent without one."""

import sys
import time
from collections.abc import Mapping
from typing import Protocol, TextIO


class Progress(Protocol):
    """Whoever wants to hear how far a training is."""

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

    def update(
        self, stage: str, step: int, total: int, values: Mapping[str, float]
    ) -> None:
        """Write ``stage step/total name value ...`` unless the last line is too fresh."""
        now = time.monotonic()
        if stage == self._stage and step < total and now - self._shown < self.every:
            return
        self._stage, self._shown = stage, now
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        self._write(f"{stage} {step}/{total}  {numbers}".rstrip(), step >= total)

    def say(self, message: str) -> None:
        """Write the sentence on a line of its own."""
        self._write(message, last=True)

    def _write(self, line: str, last: bool) -> None:
        if not self.rewrite:
            self.stream.write(f"{line}\n")
        else:
            self.stream.write(f"\r{line.ljust(self._width)}" + ("\n" if last else ""))
            self._width = 0 if last else len(line)
        self.stream.flush()
