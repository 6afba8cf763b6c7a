"""Laws of the errors of learned curves: they cover the truth, smoothing is undone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, ScIReN, Table, fit
from sciren.comparison import ResidualScale
from sciren.data.splits import split_random
from sciren.decoders import IdentityDecoder, Q10Respiration
from sciren.solvers.process_term import ProcessTerm
from sciren.splines import fit_coefficients
from symbolic import symbolify, verify
from symbolic.curves.edge_errors import with_errors
from symbolic.curves.extract import extract

ROWS = 800


def smoothed(seed, curves, noise=0.3, blocks=None, weeks=0.0):
    """A model whose curves are too smooth, and rows around the true curves."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (ROWS, len(curves)))
    clean = sum(curve(x[:, i]) for i, curve in enumerate(curves))
    y = clean + noise * rng.normal(size=ROWS)
    groups = np.arange(ROWS) if blocks is None else blocks
    y = y + weeks * rng.normal(size=groups.max() + 1)[groups]
    names = [f"x{i}" for i in range(len(curves))]
    frame = pd.DataFrame(x, columns=names).assign(y=y, site=groups)
    table = Table.from_frame(frame, features=names, targets=["y"], groups="site")
    model = ScIReN(KANEncoder(len(curves), 1), decoder=IdentityDecoder(["y"]))
    model.feature_names = tuple(names)
    layer = model.encoder.spline_layers[0]
    layer.set_range(table.features.amin(0), table.features.amax(0))
    shrunk = torch.from_numpy(
        np.stack([0.7 * curve(x[:, i]) for i, curve in enumerate(curves)], axis=1)
    )
    with torch.no_grad():
        layer.coefficients.copy_(
            fit_coefficients(
                table.features,
                shrunk.unsqueeze(-1),
                layer.low,
                layer.high,
                layer.intervals,
            )
        )
    term = ProcessTerm(model, table, ResidualScale.fit(table.targets))
    return model, table, term


def misfits(model, table, term, curves):
    """Chi-square and number of rows of the true curves."""
    found = with_errors(extract(model, table), term, table.features)[0].edges
    assert len(found) == len(curves)
    chi2 = []
    for one, curve in zip(found, curves, strict=True):
        assert one.errors is not None
        left = one.errors.target - one.errors.root @ curve(one.x)
        chi2.append((left @ left, len(left)))
    return chi2


CURVES = (lambda x: np.exp(1.2 * x), lambda x: np.abs(x - 0.2), lambda x: 0.5 * x**2)


def test_the_true_curve_is_as_far_away_as_chance_wants_although_training_shrank_it():
    chi2 = [
        pair for seed in range(12) for pair in misfits(*smoothed(seed, CURVES), CURVES)
    ]
    ratio = np.mean([value / rank for value, rank in chi2])
    assert 0.8 < ratio < 1.2


def test_the_shrunk_curve_itself_is_far_away():
    model, table, term = smoothed(0, CURVES)
    edge = with_errors(extract(model, table), term, table.features)[0].edges[0]
    left = edge.errors.target - edge.errors.root @ edge.y
    assert left @ left > 5 * len(left)


