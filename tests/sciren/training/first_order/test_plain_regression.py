"""Plain regression by gradients learns with every kind of encoder, alone and together."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import (
    AdditiveEncoder,
    KANEncoder,
    LinearEncoder,
    MLPEncoder,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    fit_ensemble,
)

STEPS = TrainConfig(
    engine="first-order", epochs=120, learning_rate=0.03, select=False, profiles=False
)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(-1, 1, (300, 2)), columns=["a", "b"])
    frame["y"] = 1 + 2 * frame.a - frame.b
    return Table.from_frame(frame, ["a", "b"], (), ["y"])


@pytest.mark.parametrize(
    "kind", [AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder]
)
def test_every_encoder_learns_alone_and_together(table, kind):
    alone = ScIReN(kind(2, 1, seed=0))
    fit(alone, table, table, STEPS)
    found, y = alone.predict(table).targets, table.targets
    assert float((found - y).square().mean() / y.var()) < 0.02
    models = [ScIReN(kind(2, 1, seed=seed)) for seed in (0, 1)]
    fit_ensemble(models, table, table, [STEPS.replace(seed=seed) for seed in (0, 1)])
    torch.testing.assert_close(models[0].predict(table).targets, found)
