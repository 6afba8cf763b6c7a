"""An encoder as the layers of PEtab-SciML, with the scaling of both ends inside."""

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
class Layer:
    """One layer and what follows it.

    Attributes:
        weight: (out, in), or (out, in, in of the partner) of a product of two layers.
        bias: (out,).
        activation: name of a function of torch, "" for none.
        partner: number, from 1, of the layer whose output is the other factor.
    """

    weight: np.ndarray
    bias: np.ndarray
    activation: str = ""
    partner: int = 0


def layers_of(model: "ScIReN") -> list[Layer]:
    """Return the encoder as layers with the scaling inside.

    Raises:
        ConfigError: the format has no such layers.
    """
    from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder

    encoder = model.encoder
    if isinstance(encoder, KANEncoder):
        from discovery.interop.petab_splines import spline_layers

        return spline_layers(model, encoder)
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
            f"PEtab-SciML has no layers for this {type(encoder).__name__}; it takes "
            "splines of one layer, a linear encoder, or an mlp without batch norm, skips "
            "and classes. The equations of other encoders are source code in code/"
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
    follow = [activation] * (len(weights) - 1) + [""]
    return [Layer(*parts) for parts in zip(weights, biases, follow, strict=True)]


def _first(block: "nn.Module") -> "nn.Module":
    return next(iter(block.children()))


def network_record(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the network in the YAML format of the standard."""
    forward: list[dict[str, Any]] = [_node("x", "placeholder", "x", [])]
    listed, ends = [], [""]
    for number, layer in enumerate(layers, 1):
        name, shape = f"layer{number}", layer.weight.shape
        given = [forward[-1]["name"]]
        if layer.partner:
            given.append(ends[layer.partner])
            sizes = ("out_features", "in1_features", "in2_features")
        else:
            sizes = ("out_features", "in_features")
        listed.append(
            {
                "layer_id": name,
                "layer_type": "Bilinear" if layer.partner else "Linear",
                "args": dict(zip(sizes, shape, strict=True)) | {"bias": True},
            }
        )
        forward.append(_node(name, "call_module", name, given))
        if layer.activation:
            made = f"{layer.activation}{number}"
            forward.append(_node(made, "call_function", layer.activation, [name]))
        ends.append(forward[-1]["name"])
    forward.append(_node("output", "output", "output", [forward[-1]["name"]]))
    return {
        "nn_model_id": NET,
        "inputs": [{"input_id": "x"}],
        "layers": listed,
        "forward": forward,
    }


def _node(name: str, op: str, target: str, args: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "op": op, "target": target, "args": list(args), "kwargs": {}}


def write_weights(layers: Sequence[Layer], path: Path) -> None:
    """Write the weights in the HDF5 format of the standard."""
    import h5py

    with h5py.File(path, "w") as file:
        file["metadata/pytorch_format"] = True
        for number, layer in enumerate(layers, 1):
            group = file.create_group(f"parameters/{NET}/layer{number}")
            # Products of layers are nearly all zeros, which packed take no room.
            group.create_dataset("weight", data=layer.weight, compression="gzip")
            group["bias"] = layer.bias