def test_what_rows_of_a_block_share_widens_the_errors():
    blocks = np.repeat(np.arange(ROWS // 8), 8)

    def slow(x):
        return np.sin(2 * x)

    with_blocks, without = [], []
    for seed in range(8):
        order = np.random.default_rng(seed).uniform(-1, 1, ROWS // 8)
        model, table, term = smoothed(seed, [slow], 0.05, blocks, weeks=0.6)
        features = torch.from_numpy(order[blocks]).unsqueeze(1)
        targets = table.targets + torch.from_numpy(
            slow(order[blocks]) - slow(table.features[:, 0].numpy())
        ).unsqueeze(1)
        table = replace(table, features=features, targets=targets)
        model.encoder.spline_layers[0].set_range(features.amin(0), features.amax(0))
        scale = ResidualScale.fit(table.targets)
        term = ProcessTerm(model, table, scale)
        with_blocks.append(misfits(model, table, term, [slow])[0])
        alone = replace(table, blocks=torch.arange(ROWS))
        rows = ProcessTerm(model, alone, scale)
        without.append(misfits(model, alone, rows, [slow])[0])
    share = np.mean([value / rank for value, rank in with_blocks])
    assert 0.6 < share < 1.6
    assert np.mean([value / rank for value, rank in without]) > 3.0


def test_constants_of_the_process_are_left_free():
    """The same curve is known less well where a process constant can imitate it."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, ROWS)
    near = 15 + 10 * x + 0.05 * rng.normal(size=ROWS)
    apart = 15 + 10 * rng.uniform(0, 1, ROWS)
    ratios = []
    for ta in (near, apart):
        reco = (2 + x) * 1.5 ** ((ta - 15) / 10)
        frame = pd.DataFrame({"x": x, "ta": ta})
        frame["reco"] = reco * (1 + 0.1 * rng.normal(size=ROWS))
        table = Table.from_frame(frame, ["x"], ["ta"], ["reco"])
        model = ScIReN(KANEncoder(1, 1), "auto", Q10Respiration())
        model.feature_names = ("x",)
        layer = model.encoder.spline_layers[0]
        layer.set_range(table.features.amin(0), table.features.amax(0))
        with torch.no_grad():
            layer.bias.fill_(2.5)
        term = ProcessTerm(model, table, ResidualScale.fit(table.targets))
        errors = with_errors(extract(model, table), term, table.features)[0].edges[0]
        known = [
            errors.errors.root @ values
            for values in (errors.x, np.sin(4 * np.pi * errors.x))
        ]
        line, wave = (float(one @ one) for one in known)
        ratios.append(line / wave)
    assert ratios[0] < 0.2 * ratios[1]


def test_hidden_nodes_and_too_many_curves_have_no_errors():
    model, table, term = smoothed(0, CURVES)
    many = extract(model, table)[0]
    repeated = replace(many, edges=many.edges * 39)  # 1,521 coefficients
    assert with_errors([repeated], term, table.features)[0].edges[0].errors is None
    hidden = ScIReN(KANEncoder(3, 1, hidden=(1,)), decoder=IdentityDecoder(["y"]))
    hidden.feature_names = model.feature_names
    found = extract(hidden, table)
    assert with_errors(found, term, table.features) == found


def test_a_perfect_model_has_no_errors():
    model, table, _ = smoothed(0, CURVES)
    exact = replace(table, targets=model.predict(table).targets)
    term = ProcessTerm(model, exact, ResidualScale.fit(exact.targets))
    edges = with_errors(extract(model, exact), term, exact.features)[0].edges
    assert [edge.errors for edge in edges] == [None] * len(CURVES)


@pytest.mark.parametrize("seed", range(3))
def test_a_second_call_gives_the_same_bits(seed):
    model, table, term = smoothed(seed, CURVES)
    one, two = (
        with_errors(extract(model, table), term, table.features)[0].edges[0].errors
        for _ in range(2)
    )
    assert one.root.tobytes() == two.root.tobytes()
    assert one.target.tobytes() == two.target.tobytes()


# -- what symbolify makes of them ---------------------------------------------------------
def trained(curve, noise, seed=0, low=-1.0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, 1, ROWS)
    clean = curve(x)
    frame = pd.DataFrame(
        {"x": x, "y": clean + noise * clean.std() * rng.normal(size=ROWS)}
    )
    table = Table.from_frame(frame, features=["x"], targets=["y"])
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    parts = split_random(table, seed=0)
    fit(model, parts.train, parts.valid)
    return model, table


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_a_trained_curve_that_no_family_meets_stays_a_spline(noise):
    model, table = trained(lambda x: np.sin(5 * x), noise)
    edge = symbolify(model, table, compose=0).edges.iloc[0]
    assert edge["status"] == "refused"
    assert "misses" in edge["reason"]


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_a_trained_sigmoid_is_named_and_refused_where_its_family_is_not_allowed(noise):
    model, table = trained(lambda x: np.tanh(4 * x), noise)
    edge = symbolify(model, table, compose=0).edges.iloc[0]
    assert edge["family"] == "logistic"
    few = symbolify(model, table, compose=0, further_families=()).edges.iloc[0]
    assert few["status"] == "refused"


def test_a_pole_close_to_the_data_is_found_and_told_unless_it_is_kept_away():
    model, table = trained(lambda x: np.log(x + 1.06), 0.1)
    near = symbolify(model, table, compose=0)
    assert near.edges.iloc[0]["family"] == "log"
    assert near.table.set_index("name").value["s_x"] == pytest.approx(1.06, abs=0.02)
    far = symbolify(model, table, pins={"x": "log"}, domain_margin=0.2)
    x = table.features.numpy()
    pole = -far.table.set_index("name").value["s_x"]
    assert pole <= x.min() - 0.2 * np.ptp(x) + 1e-9
    assert far.record.options.domain_margin == 0.2
    checks = {check.name: check for check in verify(far, model, table).checks}
    assert checks["stationary"].passed
