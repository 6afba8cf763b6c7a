"""Removal of edges: what may change, what must stay."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ConfigError
from sciren.importance import edge_table
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.pruning import prune

NAMES = ("a", "b", "c", "d")
MAKERS = [
    lambda seed: KANEncoder(4, 2, seed=seed),
    lambda seed: KANEncoder(4, 2, base="identity", start="noise", seed=seed),
    lambda seed: AdditiveEncoder(4, 2, seed=seed),
]


@process_model(parameters=[Parameter("u"), Parameter("v")], targets=["y"])
def sum_of_two(p, f):
    return p.u + p.v


def table(weights=None, rows=200):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 4, generator=generator, dtype=torch.float64) + 1
    return Table(x, {}, x[:, :0], NAMES, (), weights=weights)


def model_of(encoder):
    model = ScIReN(encoder, None, sum_of_two)
    encoder.prepare(table().features)
    return model


def raw(model):
    return model.predict(table()).raw


def status(model):
    found = edge_table(model, table()).set_index(["source", "target"])
    return found["status"]


@settings(max_examples=20)
@given(st.sampled_from(MAKERS), st.integers(0, 99), st.floats(0, 0.6))
def test_predictions_change_by_the_removed_deviations_and_nothing_else(
    make, seed, threshold
):
    model, data = model_of(make(seed)), table()
    layer = getattr(model.encoder, "spline_layers", [model.encoder])[0]
    edges, before = layer.edges(data.features).detach(), raw(model)
    removed = prune(model, data, threshold)
    centred = edges - edges.mean(0)
    lost = torch.zeros_like(before)
    for edge in removed:
        lost[:, edge.column] += centred[:, edge.row, edge.column]
    torch.testing.assert_close(before - raw(model), lost)
    assert (
        model.encoder.mask if layer is model.encoder else layer.mask
    ).sum() == 8 - len(removed)


def test_the_mean_is_taken_by_the_weights_of_the_rows():
    weights = torch.zeros(200, dtype=torch.float64)
    weights[:50] = 1
    model = model_of(KANEncoder(4, 2))
    before = raw(model)
    assert prune(model, table(weights), 0.4)
    some = (before - raw(model))[:50].mean(0)
    torch.testing.assert_close(some, torch.zeros_like(some), rtol=0, atol=1e-12)


def test_edges_at_or_below_the_threshold_go():
    model, data = model_of(KANEncoder(4, 2)), table()
    before = edge_table(model, data)
    weak = before[before["importance"] <= 0.2]
    removed = prune(model, data, 0.2)
    assert [(e.source, e.target) for e in removed] == list(
        zip(weak["source"], weak["target"], strict=True)
    )
    assert prune(model, data, 0.0) == []


def test_the_strongest_edge_of_each_latent_stays():
    model = model_of(KANEncoder(4, 2))
    prune(model, table(), 0.999)
    assert model.encoder.spline_layers[0].mask.sum(0).tolist() == [1, 1]


@pytest.mark.parametrize("hidden", [(3,), (2, 2)])
def test_a_path_to_each_latent_stays_in_deep_encoders(hidden):
    model = model_of(KANEncoder(4, 2, hidden=hidden))
    prune(model, table(), 0.999)
    assert [layer.mask.sum().item() for layer in model.encoder.spline_layers] == [
        2.0
    ] * (len(hidden) + 1)
    assert bool((raw(model).std(0) > 0).all())


def test_a_constant_latent_may_lose_all_its_edges():
    model = model_of(KANEncoder(4, 2))
    layer = model.encoder.spline_layers[0]
    layer.coefficients.detach()[:, 0] = 0.7  # constant edges
    before = raw(model)
    prune(model, table(), 0.0)
    assert layer.mask.sum(0).tolist() == [0, 4]
    torch.testing.assert_close(raw(model), before)


def test_hidden_nodes_that_nobody_hears_go():
    model = model_of(KANEncoder(4, 2, hidden=(2,)))
    first, second = model.encoder.spline_layers
    second.coefficients.detach()[0] = 0.3  # h1_u moves nothing
    before = raw(model)
    removed = {(e.source, e.target) for e in prune(model, table(), 0.0)}
    assert removed == {("h1_u", "u")} | {(name, "h1_u") for name in NAMES}
    assert first.mask.sum(0).tolist() == [0, 4, 4, 4]
    torch.testing.assert_close(raw(model), before)
    assert status(model)[("h1_u", "u")] == "dropped"


def test_hidden_nodes_that_hear_nothing_become_constants():
    model = model_of(KANEncoder(4, 2, hidden=(2,)))
    first, second = model.encoder.spline_layers
    first.mask[:, 1] = 0  # h2_u is its bias
    first.bias.detach()[1] = 0.4
    before = raw(model)
    removed = prune(model, table(), 0.0)
    assert [(e.source, e.target) for e in removed] == [("h2_u", "u")]
    assert second.mask[:, 0].tolist() == [1, 0, 0, 0]
    torch.testing.assert_close(raw(model), before)


def test_edges_between_latents_are_not_reported():
    model = model_of(KANEncoder(4, 2, hidden=(2,)))
    removed = prune(model, table(), 0.999)
    assert all(e.latent == e.target or e.layer == 0 for e in removed)
    assert len(removed) == 4 * 4 + 4 - 4


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ConfigError, match="use 0 <= threshold < 1"):
        prune(model_of(KANEncoder(4, 2)), table(), threshold)


@pytest.mark.parametrize("encoder", [LinearEncoder(4, 2), MLPEncoder(4, 2)])
def test_other_encoders_cannot_be_pruned(encoder):
    with pytest.raises(ConfigError, match="has no edges that can be removed"):
        prune(model_of(encoder), table())
