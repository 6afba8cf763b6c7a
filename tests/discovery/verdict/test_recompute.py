"""The folder in which a run is made again goes, also where its process was killed."""

import subprocess
import sys
import tempfile

from discovery.verdict.recompute import _workspace

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
