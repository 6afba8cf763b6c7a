"""Importance of edges and features: sums, limits, agreement with the published forms."""

import pandas as pd
import pytest
import torch

import sciren.importance
from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.edge_columns import EDGE_COLUMNS
from sciren.edges import model_edges
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ColumnError, ConfigError
from sciren.importance import (
    backward_scores,
    deviation,
    edge_importance,
    edge_scores,
    edge_shares,
    edge_table,
    feature_importance,
    layer_statistics,
)
from sciren.model import ScIReN
from sciren.parameters import Parameter

NAMES = ("a", "b", "c")


@process_model(parameters=[Parameter("u"), Parameter("v")], targets=["y"])
def sum_of_two(p, f):
    return p.u + p.v


def table(rows=300, seed=0, weights=None):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    return Table(x, {}, x[:, :0], NAMES, (), weights=weights)


def model_of(encoder):
    decoder = sum_of_two if encoder.n_outputs == 2 else None
    model = ScIReN(encoder, None, decoder)
    model.encoder.prepare(table().features)
    return model


ENCODERS = {
    "kan": lambda: KANEncoder(3, 2),
    "kan, hidden": lambda: KANEncoder(3, 2, hidden=(2,)),
    "kan, deep": lambda: KANEncoder(3, 2, hidden=(2, 2)),
    "kan, shared": lambda: KANEncoder(3, 2, hidden=(3,), shared=True),
    "additive": lambda: AdditiveEncoder(3, 2),
    "linear": lambda: LinearEncoder(3, 2),
}


@pytest.fixture(params=list(ENCODERS))
def model(request):
    return model_of(ENCODERS[request.param]())


@pytest.mark.parametrize("kind", ["mad", "std"])
def test_a_deviation_can_weight_its_rows(kind):
    values = torch.tensor([[1.0, 5.0], [3.0, -1.0], [9.0, 0.0]], dtype=torch.float64)
    twice = values[[0, 1, 1, 2]]
    weights = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(deviation(values, kind, weights), deviation(twice, kind))
    centred = twice - twice.mean(0)
    expected = (
        centred.abs().mean(0) if kind == "mad" else centred.square().mean(0).sqrt()
    )
    torch.testing.assert_close(deviation(twice, kind), expected)


@pytest.mark.parametrize("kind", ["mad", "std"])
def test_one_layer_one_output_scores_are_deviations_over_that_of_the_sum(kind):
    model, data = model_of(KANEncoder(3, 1)), table()
    (layer,) = model.encoder.spline_layers
    edges = layer.edges(data.features).detach()
    expected = deviation(edges, kind) / deviation(edges.sum(1), kind)
    for normalisation in ("layer_mean", "node"):
        (found,) = edge_importance(model, data, normalisation, kind)
        assert found.shape == layer.mask.shape
        torch.testing.assert_close(found, expected)


def test_the_forms_differ_by_the_node_they_divide_by():
    edges = [torch.tensor([[1.0, 0.0], [0.5, 2.0]]), torch.tensor([[3.0], [1.0]])]
    nodes = [torch.tensor([1.5, 2.0]), torch.tensor([4.0])]
    node = backward_scores(edges, nodes, "node")
    torch.testing.assert_close(node[1], torch.tensor([[[0.75], [0.25]]]))
    torch.testing.assert_close(
        node[0], torch.tensor([[[0.75 / 1.5, 0.0], [0.25, 0.25]]])
    )
    mean = backward_scores(edges, nodes, "layer_mean")
    torch.testing.assert_close(
        mean[0], torch.tensor([[[0.75 / 1.75, 0.0], [0.375 / 1.75, 0.5 / 1.75]]])
    )


def test_the_paper_starts_from_the_variance_of_the_outputs():
    edges, nodes = [torch.ones(2, 2)], [torch.ones(2)]
    found = edge_scores(edges, nodes, "node", torch.tensor([4.0, 2.0]))
    torch.testing.assert_close(found[0], torch.tensor([[2.0, 1.0], [2.0, 1.0]]))


def test_gradients_flow_through_the_edges_alone():
    edges = torch.rand(3, 1, requires_grad=True)
    nodes = torch.rand(1, requires_grad=True)
    total = edge_scores([edges], [nodes])[0].sum()
    by_edges, by_nodes = torch.autograd.grad(total, [edges, nodes], allow_unused=True)
    torch.testing.assert_close(by_edges, torch.ones(3, 1) / nodes.detach())
    assert by_nodes is None


