"""Compiled steps are the same steps; without a compiler training goes on."""

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.first_order import compiled
from sciren.training.first_order.grouped.members import train_members
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare

pytestmark = pytest.mark.filterwarnings("ignore")  # compilers warn about themselves


@pytest.fixture
def traced(monkeypatch):
    """The step is traced and run as traced, which needs no compiler."""
    monkeypatch.setattr(compiled, "BACKEND", "eager")
    monkeypatch.setattr(torch, "compile", lambda traced, **_: traced)


def respiration(rows=100):
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, ta = normal(rows, 3), 12 + 6 * normal(rows)
    reco = (3 + 0.5 * x[:, 0]) * 1.8 ** ((ta - 15) / 10)
    return Table(x, {"ta": ta}, reco.unsqueeze(1), ("a", "b", "c"), ("reco",))


def trained(make, count=1, decoder=None, progress=None, **settings):
    given = {"epochs": 3, "batch_size": 50, "learning_rate": 0.02}
    members, table = [], respiration()
    for seed in range(count):
        config = TrainConfig(**(given | {"seed": seed} | settings))
        model = ScIReN(make(seed), "auto", decoder or Q10Respiration())
        model.residual_scale = prepare(model, table, table, config).scale
        model.output_shift.fill_(1.0)
        members.append(Member(model, table, table, config, History("first-order")))
    train_members(members, progress)
    return members


def agree(one, other, tolerance=1e-9):
    for a, b in zip(one, other, strict=True):
        states = a.model.state_dict(), b.model.state_dict()
        for name, part in states[0].items():
            torch.testing.assert_close(
                states[1][name], part, rtol=tolerance, atol=tolerance
            )
        for row, same in zip(a.history.rows, b.history.rows, strict=True):
            for name in set(row) - {"stage"}:
                assert row[name] == pytest.approx(same[name], rel=1e-6, abs=1e-9)


MAKERS = {
    "one layer": lambda k: KANEncoder(3, 1, grid=5, seed=k),
    "hidden": lambda k: KANEncoder(3, 1, hidden=(2,), grid=5, seed=k),
    "norms": lambda k: MLPEncoder(3, 1, batch_norm=True, seed=k),
    "linear": lambda k: LinearEncoder(3, 1, seed=k),
    "additive": lambda k: AdditiveEncoder(3, 1, width=4, seed=k),
}


@pytest.mark.parametrize(
    ("kind", "count"),
    [("one layer", 1), ("hidden", 3), ("norms", 2), ("linear", 1), ("additive", 3)],
)
def test_a_compiled_step_is_the_same_step(traced, kind, count):
    plain = trained(MAKERS[kind], count)
    whole = trained(MAKERS[kind], count, compile=True)
    agree(plain, whole)
    assert not any("not compiled" in m for m in whole[0].history.messages)


@pytest.mark.parametrize(
    "settings",
    [
        {"weight_decay": 0.1, "constant_rate_factor": 3.0},
        {"grid_updates": 1, "constants_in_logs": False},
        {"batch_size": 1000, "schedule": "constant", "l1": 0.01},
    ],
)
def test_with_any_settings(traced, settings):
    make = MAKERS["hidden"]
    agree(trained(make, 2, **settings), trained(make, 2, compile=True, **settings))


def test_bounds_hold(traced):
    @process_model(
        parameters=[
            Parameter("a", low=0),
            Parameter("c", low=1, high=1.1, kind="constant"),
        ],
        targets=["reco"],
    )
    def scaled(p, f):
        return p.a * p.c

    (one,) = trained(MAKERS["linear"], decoder=scaled, compile=True, learning_rate=0.3)
    assert 1 <= one.model.constants()["c"] <= 1.1 + 1e-12


def told(members):
    return [m for m in members[0].history.messages if "not compiled" in m]


def test_without_a_compiler_it_says_so_once_and_goes_on(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    plain, whole = (
        trained(MAKERS["one layer"]),
        trained(MAKERS["one layer"], compile=True),
    )
    assert told(whole) == [
        "Steps are not compiled, because no C++ compiler was found (set CXX)."
    ]
    agree(plain, whole)


def test_a_failing_compiler_is_told_and_nothing_has_moved(monkeypatch):
    monkeypatch.setenv("CXX", "python3")  # there, but no compiler

    def failing(*args, **kwargs):
        raise RuntimeError("this compiler fails\nfor a long reason")

    monkeypatch.setattr(torch, "compile", failing)
    plain, whole = (
        trained(MAKERS["hidden"], 2),
        trained(MAKERS["hidden"], 2, compile=True),
    )
    assert told(whole) == [
        "Steps are not compiled, because RuntimeError: this compiler fails."
    ]
    agree(plain, whole)


def test_a_process_model_that_decides_by_values_is_not_compiled(traced):
    @process_model(parameters=[Parameter("a")], targets=["reco"])
    def deciding(p, f):
        return p.a if float(p.a.detach().mean()) > -1e9 else -p.a

    members = trained(MAKERS["linear"], decoder=deciding, compile=True)
    assert len(told(members)) == 1


def test_an_encoder_of_the_users_own_is_not_compiled(traced):
    class Own(LinearEncoder):
        """Like the linear one."""

    members = trained(lambda k: Own(3, 1, seed=k), compile=True)
    assert "encoder Own is not known to it" in told(members)[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one layer", "hidden", "norms"])
def test_the_real_compiler_gives_the_same(kind):
    plain, whole = trained(MAKERS[kind], 2), trained(MAKERS[kind], 2, compile=True)
    if told(whole):
        pytest.skip(told(whole)[0])
    agree(plain, whole, 1e-6)


def test_a_compiled_training_goes_on_where_it_stopped(traced, tmp_path):
    class Break(Exception):
        """Ends a training before its time."""

    class Breaking:
        left = 2

        def update(self, *_):
            self.left -= 1
            if self.left < 0:
                raise Break

        def say(self, message):
            pass

    settings = {"compile": True, "checkpoint": str(tmp_path), "checkpoint_seconds": 0.0}
    whole = trained(MAKERS["hidden"], 2, compile=True)
    with pytest.raises(Break):
        trained(MAKERS["hidden"], 2, progress=Breaking(), **settings)
    again = trained(MAKERS["hidden"], 2, **settings)
    for one, other in zip(whole, again, strict=True):
        state = other.model.state_dict()
        assert all(
            torch.equal(state[name], part)
            for name, part in one.model.state_dict().items()
        )
        assert one.history.rows == other.history.rows
