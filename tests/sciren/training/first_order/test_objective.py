"""The terms that go through constraint and process model, member by member."""

import math

import pytest
import torch

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder, LinearEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.engines import choose_engine
from sciren.training.first_order.grouped.rows import GroupRows
from sciren.training.first_order.objective import GroupObjective
from sciren.training.fitting import fit
from sciren.training.history import History
from sciren.training.member import Member

LIKE = torch.zeros(1, dtype=torch.float64)


def table(seed=0, rows=60):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    y = x[:, :2] * torch.tensor([1.0, 20.0], dtype=torch.float64) + 3
    y[::7, 1] = math.nan
    return Table(x, {}, y, ("a", "b", "c"), ("y1", "y2"))


def member(seed, **settings):
    model, data = ScIReN(LinearEncoder(3, 2, seed=seed)), table(seed)
    model.output_shift.fill_(0.5 * seed)
    model.residual_scale = ResidualScale.fit(data.targets)
    return Member(model, data, data, TrainConfig(**settings), History("first-order"))


def parts(members):
    rows = GroupRows.of(
        members, len(members), lambda one: one.train, LIKE, [None] * len(members)
    )
    outputs = torch.stack(
        [member.model.encoder(member.train.features).T for member in members]
    )
    return rows, outputs, GroupObjective(members, len(members), LIKE)


@pytest.mark.parametrize("count", [1, 3])
def test_the_data_term_is_the_mean_over_what_was_observed(count):
    members = [member(k) for k in range(count)]
    rows, outputs, goal = parts(members)
    none = torch.zeros(count, 0, dtype=torch.float64)
    whole = goal.terms(outputs, none, rows.take(torch.arange(60).unsqueeze(0)))
    for k, one in enumerate(members):
        gap = one.model.predict(one.train).targets - one.train.targets
        seen = ~torch.isnan(gap)
        expected = (gap / one.scale.sd)[seen].square().mean()
        torch.testing.assert_close(whole.data[k].detach(), expected)
    torch.testing.assert_close(whole.total(), whole.data.sum())


def test_parts_of_the_rows_add_up_by_their_weights():
    members = [member(k) for k in range(2)]
    rows, outputs, goal = parts(members)
    none = torch.zeros(2, 0, dtype=torch.float64)
    total = weight = 0.0
    for order in (torch.arange(13), torch.arange(13, 60)):
        batch = rows.take(order.unsqueeze(0))
        mean, count = goal.losses(outputs[..., order], none, batch)
        total, weight = total + mean * count, weight + count
    batch = rows.take(torch.arange(60).unsqueeze(0))
    torch.testing.assert_close(total / weight, goal.losses(outputs, none, batch)[0])


def test_no_weight_no_violation():
    members = [member(0, violation=0.0)]
    rows, outputs, goal = parts(members)
    none = torch.zeros(1, 0, dtype=torch.float64)
    batch = rows.take(torch.arange(60).unsqueeze(0))
    assert goal.terms(outputs, none, batch).violation is None


def test_tables_are_held_once():
    one, other = member(0), member(0)
    rows, _, _ = parts([one, other])
    assert len(rows.features) == len(rows.values) == 60
    assert rows.starts.tolist() == [0]
    rows, _, _ = parts([member(0), member(1), member(0)])
    assert len(rows.features) == 120
    assert rows.starts.tolist() == [0, 60, 0]
    taken = rows.take(torch.tensor([[5, 3]]))
    assert taken.rows.tolist() == [[5, 3], [65, 63], [5, 3]]
    assert taken.values.shape == (3, 1, 2, 2)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_the_gradient_of_plain_regression_is_the_one_of_torch(weighted, count):
    members = [member(k) for k in range(count)]
    for one in members:
        if not weighted:
            one.train.targets.nan_to_num_(0.5)
        one.model.output_scale.fill_(1.7)
    rows, outputs, goal = parts(members)
    batch = rows.take(torch.arange(60).unsqueeze(0))
    assert (batch.weights is not None) == weighted
    none = torch.zeros(count, 0, dtype=torch.float64)
    loss = goal.terms(outputs, none, batch)
    leaf = outputs.detach().requires_grad_()
    whole = goal.losses(leaf, none, batch)[0]
    torch.testing.assert_close(loss.data, whole.detach())
    (expected,) = torch.autograd.grad(whole.sum(), leaf)
    assert loss.slopes is not None
    torch.testing.assert_close(loss.slopes, expected)


@pytest.mark.parametrize(("count", "width"), [(1, 0.5), (3, 2.0)])
def test_smooth_l1_is_a_parabola_within_its_width_and_straight_beyond(count, width):
    members = [member(k, loss="smooth-l1", loss_width=width) for k in range(count)]
    rows, outputs, goal = parts(members)
    none = torch.zeros(count, 0, dtype=torch.float64)
    whole = goal.terms(outputs, none, rows.take(torch.arange(60).unsqueeze(0)))
    for k, one in enumerate(members):
        gap = one.model.predict(one.train).targets - one.train.targets
        far = (gap / one.scale.sd)[~torch.isnan(gap)].abs()
        cost = torch.where(far < width, far**2 / (2 * width), far - width / 2)
        torch.testing.assert_close(whole.data[k].detach(), cost.mean())


def test_smooth_l1_is_trained_by_gradients_alone():
    one = member(0, loss="smooth-l1", engine="auto")
    assert choose_engine(one.model, one.config)[0] == "first-order"
    with pytest.raises(TrainingError, match="no sum of squares"):
        choose_engine(one.model, TrainConfig(loss="smooth-l1", engine="gauss-newton"))
    kan = ScIReN(KANEncoder(3, 1, grid=4), "auto", Q10Respiration())
    data = Table(
        table().features,
        {"ta": table().features[:, 0]},
        table().features[:, :1].abs() + 1,
        ("a", "b", "c"),
        ("reco",),
    )
    history = fit(kan, data, data, TrainConfig(loss="smooth-l1", epochs=2))
    assert history.engine == "first-order"
    assert not history.profiles
    assert any("no sum of squares" in message for message in history.messages)