def test_shares_of_each_latent_add_to_one_in_every_layer(model):
    for normalisation in ("layer_mean", "node"):
        shares = edge_shares(layer_statistics(model, table()), normalisation)
        for layer in shares:
            total = layer.sum((1, 2))
            torch.testing.assert_close(total, torch.ones_like(total))


def test_feature_shares_add_to_one_and_name_their_columns(model):
    found = feature_importance(model, table())
    assert list(found.index) == list(NAMES)
    assert list(found.columns) == ["u", "v"]
    assert found.sum().to_numpy() == pytest.approx([1, 1])


def test_a_linear_encoder_shares_by_the_size_of_its_slopes():
    model = model_of(LinearEncoder(3, 1))
    with torch.no_grad():
        model.encoder.linear.weight.copy_(torch.tensor([[3.0, -1.0, 0.0]]))
    spread = table().features.std(0, correction=0) * torch.tensor([3.0, 1.0, 0.0])
    found = feature_importance(model, table(), deviation="std")["y"].to_numpy()
    assert found == pytest.approx((spread / spread.sum()).numpy())


@pytest.mark.parametrize("normalisation", ["layer_mean", "node"])
def test_dead_layers_have_no_importance_and_no_nan(normalisation):
    model = model_of(KANEncoder(3, 2, hidden=(2,)))
    for layer in model.encoder.spline_layers:
        layer.coefficients.detach().zero_()
    for scores in edge_importance(model, table(), normalisation):
        assert not bool(scores.any())
    assert not bool(feature_importance(model, table(), normalisation).to_numpy().any())


def test_rows_in_parts_give_the_same_statistics(monkeypatch, model):
    weights = torch.linspace(0, 2, 300, dtype=torch.float64)
    whole = layer_statistics(model, table(weights=weights), "std")
    monkeypatch.setattr(sciren.importance, "CHUNK", 100)
    for layer_statistic, other in zip(
        layer_statistics(model, table(weights=weights), "std"), whole, strict=True
    ):
        for part, expected in zip(layer_statistic, other, strict=True):
            torch.testing.assert_close(part, expected)


def test_rows_without_weight_do_not_count(model):
    weights = torch.ones(300, dtype=torch.float64)
    weights[100:] = 0
    some = table().take(slice(0, 100))
    for one, other in zip(
        edge_importance(model, table(weights=weights)),
        edge_importance(model, some),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_edge_table_has_every_edge_once(model):
    found = edge_table(model, table())
    assert tuple(found.columns) == EDGE_COLUMNS
    assert len(found) == len(model_edges(model, NAMES))
    assert not found.duplicated(["layer", "source", "target"]).any()
    assert set(found["status"]) == {"spline"}
    assert found["ambiguous"].dtype == bool
    shares = found.groupby(["layer", "latent"])["importance"].sum()
    assert shares.to_numpy() == pytest.approx([1.0] * len(shares))


def test_the_edge_table_shows_ranges_in_raw_units_and_what_was_dropped():
    model = model_of(KANEncoder(3, 2))
    model.feature_shift.fill_(-1.0)
    model.feature_scale.fill_(10.0)
    model.encoder.spline_layers[0].mask[1, 0] = 0
    found = edge_table(model, table()).set_index(["source", "target"])
    x = table().features[:, 1]
    row = found.loc[("b", "u")]
    assert (row["low"], row["high"]) == (float(x.min()), float(x.max()))
    assert (row["status"], row["importance"]) == ("dropped", 0.0)
    assert found.loc[("b", "v"), "status"] == "spline"
    assert pd.isna(row["r2"])
    assert row["formula"] == ""


def test_a_black_box_has_no_edges():
    model = model_of(MLPEncoder(3, 2))
    for call in (edge_importance, feature_importance, edge_table):
        with pytest.raises(ConfigError, match="encoder 'mlp' is not made of edges"):
            call(model, table())


def test_other_features_are_refused():
    model = model_of(KANEncoder(3, 2))
    model.feature_names = ("x", "y", "z")
    with pytest.raises(ColumnError, match="was trained on features"):
        edge_importance(model, table())
