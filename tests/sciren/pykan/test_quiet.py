"""contained() lets nothing out."""

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sciren.pykan import contained


def states():
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1:]  # noqa: NPY002


def same(one, other):
    arrays = all(np.array_equal(a, b) for a, b in zip(one[2], other[2], strict=True))
    return one[:2] == other[:2] and arrays


def test_pykan_leaves_no_trace(kan, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    before = states()
    rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
    data = {"train_input": rows, "train_label": rows[:, [0]]}
    data |= {"test_input": rows, "test_label": rows[:, [0]]}
    with contained():
        model = kan.KAN(width=[2, 1], seed=7)
        model.fit(data, steps=2)
        model.copy()
        assert {"model", "copy_temp_state"} <= {
            path.name for path in Path.cwd().iterdir()
        }
    assert same(states(), before)
    assert not list(tmp_path.iterdir())
    assert Path.cwd() == tmp_path
    assert capfd.readouterr() == ("", "")


def test_everything_is_restored_after_an_error(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    before = states()

    def fail():
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        torch.manual_seed(3)
        sys.stdout.write("out")
        sys.stderr.write("err")
        raise KeyError("a")

    with pytest.raises(KeyError), contained():
        fail()
    assert same(states(), before)
    assert Path.cwd() == tmp_path
    assert capfd.readouterr() == ("", "")


def test_states_of_gpus_are_kept_as_well(monkeypatch):
    kept = {0: "a", 1: "b"}
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(kept))
    seen = []

    class Fork:
        def __init__(self, devices):
            seen.append(devices)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

    monkeypatch.setattr(torch.random, "fork_rng", Fork)
    with contained():
        pass
    assert seen == [[0, 1]]
