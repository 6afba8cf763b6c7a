"""Laws of the figures of merit, on models that are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from case_studies.respiration import metrics
from sciren import KANEncoder, LinearEncoder, Q10Respiration, ScIReN, Split
from sciren.datasets import make_respiration

numbers = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=20)


@given(numbers)
def test_r2_is_one_for_the_truth_and_zero_for_its_mean(values):
    truth = np.array(values)
    if np.ptp(truth) < 1e-3:
        return
    assert metrics.r2(truth, truth) == 1
    assert metrics.r2(truth, np.full_like(truth, truth.mean())) == pytest.approx(0)


@pytest.mark.parametrize("values", [[], [2.0, 2.0]])
def test_r2_of_what_does_not_vary_is_missing(values):
    assert math.isnan(metrics.r2(values, values))


@pytest.fixture(scope="module")
def study():
    return make_respiration("linear", seed=3)


@pytest.fixture(scope="module")
def split(study):
    return Split(*(part.take(slice(None, None, 40)) for part in study.tables()))


def true_model() -> ScIReN:
    """The linear truth as a model."""
    model = ScIReN(LinearEncoder(3, 1), "relu", Q10Respiration())
    model.set_constants({"q10": 1.5})
    encoder = model.encoder
    assert isinstance(encoder, LinearEncoder)
    with torch.no_grad():
        encoder.linear.weight.copy_(torch.tensor([[0.0075, -0.00375, 0.0]]))
        encoder.linear.bias.fill_(1.03506858)
    return model


def test_the_truth_reaches_the_ceiling_and_has_no_divergence(study, split):
    found = metrics.judge(true_model(), study, split, seed=1)
    assert set(found) == set(metrics.METRICS)
    assert found["r2_obs"] == pytest.approx(found["ceiling"])
    assert 0.96 < found["ceiling"] < 0.99
    for name in ("r2_clean", "r2_clean_hot", "r2_latent"):
        assert found[name] == pytest.approx(1, abs=1e-12)
    assert found["kl"] == pytest.approx(1e-6, abs=1e-6)
    assert 0 <= found["kl_48"] < 0.05
    assert found["q10"] == pytest.approx(1.5)


def test_the_few_rows_follow_the_seed(study, split):
    one, same, other = (
        metrics.judge(true_model(), study, split, seed=seed)["kl_48"]
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_a_network_without_a_process_has_neither_latent_nor_divergence(study, split):
    found = metrics.judge(ScIReN(LinearEncoder(3, 1)), study, split, seed=1)
    assert math.isfinite(found["r2_obs"])
    assert all(math.isnan(found[name]) for name in ("r2_latent", "kl", "kl_48", "q10"))


def test_a_model_without_any_effect_has_no_divergence(study, split):
    model = ScIReN(KANEncoder(3, 1), "relu", Q10Respiration())
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.zero_()
    assert math.isnan(metrics.judge(model, study, split, seed=1)["kl"])


def test_latents_in_chunks_are_those_at_once(split):
    model, x = true_model(), split.train.features
    whole = model.raw_latents(model.scaled(x)).detach().numpy()
    np.testing.assert_allclose(metrics.raw_latent(model)(x.numpy()), whole)
    assert len(x) > metrics.CHUNK
