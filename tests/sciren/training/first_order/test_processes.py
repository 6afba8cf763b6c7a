"""Processes that share rows take the steps of one: losses, gradients, constants."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sciren import ScIReN
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.errors import TrainingError
from sciren.parameters import Parameter
from sciren.training import TrainConfig, fit
from sciren.training.first_order.processes import Processes, own_device

SCRIPT = Path(__file__).with_name("shared_rows_script.py")


def results_of(processes, folder):
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", str(processes), str(SCRIPT), str(folder)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"{k}.json").read_text()) for k in range(processes)]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_processes_take_the_steps_of_one(tmp_path, processes):
    script = runpy.run_path(str(SCRIPT))
    first, *others = results_of(processes, tmp_path)
    assert all(other == first for other in others)
    for case in script["CASES"]:
        alone = script["trained"](case, case == "hidden")
        shared = first[case]
        assert len(shared["losses"]) == 20, case
        np.testing.assert_allclose(
            shared["losses"], alone["losses"], rtol=1e-5, err_msg=case
        )
        for one, other in zip(shared["gradients"], alone["gradients"], strict=True):
            size = np.abs(other).max()
            np.testing.assert_allclose(one, other, atol=1e-6 * size, err_msg=case)
        np.testing.assert_allclose(shared["constants"], alone["constants"], rtol=1e-6)


@pytest.fixture
def two_processes(monkeypatch):
    """Let torch say that two processes have met."""
    from torch import distributed

    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)


@process_model(
    parameters=[Parameter("rb", low=0)],
    forcings=["ta"],
    targets=["reco"],
    rowwise=False,
)
def of_the_mean(p, f):
    return p.rb * f.ta.mean()


@pytest.mark.parametrize(
    ("encoder", "decoder", "settings", "said"),
    [
        (KANEncoder(3, 1), Q10Respiration(), {"optimizer": "lbfgs"}, "lbfgs"),
        (KANEncoder(3, 1), of_the_mean, {}, "'of_the_mean' does not act row by row"),
        (MLPEncoder(3, 1, batch_norm=True), Q10Respiration(), {}, "batch norm"),
    ],
)
def test_rows_that_cannot_be_shared_are_refused(
    two_processes, encoder, decoder, settings, said
):
    data = runpy.run_path(str(SCRIPT))["table"](60, 0, False)
    config = TrainConfig(engine="first-order", share_rows=True, epochs=1, **settings)
    with pytest.raises(TrainingError, match=said):
        fit(ScIReN(encoder, "auto", decoder), data, data, config)


def test_without_torchrun_sharing_changes_nothing():
    script = runpy.run_path(str(SCRIPT))
    data = script["table"](60, 0, False)
    constants = []
    for share in (False, True):
        config = TrainConfig(
            engine="first-order",
            share_rows=share,
            epochs=2,
            select=False,
            profiles=False,
        )
        model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
        fit(model, data, data, config)
        constants.append(model.constants())
    assert constants[0] == constants[1]


def test_parts_are_all_rows_and_every_row_once():
    rows = torch.arange(11).unsqueeze(0)
    parts = [Processes(rank, 3).part(rows) for rank in range(3)]
    assert torch.cat(parts, 1).sort().values.equal(rows)
    assert Processes(2, 3).share(rows).rows == 11
    few = rows[:, :2]
    assert all(Processes(rank, 3).part(few).equal(few) for rank in range(3))
    assert Processes(2, 3).share(few).rows == 6


def test_every_process_has_its_own_gpu(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert own_device(TrainConfig(device="cuda", share_rows=True)) == "cuda:1"
    assert own_device(TrainConfig(device="cuda")) == "cuda"
    assert own_device(TrainConfig(share_rows=True)) == "cpu"
