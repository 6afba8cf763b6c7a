"""Simulated records, and members trained together and alone."""

import copy

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.grouping import groups_of
from sciren.training.first_order.grouped.members import train_members
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare


def respiration(rows=300, noise=0, seed=0, q10=1.8):
    """Features by `seed`, noise of the target by `noise`."""

    def normal(seed, *shape):
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, ta = normal(seed, rows, 3), 12 + 6 * normal(seed + 50, rows)
    rb = 3 + 0.5 * x[:, 0] - 0.3 * x[:, 1].abs()
    reco = rb * q10 ** ((ta - 15) / 10) * (1 + 0.02 * normal(noise + 99, rows))
    return Table(x, {"ta": ta}, reco.unsqueeze(1), ("a", "b", "c"), ("reco",))


def member(encoder=None, train=None, valid=None, decoder=None, **settings):
    train = respiration() if train is None else train
    valid = respiration(80, seed=7) if valid is None else valid
    given = {"epochs": 3, "batch_size": 64, "learning_rate": 0.02}
    config = TrainConfig(**(given | settings))
    encoder = KANEncoder(3, 1, grid=5) if encoder is None else encoder
    model = ScIReN(encoder, "auto", decoder or Q10Respiration())
    data = prepare(model, train, valid, config)
    model.output_shift.fill_(1.0)
    model.residual_scale = data.scale
    return Member(model, train, valid, config, History("first-order"))


def alone(one):
    model = copy.deepcopy(one.model, {id(one.model.decoder): one.model.decoder})
    single = Member(model, one.train, one.valid, one.config, History("first-order"))
    train_members([single])
    return single


def together_is_alone(members, groups=1, rtol=1e-6):
    assert len(groups_of(members)) == groups
    singles = [alone(member) for member in members]
    train_members(members)
    for member, single in zip(members, singles, strict=True):
        mine, expected = member.model.state_dict(), single.model.state_dict()
        for name, part in expected.items():
            torch.testing.assert_close(mine[name], part, rtol=rtol, atol=rtol)
        rows = zip(member.history.rows, single.history.rows, strict=True)
        for row, other in rows:
            assert set(row) == set(other)
            for name in set(row) - {"stage"}:
                assert row[name] == pytest.approx(other[name], rel=rtol, abs=1e-9), name
        assert len(member.history.messages) == len(single.history.messages)
