"""One small run that all harnesses attack."""

import shutil
from pathlib import Path

import pytest
import torch

from benchmarks.reliability.study import make_run


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A finished run with small pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("discovery.report.figures.DPI", 40)
        return make_run(tmp_path_factory.mktemp("reliability") / "study")


@pytest.fixture
def attacked(made, tmp_path):
    """A copy of the run that a test may alter."""
    return Path(shutil.copytree(made, tmp_path / "attacked"))
