"""Members behind any process model and with any encoder end as each would alone."""

import math

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import KANEncoder, LinearEncoder
from sciren.parameters import Parameter
from sciren.training.first_order.grouped.grouping import groups_of
from sciren.training.first_order.grouped.members import train_members
from sciren.training.first_order.grouped.run import GroupRun
from sciren.training.member import Member
from tests.sciren.training.first_order.grouped.conftest import (
    member,
    respiration,
    together_is_alone,
)


# -- process models -------------------------------------------------------------------
@process_model(
    parameters=[
        Parameter("gain", low=0, start=1), Parameter("share", low=0, high=1),
        Parameter("k", low=0.2, high=4, start=2, kind="constant"),
        Parameter("shift", start=0.5, kind="constant"),
    ],
    forcings=["ta"], targets=["up", "down"],
)  # fmt: skip
def two_targets(p, f):
    return {"up": p.gain * p.share / (p.k + 1), "down": p.gain * (f.ta - p.shift)}


@process_model(
    parameters=[Parameter("a", 0, 5), Parameter("c", low=0, kind="constant")],
    forcings=["ta"], targets=["reco"],
)  # fmt: skip
def flat_only(p, f):
    assert p.a.dim() == 1, "rows only"
    return p.a * p.c + 0 * f.ta


@process_model(parameters=[Parameter("a", 0, 5)], forcings=["ta"], targets=["reco"])
def misled(p, f):
    return p.a * len(p.a) / len(f.ta)


@process_model(
    parameters=[Parameter("a", 0, 5), Parameter("c", low=0, kind="constant")],
    targets=["reco"], rowwise=False,
)  # fmt: skip
def mixing(p, f):
    return torch.cumsum(p.a, 0) * p.c / 100


@pytest.mark.parametrize(
    ("decoder", "way"),
    [(Q10Respiration(), "broadcast"), (flat_only, "rows"), (mixing, "members")],
    ids=["broadcast", "rows", "members"],
)
@pytest.mark.parametrize("streams", [1, 2])
def test_any_process_model(decoder, way, streams):
    members = [member(decoder=decoder, seed=k % streams) for k in range(4)]
    run = GroupRun(groups_of(members)[0])
    assert run.objective.decoder.way == way
    together_is_alone(members)


def test_a_process_model_that_looks_at_shapes_is_called_with_rows():
    members = [member(decoder=misled, seed=k) for k in range(3)]
    assert GroupRun(groups_of(members)[0]).objective.decoder.way in (
        "broadcast",
        "rows",
    )
    together_is_alone(members)


def test_several_latents_constants_and_targets():
    def table(k):
        data = respiration(noise=k)
        targets = torch.stack((data.features[:, 0].abs(), data.targets[:, 0]), 1)
        targets[k::7, 1] = math.nan
        return Table(
            data.features, data.forcings, targets, ("a", "b", "c"), ("up", "down")
        )

    members = [
        member(
            KANEncoder(3, 2, hidden=(2,), grid=4, seed=k), table(k), table(9),
            decoder=two_targets, seed=k % 2, learning_rate=0.2,
        )
        for k in range(4)
    ]  # fmt: skip
    together_is_alone(members)
    assert 0.2 <= members[0].model.constants()["k"] <= 4


def test_profiles_as_forcings_are_repeated_row_by_row():
    @process_model(parameters=[Parameter("a", 0, 5)], forcings=["depth"], targets=["y"])
    def layered(p, f):
        return p.a * f.depth.mean(1)

    data = respiration()
    depth = torch.stack((data.forcings["ta"], data.forcings["ta"] * 2), 1)
    table = Table(
        data.features, {"depth": depth}, data.targets, ("a", "b", "c"), ("y",)
    )
    members = [
        member(train=table, valid=table, decoder=layered, seed=k) for k in range(2)
    ]
    together_is_alone(members)


# -- other encoders -------------------------------------------------------------------
def test_encoders_of_any_other_kind():
    class Squared(LinearEncoder):
        """A kind of the user's own."""

        kind = "squared"

        def forward(self, x):
            return super().forward(x) ** 2

    together_is_alone([member(Squared(3, 1, seed=k), seed=k) for k in range(2)])


class OwnKAN(KANEncoder):
    """The same, of a class that nothing is known about."""


@pytest.mark.parametrize("settings", [{}, {"hidden": (2,)}, {"base": "silu"}])
@pytest.mark.parametrize("form", ["code", "paper"])
def test_what_is_written_by_hand_is_what_torch_differentiates(settings, form):
    given = {
        "entropy": 0.1, "l1": 0.05, "smooth": 0.0, "smooth_inner": 0.0,
        "smooth_outer": 0.0, "penalty_form": form,
    }  # fmt: skip
    for classes in ((KANEncoder, OwnKAN), (OwnKAN, OwnKAN)):
        members = [
            member(kind(3, 1, grid=5, seed=k, **settings), seed=k, **given)
            for k, kind in enumerate(classes)
        ]
        members[1].model.encoder.load_state_dict(members[0].model.encoder.state_dict())
        same = [
            Member(one.model, one.train, one.valid, members[0].config, one.history)
            for one in members
        ]
        train_members(same)
        states = [one.model.state_dict() for one in same]
        for name, part in states[0].items():
            torch.testing.assert_close(states[1][name], part, rtol=1e-6, atol=1e-8)
