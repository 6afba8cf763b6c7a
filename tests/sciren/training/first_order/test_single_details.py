"""Training by gradients: constants, grids and batches."""

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.history import History
from tests.sciren.training.first_order.conftest import (
    Q10,
    respiration,
    run,
    started,
    train_first_order,
)


# -- constants ------------------------------------------------------------------------
@pytest.mark.parametrize("in_logs", [True, False])
def test_constants_train_in_logs_or_as_they_are(in_logs):
    model = started()
    run(
        model,
        epochs=60,
        constants_in_logs=in_logs,
        learning_rate=0.05,
        constant_rate_factor=2.0,
    )
    assert model.constants()["q10"] == pytest.approx(Q10, abs=0.05)


@pytest.mark.parametrize("in_logs", [True, False])
def test_constants_stay_inside_their_bounds(in_logs):
    @process_model(
        parameters=[
            Parameter("rb", low=0),
            Parameter("q10", low=1.2, high=1.6, start=1.4, kind="constant"),
            Parameter("lag", low=-0.5, high=0.5, kind="constant"),
        ],
        forcings=["ta"],
        targets=["reco"],
    )
    def bounded(p, f):
        return p.rb * p.q10 ** ((f.ta - 15) / 10) + 10 * (p.lag - 1)

    model = started(decoder=bounded)
    run(model, epochs=20, learning_rate=0.5, constants_in_logs=in_logs)
    found = model.constants()
    assert 1.2 - 1e-12 <= found["q10"] <= 1.6 + 1e-12
    assert -0.5 <= found["lag"] <= 0.5


def test_a_positive_constant_trained_as_it_is_stays_positive():
    model = started()
    run(model, learning_rate=5.0, schedule="constant", constants_in_logs=False)
    assert model.constants()["q10"] > 0


# -- grids ----------------------------------------------------------------------------
def test_grids_are_updated_in_the_first_epochs_with_the_second_batch(monkeypatch):
    seen = []
    update = KANEncoder.update_grids
    monkeypatch.setattr(
        KANEncoder,
        "update_grids",
        lambda self, x: (seen.append(len(x)), update(self, x))[1],
    )
    model = started(KANEncoder(3, 1, grid=30, margin=2.0, start="noise"))
    before = model.encoder.spline_layers[0].high.clone()
    run(model, epochs=4, grid_updates=2)
    assert seen == [100, 100]
    assert not torch.equal(model.encoder.spline_layers[0].high, before)
    run(started(MLPEncoder(3, 1)), grid_updates=2)  # nothing to update


def test_the_published_settings_train():
    encoder = KANEncoder(
        3, 1, grid=30, base="identity", margin=2.0, start="noise", outside="zero"
    )
    model = started(encoder)
    config = TrainConfig(preset="paper", epochs=60, precision="float32")
    history = History("first-order")
    train_first_order(model, respiration(), respiration(seed=1), config, history)
    assert history.rows[-1]["data"] < history.rows[0]["data"]
    assert {row["learning_rate"] for row in history.rows} == {1e-3}


# -- batches ---------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 2, 100, 101, 102, 199])
def test_a_last_row_never_stands_alone(rows):
    sizes = []

    @process_model(parameters=[Parameter("a")], targets=["y"])
    def watched(p, f):
        sizes.append(len(p.a))
        return p.a

    data = respiration(rows)
    table = Table(data.features, {}, data.targets, ("a", "b", "c"), ("y",))
    valid = respiration(7)
    valid = Table(valid.features, {}, valid.targets, ("a", "b", "c"), ("y",))
    model = started(LinearEncoder(3, 1), valid, watched)
    sizes.clear()
    run(model, table, valid, epochs=1)
    assert sum(sizes) == rows + 7
    assert 1 not in sizes or rows == 1
