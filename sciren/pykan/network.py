"""The tensors of a pykan network under its own names, checked once."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.errors import FormatError, closest_names
from sciren.pykan.functions import FUNCTIONS

NODES = ("node_bias", "node_scale", "subnode_bias", "subnode_scale")
CURVES = ("grid", "coef", "mask", "scale_base", "scale_sp")
BASES = ("silu", "identity", "zero")


@dataclass(frozen=True, eq=False)
class NetworkLayer:
    """One layer: n nodes in, s nodes out (no products).

    Attributes:
        grid: (n, G + 1 + 2k) knots;  coef: (n, s, G + k).
        mask, scale_base, scale_sp: (n, s).
        symbolic_mask: (s, n);  affine: (s, n, 4) = a, b, c, d of c f(a u + b) + d.
        names: s rows of n function names.
        node_bias, node_scale, subnode_bias, subnode_scale: (s,).
    """

    grid: Tensor
    coef: Tensor
    mask: Tensor
    scale_base: Tensor
    scale_sp: Tensor
    symbolic_mask: Tensor
    affine: Tensor
    names: tuple[tuple[str, ...], ...]
    node_bias: Tensor
    node_scale: Tensor
    subnode_bias: Tensor
    subnode_scale: Tensor

    @property
    def order(self) -> int:
        """Spline order k."""
        return self.grid.shape[1] - self.coef.shape[2] - 1

    @property
    def intervals(self) -> int:
        """Grid intervals G."""
        return self.coef.shape[2] - self.order

    def functions(self) -> Iterator[tuple[int, int, str]]:
        """Yield (input, output, name) of the symbolic edges that are switched on."""
        for j, i in self.symbolic_mask.nonzero().tolist():
            # pykan calls a removed edge "0"; its constant d may still be there.
            if self.names[j][i] != "0" or bool(self.affine[j, i, 3] != 0):
                yield i, j, self.names[j][i]


@dataclass(frozen=True, eq=False)
class Network:
    """All layers, the base function, and which feature columns enter.

    Attributes:
        kept: columns that the network takes, None where that is not known (files, and
            models that lost it).
    """

    layers: tuple[NetworkLayer, ...]
    base: str
    kept: tuple[int, ...] | None = None

    @property
    def n_inputs(self) -> int:
        """Number of columns that enter."""
        return self.layers[0].grid.shape[0]


def network_from(
    state: Mapping[str, Tensor],
    names: Sequence[Sequence[Sequence[str]]],
    base: str,
    symbolic: bool = True,
    kept: Sequence[int] | None = None,
) -> Network:
    """Check a state_dict of pykan 0.2 and sort it by layers.

    Args:
        state: pykan's names and shapes; sizes are taken from the shapes.
        names: for each layer rows of function names, (outputs, inputs).
        base: "silu", "identity" or "zero".
        symbolic: False where the model computes without its symbolic edges.
        kept: columns that enter, where known.
    Raises:
        FormatError: something is missing, has another shape or is not finite; the
            network multiplies nodes; an order is below one; a function is not known.
    """
    if base not in BASES:
        raise FormatError(f"base function {base!r} is none of {', '.join(BASES)}")
    depth = sum(name.endswith(".coef") for name in state)
    if depth == 0:
        raise FormatError(
            f"no layer of pykan 0.2 was found (act_fun.0.coef). "
            f"{closest_names('act_fun.0.coef', state)}"
        )
    if len(names) != depth:
        raise FormatError(f"{len(names)} layers of function names, {depth} of curves")
    layers = tuple(_layer(state, k, names[k], symbolic) for k in range(depth))
    for k, (layer, after) in enumerate(itertools.pairwise(layers)):
        if layer.coef.shape[1] != after.coef.shape[0]:
            raise FormatError(
                f"layer {k} has {layer.coef.shape[1]} outputs, layer {k + 1} "
                f"{after.coef.shape[0]} inputs"
            )
    return Network(layers, base, None if kept is None else tuple(kept))


def _layer(
    state: Mapping[str, Tensor], k: int, names: Sequence[Sequence[str]], symbolic: bool
) -> NetworkLayer:
    arrays = {name: _tensor(state, f"{name}_{k}") for name in NODES}
    arrays |= {name: _tensor(state, f"act_fun.{k}.{name}") for name in CURVES}
    mask = _tensor(state, f"symbolic_fun.{k}.mask")
    # A model with its symbolic part switched off keeps the numbers, but computes
    # without.
    arrays |= {"symbolic_mask": mask if symbolic else torch.zeros_like(mask)}
    arrays |= {"affine": _tensor(state, f"symbolic_fun.{k}.affine")}
    _check_products(arrays, k)
    _check_shapes(arrays, k)
    rows = tuple(tuple(str(name) for name in row) for row in names)
    n, s = arrays["mask"].shape
    if len(rows) != s or any(len(row) != n for row in rows):
        raise FormatError(f"layer {k} needs {s} rows of {n} function names")
    layer = NetworkLayer(names=rows, **arrays)
    for i, j, name in layer.functions():
        if name not in FUNCTIONS:
            raise FormatError(
                f"edge {i} -> {j} of layer {k} is the function {name!r}, which is not "
                f"in pykan's library and whose formula is stored nowhere. "
                f"{closest_names(name, FUNCTIONS)}"
            )
    return layer


def _tensor(state: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in state:
        raise FormatError(
            f"tensor {name!r} of pykan 0.2 is missing. {closest_names(name, state)}"
        )
    value = state[name].detach().cpu()
    if not bool(torch.isfinite(value).all()):
        raise FormatError(f"tensor {name!r} holds numbers that are not finite")
    return value.double()


def _check_products(arrays: Mapping[str, Tensor], k: int) -> None:
    nodes, parts = len(arrays["node_bias"]), len(arrays["subnode_bias"])
    # pykan sums into subnodes first and multiplies those; without products they are as
    # many.
    if nodes != parts:
        raise FormatError(
            f"layer {k} multiplies: {parts} sums become {nodes} nodes. Encoders here add "
            "curves of single variables, so products of nodes cannot be expressed; "
            "train without multiplication nodes (width as plain numbers)"
        )


def _check_shapes(arrays: Mapping[str, Tensor], k: int) -> None:
    if arrays["coef"].dim() != 3 or arrays["grid"].dim() != 2:
        raise FormatError(
            f"layer {k} has coefficients {tuple(arrays['coef'].shape)} and knots "
            f"{tuple(arrays['grid'].shape)}; pykan 0.2 has (n, s, G + k) and (n, G + 1 + 2k)"
        )
    n, s, size = arrays["coef"].shape
    # Files name neither G nor k: G + 1 + 2k knots less G + k coefficients less one is
    # k.
    order = arrays["grid"].shape[1] - size - 1
    if order < 1 or size - order < 1:
        raise FormatError(
            f"layer {k} has {size} coefficients on {arrays['grid'].shape[1]} knots, order "
            f"{order}; steps (order 0) and shorter grids cannot be expressed"
        )
    expected = dict.fromkeys(NODES, (s,)) | {
        "grid": (n, size + order + 1),
        "mask": (n, s),
        "scale_base": (n, s),
        "scale_sp": (n, s),
        "symbolic_mask": (s, n),
        "affine": (s, n, 4),
    }
    for name, shape in expected.items():
        if tuple(arrays[name].shape) != shape:
            raise FormatError(
                f"{name} of layer {k} has the shape {tuple(arrays[name].shape)}, "
                f"expected {shape}"
            )
