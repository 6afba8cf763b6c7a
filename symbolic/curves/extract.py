"""Trained model -> edge curves: the one place that looks inside an encoder."""

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
import torch
from torch import Tensor

from sciren.data.kinds import NUMERIC, Categorical, FeatureKind, kinds_in_order
from sciren.data.table import Table
from sciren.encoders.baselines import AdditiveEncoder, LinearEncoder
from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.pykan import PykanEncoder
from symbolic.curves.curve_errors import CurveErrors
from symbolic.curves.spline_curve import SplineCurve

POINTS = 400  # samples of a curve on the range of its source
KNOTS = 120  # of the table of a refused edge, at most


@dataclass(frozen=True, eq=False)
class Curve:
    """One edge as arrays, in the units in which the encoder sees it.

    Attributes:
        source: feature column, or hidden node of the latent for outer edges.
        x, y: (m,) scaled source and edge value in raw-latent units (hidden: of the node).
        weight: (m,) density of the training rows at x.
        table: the curve with straight lines beyond the data.
        errors: what the data know about the curve, see `edge_errors`.
        unit: shift and scale of the raw feature shift + scale * x.
        kind: of the feature; classes have a point each, weighed by their rows.
    """

    source: int
    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    table: SplineCurve
    errors: CurveErrors | None = None
    unit: tuple[float, float] = (0.0, 1.0)
    kind: FeatureKind = NUMERIC


@dataclass(frozen=True, eq=False)
class NodeCurves:
    """A hidden node: inner curves, offset of its index, outer curve."""

    inner: tuple[Curve, ...]
    offset: float
    outer: Curve


@dataclass(frozen=True, eq=False)
class LatentCurves:
    """A latent: direct curves or hidden nodes, and its offset, raw-latent units."""

    name: str
    offset: float
    edges: tuple[Curve, ...]
    nodes: tuple[NodeCurves, ...]


@torch.no_grad()
def extract(model: ScIReN, table: Table) -> list[LatentCurves]:
    """Sample every surviving edge on the range of the rows of a table.

    Raises:
        TrainingError: the encoder is a black box, has more than one hidden layer, or
            its latents share hidden nodes.
    """
    scaled = model.scaled(table.features)
    encoder = model.encoder
    if isinstance(encoder, KANEncoder | PykanEncoder) and encoder.hidden:
        return _hidden(model, encoder, scaled)
    if isinstance(encoder, Additive):
        return _additive(model, encoder, scaled)
    raise TrainingError(
        f"{type(encoder).__name__} has no edges to turn into formulas; "
        "train a KANEncoder, AdditiveEncoder or LinearEncoder"
    )


@singledispatch
def _grid(kind: FeatureKind, values: Tensor) -> tuple[Tensor, np.ndarray]:
    """Uniform grid on the range of values (n,) and the density of the values there."""
    low, high = float(values.min()), float(values.max())
    # a constant feature still needs a grid that increases
    if not high > low:
        high = low + 1e-9
    x = torch.linspace(low, high, POINTS, dtype=values.dtype)
    counts, _ = np.histogram(values.numpy(), bins=40, range=(low, high))
    # middles of 40 bins
    centres = np.linspace(low, high, 41)[:-1] + (high - low) / 80
    density = np.interp(x.numpy(), centres, counts / max(counts.mean(), 1e-12))
    # a gap in the data keeps a little weight, so that a form cannot do anything there
    return x, np.maximum(density, 0.02)


@_grid.register
def _(kind: Categorical, values: Tensor) -> tuple[Tensor, np.ndarray]:
    """Every class that has rows, and the number of these."""
    present, counts = torch.unique(values, return_counts=True)
    return present, counts.double().numpy()


def _feature_grids(
    model: ScIReN, scaled: Tensor
) -> tuple[list[tuple[Tensor, np.ndarray]], Tensor]:
    """Grid and density of every feature, and all grids side by side (m, d).

    Shorter grids are filled up with their last value.
    """
    names = model.feature_names or ("",) * scaled.shape[1]
    kinds = kinds_in_order(model.kinds, names)
    grids = [_grid(kind, x) for kind, x in zip(kinds, scaled.unbind(1), strict=True)]
    longest = max(len(x) for x, _ in grids)
    # the encoder takes all features at once; what is beyond a shorter grid is cut off again
    filled = [torch.cat((x, x[-1:].expand(longest - len(x)))) for x, _ in grids]
    return grids, torch.stack(filled, dim=1)


