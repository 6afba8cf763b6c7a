"""Encoders as pykan models: equal outputs there, and back again."""

import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ConfigError
from sciren.pykan import contained, from_pykan, quiet, to_pykan

FEATURES = ("sw_pot", "dsw_pot", "ta")


def features(size=1.0, rows=60):
    generator = torch.Generator().manual_seed(5)
    return (
        torch.rand(rows, 3, generator=generator, dtype=torch.float64) * 2 - 1
    ) * size


def own(**settings):
    """Return an encoder of ours with some edges removed."""
    encoder = KANEncoder(3, 2, **({"outside": "zero", "start": "noise"} | settings))
    generator = torch.Generator().manual_seed(0)
    for values in encoder.parameters():
        values.data = torch.randn(values.shape, generator=generator).double()
    encoder.prepare(features())
    encoder.spline_layers[0].mask[1] = 0
    return encoder


def numpy_state():
    return np.random.get_state()[1].tolist()  # noqa: NPY002


MAKERS = {
    "additive": own,
    "hidden": lambda: own(hidden=(2,), grid=(5, 9)),
    "shared": lambda: own(hidden=(4,), shared=True, grid=5),
    "deep": lambda: own(hidden=(2, 1), grid=4),
    "identity": lambda: own(base="identity", margin=2.0),
    "silu": lambda: own(base="silu"),
    "linear": lambda: LinearEncoder(3, 2, seed=3),
}


@pytest.mark.parametrize("name", MAKERS)
@torch.no_grad()
def test_a_pykan_model_has_the_outputs_of_our_encoder(name):
    encoder, rows = MAKERS[name](), features(3.0)
    expected = encoder(rows)
    exact = to_pykan(encoder, dtype=torch.float64)(rows)
    torch.testing.assert_close(exact, expected, rtol=1e-9, atol=1e-9)
    single = to_pykan(encoder)(rows.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_every_kind_of_pykan_comes_back(case):
    encoder = from_pykan(case.model, FEATURES)
    rows = case.rows.double()
    again = to_pykan(encoder, dtype=torch.float64)
    limit = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(again(rows), encoder(rows), **limit)
    twice = from_pykan(again, FEATURES)
    torch.testing.assert_close(twice(rows), encoder(rows), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_pykan_stores_and_loads_what_we_give_it(kan, made, checkpoint):
    encoder = from_pykan(made("symbolic").model, FEATURES)
    path, rows = checkpoint(to_pykan(encoder)), features()
    with contained():
        loaded = kan.KAN.loadckpt(str(path))
    outputs = encoder(rows)
    torch.testing.assert_close(
        loaded(rows.float()).double(), outputs, rtol=0, atol=1e-5
    )
    read = from_pykan(path, FEATURES)
    torch.testing.assert_close(read(rows), outputs, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
def test_pykan_prints_the_formula_of_a_closed_form(make):
    model = make(width=(3, 1))
    layer = model.symbolic_fun[0]
    model.act_fun[0].mask.data[:] = 0
    layer.mask.data[0, 1] = 1
    layer.funs_name[0][1] = "sin"
    layer.affine.data[0, 1] = torch.tensor([2.0, 0.0, 3.0, 0.0])
    again = to_pykan(from_pykan(model, FEATURES))
    with contained():
        (formula,), _ = again.symbolic_formula(var=list(FEATURES))
    assert str(formula) == "3.0*sin(2.0*dsw_pot)"


@torch.no_grad()
def test_straight_continuation_is_refused_or_agrees_between_the_knots():
    encoder = own(outside="linear")
    with pytest.raises(ConfigError, match=r"outside='linear'.*inside_only=True"):
        to_pykan(encoder)
    model = to_pykan(encoder, inside_only=True, dtype=torch.float64)
    inside = features(0.99)
    torch.testing.assert_close(model(inside), encoder(inside), rtol=1e-9, atol=1e-9)
    assert float((model(features(3.0)) - encoder(features(3.0))).abs().max()) > 0.1


def test_a_black_box_is_refused():
    with pytest.raises(ConfigError, match="a MLPEncoder is no spline network"):
        to_pykan(MLPEncoder(3, 1))


def test_nothing_of_pykan_reaches_the_user(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    encoder = own()
    before = torch.get_rng_state(), random.getstate(), numpy_state()
    model = to_pykan(encoder)
    from_pykan(model, FEATURES)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert numpy_state() == before[2]
    assert not list(tmp_path.iterdir())
    assert not model.auto_save
    assert model.device == "cpu"
    assert capfd.readouterr() == ("", "")


def test_pykan_can_train_it_further():
    model = to_pykan(own(base="silu"))
    rows = features().float()
    data = {"train_input": rows, "train_label": rows[:, :2] ** 2}
    data |= {"test_input": rows, "test_label": rows[:, :2] ** 2}
    with contained():
        losses = model.fit(data, steps=4)["train_loss"]
    assert losses[-1] < losses[0]


def test_a_missing_or_other_package_is_named(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(quiet, "import_module", missing)
    with pytest.raises(ConfigError, match=r"No module named 'kan'.*pip install pykan"):
        to_pykan(own())
    monkeypatch.setattr(quiet, "import_module", lambda name: SimpleNamespace())
    with pytest.raises(ConfigError, match=r"the package kan at \? is not pykan"):
        to_pykan(own())
    assert "kan" in sys.modules
