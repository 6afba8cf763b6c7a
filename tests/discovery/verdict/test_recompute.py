"""The folder in which a run is made again goes, also where its process was killed."""

import errno
import subprocess
import sys
import tempfile

import pytest

from discovery.runs.files import write_whole
from discovery.verdict import recompute
from discovery.verdict.recompute import _workspace
from sciren.errors import ConfigError, FormatError

# Nothing of Python runs after `_exit`, as after a kill.
KILLED = """
import os, tempfile
tempfile.tempdir = {folder!r}
from discovery.verdict.recompute import _workspace
with _workspace() as place:
    (place / "model.json").write_text("{{}}")
    os._exit(9)
"""


def test_what_a_killed_verification_left_goes_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    script = KILLED.format(folder=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    (left,) = tmp_path.iterdir()
    with _workspace() as place:
        assert not left.exists()
        assert list(tmp_path.iterdir()) == [place]
        with _workspace() as other:  # of a process that is alive
            assert place.exists()
            assert other != place
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_writes_says_nothing_of_the_run(tmp_path, monkeypatch):
    def refused(folder, study, new, progress, retrain=False):
        write_whole(new / "report.txt", no_space)

    def no_space(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recompute, "write_again", refused)
    with pytest.raises(ConfigError, match="No space left"):
        recompute.compare_again(tmp_path, None, None)


def test_a_run_that_cannot_be_computed_again_differs(tmp_path, monkeypatch):
    def lost(folder, study, new, progress, retrain=False):
        raise FormatError("no model")

    monkeypatch.setattr(recompute, "write_again", lost)
    [difference] = recompute.compare_again(tmp_path, None, None).found
    assert "cannot be computed: no model" in str(difference)
