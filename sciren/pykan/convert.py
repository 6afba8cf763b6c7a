"""from_pykan: a pykan model or checkpoint as an encoder with the same outputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.encoders.layer import Base
from sciren.errors import ColumnError, ConfigError, ShapeError, closest_names
from sciren.pykan.encoder import KnotLayer, PykanEncoder
from sciren.pykan.network import Network, NetworkLayer
from sciren.pykan.reader import read_live, read_pykan

CUBIC = 3  # the order that our encoders have
# Of evenly spaced knots, share of the largest
ROUNDING = 8 * torch.finfo(torch.float32).eps


def from_pykan(
    source: Any,
    features: Sequence[str],
    kept: Sequence[str] | None = None,
    base: str | None = None,
) -> KANEncoder | PykanEncoder:
    """Return an encoder with the outputs of a pykan 0.2 model.

    It takes the features as the pykan model took them: scale them in the same way.
    Removed edges stay removed; node and subnode scales are folded into the curves, node
    biases into one. Nothing is fitted anew. What has evenly spaced cubic splines and no
    symbolic edge becomes a `KANEncoder` (``outside="zero"``: pykan falls to the base
    function beyond its knots); everything else, such as the adaptive grids of pykan's
    own training, becomes a `PykanEncoder`. `obstacles` says why, `refitted` makes a
    `KANEncoder` of it on given rows. Use it as it is, behind the scaling that the pykan
    model had (`fit` lays the knots of a `KANEncoder` anew and starts over, a
    `PykanEncoder` goes on from its weights).

    Args:
        source: a ``kan.KAN`` in memory, or the path of its checkpoint files.
        features: names of all columns of the data, in their order.
        kept: names of the columns that the network still takes, in its order. Needed
            after ``prune_input`` (checkpoints do not store it, and pykan forgets it in
            later steps).
        base: base function of a checkpoint that does not name it.
    Raises:
        FormatError: no pykan 0.2 model, or one that cannot be expressed: multiplication
            nodes, functions of the user's own, order 0, another base function.
        ConfigError: the kept columns are needed and not given.
        ColumnError: a kept column is not a feature.
        ShapeError: more inputs than features.
    """
    stored = isinstance(source, str | Path)
    network = read_pykan(source, base) if stored else read_live(source)
    encoder = _carried(network, _columns(network, features, kept), len(features))
    # Exactly first, then the simpler form where it says the same.
    return encoder if obstacles(encoder) else _uniform(encoder)


def _columns(
    network: Network, features: Sequence[str], kept: Sequence[str] | None
) -> list[int]:
    """Return the feature column of every input of the network."""
    names, n = list(features), network.n_inputs
    if len(set(names)) != len(names):
        raise ColumnError(f"features {names} repeat a name")
    if n > len(names):
        raise ShapeError(
            f"the network has {n} inputs, only {len(names)} features are named: {names}"
        )
    if kept is not None:
        return _named(list(kept), names, n)
    # As many inputs as features: nothing was pruned, whatever the model remembers.
    if n == len(names):
        return list(range(n))
    if network.kept is None:
        raise ConfigError(
            f"the network takes {n} of {len(names)} features and does not say which "
            f"(pykan loses it); name them in its order, kept=[...] out of {names}"
        )
    if max(network.kept) >= len(names):
        raise ShapeError(
            f"the network takes columns {list(network.kept)}, features has {len(names)}"
        )
    return list(network.kept)


def _named(kept: list[str], names: list[str], n: int) -> list[int]:
    for name in kept:
        if name not in names:
            raise ColumnError(
                f"kept column {name!r} is no feature. {closest_names(name, names)}"
            )
    if len(kept) != n or len(set(kept)) != n:
        raise ConfigError(f"kept={kept}: the network has {n} inputs, name each once")
    return [names.index(name) for name in kept]


# -- exact copies -------------------------------------------------------------------
@torch.no_grad()
def _carried(network: Network, columns: list[int], n_features: int) -> PykanEncoder:
    """Copy every layer; features that the network does not take have no edges."""
    places = [list(layer.functions()) for layer in network.layers]
    # Inputs of the first layer move to the columns of their features.
    moved = [(columns[i], j, name) for i, j, name in places[0]]
    encoder = PykanEncoder(
        n_features,
        network.layers[-1].coef.shape[1],
        hidden=[layer.coef.shape[1] for layer in network.layers[:-1]],
        grid=[layer.intervals for layer in network.layers],
        order=[layer.order for layer in network.layers],
        base=cast(Base, network.base),
        functions=[moved, *places[1:]],
    )
    for k, (layer, stored) in enumerate(
        zip(encoder.spline_layers, network.layers, strict=True)
    ):
        # Only the first layer has inputs that were left out; all others are carried
        # whole.
        rows = columns if k == 0 else list(range(len(stored.grid)))
        _fill(layer, stored, places[k], rows)
    return encoder


def _fill(
    layer: KnotLayer,
    stored: NetworkLayer,
    places: list[tuple[int, int, str]],
    rows: list[int],
) -> None:
    """Fold masks and scales into the curves, both affine maps into scale and bias."""
    # y = node_scale (subnode_scale sum + subnode_bias) + node_bias: the scales go into
    # the curves, the rest into one bias.
    scale = stored.node_scale * stored.subnode_scale
    # (n, s) times (s,): masks and scales of the node an edge ends in.
    size = stored.mask * scale
    spline = (size * stored.scale_sp).unsqueeze(-1) * stored.coef
    slope = size * stored.scale_base
    layer.knots[rows] = stored.grid
    layer.coefficients[rows] = spline
    if layer.slope is not None:
        layer.slope[rows] = slope
    layer.bias.copy_(stored.node_scale * stored.subnode_bias + stored.node_bias)
    alive = stored.mask != 0
    for place, (i, j, _) in enumerate(places):
        # pykan's symbolic arrays are (output, input), its numeric ones (input, output).
        strength = scale[j] * stored.symbolic_mask[j, i]
        a, b, c, d = stored.affine[j, i]
        layer.affine[place] = torch.stack((a, b, c * strength, d * strength))
        # An edge may be masked in its spline and live in its closed form.
        alive[i, j] = True
    # Features that the network does not take keep zero edges.
    layer.mask.zero_()
    layer.mask[rows] = alive.double()


# -- evenly spaced ------------------------------------------------------------------
def obstacles(encoder: PykanEncoder) -> list[str]:
    """Say what keeps a carried network from being a `KANEncoder`; empty when nothing.

    Returns:
        One sentence for each kind of obstacle, naming layer and input.
    """
    reasons = []
    for k, layer in enumerate(encoder.spline_layers):
        if layer.order != CUBIC:
            reasons.append(f"layer {k} has splines of order {layer.order}, not cubic")
        present = [
            edge for edge in layer.functions if layer.mask[edge[0], edge[1]] != 0
        ]
        if present:
            i, j, name = present[0]
            reasons.append(
                f"layer {k} has {len(present)} symbolic edges, the first {i} -> {j} {name!r}"
            )
        # Knots of inputs without edges do not matter.
        used = (layer.mask != 0).any(1)
        distance, size = _unevenness(layer.knots)
        bad = (used & (distance > ROUNDING * size)).nonzero().flatten().tolist()
        if bad:
            reasons.append(
                f"layer {k} has unevenly spaced (adaptive) knots at inputs {bad}"
            )
    return reasons


def _even(knots: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first knot and the step (i, 1) of evenly spaced knots."""
    first = knots[:, :1]
    return first, (knots[:, -1:] - first) / (knots.shape[1] - 1)


