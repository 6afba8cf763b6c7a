"""The loss of a batch: kept bases, parts, weights."""

import pytest
import torch

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.objective import Objective, Rows, with_edges

LIKE = torch.zeros(1, dtype=torch.float64)


def table(rows=60):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    y = x[:, :2] * torch.tensor([1.0, 20.0], dtype=torch.float64) + 3
    y[::7, 1] = torch.nan
    return Table(x, {}, y, ("a", "b", "c"), ("y1", "y2"))


def parts(encoder, **settings):
    model, data = ScIReN(encoder), table()
    scale = ResidualScale.fit(data.targets)
    goal = Objective(model, TrainConfig(**settings), scale, model.constant_raw)
    return model, Rows.of(model, data, scale, LIKE), goal


ENCODERS = [
    KANEncoder(3, 2, hidden=(2,)),
    KANEncoder(3, 2, outside="zero", base="identity", start="noise"),
    AdditiveEncoder(3, 2),
    LinearEncoder(3, 2),
    MLPEncoder(3, 2),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.kind)
def test_edges_give_the_encoders_output(encoder):
    _, rows, _ = parts(encoder)
    expected = encoder(rows.features)
    torch.testing.assert_close(with_edges(encoder, rows)[0], expected)
    picked = torch.tensor([5, 3, 3])
    found = with_edges(encoder, rows.take(picked))[0]
    torch.testing.assert_close(found, expected[picked])


def test_the_data_term_is_the_mean_over_what_was_observed():
    model, rows, goal = parts(LinearEncoder(3, 2))
    gap = model.predict(table()).targets - table().targets
    sd = torch.stack(
        [c[~torch.isnan(c)].std(correction=0) for c in table().targets.unbind(1)]
    )
    seen = ~torch.isnan(gap)
    expected = float((gap / sd)[seen].square().mean())
    assert float(goal.terms(rows)["data"].detach()) == pytest.approx(expected)
    halves = [rows.take(slice(0, 13)), rows.take(slice(13, 60))]
    assert goal.data_loss(halves) == pytest.approx(expected)


def test_the_validation_loss_needs_no_gradient_and_keeps_the_mode():
    model, rows, goal = parts(MLPEncoder(3, 2, batch_norm=True))
    model.train()
    before = {name: part.clone() for name, part in model.state_dict().items()}
    goal.data_loss([rows])
    assert model.training
    assert all(
        torch.equal(before[name], part) for name, part in model.state_dict().items()
    )
