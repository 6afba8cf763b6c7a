"""Settings and weights that cannot be meant are refused before any work, with a number."""

import numpy as np
import pandas as pd
import pytest

from discovery.config.file import config_from_mapping
from sciren.data.frames import WEIGHT_RANGE, check_weights
from sciren.decoders import decoder_named
from sciren.errors import ConfigError, DataError, DecoderError

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


@pytest.mark.parametrize("t_ref", [1e30, -300.0, float("nan")])
def test_a_reference_temperature_is_a_temperature(t_ref):
    with pytest.raises(DecoderError, match="is no temperature"):
        decoder_named("q10", t_ref=t_ref)


def test_weights_stay_within_what_a_sum_can_tell_apart():
    index = pd.RangeIndex(3)
    check_weights(np.array([0.0, 1.0, WEIGHT_RANGE]), index)
    with pytest.raises(DataError, match=r"weights go from 1 to 1e\+300"):
        check_weights(np.array([1.0, 1.0, 1e300]), index)
