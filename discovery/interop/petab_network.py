"""An encoder as the dense layers of PEtab-SciML, with the scaling of both ends inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from sciren.model import ScIReN

NET = "net"
"""Name of the network in a problem."""


@dataclass(frozen=True)
class Layers:
    """A dense network: linear layers with an activation between them.

    Attributes:
        weights, biases: of each layer, raw columns in, raw latents out.
        activation: name of a function of torch, "" where there is one layer.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activation: str


def layers_of(model: "ScIReN") -> Layers:
    """Return the encoder as dense layers with the scaling inside.

    Raises:
        ConfigError: the format has no such layers.
    """
    from sciren.encoders import LinearEncoder, MLPEncoder

    encoder = model.encoder
    if isinstance(encoder, LinearEncoder):
        dense: list[Any] = [encoder.linear]
        activation = ""
    elif isinstance(encoder, MLPEncoder) and not (
        encoder.batch_norm or encoder.skip or encoder.kinds
    ):
        # A block is a linear layer and its activation; the activation is written once
        # for all.
        dense = [_first(block) for block in encoder.blocks] + [encoder.head]
        activation = encoder.activation
    else:
        raise ConfigError(
            f"PEtab-SciML has no layers for this {type(encoder).__name__}; it takes a "
            "linear encoder, or an mlp without batch norm, skips and classes. The equations "
            "of other encoders are source code in code/"
        )
    weights = [layer.weight.detach().numpy().copy() for layer in dense]
    biases = [layer.bias.detach().numpy().copy() for layer in dense]
    shift, scale = model.feature_shift.numpy(), model.feature_scale.numpy()
    # The first layer takes (x - shift) / scale: W ((x - s) / c) + b = (W / c) x + (b -
    # (W / c) s).
    weights[0] = weights[0] / scale
    biases[0] = biases[0] - weights[0] @ shift
    # The last one gives scale * out + shift, so both are multiplied into it.
    size = model.output_scale.numpy()
    weights[-1] = weights[-1] * size[:, None]
    biases[-1] = biases[-1] * size + model.output_shift.numpy()
    return Layers(tuple(weights), tuple(biases), activation)


def _first(block: "nn.Module") -> "nn.Module":
    return next(iter(block.children()))


def network_record(layers: Layers) -> dict[str, Any]:
    """Return the network in the YAML format of the standard."""
    forward: list[dict[str, Any]] = [_node("x", "placeholder", "x", [])]
    listed = []
    for number, weight in enumerate(layers.weights):
        name = f"layer{number + 1}"
        size = {"in_features": weight.shape[1], "out_features": weight.shape[0]}
        listed.append(
            {"layer_id": name, "layer_type": "Linear", "args": size | {"bias": True}}
        )
        forward.append(_node(name, "call_module", name, [forward[-1]["name"]]))
        if number + 1 < len(layers.weights):
            made = f"{layers.activation}{number + 1}"
            forward.append(_node(made, "call_function", layers.activation, [name]))
    forward.append(_node("output", "output", "output", [forward[-1]["name"]]))
    return {
        "nn_model_id": NET,
        "inputs": [{"input_id": "x"}],
        "layers": listed,
        "forward": forward,
    }


def _node(name: str, op: str, target: str, args: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "op": op, "target": target, "args": list(args), "kwargs": {}}


def write_weights(layers: Layers, path: Path) -> None:
    """Write the weights in the HDF5 format of the standard."""
    import h5py

    with h5py.File(path, "w") as file:
        file["metadata/pytorch_format"] = True
        pairs = zip(layers.weights, layers.biases, strict=True)
        for number, (weight, bias) in enumerate(pairs):
            place = f"parameters/{NET}/layer{number + 1}"
            file[f"{place}/weight"], file[f"{place}/bias"] = weight, bias
