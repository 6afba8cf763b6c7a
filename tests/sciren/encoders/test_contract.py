"""One contract for all encoders; a new one is named in one list."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.encoders.registry import ENCODERS, build_encoder
from sciren.errors import ConfigError, ShapeError

MAKERS = {
    "kan": lambda seed: KANEncoder(3, 2, seed=seed),
    "kan, hidden": lambda seed: KANEncoder(3, 2, hidden=(2,), seed=seed),
    "kan, deep": lambda seed: KANEncoder(3, 2, hidden=(2, 3), grid=5, seed=seed),
    "kan, shared": lambda seed: KANEncoder(3, 2, hidden=(4,), shared=True, seed=seed),
    "kan, published": lambda seed: KANEncoder(
        3,
        2,
        base="identity",
        margin=2.0,
        outside="zero",
        start="noise",
        grid=30,
        seed=seed,
    ),
    "kan, silu": lambda seed: KANEncoder(3, 2, base="silu", start="noise", seed=seed),
    "additive": lambda seed: AdditiveEncoder(3, 2, width=4, seed=seed),
    "linear": lambda seed: LinearEncoder(3, 2, seed=seed),
    "mlp": lambda seed: MLPEncoder(3, 2, width=8, depth=3, skip=True, seed=seed),
    "mlp, batch norm": lambda seed: MLPEncoder(3, 2, batch_norm=True, seed=seed).eval(),
}


def features(rows=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 3, generator=generator, dtype=torch.float64)


@pytest.fixture(params=list(MAKERS))
def make(request):
    return MAKERS[request.param]


class TestEncoderContract:
    def test_outputs_are_raw_latents_in_double_precision(self, make):
        out = make(0)(features())
        assert out.shape == (40, 2)
        assert out.dtype == torch.float64
        assert bool(torch.isfinite(out).all())

    def test_the_same_seed_gives_the_same_weights_and_no_other_state(self, make):
        before = torch.get_rng_state()
        one, two, other = (make(seed).state_dict() for seed in (4, 4, 5))
        assert torch.equal(torch.get_rng_state(), before)
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert any(not torch.equal(one[name], other[name]) for name in one)

    def test_a_batch_equals_its_rows_one_by_one(self, make):
        encoder, x = make(0), features()
        alone = torch.cat([encoder(row.unsqueeze(0)) for row in x])
        torch.testing.assert_close(encoder(x), alone, rtol=1e-12, atol=1e-14)

    def test_its_settings_and_weights_rebuild_it(self, make):
        encoder, x = make(3), features()
        encoder.prepare(x)
        again = build_encoder(encoder.kind, encoder.settings())
        again.load_state_dict(encoder.state_dict())
        again.train(encoder.training)
        assert torch.equal(again(x), encoder(x))

    def test_every_weight_receives_a_finite_gradient(self, make):
        encoder = make(0)
        encoder.prepare(features())
        weights = list(encoder.parameters())
        gradients = torch.autograd.grad(encoder(features()).square().sum(), weights)
        assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)

    def test_gradients_agree_with_differences(self, make):
        encoder = make(0)
        encoder.prepare(features())
        x = features(4, seed=1).requires_grad_()
        assert torch.autograd.gradcheck(encoder, x)

    def test_features_of_the_wrong_shape_are_refused(self, make):
        with pytest.raises(ShapeError, match=r"expects features of shape \(n, 3\)"):
            make(0)(torch.zeros(5, 2, dtype=torch.float64))


@pytest.mark.parametrize("kind", sorted(ENCODERS))
@pytest.mark.parametrize("sizes", [(0, 1), (1, 0)])
def test_an_encoder_needs_inputs_and_outputs(kind, sizes):
    with pytest.raises(ShapeError, match="at least one input and one output"):
        ENCODERS[kind](*sizes)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_edges_add_up_to_the_output(inputs, outputs, seed):
    x = torch.randn(
        9, inputs, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    additive = AdditiveEncoder(inputs, outputs, seed=seed)
    torch.testing.assert_close(additive.edges(x).sum(1) + additive.bias, additive(x))
    kan = KANEncoder(inputs, outputs, seed=seed)
    (layer,) = kan.spline_layers
    torch.testing.assert_close(layer.edges(x).sum(1) + layer.bias, kan(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: build_encoder("kann", {}),
            "'kann' does not exist. Closest names: kan",
        ),
        (lambda: build_encoder("linear", {"width": 3}), "cannot be built: .*width"),
        (lambda: MLPEncoder(1, 1, activation="reelu"), "Closest names: relu"),
        (lambda: MLPEncoder(1, 1, width=0), "width=0, depth=1"),
        (lambda: AdditiveEncoder(1, 1, width=0), "each edge needs a hidden unit"),
        (lambda: KANEncoder(1, 1, hidden=(0,)), "every layer needs a node"),
        (lambda: KANEncoder(1, 1, margin=-1), "use zero or a positive share"),
        (lambda: KANEncoder(1, 1, grid=(5, 6)), "names 2 layers, the encoder has 1"),
        (lambda: KANEncoder(1, 1, grid=0), "grid has 0 intervals"),
        (lambda: KANEncoder(1, 1, base="relu"), "base 'relu' does not exist"),
    ],
)
def test_settings_without_sense_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
