"""Concurvity: what is imitated, how far, and what the history says."""

import pytest
import torch

from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.splines import greville
from sciren.training import History, TrainConfig, fit
from sciren.training.gauss_newton.concurvity import imitated_shares, report
from sciren.training.gauss_newton.design import SplineDesign

EVERY = torch.ones(3, 1, dtype=torch.bool)


def design_of(features):
    encoder = KANEncoder(features.shape[1], 1, grid=5)
    encoder.prepare(features)
    layer = encoder.spline_layers[0]
    lines = greville(layer.low, layer.high, layer.intervals)
    return SplineDesign.of(encoder, features), lines.flatten().unsqueeze(0)


def test_independent_features_are_not_imitated_and_copies_are(make):
    x = make.normals(3000, 3)
    design, lines = design_of(x)
    assert float(imitated_shares(design, lines, EVERY).max()) < 0.02
    x = torch.stack((x[:, 0], 0.2 * x[:, 0] ** 3 + x[:, 0], x[:, 2]), 1)
    design, lines = design_of(x)
    shares = imitated_shares(design, lines, EVERY).flatten()
    assert float(shares[:2].min()) > 0.9
    assert float(shares[2]) < 0.02


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_share_is_that_of_the_variance(make, share):
    x = make.normals(20_000, 2)
    mixed = share**0.5 * x[:, 0] + (1 - share) ** 0.5 * x[:, 1]
    design, lines = design_of(torch.stack((x[:, 0], mixed), 1))
    found = imitated_shares(design, lines, EVERY[:2])
    assert found.flatten().tolist() == pytest.approx([share, share], abs=0.03)


def test_only_kept_edges_imitate(make):
    x = make.normals(500, 1).expand(-1, 2).contiguous()
    design, lines = design_of(x)
    assert float(imitated_shares(design, lines, EVERY[:2]).min()) > 0.999
    alone = torch.tensor([[True], [False]])
    assert float(imitated_shares(design, lines, alone).max()) == 0.0
    flat = torch.zeros_like(lines)
    assert float(imitated_shares(design, flat, EVERY[:2]).max()) == 0.0


def test_the_report_names_what_is_imitated():
    history = History("gauss-newton")
    shares = torch.tensor([[0.95], [0.5], [0.99]])
    names = [["a -> y"], ["b -> y"], ["c -> y"]]
    report(history, shares, torch.tensor([[True], [True], [False]]), names)
    assert [row["edge"] for row in history.concurvity] == ["a -> y", "b -> y"]
    (message,) = history.messages
    assert "a -> y (95 %)" in message
    assert "b -> y" not in message


@pytest.mark.parametrize("copied", [False, True])
def test_a_fit_says_when_features_imitate_one_another(make, copied):
    tables = [make.respiration(300, seed=seed)[0] for seed in (0, 1)]
    for table in tables:
        if copied:
            table.features[:, 2] = table.features[:, 0] + 0.01 * table.features[:, 2]
    model = ScIReN(KANEncoder(3, 1, grid=4), "auto", Q10Respiration())
    config = TrainConfig(select=False, profiles=False)
    history = fit(model, *tables, config)
    said = [m for m in history.messages if m.startswith("Features imitate")]
    assert len(history.concurvity) == 3
    assert bool(said) == copied
