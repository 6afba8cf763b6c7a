"""The folder in which a run is made again goes, also where its process was killed."""

import os
import tempfile

import pytest

from discovery.verdict.recompute import _workspace


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_killed_verification_left_goes_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    child = os.fork()
    if child == 0:
        with _workspace() as place:
            (place / "model.json").write_text("{}")
            os._exit(9)  # nothing of Python runs after it, as after a kill
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    with _workspace() as place:
        assert not left.exists()
        assert list(tmp_path.iterdir()) == [place]
        with _workspace() as other:  # of a process that is alive
            assert place.exists()
            assert other != place
    assert list(tmp_path.iterdir()) == []
