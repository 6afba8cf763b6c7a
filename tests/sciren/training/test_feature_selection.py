"""Selection inside training: the split decides nothing, and the history says what is open."""

import numpy as np
import pytest
import torch

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit, split_random
from tests.sciren.inference.conftest import drivers
from tests.sciren.inference.test_slow_noise import autoregressive, waves_and

QUICK = {"profiles": False, "smooth": 1e-2}


def record(rows=240, noise=0.6, **more):
    frame, rng = drivers(rows)
    frame["y"] = frame.a + 0.5 * frame.b**2 + noise * rng.standard_normal(rows)
    return Table.from_frame(frame, ["a", "b", "c", "d"], (), ["y"], **more)


def kept(model):
    return model.encoder.spline_layers[0].mask[:, 0].bool().tolist()


@pytest.mark.parametrize("seed", range(3))
def test_how_rows_are_split_into_training_and_validation_decides_nothing(seed):
    table = record()
    parts = split_random(table, (0.6, 0.2, 0.2), seed)
    rest = np.random.default_rng(seed).permutation(len(parts.test))
    half = parts.test.take(np.sort(rest[: len(rest) // 2]))
    other = parts.test.take(np.sort(rest[len(rest) // 2 :]))
    train, valid = (
        Table.concatenate([parts.train, half]),
        Table.concatenate([parts.valid, other]),
    )
    model = ScIReN(KANEncoder(4, 1, grid=4))
    history = fit(model, train, valid, TrainConfig(**QUICK))
    whole = ScIReN(KANEncoder(4, 1, grid=4))
    again = fit(whole, table, table, TrainConfig(**QUICK))
    assert kept(model) == kept(whole) == [True, True, False, False]
    words = [[row["status"] for row in one.edges] for one in (history, again)]
    assert words[0] == words[1]
    assert all(0 <= row["inclusion"] <= 1 for row in history.edges)


def test_rows_that_are_alike_in_the_file_are_asked_about():
    table = record()
    slow = torch.tensor(np.cumsum(np.random.default_rng(0).standard_normal(240)))
    table.targets[:, 0] += slow / slow.std()
    model = ScIReN(KANEncoder(4, 1, grid=4))
    history = fit(model, table, table, TrainConfig(**QUICK))
    assert any(
        "Name the time column or the groups" in message for message in history.messages
    )
    quiet = fit(
        ScIReN(KANEncoder(4, 1, grid=4)), record(), record(), TrainConfig(**QUICK)
    )
    assert not any("Name the time column" in message for message in quiet.messages)


def test_waves_that_slow_noise_explains_as_well_are_named():
    table = waves_and(autoregressive(np.random.default_rng(1))).table
    model = ScIReN(KANEncoder(len(table.feature_names), 1, grid=4))
    history = fit(model, table, table, TrainConfig(**QUICK))
    assert not any(kept(model))
    assert any(
        "a slow noise explains the series as well" in m for m in history.messages
    )


def test_training_by_gradients_reports_the_same_words():
    table = record()
    solved = fit(ScIReN(KANEncoder(4, 1, grid=4)), table, table, TrainConfig(**QUICK))
    model = ScIReN(KANEncoder(4, 1, grid=4))
    config = TrainConfig(engine="first-order", epochs=2, **QUICK)
    history = fit(model, table, table, config)
    words = [[row["status"] for row in one.edges] for one in (solved, history)]
    assert words[0] == words[1]
    assert any(
        "The data ask for a -> y, b -> y" in message for message in history.messages
    )


def test_hidden_layers_are_not_told_which_features_act_alone():
    model = ScIReN(KANEncoder(4, 1, hidden=(1,), grid=4))
    config = TrainConfig(starts=2, start_iterations=2, max_iterations=3, **QUICK)
    assert fit(model, record(), record(), config).edges == []