def _unevenness(knots: Tensor) -> tuple[Tensor, Tensor]:
    """Largest distance from evenly spaced knots, and largest size, each (i,)."""
    first, step = _even(knots)
    even = first + step * torch.arange(knots.shape[1]).to(knots)
    distance = (knots - even).abs().amax(1)
    # Knots that all coincide have no step; no spline lives there.
    distance = torch.where(step.squeeze(1) > 0, distance, torch.inf)
    return distance, knots.abs().amax(1)


@torch.no_grad()
def _uniform(encoder: PykanEncoder) -> KANEncoder:
    layers = encoder.spline_layers
    result = KANEncoder(
        encoder.n_inputs,
        encoder.n_outputs,
        hidden=encoder.hidden,
        grid=[layer.intervals for layer in layers],
        base=encoder.base,
        outside="zero",
        shared=True,
    )
    for new, old in zip(result.spline_layers, layers, strict=True):
        first, step = (values.squeeze(1) for values in _even(old.knots))
        # The knots beyond the range are pykan's extension by k on each side.
        low = first + CUBIC * step
        new.set_range(low, low + old.intervals * step)
        new.coefficients.copy_(old.coefficients)
        if new.slope is not None and old.slope is not None:
            new.slope.copy_(old.slope)
        new.bias.copy_(old.bias)
        new.mask.copy_(old.mask)
    return result
