"""Edge curves of every encoder: on the rows of their grids they add up to the model."""

import numpy as np
import pytest
import torch

from sciren import (
    AdditiveEncoder,
    FeatureScaling,
    KANEncoder,
    LinearEncoder,
    MLPEncoder,
    Parameter,
    ScIReN,
    Table,
    process_model,
)
from sciren.errors import TrainingError
from symbolic.curves.extract import KNOTS, POINTS, extract

ROWS = 300


@process_model(
    parameters=[Parameter("rb", low=0.0), Parameter("alpha", low=0.0, high=1.0)],
    targets=["reco"],
)
def respiration(p, f):
    return p.rb * p.alpha


def table(seed=0):
    values = torch.from_numpy(np.random.default_rng(seed).gamma(2.0, 3.0, (ROWS, 3)))
    return Table(values, {}, values[:, :1], ("sw_pot", "ta", "vpd"), ("reco",))


def prepared(encoder, rows, seed=0):
    """Return a model with random edges, scalings and units of its latents."""
    model = ScIReN(encoder, "auto", respiration)
    scaling = FeatureScaling.fit(rows.features, "standard")
    model.set_scaling(scaling, rows.feature_names)
    encoder.prepare(model.scaled(rows.features))
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in encoder.parameters():
            part.add_(0.5 * torch.randn(part.shape, generator=noise).double())
        model.output_shift.copy_(torch.tensor([3.0, -0.5]))
        model.output_scale.copy_(torch.tensor([2.0, 0.25]))
    return model


def grid_rows(curves):
    return np.stack([curve.x for curve in curves], axis=1)


ONE_LAYER = [
    KANEncoder(3, 2, seed=1),
    KANEncoder(3, 2, base="silu", seed=1),
    AdditiveEncoder(3, 2, seed=1),
    LinearEncoder(3, 2, seed=1),
]


@pytest.mark.parametrize("encoder", ONE_LAYER, ids=lambda e: e.kind)
def test_curves_and_offset_add_up_to_the_raw_latents(encoder):
    rows = table()
    model = prepared(encoder, rows)
    found = extract(model, rows)
    assert [one.name for one in found] == ["rb", "alpha"]
    for k, latent in enumerate(found):
        z = torch.from_numpy(grid_rows(latent.edges))
        total = latent.offset + sum(curve.y for curve in latent.edges)
        np.testing.assert_allclose(
            total, model.raw_latents(z)[:, k].detach().numpy(), rtol=1e-10
        )


@pytest.mark.parametrize("encoder", ONE_LAYER, ids=lambda e: e.kind)
def test_every_curve_covers_the_range_of_its_rows_and_is_centred_on_them(encoder):
    rows = table()
    model = prepared(encoder, rows)
    z = model.scaled(rows.features).numpy()
    for latent in extract(model, rows):
        for curve in latent.edges:
            source = z[:, curve.source]
            assert curve.x.shape == curve.y.shape == curve.weight.shape == (POINTS,)
            assert (curve.x[0], curve.x[-1]) == pytest.approx(
                (source.min(), source.max())
            )
            assert np.interp(source, curve.x, curve.y).mean() == pytest.approx(
                0, abs=2e-3
            )


def test_the_weight_follows_the_density_of_the_rows_and_is_never_zero():
    rows = table()
    (curve, *_), *_ = (one.edges for one in extract(prepared(ONE_LAYER[0], rows), rows))
    source = rows.features[:, 0].numpy()
    middle = np.median((source - source.mean()) / source.std())
    assert curve.weight.min() >= 0.02
    assert np.interp(middle, curve.x, curve.weight) > 10 * curve.weight[-20]


def test_pruned_edges_are_left_out_and_their_mean_stays_in_the_offset():
    rows = table()
    encoder = KANEncoder(3, 2, seed=1)
    model = prepared(encoder, rows)
    encoder.spline_layers[0].mask[1, 0] = 0.0
    rb, alpha = extract(model, rows)
    assert [curve.source for curve in rb.edges] == [0, 2]
    assert [curve.source for curve in alpha.edges] == [0, 1, 2]
    z = np.zeros((POINTS, 3))
    z[:, [0, 2]] = grid_rows(rb.edges)
    raw = model.raw_latents(torch.from_numpy(z))[:, 0].detach().numpy()
    np.testing.assert_allclose(rb.offset + sum(c.y for c in rb.edges), raw, rtol=1e-10)


def test_the_table_of_a_curve_is_the_curve_and_goes_on_straight():
    rows = table()
    curve = extract(prepared(KANEncoder(3, 2, grid=5, seed=1), rows), rows)[0].edges[0]
    assert 3 <= len(curve.table.x) <= KNOTS
    np.testing.assert_allclose(
        curve.table.value(curve.x), curve.y, atol=2e-3 * np.ptp(curve.y)
    )
    beyond = curve.table.value(curve.x[-1] + np.array([0.0, 1.0, 2.0]))
    assert beyond[1] - beyond[0] == pytest.approx(beyond[2] - beyond[1])


@pytest.mark.parametrize("nodes", [1, 2])
def test_hidden_nodes_reproduce_the_network(nodes):
    rows = table()
    model = prepared(KANEncoder(3, 2, hidden=(nodes,), grid=6, seed=2), rows)
    raw = model.raw_latents(model.scaled(rows.features)).detach().numpy()
    z = model.scaled(rows.features).numpy()
    for k, latent in enumerate(extract(model, rows)):
        assert latent.edges == ()
        assert len(latent.nodes) == nodes
        total = np.full(ROWS, latent.offset)
        for node in latent.nodes:
            index = node.offset + sum(
                curve.table.value(z[:, curve.source]) for curve in node.inner
            )
            total += node.outer.table.value(index)
        np.testing.assert_allclose(total, raw[:, k], atol=0.01 * np.ptp(raw[:, k]))


def test_the_index_of_a_hidden_node_is_exact_on_its_grid():
    rows = table()
    encoder = KANEncoder(3, 1, hidden=(2,), seed=2)
    model = ScIReN(encoder)
    scaled = model.scaled(rows.features)
    encoder.prepare(scaled)
    (latent,) = extract(model, rows)
    for h, node in enumerate(latent.nodes):
        z = torch.from_numpy(grid_rows(node.inner))
        index = node.offset + sum(curve.y for curve in node.inner)
        hidden = encoder.layer_inputs(z)[1][:, h].detach().numpy()
        np.testing.assert_allclose(index, hidden, rtol=1e-9, atol=1e-12)
        inside = encoder.layer_inputs(scaled)[1][:, h].detach()
        ends = float(inside.min()), float(inside.max())
        assert (node.outer.x[0], node.outer.x[-1]) == pytest.approx(ends)


def test_a_feature_without_spread_gives_a_flat_curve():
    rows = table()
    rows.features[:, 1] = 4.0
    model = ScIReN(LinearEncoder(3, 1, seed=0))
    curve = extract(model, rows)[0].edges[1]
    assert np.isfinite(curve.y).all()
    assert np.ptp(curve.y) < 1e-8


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (MLPEncoder(3, 2), "MLPEncoder has no edges"),
        (KANEncoder(3, 2, hidden=(2,), shared=True), "shared=True is not turned into"),
        (KANEncoder(3, 2, hidden=(2, 2)), "one hidden layer with nodes of their own"),
    ],
)
def test_what_has_no_separate_edges_is_refused(encoder, message):
    rows = table()
    with pytest.raises(TrainingError, match=message):
        extract(prepared(encoder, rows), rows)
