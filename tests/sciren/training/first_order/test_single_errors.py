"""Training by gradients: what it says while it runs, and every error."""

import math

import pytest
import torch

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.encoders import KANEncoder, LinearEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.preparation import prepare
from tests.sciren.training.first_order.conftest import (
    respiration,
    run,
    same,
    started,
    weights_of,
)


# -- progress and errors --------------------------------------------------------------
def test_progress_hears_every_epoch_and_the_end():
    class Listener:
        def __init__(self):
            self.steps, self.sentences = [], []

        def update(self, stage, step, total, values):
            self.steps.append((stage, step, total, sorted(values)))

        def say(self, message):
            self.sentences.append(message)

    listener = Listener()
    run(
        started(), progress=listener, epochs=9, patience=1, min_delta=10.0,
        schedule="constant",
    )  # fmt: skip
    names = ["data", "total", "valid"]
    assert listener.steps == [("train", 1, 9, names), ("train", 2, 9, names)]
    assert listener.sentences == ["stopped in epoch 2: no gain in 1 epochs"]


def test_nothing_is_printed(capfd):
    run(started())
    assert capfd.readouterr() == ("", "")


@process_model(parameters=[Parameter("a")], targets=["y"])
def overflowing(p, f):
    return torch.exp(1e3 * p.a.abs() + 800)


def plain_table(rows=50):
    data = respiration(rows)
    return Table(data.features, {}, data.targets, ("a", "b", "c"), ("y",))


def test_a_loss_that_is_not_finite_names_the_epoch_and_leaves_the_model():
    table = plain_table()
    model = started(LinearEncoder(3, 1), table, overflowing)
    before = weights_of(model)
    with pytest.raises(
        TrainingError,
        match=r"training loss is not finite in epoch 1 .*Lower learning_rate",
    ):
        run(model, table, table)
    assert same(weights_of(model), before)


def test_a_validation_loss_that_never_is_finite_is_an_error():
    table, bad = plain_table(), plain_table()
    model = ScIReN(LinearEncoder(3, 1))
    prepare(model, table, table, TrainConfig())
    bad.features[3, 0] = 1e200
    with pytest.raises(TrainingError, match="validation loss is not finite in epoch 3"):
        run(model, table, bad)


@pytest.mark.parametrize("part", ["train", "valid"])
def test_rows_without_any_observation_are_an_error(part):
    tables = {"train": respiration(), "valid": respiration(50, seed=1)}
    tables[part] = respiration(50, weights=torch.zeros(50, dtype=torch.float64))
    with pytest.raises(
        TrainingError, match=f"the {part}.* rows hold no observed target"
    ):
        run(started(), **tables)


def test_a_target_never_observed_is_an_error():
    table = respiration()
    table.targets[:] = math.nan
    with pytest.raises(TrainingError, match="target number 1 has no observation"):
        run(started(), table)


def test_a_log_needs_positive_targets():
    with pytest.raises(TrainingError, match="needs target \\+ offset > 0"):
        ResidualScale.fit(
            torch.tensor([[-1.0], [2.0]], dtype=torch.float64), "log", 0.5
        )


@pytest.mark.parametrize("device", ["cuda:97", "abacus"])
def test_a_device_that_is_not_there_is_an_error(device):
    with pytest.raises(TrainingError, match=f"device '{device}' cannot be used here"):
        run(started(), device=device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_cuda_repeats_bit_equally_and_agrees_with_the_cpu(precision):
    results = []
    for device in ("cuda", "cuda", "cpu"):
        model = started(KANEncoder(3, 1, hidden=(2,), grid=5))
        run(model, device=device, precision=precision)
        results.append(weights_of(model))
    assert same(results[0], results[1])
    assert {part.device.type for part in results[0].values()} == {"cpu"}
    tolerance = 1e-6 if precision == "float64" else 1e-2
    for name, part in results[2].items():
        torch.testing.assert_close(results[0][name], part, rtol=0, atol=tolerance)
