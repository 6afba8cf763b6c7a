"""Settings and weights that cannot be meant are refused before any work, with a number."""

import numpy as np
import pandas as pd
import pytest

from discovery.config.file import config_from_mapping, train_config
from sciren.data.frames import WEIGHT_RANGE, check_weights
from sciren.decoders import decoder_named, redeclare
from sciren.errors import ConfigError, DataError, DecoderError, ParameterError

BASE = {"data": {"path": "d.csv"}, "features": ["x"], "targets": {"y": "y"}}


@pytest.mark.parametrize(
    "encoder",
    [
        {"grid": 100_000_000},
        {"hidden": [100_000_000]},
        {"margin": 1e300},
        {"kind": "mlp", "width": 10**9},
        {"kind": "additive", "width": 10**9},
    ],
)
def test_networks_that_fill_the_memory_are_refused_by_their_key(encoder):
    with pytest.raises(ConfigError, match="encoder"):
        config_from_mapping({**BASE, "encoder": encoder})


def test_a_list_of_grids_names_every_layer():
    with pytest.raises(ConfigError, match="names 4 layers, and hidden leads to 1"):
        config_from_mapping({**BASE, "encoder": {"hidden": [], "grid": [3, 4, 5, 6]}})
    kept = config_from_mapping({**BASE, "encoder": {"hidden": [2], "grid": [3, 4]}})
    assert kept.encoder.grid == (3, 4)


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 10**12), ("learning_rate", 1e300), ("loss_width", np.inf), ("starts", 10**9)],
)  # fmt: skip
def test_trainings_without_end_or_sense_are_refused_by_their_key(key, value):
    config = config_from_mapping({**BASE, "train": {key: value}})
    with pytest.raises(ConfigError, match=rf"key 'train.{key}' is "):
        train_config(config)


@pytest.mark.parametrize("key", ["low", "high", "start", "value"])
def test_numbers_of_parameters_are_numbers(key):
    with pytest.raises(ParameterError, match=f"'rb' has {key}='zero'; write a number"):
        redeclare(decoder_named("q10"), {"rb": {key: "zero"}})


@pytest.mark.parametrize("t_ref", [1e30, -300.0, float("nan"), True])
def test_a_reference_temperature_is_a_temperature(t_ref):
    with pytest.raises(DecoderError, match="is no temperature"):
        decoder_named("q10", t_ref=t_ref)


def test_weights_stay_within_what_a_sum_can_tell_apart():
    index = pd.RangeIndex(3)
    check_weights(np.array([0.0, 1.0, WEIGHT_RANGE]), index)
    with pytest.raises(DataError, match=r"weights go from 1 to 1e\+300"):
        check_weights(np.array([1.0, 1.0, 1e300]), index)
