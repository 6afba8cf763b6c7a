"""Small studies and problems that several tests of the training share."""

from types import SimpleNamespace

import pytest
import torch

from sciren import functions as fn
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.solvers.process_term import ProcessTerm
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.hidden import HiddenProblem
from sciren.training.gauss_newton.starts.level import start_constant
from sciren.training.preparation import prepare


def normals(*shape, seed=0):
    """Standard normal numbers, float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def respiration(rows=400, seed=0, truth="sum", noise=0.05, q10=1.5, features=3):
    """Table with reco = rb q10^((ta - 15) / 10) and its rb.

    truth "sum": rb = 2 + a / 2 - b / 5; "kink": rb = 0.3 + |a + b|; noise is a share.
    """
    x = normals(rows, features, seed=seed)
    ta = 10 + 8 * normals(rows, seed=seed + 1000)
    line = 2 + 0.5 * x[:, 0] - 0.2 * x[:, 1]
    rb = line.clamp_min(0.05) if truth == "sum" else 0.3 + (x[:, 0] + x[:, 1]).abs()
    shaken = 1 + noise * normals(rows, seed=seed + 2000)
    reco = rb * q10 ** ((ta - 15) / 10) * shaken
    names = tuple("abcdefgh"[:features])
    table = Table(x, {"ta": ta}, reco.unsqueeze(1), names, ("reco",))
    return table, rb


@process_model(
    parameters=[
        Parameter("gain", low=0.0, start=1.0),
        Parameter("share", low=0.0, high=1.0),
        Parameter("k", low=0.0, start=2.0, kind="constant"),
        Parameter("shift", low=-3.0, high=3.0, start=0.5, kind="constant"),
    ],
    forcings=["light", "ta"],
    targets=["uptake", "loss"],
)
def exchange(p, f):
    """Two targets, two latents, two constants; not linear in any of them."""
    uptake = p.gain * p.share * f.light / (p.k + f.light)
    return {"uptake": uptake, "loss": p.gain * fn.exp(0.1 * (f.ta - p.shift))}


def exchanged(rows=40, seed=0):
    """Table for `exchange`, with targets that were not observed everywhere."""
    light = 1 + normals(rows, seed=seed + 1).abs()
    ta = normals(rows, seed=seed + 2)
    x = normals(rows, 2, seed=seed)
    gain, share = 2 + 0.5 * x[:, 0], torch.sigmoid(x[:, 1])
    targets = torch.stack(
        (gain * share * light / (1 + light), gain * torch.exp(0.1 * ta)), 1
    )
    targets[::7, 0] = torch.nan
    targets[3::5, 1] = torch.nan
    names = ("uptake", "loss")
    return Table(x, {"light": light, "ta": ta}, targets, ("a", "b"), names)


def ready(table, encoder=None, decoder=None, constraint="auto", **settings):
    """Model prepared on a table, and its observed loss there."""
    decoder = Q10Respiration() if decoder is None else decoder
    latents = len(decoder.latent_names)
    shape = (table.features.shape[1], latents)
    encoder = KANEncoder(*shape, grid=5) if encoder is None else encoder
    model = ScIReN(encoder, constraint, decoder)
    config = TrainConfig(**settings)
    data = prepare(model, table, table, config)
    start_constant(model, data)
    return model, ProcessTerm(model, data.train, data.scale, config.violation)


def design_of(model, table, mean=None):
    """Centred basis of the first layer on the rows of a table."""
    return SplineDesign.of(model.encoder, model.scaled(table.features), mean)


def additive(table, smooth=1e-3, **settings):
    """Additive problem on a table."""
    model, term = ready(table, **settings)
    return AdditiveProblem(term, design_of(model, table), smooth)


def hidden(table, nodes=1, intervals=8, smooth=(1e-2, 1e-7), **settings):
    """Problem with one hidden layer on a table."""
    model, term = ready(table, **settings)
    return HiddenProblem(term, design_of(model, table), nodes, intervals, *smooth)


@pytest.fixture(scope="session")
def make():
    """Builders by name."""
    return SimpleNamespace(
        normals=normals,
        respiration=respiration,
        exchange=exchange,
        exchanged=exchanged,
        ready=ready,
        design_of=design_of,
        additive=additive,
        hidden=hidden,
    )
