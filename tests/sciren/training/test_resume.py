"""What was interrupted goes on bit for bit, or is refused."""

import json

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import FormatError, TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.members import train_members
from sciren.training.fitting import fit
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare


def respiration(rows=200, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, ta = normal(rows, 3), 12 + 6 * normal(rows)
    reco = (3 + 0.5 * x[:, 0]) * 1.8 ** ((ta - 15) / 10) * (1 + 0.02 * normal(rows))
    return Table(x, {"ta": ta}, reco.unsqueeze(1), ("a", "b", "c"), ("reco",))


def made(folder, make, count=1, train=None, **settings):
    given = {"epochs": 6, "batch_size": 64, "checkpoint_seconds": 0.0}
    found = []
    for seed in range(count):
        train_, valid = respiration() if train is None else train, respiration(60, 1)
        config = TrainConfig(
            **(given | {"checkpoint": None if folder is None else str(folder), "seed": seed}
               | settings)
        )  # fmt: skip
        model = ScIReN(make(seed), "auto", Q10Respiration())
        model.residual_scale = prepare(model, train_, valid, config).scale
        model.output_shift.fill_(1.0)
        found.append(Member(model, train_, valid, config, History("first-order")))
    return found


class Break(Exception):
    """What ends a training before its time."""


class Breaking:
    """Progress that breaks off after some epochs in all."""

    def __init__(self, epochs):
        self.left, self.sentences = epochs, []

    def update(self, stage, step, total, values):
        self.left -= 1
        if self.left < 0:
            raise Break

    def say(self, message):
        self.sentences.append(message)


def states(members):
    return [
        (member.model.state_dict(), member.history.rows, member.history.messages)
        for member in members
    ]


def equal(one, other):
    for (weights, rows, messages), (weights2, rows2, messages2) in zip(
        one, other, strict=True
    ):
        assert all(torch.equal(weights[name], part) for name, part in weights2.items())
        assert rows == rows2
        assert messages == messages2


MAKERS = {
    "one layer": lambda k: KANEncoder(3, 1, grid=5, seed=k),
    "hidden": lambda k: KANEncoder(3, 1, hidden=(2,), grid=5, seed=k),
    "norms": lambda k: MLPEncoder(3, 1, batch_norm=True, seed=k),
    "linear": lambda k: LinearEncoder(3, 1, seed=k),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("after", [1, 4])
def test_what_was_interrupted_ends_as_if_it_had_not_been(tmp_path, kind, count, after):
    make = MAKERS[kind]
    whole = made(None, make, count)
    train_members(whole)
    with pytest.raises(Break):
        train_members(made(tmp_path, make, count), Breaking(after))
    resumed, listener = made(tmp_path, make, count), Breaking(99)
    train_members(resumed, listener)
    assert f"resumed after epoch {after}" in listener.sentences
    equal(states(resumed), states(whole))


SETTINGS = [
    {"grid_updates": 3, "learning_rate": 0.01},
    {"noise": "proportional", "epochs": 3},
    {"patience": 1, "min_delta": 0.5, "schedule": "constant", "epochs": 20},
    {"precision": "float32", "weight_decay": 0.1, "constant_rate_factor": 3.0},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_part_of_the_state_is_kept(tmp_path, settings):
    make = MAKERS["hidden"]
    whole = made(None, make, 2, **settings)
    train_members(whole)
    for after in (1, 1, 1, 1, 1):  # interrupted again and again
        try:
            train_members(made(tmp_path, make, 2, **settings), Breaking(after + 1))
        except Break:
            continue
    resumed = made(tmp_path, make, 2, **settings)
    train_members(resumed)
    equal(states(resumed), states(whole))


def test_members_of_several_groups_each_have_their_place(tmp_path):
    def several(folder):
        first = made(folder, MAKERS["linear"], 2)
        return first + made(folder, MAKERS["one layer"], 1)

    whole = several(None)
    train_members(whole)
    with pytest.raises(Break):
        train_members(several(tmp_path), Breaking(8))
    resumed = several(tmp_path)
    train_members(resumed, Breaking(4))  # the first group is done, the second begun
    equal(states(resumed), states(whole))
    assert len(list(tmp_path.glob("*.json"))) == 2
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_a_fit_with_a_refit_goes_on_in_its_second_training(tmp_path):
    def run(folder, progress=None):
        model = ScIReN(KANEncoder(3, 1, grid=5), "auto", Q10Respiration())
        config = TrainConfig(
            engine="first-order", epochs=4, batch_size=64, checkpoint_seconds=0.0,
            checkpoint=None if folder is None else str(folder), profiles=False,
        )  # fmt: skip
        history = fit(model, respiration(), respiration(60, 1), config, progress)
        return [(model.state_dict(), history.rows, history.messages)]

    whole = run(None)
    with pytest.raises(Break):
        run(tmp_path, Breaking(6))
    assert (tmp_path / "refit").is_dir()
    equal(run(tmp_path), whole)


def test_a_checkpoint_is_written_when_its_time_has_come(tmp_path):
    train_members(made(tmp_path, MAKERS["linear"], checkpoint_seconds=1e6))
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text())["state"]["epoch"] == 6  # only at the end


# -- refusals -------------------------------------------------------------------------
@pytest.fixture
def begun(tmp_path):
    with pytest.raises(Break):
        train_members(made(tmp_path, MAKERS["one layer"]), Breaking(2))
    return tmp_path


def test_other_settings_are_refused_by_name(begun):
    with pytest.raises(
        TrainingError, match=r"other settings \(learning_rate 0.05 there, 0.1 here\)"
    ):
        train_members(made(begun, MAKERS["one layer"], learning_rate=0.1))


def test_settings_that_training_does_not_read_may_differ(begun):
    train_members(
        made(begun, MAKERS["one layer"], select=False, checkpoint_seconds=5.0)
    )


def test_another_number_of_members_is_refused(begun):
    with pytest.raises(TrainingError, match="1 members there, 3 here"):
        train_members(made(begun, MAKERS["one layer"], 3))


def test_other_data_are_refused(begun):
    table = respiration()
    table.targets[3] += 1e-9
    with pytest.raises(TrainingError, match="other data"):
        train_members(made(begun, MAKERS["one layer"], train=table))


@pytest.mark.parametrize(
    "make",
    [lambda k: KANEncoder(3, 1, grid=6), lambda k: KANEncoder(3, 1, grid=5, seed=9)],
)
def test_other_shapes_and_other_starts_are_refused(begun, make):
    with pytest.raises(TrainingError, match="other shapes or start values"):
        train_members(made(begun, make))


def test_altered_tensors_are_refused(begun):
    (file,) = begun.glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(FormatError, match="a file was altered"):
        train_members(made(begun, MAKERS["one layer"]))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 3}', '{"format": "sciren training 1"}']
)
def test_what_is_no_checkpoint_is_refused(begun, text):
    (file,) = begun.glob("*.json")
    file.write_text(text)
    with pytest.raises(FormatError, match=r"cannot be read|no checkpoint"):
        train_members(made(begun, MAKERS["one layer"]))


def test_missing_tensors_are_refused(begun):
    (file,) = begun.glob("*.safetensors")
    file.unlink()
    with pytest.raises(FormatError, match=r"cannot be read.*Remove"):
        train_members(made(begun, MAKERS["one layer"]))
