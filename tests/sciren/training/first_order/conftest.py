"""A simulated record, and the training of one member."""

import torch

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.members import train_members
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare

Q10 = 1.8


def respiration(rows=400, seed=0, weights=None):
    """Table with rb = 2 + a - 0.5 b^2 / 2 + ..., known Q10, 2 % noise."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = normal(rows, 3)
    ta = 12 + 6 * normal(rows)
    rb = 3 + 0.5 * x[:, 0] - 0.3 * x[:, 1].abs()
    reco = rb * Q10 ** ((ta - 15) / 10) * (1 + 0.02 * normal(rows))
    return Table(
        x, {"ta": ta}, reco.unsqueeze(1), ("a", "b", "c"), ("reco",), weights=weights
    )


def started(encoder=None, train=None, decoder=None, config=None):
    train = respiration() if train is None else train
    encoder = KANEncoder(3, 1, grid=6) if encoder is None else encoder
    model = ScIReN(encoder, "auto", decoder or Q10Respiration())
    prepare(model, train, train, config or TrainConfig())
    model.output_shift.fill_(1.0)
    return model


def run(model, train=None, valid=None, progress=None, **settings):
    given_ = {"epochs": 3, "batch_size": 100, "learning_rate": 0.05} | settings
    history = History("first-order")
    train = respiration() if train is None else train
    valid = respiration(100, seed=1) if valid is None else valid
    train_first_order(model, train, valid, TrainConfig(**given_), history, progress)
    return history


def train_first_order(model, train, valid, config, history, progress=None):
    """A group of one member."""
    model.residual_scale = ResidualScale.fit(
        train.targets, config.residual, config.offset
    )
    train_members([Member(model, train, valid, config, history)], progress)


def weights_of(model):
    return {name: part.clone() for name, part in model.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)
