"""Training on all rows at once: the optimum, whitening, members, checkpoints."""

import copy
import itertools

import pytest
import torch

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.decoders.process import IdentityDecoder
from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.first_order import whitening as whitening_module
from sciren.training.first_order.full_batch import FullBatch
from sciren.training.first_order.grouped.grouping import groups_of
from sciren.training.first_order.grouped.members import train_members
from sciren.training.first_order.grouped.run import GroupRun
from sciren.training.first_order.schedule import Schedule
from sciren.training.first_order.whitening import whitening
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare

LBFGS = {"optimizer": "lbfgs", "epochs": 40}


def table(rows=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(rows, generator=generator, dtype=torch.float64)
    ta = 12 + 6 * torch.randn(rows, generator=generator, dtype=torch.float64)
    rb = 3 + 0.5 * x[:, 0] - 0.3 * x[:, 1].abs()
    reco = rb * 1.8 ** ((ta - 15) / 10) * (1 + 0.02 * noise)
    return Table(x, {"ta": ta}, reco.unsqueeze(1), ("a", "b"), ("reco",))


def plain(rows=200, seed=0):
    full = table(rows, seed)
    y = full.features[:, :1] ** 2 + full.features[:, 1:]
    return Table(full.features, {}, y, ("a", "b"), ("y",))


def member(encoder=None, train=None, valid=None, decoder=None, **settings):
    train = table() if train is None else train
    valid = table(80, 7) if valid is None else valid
    encoder = KANEncoder(2, 1, grid=5) if encoder is None else encoder
    config = TrainConfig(**(LBFGS | settings))
    model = ScIReN(encoder, "auto", decoder or Q10Respiration())
    model.residual_scale = prepare(model, train, valid, config).scale
    model.output_shift.fill_(1.0)
    return Member(model, train, valid, config, History("first-order"))


def regression(**settings):
    decoder = IdentityDecoder(("y",))
    return member(None, plain(), plain(80, 7), decoder, **settings)


def run_of(*members):
    (group,) = groups_of(members)
    return GroupRun(group)


def test_it_ends_where_the_gradient_is_zero_and_gradients_by_adamw_do_not():
    ends = {}
    for name in ("lbfgs", "adamw"):
        same = {"train": table(), "valid": table()}  # the best there is the end
        one = member(optimizer=name, smooth=0.0, entropy=0.0, epochs=150, **same)
        train_members([one])
        run = run_of(one)
        batch = run.train.take(run.whole)
        slopes, _ = run.gradients(batch)
        ends[name] = max(float(part.abs().max()) for part in slopes)
    assert ends["lbfgs"] < 1e-3
    assert ends["lbfgs"] < ends["adamw"]


def test_the_metric_is_symmetric_positive_and_solves_a_regression_in_three():
    one = regression(smooth=1e-6, smooth_choices=())
    run = run_of(one)
    metric = run.full_batch.lbfgs.metric
    size = len(run.numbers.vector)
    eye = torch.eye(size).double()
    matrix = torch.stack([metric(column) for column in eye])
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix)[0] > 0
    totals = [run.train_epoch()[0]["total"] for _ in range(20)]
    assert totals[2] < 1.02 * totals[-1] + 1e-5


def test_members_end_as_alone_also_with_other_rows():
    members = [
        member(KANEncoder(2, 1, grid=4, seed=k), table(80, k // 2), seed=k, epochs=12)
        for k in range(3)
    ]
    singles = [copy.deepcopy(one.model) for one in members]
    assert len(groups_of(members)) == 1
    train_members(members)
    for one, model in zip(members, singles, strict=True):
        alone = Member(model, one.train, one.valid, one.config, History("first-order"))
        train_members([alone])
        for name, part in model.state_dict().items():
            mine = one.model.state_dict()[name]
            torch.testing.assert_close(mine, part, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "encoder",
    [
        lambda: KANEncoder(2, 1, hidden=(2,), grid=4),
        lambda: KANEncoder(2, 1, grid=4, base="silu"),
        lambda: LinearEncoder(2, 1),
        lambda: MLPEncoder(2, 1, 8, 1),
    ],
)
def test_every_encoder_gains(encoder):
    one = member(encoder())
    train_members([one])
    rows = one.history.rows
    assert rows[-1]["total"] < 0.9 * rows[0]["total"]
    totals = [row["total"] for row in rows]
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(totals))


def test_a_wide_basis_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(whitening_module, "LARGEST", 10)
    run = run_of(member())
    rows = run.batch_of(run.whole).rows
    assert whitening(run.stack, run.train.features, rows) is None
    assert run.full_batch.lbfgs.metric(run.gradient).equal(run.gradient)


def test_constants_stay_inside_their_bounds():
    rate = Parameter("rate", 1.0, 1.3, start=1.2, kind="constant")
    rb = Parameter("rb", 0.0, 20.0, start=3.0)
    named = process_model(parameters=[rb, rate], forcings=["ta"], targets=["reco"])
    decoder = named(lambda p, f: p.rb * p.rate ** ((f.ta - 15) / 10))
    one = member(decoder=decoder)
    train_members([one])
    found = float(one.model.constants()["rate"])
    assert 1.0 <= found <= 1.3 + 1e-12
    assert found == pytest.approx(1.3, abs=1e-6)


def test_it_settles_before_its_last_epoch_and_says_so():
    class Heard:
        def __init__(self):
            self.said = []

        def update(self, *arguments):
            pass

        def say(self, message):
            self.said.append(message)

    heard, one = Heard(), regression(epochs=500, smooth=1e-3)
    train_members([one], heard)
    assert len(one.history.rows) < 200
    assert any("settled" in message for message in heard.said)


@pytest.mark.parametrize("epoch", [1, 3, 8])
def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path, epoch):
    class Break(Exception):
        pass

    class Breaking:
        left = epoch

        def update(self, *arguments):
            self.left -= 1
            if self.left < 0:
                raise Break

        def say(self, message):
            pass

    given = {"checkpoint": str(tmp_path), "checkpoint_seconds": 0.0, "epochs": 25}
    whole, broken, again = member(epochs=25), member(**given), member(**given)
    train_members([whole])
    with pytest.raises(Break):
        train_members([broken], Breaking())
    train_members([again])
    for name, part in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], part), name
    assert again.history.rows == whole.history.rows


def test_the_settings_of_full_batches():
    config = TrainConfig(optimizer="lbfgs")
    assert config.entropy == 0.0
    assert TrainConfig(optimizer="lbfgs", entropy=1e-3).entropy == 1e-3
    schedule = Schedule(config, 1)
    assert (schedule.epochs, schedule.rate(7)) == (500, config.learning_rate)
    assert schedule.past_the_peak(0)
    assert schedule.shape == ("one-cycle", 0)
    assert schedule.least_gain(1.0) == config.min_delta
    assert schedule.least_gain(1e-5) == pytest.approx(1e-8)
    assert Schedule(TrainConfig(), 1).least_gain(1e-5) == config.min_delta


def test_what_does_not_go_together_is_said():
    with pytest.raises(ValueError, match="grid_updates 3"):
        TrainConfig(optimizer="lbfgs", grid_updates=3)
    one = member(compile=True, epochs=2)
    train_members([one])
    assert any("not compiled" in message for message in one.history.messages)


def test_a_run_by_adamw_has_no_full_batch():
    assert run_of(member(optimizer="adamw")).full_batch is None
    assert isinstance(run_of(member()).full_batch, FullBatch)
    assert ResidualScale.fit(table().targets).kind == "identity"
