"""Keep what pykan prints, writes and seeds away from the user."""

import contextlib
import io
import random
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sciren.errors import ConfigError


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Run pykan without a trace: no output, no files, no change of random states.

    Inside, printed text and progress bars are dropped, the working directory is a
    temporary folder (removed at the end, with the checkpoints, copies and figures that
    pykan writes into it), and the global random states of Python, numpy and torch are
    restored. The working directory belongs to the whole process: do not use threads
    that rely on it meanwhile, and give absolute paths for files that are to stay.

        with contained():
            model = kan.KAN(width=[3, 1], seed=4)
            model.fit(dataset)
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        _same_random_states(),
    ):
        Path("model").mkdir()  # pruned models of pykan write there without making it
        yield


@contextlib.contextmanager
def _same_random_states() -> Iterator[None]:
    # Saving the random states of GPUs would start CUDA, which takes seconds and memory.
    cuda = torch.cuda.is_initialized()
    devices = list(range(torch.cuda.device_count())) if cuda else []
    # pykan seeds numpy's old global generator, which no new Generator can restore
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if not cuda:  # a seed waits there until the first use of a GPU
            torch.cuda.manual_seed_all(torch.initial_seed())


def import_pykan() -> Any:
    """Return the package ``kan``.

    Raises:
        ConfigError: pykan is not installed, or something else is called ``kan``.
    """
    with contained(), warnings.catch_warnings():
        # its sources hold escapes that newer Python versions warn about at first import
        warnings.simplefilter("ignore")
        try:
            kan = import_module("kan")
        except ImportError as error:
            raise ConfigError(
                f"pykan cannot be imported ({error}); install it: pip install pykan"
            ) from error
    if not hasattr(kan, "MultKAN"):
        raise ConfigError(
            f"the package kan at {getattr(kan, '__file__', '?')} is not pykan 0.2; "
            "install it: pip install pykan"
        )
    return kan
