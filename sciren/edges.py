"""The edges of an encoder: its layers, who is connected with whom, and their names."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from sciren.encoders.base import Encoder
from sciren.encoders.baselines import AdditiveEncoder, LinearEncoder
from sciren.encoders.kan import KANEncoder
from sciren.errors import ConfigError
from sciren.model import ScIReN
from sciren.pykan.encoder import PykanEncoder


class EdgeLayer(Protocol):
    """A layer of one-dimensional edges: node_j = sum_i edge_ij(x_i) + bias_j."""

    @property
    def bias(self) -> Tensor:
        """(outputs,)."""
        ...

    @property
    def mask(self) -> Tensor:
        """(inputs, outputs), zero for edges that are gone."""
        ...

    def edges(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, inputs, outputs)."""
        ...


class _StraightEdges:
    """A linear encoder seen as one layer of straight edges."""

    def __init__(self, encoder: LinearEncoder) -> None:
        self.weight = encoder.linear.weight.T
        self.bias: Tensor = encoder.linear.bias
        self.mask = torch.ones_like(self.weight)

    def edges(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1) * self.weight


def edge_layers(encoder: Encoder) -> list[EdgeLayer]:
    """Return the layers of an encoder that is made of edges; a black box has none."""
    match encoder:
        case KANEncoder() | PykanEncoder():
            return [*encoder.spline_layers]
        case AdditiveEncoder():
            return [encoder]
        case LinearEncoder():
            return [_StraightEdges(encoder)]
    return []


def required_layers(encoder: Encoder) -> list[EdgeLayer]:
    """Return the layers.

    Raises:
        ConfigError: the encoder is a black box.
    """
    layers = edge_layers(encoder)
    if not layers:
        raise ConfigError(
            f"encoder {encoder.kind!r} is not made of edges, so no edge has an "
            "importance; use encoder 'kan', 'additive' or 'linear', or look at the "
            "effects of its features"
        )
    return layers


class Edge(NamedTuple):
    """One edge that the encoder can have, whether or not it is still there.

    Attributes:
        layer: from 0.
        row, column: place in the layer's mask.
        source, target: names of the nodes.
        latent: the latent that it serves, "" where several share it.
    """

    layer: int
    row: int
    column: int
    source: str
    target: str
    latent: str


def node_latents(model: ScIReN) -> list[list[str]]:
    """Return the latent of every node after each layer, "" where several share it."""
    latents = list(model.latent_names)
    count, encoder = len(latents), model.encoder
    by_layer = []
    for layer in required_layers(encoder)[:-1]:
        width = layer.mask.shape[1]
        nodes = isinstance(encoder, KANEncoder | PykanEncoder)
        # With one latent every node serves it; layers of other encoders have no hidden
        # nodes.
        alone = count == 1 or not (nodes and encoder.shared)
        by_layer.append(
            [latents[j * count // width] if alone else "" for j in range(width)]
        )
    return [*by_layer, latents]


def node_names(model: ScIReN, feature_names: Sequence[str]) -> list[list[str]]:
    """Return the names of the nodes: features, hidden nodes of each layer, latents.

    Hidden nodes are h1_rb, h2_rb, ... for latent rb (h1, h2, ... where latents share
    them); with several hidden layers the layer comes first: h1_2_rb.
    """
    owners = node_latents(model)[:-1]
    names = [list(feature_names)]
    for depth, layer in enumerate(owners, start=1):
        prefix = f"h{depth}_" if len(owners) > 1 else "h"
        counters = {latent: itertools.count(1) for latent in layer}
        names.append(
            [
                f"{prefix}{next(counters[latent])}{f'_{latent}' if latent else ''}"
                for latent in layer
            ]
        )
    return [*names, list(model.latent_names)]


def model_edges(model: ScIReN, feature_names: Sequence[str]) -> list[Edge]:
    """Return every edge of the architecture, dropped ones too, in order of layers.

    Edges between the hidden nodes of one latent and those of another do not exist.
    """
    names = node_names(model, feature_names)
    owners = [[""] * len(names[0]), *node_latents(model)]
    edges = []
    for depth, (sources, targets) in enumerate(itertools.pairwise(names)):
        for i, source in enumerate(sources):
            for j, target in enumerate(targets):
                above, below = owners[depth + 1][j], owners[depth][i]
                # Features belong to no latent and reach all.
                if not below or below == above:
                    edges.append(Edge(depth, i, j, source, target, above))
    return edges
