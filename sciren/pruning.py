"""Removal of edges that hardly matter, without moving the predictions' mean."""

import itertools

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.edges import Edge, EdgeLayer, edge_layers, model_edges
from sciren.encoders.baselines import AdditiveEncoder
from sciren.encoders.kan import KANEncoder
from sciren.errors import ConfigError
from sciren.importance import Deviation, Normalisation, edge_shares, layer_statistics
from sciren.model import ScIReN
from sciren.pykan.encoder import PykanEncoder


@torch.no_grad()
def prune(
    model: ScIReN,
    table: Table,
    threshold: float = 0.03,
    normalisation: Normalisation = "layer_mean",
    deviation: Deviation = "mad",
) -> list[Edge]:
    """Remove, in place, the edges whose share of every latent is at most the threshold.

    The mean of a removed edge over the table moves into the bias of its node, so that a
    one-layer encoder's raw latents change by the removed edges' deviations from their
    means and nothing else. Hidden nodes without any incoming edge become constants,
    which move into the next bias; hidden nodes without any outgoing edge lose their
    incoming ones. The strongest path to each latent that varies always stays.

    Args:
        model: with a KAN or additive encoder.
        table: the rows that importance and means are taken over, by their weights.
        threshold: share of a latent's deviation, 0 <= threshold < 1.
        normalisation, deviation: see `sciren.importance.edge_importance`.
    Returns:
        The removed edges, in order of layers.
    Raises:
        ConfigError: a threshold outside 0..1, or an encoder whose edges cannot be
            removed.
    Reference: Liu et al. 2024, KAN 2.0 (there the means of removed edges are lost).
    """
    if not 0 <= threshold < 1:
        raise ConfigError(
            f"threshold={threshold} is a share of the deviation; use 0 <= threshold < 1"
        )
    if not isinstance(model.encoder, KANEncoder | PykanEncoder | AdditiveEncoder):
        raise ConfigError(
            f"encoder {model.encoder.kind!r} has no edges that can be removed; "
            "use encoder 'kan' or 'additive'"
        )
    measured = layer_statistics(model, table, deviation)
    shares = edge_shares(measured, normalisation)
    layers = edge_layers(model.encoder)
    before = [layer.mask.clone() for layer in layers]
    # Shares of many small edges can all lie below the threshold: one path always stays.
    strongest = _strongest_paths(shares)
    for layer, share, keep, statistics in zip(
        layers, shares, strongest, measured, strict=True
    ):
        # Small for every latent: an edge that one of them needs stays.
        cut_edges(layer, (share.amax(0) <= threshold) & ~keep, statistics.means)
    drop_idle_nodes(layers)
    return [
        edge
        for edge in model_edges(model, table.feature_names)
        if before[edge.layer][edge.row, edge.column] != 0
        and layers[edge.layer].mask[edge.row, edge.column] == 0
    ]


def cut_edges(layer: EdgeLayer, where: Tensor, means: Tensor) -> None:
    """Remove edges of a layer and move their means (inputs, outputs) into the biases."""
    # Edges that are gone already have given their mean; it must not count twice.
    gone = where & (layer.mask != 0)
    layer.bias.add_((means * gone).sum(0))
    layer.mask[gone] = 0


def _strongest_paths(shares: list[Tensor]) -> list[Tensor]:
    """From each latent back to a feature along the largest share, (i, j) bool a layer."""
    keep = [torch.zeros_like(share[0], dtype=torch.bool) for share in shares]
    for latent in range(len(shares[-1])):
        column = latent
        for share, kept in zip(reversed(shares), reversed(keep), strict=True):
            into = share[latent, :, column]
            row = int(into.argmax())
            # Nothing reaches this latent: it is a constant.
            if into[row] == 0:
                break
            kept[row, column] = True
            column = row
    return keep


@torch.no_grad()
def drop_idle_nodes(layers: list[EdgeLayer]) -> None:
    """Remove hidden nodes that lost all incoming or all outgoing edges."""
    for layer, after in itertools.pairwise(layers):  # constants travel forwards
        constant = (layer.mask == 0).all(0)
        # A node without incoming edges is its bias; the edges after it give a constant
        # there.
        values = after.edges(layer.bias.detach().unsqueeze(0))[0]
        cut_edges(after, constant.unsqueeze(1).expand_as(after.mask), values)
    for after, layer in itertools.pairwise(reversed(layers)):  # unused nodes, backwards
        unused = (after.mask == 0).all(1)
        nothing = torch.zeros_like(layer.mask)
        cut_edges(layer, unused.unsqueeze(0).expand_as(layer.mask), nothing)
