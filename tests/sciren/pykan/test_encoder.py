"""PykanEncoder keeps the contract of every encoder, and what pykan's networks need more."""

import pytest
import torch

from sciren.errors import ConfigError, ShapeError
from sciren.pykan import PykanEncoder, contained, from_pykan

FEATURES = ("sw_pot", "dsw_pot", "ta")
PLACES = [[(0, 0, "sin"), (2, 1, "x^2")], [(1, 0, "exp")]]


def some(**changes):
    """Return an encoder with curves of size one and closed forms beside them."""
    settings = {"hidden": (2,), "grid": (4, 6), "order": (3, 2), "functions": PLACES}
    encoder = PykanEncoder(3, 2, **(settings | changes))
    generator = torch.Generator().manual_seed(0)
    for values in encoder.parameters():
        values.data = 0.5 * torch.randn(values.shape, generator=generator).double()
    return encoder


def features(rows=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 3, generator=generator, dtype=torch.float64)


@pytest.fixture(params=["zero", "identity", "silu"])
def encoder(request):
    return some(base=request.param)


def test_a_batch_equals_its_rows_one_by_one(encoder):
    x = features()
    alone = torch.cat([encoder(row.unsqueeze(0)) for row in x])
    assert alone.shape == (40, 2)
    torch.testing.assert_close(encoder(x), alone, rtol=1e-12, atol=1e-14)


def test_settings_and_weights_rebuild_it(encoder):
    again = PykanEncoder(**encoder.settings())
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(features()), encoder(features()))
    assert again.settings() == encoder.settings()


def test_settings_of_a_network_without_functions_rebuild_it():
    encoder = PykanEncoder(3, 1, hidden=(2,), grid=(3, 3), order=(3, 3))
    assert PykanEncoder(**encoder.settings()).settings() == encoder.settings()


def test_every_weight_receives_a_finite_gradient(encoder):
    weights = list(encoder.parameters())
    gradients = torch.autograd.grad(encoder(features()).square().sum(), weights)
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
    assert all(bool((gradient != 0).any()) for gradient in gradients)


def test_gradients_agree_with_differences(encoder):
    assert torch.autograd.gradcheck(encoder, features(4).requires_grad_())


def test_edges_add_up_to_the_nodes(encoder):
    for layer, x in zip(
        encoder.spline_layers, encoder.layer_inputs(features()), strict=False
    ):
        torch.testing.assert_close(layer.edges(x).sum(1) + layer.bias, layer(x))


def test_layer_inputs_end_with_the_outputs(encoder):
    values = encoder.layer_inputs(features())
    assert [v.shape[1] for v in values] == [3, 2, 2]
    assert torch.equal(values[-1], encoder(features()))


def test_training_data_do_not_move_the_knots(encoder):
    before = [layer.knots.clone() for layer in encoder.spline_layers]
    encoder.prepare(100 * features())
    after = [layer.knots for layer in encoder.spline_layers]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_removed_closed_form_is_gone_even_where_it_is_not_defined():
    encoder = some(functions=[[(0, 0, "log")], []])
    layer, x = encoder.spline_layers[0], features()
    assert bool(layer.edges(x)[:, 0, 0].isnan().any())
    layer.mask[0, 0] = 0
    assert bool((layer.edges(x)[:, 0, 0] == 0).all())


def test_log_of_a_negative_number_is_nan_as_in_pykan(make):
    model = make(width=(3, 1))
    with contained():
        model.fix_symbolic(0, 0, 0, "log", fit_params_bool=False)
    rows = features().float()
    with torch.no_grad():
        outputs, expected = from_pykan(model, FEATURES)(rows.double()), model(rows)
    assert torch.equal(outputs.isnan(), expected.isnan())
    assert torch.equal(outputs.isnan()[:, 0], rows[:, 0] < 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": (4,)}, r"2 layers need as many entries of grid \(1\)"),
        ({"grid": (4, 0)}, "grid=0, order=2: a layer needs an interval"),
        ({"order": (0, 3)}, "grid=4, order=0: a layer needs an interval"),
        (
            {"functions": [[(0, 0, "sine")], []]},
            "function 'sine' does not exist. Closest names: sin",
        ),
        (
            {"functions": [[(3, 0, "sin")], []]},
            "'sin' is on edge 3 -> 0 of a layer with 3 inputs and 2 outputs",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        some(**change)


def test_features_of_the_wrong_shape_are_refused(encoder):
    with pytest.raises(ShapeError, match=r"expects features of shape \(n, 3\)"):
        encoder(torch.zeros(5, 2, dtype=torch.float64))
