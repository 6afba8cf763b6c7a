"""KANLayer has pykan's tensors and numbers."""

import pytest
import torch

from sciren.errors import ConfigError
from sciren.pykan import KANLayer, contained

NAMES = ["grid", "coef", "mask", "scale_base", "scale_sp"]


def samples(rows=200, seed=0):
    return torch.rand(rows, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def theirs(kan, **settings):
    layer = kan.KANLayer.KANLayer if hasattr(kan.KANLayer, "KANLayer") else kan.KANLayer
    with contained():
        made = layer(**({"in_dim": 3, "out_dim": 2, "num": 6, "k": 3} | settings))
    generator = torch.Generator().manual_seed(4)
    made.coef.data = torch.randn(made.coef.shape, generator=generator)
    return made


def ours(other, **settings):
    sizes = {"in_dim": 3, "out_dim": 2, "num": 6, "k": 3}
    layer = KANLayer(**(sizes | settings))
    layer.load_state_dict(other.state_dict(), strict=True)
    return layer


def test_names_shapes_and_training_are_pykans(kan):
    other, layer = theirs(kan), KANLayer(3, 2, num=6)
    assert list(layer.state_dict()) == list(other.state_dict()) == NAMES
    for (name, a), (_, b) in zip(
        layer.named_parameters(), other.named_parameters(), strict=True
    ):
        assert (a.shape, a.dtype, a.requires_grad) == (
            b.shape,
            b.dtype,
            b.requires_grad,
        )
        assert name in NAMES


@pytest.mark.parametrize("k", [1, 2, 3])
@torch.no_grad()
def test_all_four_outputs_are_pykans(kan, k):
    other = theirs(kan, k=k)
    other.mask.data[0, 1] = 0
    for a, b in zip(ours(other, k=k)(samples()), other(samples()), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_it_goes_both_ways(kan):
    layer = KANLayer(3, 2, num=6, seed=9)
    other = theirs(kan)
    other.load_state_dict(layer.state_dict(), strict=True)
    torch.testing.assert_close(layer(samples())[0], other(samples())[0])


def test_the_start_is_pykans_in_size(kan):
    layer = KANLayer(3, 200, num=6, noise_scale=0.6, seed=1)
    other = theirs(kan, out_dim=200, noise_scale=0.6)
    torch.testing.assert_close(layer.grid, other.grid, rtol=0, atol=1e-6)
    assert torch.equal(layer.scale_sp, other.scale_sp)
    inner = layer.grid[:, 3:-3].T.contiguous()
    noise = layer.curves(inner)[:-1]
    assert 0.04 < float(noise.abs().max()) < 0.051  # half of 0.6 over 6 intervals
    assert 0.5 < float(layer.scale_base.abs().max()) <= 3**-0.5


def test_the_same_seed_gives_the_same_layer_and_no_other_state():
    before = torch.get_rng_state()
    one, two, other = (KANLayer(seed=seed) for seed in (4, 4, 5))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.coef, two.coef)
    assert torch.equal(one.scale_base, two.scale_base)
    assert not torch.equal(one.coef, other.coef)


def test_sparse_start_is_pykans(kan):
    for shape in ((3, 2), (2, 5), (4, 4), (1, 3)):
        other = theirs(kan, in_dim=shape[0], out_dim=shape[1], sparse_init=True)
        layer = KANLayer(*shape, num=6, sparse_init=True)
        assert torch.equal(layer.mask, other.mask)
        assert torch.equal(layer.scale_sp, other.scale_sp)


@pytest.mark.parametrize("mode", ["sample", "grid"])
@torch.no_grad()
def test_a_moved_grid_is_pykans(kan, mode):
    other = theirs(kan)
    layer, x = ours(other), samples()
    layer.update_grid_from_samples(x, mode)
    other.update_grid_from_samples(x, mode)
    torch.testing.assert_close(layer.grid, other.grid, rtol=0, atol=1e-6)
    inside = samples(seed=1) * 0.9
    torch.testing.assert_close(layer(inside)[0], other(inside)[0], rtol=0, atol=1e-3)


@pytest.mark.parametrize("mode", ["sample", "grid"])
@torch.no_grad()
def test_a_finer_grid_is_pykans_and_its_curves_are_no_worse(kan, mode):
    coarse = theirs(kan, num=4)
    coarse.update_grid_from_samples(samples())
    other, layer = theirs(kan, num=9), KANLayer(3, 2, num=9)
    x = samples(seed=3)
    other.initialize_grid_from_parent(coarse, x, mode)
    parent = ours(coarse, num=4)
    layer.initialize_grid_from_parent(parent, x, mode)
    torch.testing.assert_close(layer.grid, other.grid, rtol=0, atol=1e-5)
    places = x
    if mode == "grid":  # the knots of a grid twice as fine
        places = KANLayer(3, 2, num=18)
        places.initialize_grid_from_parent(parent, x)
        places = places.grid[:, 3:-3].T.contiguous()
    wanted = parent.curves(places)
    # pykan's solver may miss the least squares by far, ours may not
    left = (layer.curves(places) - wanted).square().sum()
    assert left <= 1.001 * (other(places)[3].mT - wanted).square().sum() + 1e-6
    assert left < 1e-2 * wanted.square().sum()


@torch.no_grad()
def test_a_part_and_an_exchange_are_pykans(kan):
    other = theirs(kan)
    layer, x = ours(other), samples()
    part = layer.get_subset([2, 0], [1])
    torch.testing.assert_close(
        part(x[:, [2, 0]])[0], other.get_subset([2, 0], [1])(x[:, [2, 0]])[0]
    )
    for mode in ("in", "out"):
        layer.swap(0, 1, mode)
        other.swap(0, 1, mode)
        for name in NAMES:
            assert torch.equal(layer.state_dict()[name], other.state_dict()[name])


def test_gradients_reach_what_is_trained():
    layer = KANLayer(3, 2, num=6, sb_trainable=False).double()
    x = samples(30).double()
    layer(x)[0].square().sum().backward()
    assert layer.coef.grad is not None
    assert layer.scale_sp.grad is not None
    assert layer.scale_base.grad is None
    assert torch.autograd.gradcheck(lambda v: layer(v)[0], x[:4].requires_grad_())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KANLayer(num=0), "num=0, k=3: a layer needs an interval"),
        (lambda: KANLayer(k=0), "num=5, k=0: a layer needs an interval"),
        (lambda: KANLayer().swap(0, 1, "both"), "mode 'both' does not exist"),
        (
            lambda: KANLayer().update_grid_from_samples(samples(), "all"),
            "mode 'all' does not exist; use 'sample' or 'grid'",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
