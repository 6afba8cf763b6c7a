"""The door of the command line: an interrupt is told while it loads, too."""

import signal
import sys
from types import FrameType


def main() -> None:
    """Load the command line and run it; ends the process with the exit code."""
    asked = signal.SIGINT

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = signal.Signals(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        from discovery.cli import main as run
    except KeyboardInterrupt:
        word = "interrupted" if asked == signal.SIGINT else "terminated"
        sys.stderr.write(f"{word}: nothing was written\n")
        raise SystemExit(128 + asked) from None
    run()
