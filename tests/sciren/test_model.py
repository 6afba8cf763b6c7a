"""The whole model: encoder, constraint, decoder, scaling, names."""

import pytest
import torch

import sciren.model
from sciren.data.scaling import FeatureScaling
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ColumnError, ConfigError, ShapeError
from sciren.model import ScIReN
from sciren.parameters import Parameter

NAMES = ("sw", "dsw", "ta")


def table(rows=30, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 5 + 3 * torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    return Table(x, {"ta": x[:, 2]}, x[:, :1].clone(), NAMES, ("reco",))


def respiration(encoder=None):
    model = ScIReN(encoder or KANEncoder(3, 1, seed=1), "auto", Q10Respiration())
    data = table()
    model.set_scaling(FeatureScaling.fit(data.features), NAMES)
    model.encoder.prepare(model.scaled(data.features))
    return model


@process_model(
    parameters=[Parameter("a", 0, 1), Parameter("b")], targets=["y"], rowwise=False
)
def running_sum(p, f):
    return torch.cumsum(p.a + 0 * p.b, 0)


def test_it_is_the_chain_of_its_parts():
    model, data = respiration(), table()
    model.output_shift.fill_(2.0)
    model.output_scale.fill_(0.5)
    found = model.predict(data)
    scaled = (data.features - data.features.mean(0)) / data.features.std(
        0, correction=0
    )
    raw = 2.0 + 0.5 * model.encoder(scaled)
    rb = raw.clamp_min(0)
    reco = rb[:, 0] * 1.5 ** ((data.forcings["ta"] - 15) / 10)
    torch.testing.assert_close(found.raw, raw)
    torch.testing.assert_close(found.latents, rb)
    torch.testing.assert_close(found.targets[:, 0], reco)
    assert not found.targets.requires_grad


def test_latents_need_no_forcings_and_agree_with_the_prediction():
    model, data = respiration(), table()
    bare = Table(data.features, {}, data.targets[:, :0], NAMES, ())
    assert torch.equal(model.latents(bare), model.predict(data).latents)


def test_without_a_decoder_it_is_plain_regression():
    model, data = ScIReN(LinearEncoder(3, 2)), table()
    found = model.predict(data)
    assert model.target_names == ("y1", "y2")
    assert ScIReN(LinearEncoder(3, 1)).target_names == ("y",)
    assert torch.equal(found.targets, found.raw)
    assert model.constants() == {}


def test_each_latent_has_its_own_constraint_and_violation():
    model = ScIReN(LinearEncoder(2, 2), "auto", running_sum)
    raw = torch.tensor([[-4.0, -4.0], [0.0, 0.0], [9.0, 9.0]], dtype=torch.float64)
    assert model.constrain(raw).tolist() == [[0.0, -4.0], [0.5, 0.0], [1.0, 9.0]]
    assert model.violation(raw).tolist() == [[1.0, 0.0], [0.0, 0.0], [6.0, 0.0]]


@pytest.mark.parametrize("rows", [0, 1, 9, 30])
def test_rows_evaluated_in_parts_are_the_same(monkeypatch, rows):
    model, data = respiration(), table().take(slice(0, rows))
    whole, latents = model.predict(data), model.latents(data)
    monkeypatch.setattr(sciren.model, "CHUNK", 4)
    assert model.predict(data).targets.shape == (rows, 1)
    torch.testing.assert_close(model.predict(data).targets, whole.targets)
    torch.testing.assert_close(model.latents(data), latents)


def test_a_decoder_that_mixes_rows_sees_them_all_at_once(monkeypatch):
    model, data = ScIReN(LinearEncoder(3, 2), "auto", running_sum), table()
    monkeypatch.setattr(sciren.model, "CHUNK", 4)
    found = model.predict(data)
    torch.testing.assert_close(found.targets[:, 0], found.latents[:, 0].cumsum(0))


def test_evaluation_uses_batch_statistics_and_does_not_learn_them():
    model = respiration(MLPEncoder(3, 1, batch_norm=True))
    model.train()
    before = {name: part.clone() for name, part in model.state_dict().items()}
    latents, found = model.latents(table()), model.predict(table())
    assert model.training
    assert torch.equal(latents, found.latents)
    assert all(
        torch.equal(before[name], part) for name, part in model.state_dict().items()
    )


def test_the_mode_survives_an_error():
    model = respiration().train()
    with pytest.raises(Exception, match="ta"):
        model.predict(Table(table().features, {}, table().targets, NAMES, ("reco",)))
    assert model.training


def test_constants_are_set_and_read_by_name():
    model = respiration()
    assert model.constants() == pytest.approx({"q10": 1.5})
    model.set_constants({"q10": 2.25})
    assert model.constants() == pytest.approx({"q10": 2.25})
    with pytest.raises(ColumnError, match=r"called 'q1'\. Closest names: q10"):
        model.set_constants({"q1": 2.0})


@pytest.mark.parametrize("value", [-1.0, 0.0, float("nan")])
def test_constants_stay_inside_their_bounds(value):
    model = respiration()
    with pytest.raises(ConfigError, match=r"'q10' cannot be .*: it lies between 0"):
        model.set_constants({"q10": value})
    assert model.constants() == pytest.approx({"q10": 1.5})


def test_the_scaling_is_stored_with_its_names():
    model = respiration()
    assert model.feature_names == NAMES
    assert model.scaling.kind == "standard"
    torch.testing.assert_close(model.scaling.shift, table().features.mean(0))


def test_other_features_are_refused():
    model, data = respiration(), table()
    order = Table(
        data.features, data.forcings, data.targets, ("ta", "sw", "dsw"), ("reco",)
    )
    for call in (model.latents, model.predict):
        with pytest.raises(ColumnError, match="the same features in the same order"):
            call(order)
    with pytest.raises(ShapeError, match="has 3 features, got 2"):
        model.scaled(data.features[:, :2])


def test_the_encoder_needs_one_output_a_latent():
    with pytest.raises(
        ShapeError, match=r"has 2 outputs, decoder 'q10' has 1 latents \(rb\)"
    ):
        ScIReN(KANEncoder(3, 2), "auto", Q10Respiration())


def test_the_constraint_must_suit_the_bounds():
    with pytest.raises(ConfigError, match="needs both bounds"):
        ScIReN(KANEncoder(3, 1), "sigmoid", Q10Respiration())


def test_gradients_reach_weights_and_constants():
    model, data = respiration(), table()
    model(data.features, data.forcings).targets.sum().backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters())
    assert float(model.constant_raw.grad.abs().sum()) > 0
