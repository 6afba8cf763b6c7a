"""Requests to end are heard wherever they come."""

import subprocess
import sys

import pytest

SCRIPT = """
import signal, time
from discovery.commands import guard

class Closing:
    def __del__(self):  # where nothing can be raised
        signal.raise_signal({number})
        for _ in range(1000):
            pass

@guard.guarded
def work():
    Closing()
    time.sleep(20)

guard.end_on_request()
try:
    work()
except guard.typer.Exit as end:
    raise SystemExit(end.exit_code)
"""


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [("signal.SIGTERM", 143, "terminated"), ("signal.SIGINT", 130, "interrupted")],
)
def test_a_request_that_comes_in_a_finaliser_is_not_lost(number, code, word):
    script = SCRIPT.format(number=number)
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=False,
        text=True,
        timeout=15,
    )
    assert ended.returncode == code
    assert ended.stderr == f"{word}: nothing was written\n"
