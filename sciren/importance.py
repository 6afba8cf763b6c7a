"""Importance of edges and features: shares of the deviation of the outputs.

Everywhere an edge array has the shape (inputs, outputs) of its layer, like the layer's
mask (the published code writes (out, in)).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.edge_columns import EDGE_COLUMNS
from sciren.edges import EdgeLayer, model_edges, required_layers
from sciren.model import ScIReN

if TYPE_CHECKING:
    import pandas as pd

Normalisation = Literal["layer_mean", "node"]
Deviation = Literal["mad", "std"]

EPS = 1e-12  # under a node that does not vary; the published code has none there
ROUNDING = 1e-12  # of an edge's mean, some 5,000 times the double's
CHUNK = 4_000_000  # edge outputs held at once, 32 MB


# -- scores from deviations ---------------------------------------------------------
def deviation(
    values: Tensor, kind: Deviation = "mad", weights: Tensor | None = None
) -> Tensor:
    """Return the mean absolute or the standard deviation over the rows.

    Args:
        values: (n, ...).
        kind: "mad" mean |x - mean|, "std" with ddof 0.
        weights: (n,) of the rows, or None.
    Returns:
        (...), unit of the values.
    """
    if weights is None:
        spread = _size(values - values.mean(0), kind).mean(0)
    else:
        share = weights / weights.sum()
        centred = values - torch.tensordot(share, values, dims=1)
        spread = torch.tensordot(share, _size(centred, kind), dims=1)
    return spread if kind == "mad" else spread.sqrt()


def _size(centred: Tensor, kind: Deviation) -> Tensor:
    return centred.abs() if kind == "mad" else centred.square()


def backward_scores(
    edges: Sequence[Tensor],
    nodes: Sequence[Tensor],
    normalisation: Normalisation = "layer_mean",
    start: Tensor | None = None,
) -> list[Tensor]:
    """Hand the deviation of every output back to the edges that made it.

        B_l[k,i,j] = A_(l+1)[k,j] E_l[i,j] / N_l[j]        "node" (paper, pykan)
        B_l[k,i,j] = A_(l+1)[k,j] E_l[i,j] / mean_j N_l    "layer_mean" (published code)
        A_l[k,i]   = sum_j B_l[k,i,j]

    N is taken as a constant: gradients flow through E alone.

    Args:
        edges: E_l, deviation of every edge, (inputs, outputs), first layer first.
        nodes: N_l, deviation of every sum of edges, (outputs,).
        normalisation: which N.
        start: (L,) A of the outputs: ones (default, code) or their variance (paper).
    Returns:
        B_l (L, inputs, outputs) for each layer.
    Reference: paper appendix A; Liu et al. 2024, KAN 2.0.
    """
    top = torch.ones_like(nodes[-1]) if start is None else start
    # (L, J): row k holds what output k hands to the nodes of the layer, itself at
    # first.
    above, scores = torch.diag(top), []
    for edge, node in zip(reversed(edges), reversed(nodes), strict=True):
        # With a gradient through N an edge would gain score by cancelling the others.
        size = node.detach()
        if normalisation == "layer_mean":
            size = size.mean().expand_as(size)
        # (L, 1, J) times (i, J): score of edge i -> j in output k.
        below = above.unsqueeze(1) * (edge / size.clamp_min(EPS))
        scores.append(below)
        above = below.sum(-1)
    return scores[::-1]


def edge_scores(
    edges: Sequence[Tensor],
    nodes: Sequence[Tensor],
    normalisation: Normalisation = "layer_mean",
    start: Tensor | None = None,
) -> list[Tensor]:
    """Return `backward_scores` averaged over the outputs, (inputs, outputs) a layer."""
    scores = backward_scores(edges, nodes, normalisation, start)
    return [layer.mean(0) for layer in scores]


# -- statistics of a model on a table -----------------------------------------------
class LayerStatistics(NamedTuple):
    """What one layer does on a table.

    Attributes:
        inputs: (n, i) values that enter it.
        means, deviations: (i, j) of each edge.
        nodes: (j,) deviation of the sums.
    """

    inputs: Tensor
    means: Tensor
    deviations: Tensor
    nodes: Tensor


@torch.no_grad()
def layer_statistics(
    model: ScIReN, table: Table, kind: Deviation = "mad"
) -> list[LayerStatistics]:
    """Measure every layer on the rows of a table (with their weights).

    Raises:
        ConfigError: the encoder is a black box.
        ColumnError: the table has other features than the model.
    """
    layers = required_layers(model.encoder)
    model.check_features(table)
    x = model.scaled(table.features)
    share = torch.ones_like(x[:, 0]) if table.weights is None else table.weights.to(x)
    share = share / share.sum()
    statistics = []
    for layer in layers:
        statistics.append(_measure(layer, x, share, kind))
        x = torch.cat([layer.edges(part).sum(1) for part in _chunks(x, layer)])
        x = x + layer.bias
    return statistics


def _measure(
    layer: EdgeLayer, x: Tensor, share: Tensor, kind: Deviation
) -> LayerStatistics:
    """Two passes in chunks of rows, so that wide layers fit into memory."""
    # The deviation is about the weighted mean of all rows, so the means come first.
    parts = _chunks(x, layer)
    pieces = list(zip(parts, share.split(len(parts[0])), strict=True))
    means = torch.stack(
        [torch.tensordot(w, layer.edges(part), dims=1) for part, w in pieces]
    ).sum(0)
    edges, nodes = torch.zeros_like(means), torch.zeros_like(means[0])
    for part, w in pieces:
        centred = layer.edges(part) - means
        edges += torch.tensordot(w, _size(centred, kind), dims=1)
        nodes += torch.tensordot(w, _size(centred.sum(1), kind), dims=1)
    if kind == "std":
        edges, nodes = edges.sqrt(), nodes.sqrt()
    # An edge that only varies by rounding is constant.
    edges = torch.where(edges > ROUNDING * means.abs(), edges, 0.0)
    return LayerStatistics(x, means, edges, nodes)


def _chunks(x: Tensor, layer: EdgeLayer) -> tuple[Tensor, ...]:
    return x.split(max(1, CHUNK // layer.mask.numel()))


def edge_importance(
    model: ScIReN,
    table: Table,
    normalisation: Normalisation = "layer_mean",
    deviation: Deviation = "mad",
) -> list[Tensor]:
    """Return the scores of all edges on an explicit evaluation set.

    Args:
        model: with an encoder that is made of edges.
        table: the rows that count, by their weights.
        normalisation, deviation: see `backward_scores` and `deviation`.
    Returns:
        (inputs, outputs) for each layer, as the layer's mask. With one layer and one
        output: deviation of the edge over deviation of the sum (the scores then need not
        add to one: they exceed it where edges cancel).
    Raises:
        ConfigError: the encoder is a black box.
    """
    measured = layer_statistics(model, table, deviation)
    return edge_scores(
        [layer.deviations for layer in measured],
        [layer.nodes for layer in measured],
        normalisation,
    )


def edge_shares(
    measured: Sequence[LayerStatistics], normalisation: Normalisation = "layer_mean"
) -> list[Tensor]:
    """Return the share of every edge in each output, (L, inputs, outputs) a layer.

    The shares of one output within one layer add to one (zero if it does not vary), so
    that outputs of different size are judged alike.
    """
    scores = backward_scores(
        [layer.deviations for layer in measured],
        [layer.nodes for layer in measured],
        normalisation,
    )
    return [each / each.sum((1, 2), keepdim=True).clamp_min(EPS) for each in scores]


def feature_importance(
    model: ScIReN,
    table: Table,
    normalisation: Normalisation = "layer_mean",
    deviation: Deviation = "mad",
) -> "pd.DataFrame":
    """Return the share of every feature in each latent's deviation.

    Args: see `edge_importance`.
    Returns:
        One row a feature, one column a latent; columns add to one (or are zero).
    Raises:
        ConfigError: the encoder is a black box.
    """
    import pandas as pd

    measured = layer_statistics(model, table, deviation)
    shares = edge_shares(measured, normalisation)[0].sum(-1)
    return pd.DataFrame(
        shares.T.cpu().numpy(),
        index=pd.Index(table.feature_names, name="feature"),
        columns=list(model.latent_names),
    )


def edge_table(
    model: ScIReN,
    table: Table,
    normalisation: Normalisation = "layer_mean",
    deviation: Deviation = "mad",
) -> "pd.DataFrame":
    """Return every edge with its importance, as a table that formulas are added to.

    Args: see `edge_importance`.
    Returns:
        Columns `EDGE_COLUMNS`, one row an edge. importance: share of the edge in the
        deviation of its latent (mean over the latents where several share it; the shares
        of one layer and latent add to one). status: "spline", or "dropped" for edges
        that are gone. low, high: range of the source on the table, raw units for
        features. The columns of formulas are empty.
    Raises:
        ConfigError: the encoder is a black box.
    """
    import pandas as pd

    measured = layer_statistics(model, table, deviation)
    shares = edge_shares(measured, normalisation)
    masks = [layer.mask for layer in required_layers(model.encoder)]
    # Ranges of features in raw units, as formulas are written; hidden nodes have no
    # others.
    inputs = [table.features, *(layer.inputs for layer in measured[1:])]
    low = [x.amin(0).tolist() for x in inputs]
    high = [x.amax(0).tolist() for x in inputs]
    frame = pd.DataFrame(model_edges(model, table.feature_names))
    places = list(zip(frame["layer"], frame["row"], frame["column"], strict=True))
    by_latent = [shares[layer][:, i, j] for layer, i, j in places]
    owner = [
        model.latent_names.index(name) if name else None for name in frame["latent"]
    ]
    frame["importance"] = [
        float(share.mean() if k is None else share[k])
        for share, k in zip(by_latent, owner, strict=True)
    ]
    kept = [bool(masks[layer][i, j] != 0) for layer, i, j in places]
    frame["status"] = ["spline" if alive else "dropped" for alive in kept]
    frame["low"] = [low[layer][i] for layer, i, _ in places]
    frame["high"] = [high[layer][i] for layer, i, _ in places]
    frame[["r2", "gap"]] = math.nan
    frame["ambiguous"] = False
    for name in set(EDGE_COLUMNS) - set(frame):
        frame[name] = ""
    return frame.reindex(columns=list(EDGE_COLUMNS))