def _curve(source: int, edge: Tensor, x: Tensor, w: np.ndarray) -> Curve:
    z, y = x.numpy(), edge.numpy()[: len(x)]
    # slopes of the straight lines by which a refused curve goes on
    ends = (y[1] - y[0]) / (z[1] - z[0]), (y[-1] - y[-2]) / (z[-1] - z[-2])
    return Curve(source, z, y, w, SplineCurve.through(z, y, ends, KNOTS))


def _of_feature(
    model: ScIReN, source: int, edge: Tensor, x: Tensor, w: np.ndarray
) -> Curve:
    unit = float(model.feature_shift[source]), float(model.feature_scale[source])
    name = model.feature_names[source] if model.feature_names else ""
    kind = model.kinds.get(name, NUMERIC)
    return replace(_curve(source, edge, x, w), unit=unit, kind=kind)


Additive = KANEncoder | PykanEncoder | AdditiveEncoder | LinearEncoder


def _additive(model: ScIReN, encoder: Additive, scaled: Tensor) -> list[LatentCurves]:
    grids, x = _feature_grids(model, scaled)
    curves, mask, bias = _edges_of(encoder, x)
    # edges are centred on the rows, and their means move to the offset
    mean = _edges_of(encoder, scaled)[0].mean(0)
    result = []
    for k, name in enumerate(model.latent_names):
        scale = float(model.output_scale[k])
        alive = mask[:, k].nonzero().flatten().tolist()
        # raw latent = output_shift + output_scale * (bias + sum of edges)
        offset = float(model.output_shift[k] + scale * (bias[k] + mean[alive, k].sum()))
        edges = tuple(
            _of_feature(model, i, scale * (curves[:, i, k] - mean[i, k]), *grids[i])
            for i in alive
        )
        result.append(LatentCurves(name, offset, edges, ()))
    return result


def _edges_of(encoder: Additive, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Edge values (m, d, L), mask (d, L), bias (L,)."""
    if isinstance(encoder, LinearEncoder):
        weight, bias = encoder.linear.weight.T, encoder.linear.bias
        return x.unsqueeze(-1) * weight, torch.ones_like(weight), bias
    additive = isinstance(encoder, AdditiveEncoder)
    layer = encoder if additive else encoder.spline_layers[0]
    return layer.edges(x), layer.mask, layer.bias


def _hidden(
    model: ScIReN, encoder: KANEncoder | PykanEncoder, scaled: Tensor
) -> list[LatentCurves]:
    latents = len(model.latent_names)
    if len(encoder.hidden) > 1 or (encoder.shared and latents > 1):
        raise TrainingError(
            f"an encoder with hidden={encoder.hidden}, shared={encoder.shared} is not "
            "turned into formulas; use one hidden layer with nodes of their own"
        )
    inner, outer = encoder.spline_layers
    # outer curves are asked on the range that the hidden nodes reach on the rows
    hidden = inner(scaled)
    grids, x = _feature_grids(model, scaled)
    curves, mean = inner.edges(x), inner.edges(scaled).mean(0)
    outer_grids = [_grid(NUMERIC, column) for column in hidden.unbind(1)]
    s = torch.stack([grid for grid, _ in outer_grids], dim=1)
    outer_curves = outer.edges(s)
    result = []
    for k, name in enumerate(model.latent_names):
        scale = float(model.output_scale[k])
        offset = float(model.output_shift[k] + scale * outer.bias[k])
        nodes = []
        for h in outer.mask[:, k].nonzero().flatten().tolist():
            alive = inner.mask[:, h].nonzero().flatten().tolist()
            edges = tuple(
                _of_feature(model, i, curves[:, i, h] - mean[i, h], *grids[i])
                for i in alive
            )
            # offset of the index, in units of the hidden node
            start = float(inner.bias[h] + mean[alive, h].sum())
            top = _curve(h, scale * outer_curves[:, h, k], *outer_grids[h])
            nodes.append(NodeCurves(edges, start, top))
        result.append(LatentCurves(name, offset, (), tuple(nodes)))
    return result
