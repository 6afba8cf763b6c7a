"""The edges of an encoder and the names of their ends."""

import pytest
import torch

from sciren.decoders import process_model
from sciren.edges import edge_layers, model_edges, node_names, required_layers
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ConfigError
from sciren.model import ScIReN
from sciren.parameters import Parameter

NAMES = ("a", "b", "c")


@process_model(parameters=[Parameter("u"), Parameter("v")], targets=["y"])
def sum_of_two(p, f):
    return p.u + p.v


@pytest.mark.parametrize(
    "encoder",
    [KANEncoder(3, 2, hidden=(2,)), AdditiveEncoder(3, 2), LinearEncoder(3, 2)],
    ids=lambda encoder: encoder.kind,
)
def test_the_layers_give_the_encoder_back(encoder):
    x = torch.randn(
        20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    out = x
    for layer in edge_layers(encoder):
        edges = layer.edges(out)
        assert edges.shape == (20, *layer.mask.shape)
        out = edges.sum(1) + layer.bias
    torch.testing.assert_close(out, encoder(x))


def test_a_black_box_has_no_layers():
    assert edge_layers(MLPEncoder(3, 2)) == []
    with pytest.raises(ConfigError, match=r"'mlp' is not made of edges.*effects"):
        required_layers(MLPEncoder(3, 2))


@pytest.mark.parametrize(
    ("settings", "hidden"),
    [
        ({"hidden": (2,)}, [["h1_u", "h2_u", "h1_v", "h2_v"]]),
        ({"hidden": (1, 2)}, [["h1_1_u", "h1_1_v"],
                              ["h2_1_u", "h2_2_u", "h2_1_v", "h2_2_v"]]),
        ({"hidden": (3,), "shared": True}, [["h1", "h2", "h3"]]),
        ({}, []),
    ],
)  # fmt: skip
def test_hidden_nodes_are_named_after_their_latent(settings, hidden):
    model = ScIReN(KANEncoder(3, 2, **settings), None, sum_of_two)
    assert node_names(model, NAMES) == [list(NAMES), *hidden, ["u", "v"]]


def test_edges_between_latents_do_not_exist():
    model = ScIReN(KANEncoder(3, 2, hidden=(2,)), None, sum_of_two)
    inner = [e for e in model_edges(model, NAMES) if e.layer == 1]
    assert [(e.source, e.target) for e in inner] == [
        ("h1_u", "u"), ("h2_u", "u"), ("h1_v", "v"), ("h2_v", "v")
    ]  # fmt: skip
    assert all(model.encoder.spline_layers[1].mask[e.row, e.column] for e in inner)
