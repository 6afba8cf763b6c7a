"""What is special to spline networks: separate latents, masks, knots."""

import pytest
import torch

from sciren.encoders import KANEncoder
from sciren.splines import design


def features(rows=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    return x * torch.tensor([1.0, 5.0, 0.1]) + torch.tensor([0.0, 2.0, -3.0])


def prepared(**settings):
    encoder = KANEncoder(3, 2, **settings)
    encoder.prepare(features())
    return encoder


@pytest.mark.parametrize("outside", ["linear", "zero"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_edges_are_the_splines_that_their_coefficients_say(outside, outputs):
    layer = KANEncoder(3, outputs, outside=outside, start="noise").spline_layers[0]
    layer.set_range(features().amin(0), features().amax(0))
    x = features(50, seed=1) * 1.5
    basis = design(x, layer.low, layer.high, layer.intervals, outside)
    expected = torch.einsum("nig,ijg->nij", basis, layer.coefficients)
    torch.testing.assert_close(layer.edges(x), expected)


def test_hidden_nodes_belong_to_one_latent_each():
    encoder, x = prepared(hidden=(2,)), features()
    for latent in range(2):
        (slope,) = torch.autograd.grad(
            encoder(x)[:, latent].sum(), encoder.spline_layers[0].coefficients
        )
        reached = (slope != 0).any(-1).any(0)
        assert reached.tolist() == [latent == 0] * 2 + [latent == 1] * 2


def test_shared_hidden_nodes_serve_every_latent():
    encoder = prepared(hidden=(3,), shared=True)
    assert all(bool((layer.mask == 1).all()) for layer in encoder.spline_layers)
    assert [tuple(layer.mask.shape) for layer in encoder.spline_layers] == [
        (3, 3),
        (3, 2),
    ]


def test_a_masked_edge_has_no_effect():
    encoder, x = prepared(), features()
    encoder.spline_layers[0].mask[1] = 0
    moved = x.clone()
    moved[:, 1] += 7
    assert torch.equal(encoder(moved), encoder(x))


@pytest.mark.parametrize("hidden", [(), (2,)])
@pytest.mark.parametrize("base", ["zero", "identity", "silu"])
def test_centering_moves_the_means_of_the_edges_and_nothing_else(hidden, base):
    encoder, x = prepared(hidden=hidden, base=base), features()
    for layer in encoder.spline_layers:
        with torch.no_grad():
            layer.coefficients.add_(torch.rand_like(layer.coefficients))
    before = encoder(x)
    encoder.center(x)
    torch.testing.assert_close(encoder(x), before)
    for layer, into in zip(
        encoder.spline_layers, encoder.layer_inputs(x), strict=False
    ):
        mean = layer.edges(into).mean(0)
        torch.testing.assert_close(mean, torch.zeros_like(mean))


def test_centering_can_weight_the_rows():
    layer, x = prepared().spline_layers[0], features()
    weights = torch.linspace(0, 1, len(x), dtype=torch.float64)
    layer.center(x, weights)
    mean = torch.einsum("n,nij->ij", weights, layer.edges(x))
    torch.testing.assert_close(mean, torch.zeros_like(mean), rtol=0, atol=1e-10)


@pytest.mark.parametrize("margin", [0.0, 2.0])
def test_the_knots_lie_on_the_range_of_the_inputs(margin):
    encoder, x = prepared(hidden=(2,), margin=margin), features()
    for layer, into in zip(
        encoder.spline_layers, encoder.layer_inputs(x), strict=False
    ):
        low, high = into.detach().amin(0), into.detach().amax(0)
        torch.testing.assert_close(layer.low, low - margin * (high - low))
        torch.testing.assert_close(layer.high, high + margin * (high - low))


def test_preparing_again_starts_again():
    encoder, x = prepared(seed=3), features()
    before = encoder(x)
    encoder.prepare(x)
    assert torch.equal(encoder(x), before)


def test_straight_starts_are_straight():
    encoder, x = prepared(), features()
    slope = torch.autograd.functional.jacobian(lambda v: encoder(v).sum(0), x)
    spread = slope.std(1)
    torch.testing.assert_close(spread, torch.zeros_like(spread), rtol=0, atol=1e-9)


@pytest.mark.parametrize("base", ["zero", "identity"])
def test_a_grid_update_keeps_the_curves_where_the_rows_are(base):
    encoder, x = prepared(base=base, grid=12), features()
    with torch.no_grad():
        coefficients = encoder.spline_layers[0].coefficients
        steps = torch.linspace(0, 3, coefficients.shape[-1], dtype=torch.float64)
        coefficients.add_(0.3 * torch.sin(steps))
    encoder.spline_layers[0].mask[0, 0] = 0
    before = encoder(x).detach()
    encoder.margin = 0.5
    encoder.update_grids(x)
    layer = encoder.spline_layers[0]
    pad = 0.01 + 0.5 * (x.amax(0) - x.amin(0))
    torch.testing.assert_close(layer.low, x.amin(0) - pad)
    assert float((encoder(x).detach() - before).square().mean().sqrt()) < 0.005
    assert float(layer.mask[0, 0]) == 0


def test_the_published_start_is_almost_zero_and_its_base_is_not():
    encoder = KANEncoder(3, 2, base="identity", start="noise", grid=30)
    layer = encoder.spline_layers[0]
    assert float(layer.coefficients.detach().abs().max()) <= 0.5 * 0.3 / 30 / 3**0.5
    assert layer.slope is not None
    assert 0 < float(layer.slope.detach().abs().max()) <= 3**-0.5


def test_the_default_grid_is_fine_where_kinks_are_made():
    encoder = KANEncoder(3, 1, hidden=(2,))
    assert encoder.grid == (10, 40)
    assert encoder.n_coefficients == 3 * 2 * 13 + 2 * 43


def test_a_constant_feature_keeps_a_range_of_its_own():
    encoder, x = KANEncoder(3, 2), features()
    x[:, 1] = 4.0
    encoder.prepare(x)
    assert bool(torch.isfinite(encoder(x)).all())


def test_knots_stay_where_a_training_has_diverged():
    encoder = KANEncoder(2, 1, (3,), margin=2.0, start="noise", seed=1)
    x = torch.rand(50, 2, dtype=torch.float64)
    with torch.no_grad():
        encoder.spline_layers[0].coefficients[0, 1, 2] = float("nan")
    before = {name: part.clone() for name, part in encoder.state_dict().items()}
    encoder.update_grids(x)
    for name, part in encoder.state_dict().items():
        torch.testing.assert_close(part, before[name], equal_nan=True, rtol=0, atol=0)
