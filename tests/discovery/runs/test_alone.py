"""One command at a time on one place; the place is free after its end or its death."""

import subprocess
import sys

import pytest

from discovery.runs.alone import alone
from sciren.errors import ConfigError

HOLD = """
import sys, time
from pathlib import Path
from discovery.runs.alone import alone
with alone(Path(sys.argv[1]), "sweep"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_one_is_refused_and_told_what_is_at_work(tmp_path):
    place = tmp_path / "new" / "out"
    with (
        alone(place, "sweep"),
        pytest.raises(ConfigError, match="another sweep is at work"),
        alone(place, "sweep"),
    ):
        pass
    assert not any(place.parent.iterdir())
    file = tmp_path / "file"
    file.touch()
    with (
        pytest.raises(ConfigError, match=r"out: cannot be written: .*another place"),
        alone(file / "out", "sweep"),
    ):
        pass
    with alone(place, "sweep"):
        pass


def test_an_error_inside_frees_the_place(tmp_path):
    with pytest.raises(ValueError, match="inside"), alone(tmp_path / "out", "tune"):
        raise ValueError("inside")
    with alone(tmp_path / "out", "tune"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks there")
def test_a_killed_process_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(ConfigError, match="at work"),
            alone(tmp_path / "out", "sweep"),
        ):
            pass
        process.kill()
    with alone(tmp_path / "out", "sweep"):
        pass
