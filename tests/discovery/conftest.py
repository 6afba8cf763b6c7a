"""A small study of one's own, from `sciren init` to a finished run, made once."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from discovery.config.file import load_config
from discovery.config.starter import write_starter
from discovery.report.figures import save_figures
from discovery.runs.workflow import run

SAVE = "discovery.runs.writing.save_figures"

QUICK = (
    "discovery.bootstrap=20",
    "encoder.hidden=[]",
    "train={epochs: 4, profile_points: 9, smooth: 0.001}",
    "truth={efficiency: efficiency}",
)


def light_data(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Carbon uptake with efficiency = 1 + 0.05 ta - 0.02 vpd and half = 6."""
    rng = np.random.default_rng(seed)
    ta, vpd = rng.uniform(0, 25, rows), rng.uniform(0, 30, rows)
    par = rng.uniform(0.5, 12, rows)
    efficiency = 1 + 0.05 * ta - 0.02 * vpd
    gpp = efficiency * par / (1 + par / 6) * (1 + 0.02 * rng.normal(size=rows))
    return pd.DataFrame(
        {"ta": ta, "vpd": vpd, "par": par, "gpp": gpp, "efficiency": efficiency}
    )


def start(folder: Path) -> Path:
    """Write the files of `sciren init --process-model` and a data.csv."""
    config = write_starter(folder, process_model=True)[0]
    light_data().to_csv(folder / "data.csv", index=False)
    return config


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def small_pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("discovery.report.figures.DPI", 50)
        yield


@contextmanager
def drawing() -> Iterator[None]:
    """Let runs inside draw their pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SAVE, save_figures)
        yield


@pytest.fixture(autouse=True, scope="session")
def without_pictures():
    """They take most of the writing of a run, and few tests ask for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SAVE, lambda *_: [])
        yield


@pytest.fixture
def pictures():
    """For tests that read what was drawn."""
    with drawing():
        yield


@pytest.fixture(scope="session")
def with_pictures():
    """For fixtures of a module whose run is asked for its pictures: a context to run in."""
    return drawing


@pytest.fixture(scope="session")
def quick():
    """Changes of the settings that make a run short."""
    return QUICK


@pytest.fixture(scope="session")
def start_study():
    """Function: folder -> CONFIG.yaml in it, beside a process model and data."""
    return start


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Folder with CONFIG.yaml, my_process.py, data.csv and runs/light_use."""
    folder = tmp_path_factory.mktemp("study")
    with drawing():
        run(load_config(start(folder), QUICK), quiet=True)
    return folder


@pytest.fixture
def light(finished, tmp_path):
    """A copy of the finished run that a test may change.

    Its settings still name process model and data of the original.
    """
    return Path(shutil.copytree(finished / "runs" / "light_use", tmp_path / "light"))
