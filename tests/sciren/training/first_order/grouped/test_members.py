"""Members trained together end as each would alone."""

import copy
import math

import pytest
import torch

from sciren.comparison import ResidualScale
from sciren.decoders import process_model
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import TrainingError
from sciren.parameters import Parameter
from sciren.training.first_order.grouped.grouping import groups_of
from sciren.training.first_order.grouped.members import train_members
from sciren.training.first_order.grouped.run import GroupRun
from tests.sciren.training.first_order.grouped.conftest import (
    member,
    respiration,
    together_is_alone,
)

ENCODERS = {
    "kan": lambda k: KANEncoder(3, 1, grid=5, seed=k),
    "hidden": lambda k: KANEncoder(3, 1, hidden=(2,), grid=5, seed=k),
    "deep": lambda k: KANEncoder(3, 1, hidden=(2, 3), grid=4, base="silu", seed=k),
    "zero": lambda k: KANEncoder(
        3, 1, grid=5, base="identity", outside="zero", start="noise", seed=k
    ),
    "linear": lambda k: LinearEncoder(3, 1, seed=k),
    "mlp": lambda k: MLPEncoder(3, 1, seed=k),
    "deep mlp": lambda k: MLPEncoder(
        3, 1, width=4, depth=3, activation="tanh", batch_norm=True, skip=True, seed=k
    ),
    "additive": lambda k: AdditiveEncoder(3, 1, width=4, seed=k),
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_seeds_that_shuffle_differently(kind):
    make = ENCODERS[kind]
    together_is_alone([member(make(k), seed=k) for k in range(3)])


@pytest.mark.parametrize("kind", ENCODERS)
def test_settings_that_share_their_batches(kind):
    make = ENCODERS[kind]
    rates = [0.01, 0.02, 0.05]
    members = [
        member(make(k), learning_rate=rate, entropy=1e-3 * (k + 1), l1=1e-3)
        for k, rate in enumerate(rates)
    ]
    assert groups_of(members)[0].streams == 1
    together_is_alone(members)


def test_seeds_times_settings():
    members = [
        member(
            ENCODERS["hidden"](k), seed=seed, entropy=0.01 * (k + 1), smooth_inner=10.0**-k,
            weight_decay=0.1 * k, constant_rate_factor=1 + k, epochs=2 + k,
        )
        for seed in range(2)
        for k in range(3)
    ]  # fmt: skip
    assert groups_of(members)[0].streams == 2
    together_is_alone(members)


def test_tables_that_differ_in_their_targets_only_share_rows_and_batches():
    members = [
        member(train=respiration(noise=k), valid=respiration(80, k, 7))
        for k in range(3)
    ]
    (group,) = groups_of(members)
    assert group.streams == 1
    run = GroupRun(group)
    assert len(run.train.features) == 300
    assert len(run.train.values) == 900
    together_is_alone(members)


def test_tables_that_differ_in_their_rows():
    tables = [respiration(seed=k) for k in range(3)]
    members = [
        member(train=t, valid=respiration(80, seed=20 + k))
        for k, t in enumerate(tables)
    ]
    assert groups_of(members)[0].streams == 3
    together_is_alone(members)


def test_members_of_several_kinds_are_trained_in_groups():
    members = [
        member(ENCODERS["mlp"](0)), member(), member(ENCODERS["kan"](1), seed=1),
        member(seed=2, batch_size=50), member(seed=1, learning_rate=0.1),
    ]  # fmt: skip
    together_is_alone(members, groups=4)


def test_weights_of_observations_and_missing_targets():
    members = []
    for k in range(2):
        table = respiration(noise=k)
        table.targets[k::5] = math.nan
        weights = 1 + torch.arange(300, dtype=torch.float64) % 3
        object.__setattr__(table, "weights", weights)
        members.append(member(train=table, residual="log", offset=1.0 + k))
    together_is_alone(members)


def test_noise_in_proportion_takes_a_second_pass():
    members = [member(noise="proportional", seed=k) for k in range(2)]
    together_is_alone(members)
    assert {row["stage"] for row in members[0].history.rows} == {
        "train",
        "train, reweighted",
    }


def test_grids_move_for_each_member():
    members = [
        member(
            KANEncoder(3, 1, hidden=(2,), grid=6, margin=0.5, start="noise", seed=k),
            seed=k // 2, grid_updates=2, epochs=4, penalty_form="paper", l1=0.01,
            smooth_kind="differences", smooth=0.1, violation_reduction="sum",
            constants_in_logs=False,
        )
        for k in range(4)
    ]  # fmt: skip
    together_is_alone(members)


def test_every_member_stops_by_itself():
    members = [
        member(seed=k, epochs=30, patience=1, min_delta=0.05, schedule="constant",
               learning_rate=rate)
        for k, rate in enumerate((0.001, 0.03, 0.3))
    ]  # fmt: skip
    together_is_alone(members)
    assert len({len(one.history.rows) for one in members}) > 1


# -- masks and errors -----------------------------------------------------------------
def test_dropped_edges_stay_dropped_in_each_member():
    members = [member(seed=k) for k in range(3)]
    for k, one in enumerate(members):
        one.model.encoder.spline_layers[0].mask[k] = 0
    together_is_alone(members)


def test_the_member_whose_loss_is_not_finite_is_named_and_all_are_left_alone():
    @process_model(
        parameters=[Parameter("a"), Parameter("c", kind="constant", start=1.0)],
        targets=["reco"],
    )
    def overflowing(p, f):
        return torch.exp(p.c * p.a)

    members = [member(decoder=overflowing, seed=k) for k in range(3)]
    members[1].model.set_constants({"c": 1e6})
    before = [copy.deepcopy(one.model.state_dict()) for one in members]
    with pytest.raises(TrainingError, match="training loss of member 2 is not finite"):
        train_members(members)
    for one, state in zip(members, before, strict=True):
        assert all(torch.equal(one.model.state_dict()[n], p) for n, p in state.items())


def test_nothing_to_train_is_nothing():
    train_members([])


def test_scales_of_members_without_preparation_are_an_error():
    one = member()
    one.model.residual_scale = None
    with pytest.raises(TrainingError, match="not prepared"):
        train_members([one])


@pytest.mark.parametrize("kind", ["hidden", "linear"])
@pytest.mark.parametrize("streams", [1, 2])
def test_batches_that_are_gathered_are_those_taken_one_by_one(kind, streams):
    members = [member(ENCODERS[kind](k), seed=k % streams) for k in range(2)]
    run = GroupRun(groups_of(members)[0])
    parts = list(run._all_rows(run._order()))
    assert [part.shape[1] for part in parts] == [64, 64, 64, 64, 44]
    for part in parts:
        gathered, alone_ = run.batch_of(part), run._own(part)
        for ours, theirs in zip(gathered[:3], alone_[:3], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
        slopes = []
        for batch in (gathered, alone_):
            result, terms = run.gradients(batch)
            slopes.append([*result, *terms.values()])
        for ours, theirs in zip(*slopes, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_gradients_of_a_group_are_those_of_its_members():
    members = [
        member(ENCODERS["hidden"](k), seed=k % 2, precision="float32") for k in range(4)
    ]
    (group,) = groups_of(members)
    run = GroupRun(group)
    batch = run.batch_of(run._rows(run._order(), 0))
    run._descend(batch)
    for k, one in enumerate(group.members):
        single = GroupRun(groups_of([one])[0])
        single._descend(single.batch_of(single._rows(single._order(), 0)))
        mine = run.gradient[run.numbers.owner == k]
        assert mine.shape == single.gradient.shape
        error = (mine.sort().values - single.gradient.sort().values).abs().max()
        assert float(error / single.gradient.abs().max()) < 1e-5


def test_the_comparison_is_the_one_of_each_member():
    tables = [respiration(), respiration(noise=1)]
    tables[1].targets.mul_(10)
    members = [member(train=table, valid=table) for table in tables]
    run = GroupRun(groups_of(members)[0])
    sd = torch.cat([ResidualScale.fit(table.targets).sd for table in tables])
    torch.testing.assert_close(run.objective.scales[0].sd.flatten(), sd)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("kind", ENCODERS)
def test_members_on_cuda_repeat_bit_equally_and_agree_with_the_cpu(kind):
    found = []
    for device in ("cuda", "cuda", "cpu"):
        members = [member(ENCODERS[kind](k), seed=k, device=device) for k in range(3)]
        train_members(members)
        found.append([one.model.state_dict() for one in members])
    for first, again, cpu in zip(*found, strict=True):
        for name, part in first.items():
            assert torch.equal(part, again[name])
            torch.testing.assert_close(part, cpu[name], rtol=1e-6, atol=1e-6)
