"""Tensors of the wrong kind are refused by name."""

import pytest
import torch

from sciren.errors import FormatError
from sciren.pykan.network import network_from

NAMES = [[["0"] * 3] * 2, [["0"] * 2]]


@pytest.fixture
def state(plain):
    return dict(plain.state_dict())


def changed(state, name, change):
    return state | {name: change(state[name])}


def test_a_whole_state_is_sorted_by_layers(state):
    network = network_from(state, NAMES, "silu", kept=[0, 2, 4])
    assert [layer.intervals for layer in network.layers] == [3, 3]
    assert [layer.order for layer in network.layers] == [3, 3]
    assert network.n_inputs == 3
    assert network.kept == (0, 2, 4)
    assert network.layers[0].coef.dtype == torch.float64


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("act_fun.0.coef", lambda v: v[0], "pykan 0.2 has"),
        ("act_fun.0.coef", lambda v: v.repeat(1, 1, 2), "order -3; steps"),
        ("act_fun.0.grid", lambda v: v[:, :-3], "order 0; steps"),
        ("act_fun.0.coef", lambda v: v[:, :, :1], "steps .order 0. and shorter grids"),
        ("act_fun.1.mask", lambda v: v.T, r"mask of layer 1 has the shape \(1, 2\)"),
        ("symbolic_fun.0.affine", lambda v: v[..., :3], "affine of layer 0"),
        ("subnode_scale_1", lambda v: v.repeat(2), "subnode_scale of layer 1"),
    ],
)
def test_wrong_shapes_are_refused(state, name, change, message):
    with pytest.raises(FormatError, match=message):
        network_from(changed(state, name, change), NAMES, "silu")


def test_layers_must_follow_each_other(state, make):
    other = make(width=(4, 1)).state_dict()
    for name in [name for name in state if "_fun.1." in name]:
        state[name] = other[name.replace(".1.", ".0.")]
    with pytest.raises(FormatError, match="layer 0 has 2 outputs, layer 1 4 inputs"):
        network_from(state, [NAMES[0], [["0"] * 4]], "silu")


def test_missing_tensors_are_named(state):
    del state["node_bias_1"]
    with pytest.raises(FormatError, match=r"'node_bias_1' of pykan 0.2 is missing"):
        network_from(state, NAMES, "silu")
    with pytest.raises(FormatError, match=r"no layer of pykan 0.2 was found"):
        network_from({"weight": torch.zeros(2)}, [], "silu")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (NAMES[:1], "1 layers of function names, 2 of curves"),
        ([NAMES[1], NAMES[1]], "layer 0 needs 2 rows of 3 function names"),
        ([[["0"] * 2] * 2, NAMES[1]], "layer 0 needs 2 rows of 3 function names"),
    ],
)
def test_names_must_fit_the_edges(state, names, message):
    with pytest.raises(FormatError, match=message):
        network_from(state, names, "silu")


def test_an_unknown_base_is_refused(state):
    with pytest.raises(FormatError, match="base function 'relu' is none of silu"):
        network_from(state, NAMES, "relu")
