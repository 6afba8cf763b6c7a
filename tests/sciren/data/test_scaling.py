"""Laws of the scaling: apply and undo are inverse, the training rows are standard."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sciren.data import FeatureScaling
from sciren.errors import ConfigError, ShapeError

FEATURES = arrays(
    np.float64, (7, 3), elements=st.floats(-1e6, 1e6, allow_subnormal=False)
)


@settings(deadline=None)
@given(FEATURES, st.sampled_from(["standard", "minmax", "none"]))
def test_undo_reverses_apply(values, kind):
    features = torch.from_numpy(values)
    scaling = FeatureScaling.fit(features, kind)
    back = scaling.undo(scaling.apply(features))
    torch.testing.assert_close(back, features, rtol=1e-9, atol=1e-8)


def test_training_rows_get_mean_zero_and_deviation_one():
    features = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)) * 7 + 3
    scaled = FeatureScaling.fit(features.double(), "standard").apply(features.double())
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(
        scaled.std(0, correction=0), torch.ones(2, dtype=torch.float64)
    )


def test_minmax_gives_the_unit_interval_and_none_changes_nothing():
    features = torch.tensor([[1.0, -4.0], [3.0, 0.0], [2.0, 4.0]])
    unit = FeatureScaling.fit(features, "minmax").apply(features)
    assert unit.amin(0).tolist() == [0.0, 0.0]
    assert unit.amax(0).tolist() == [1.0, 1.0]
    assert torch.equal(FeatureScaling.fit(features, "none").apply(features), features)


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_a_constant_feature_becomes_zero_not_nan(kind):
    features = torch.tensor([[0.1], [0.1], [0.1]], dtype=torch.float64)
    scaled = FeatureScaling.fit(features, kind).apply(features)
    torch.testing.assert_close(scaled, torch.zeros_like(scaled))


def test_it_moves_with_its_model():
    scaling = FeatureScaling.fit(torch.eye(3)).to("cpu")
    assert scaling.kind == "standard"
    assert scaling.shift.device.type == "cpu"


def test_wrong_kind_and_shapes_are_refused():
    with pytest.raises(ConfigError, match="'robust' does not exist; use one of"):
        FeatureScaling.fit(torch.ones(3, 1), "robust")
    with pytest.raises(ShapeError, match="at least one row"):
        FeatureScaling.fit(torch.ones(0, 2))
    with pytest.raises(ShapeError, match="knows 2 features, got 3"):
        FeatureScaling.fit(torch.eye(2)).apply(torch.eye(3))
    with pytest.raises(ShapeError, match="one number a feature"):
        FeatureScaling("standard", torch.ones(2), torch.ones(3))
