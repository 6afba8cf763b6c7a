"""Networks in the formats of PEtab-SciML: layers in YAML, weights in HDF5."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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


def network_record(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the network in the YAML format of the standard."""
    # The nodes are those of a torch.fx graph: each names its inputs by the nodes before it.
    forward: list[dict[str, Any]] = [_node("x", "placeholder", "x", [])]
    # ends[n]: the node that leaves layer n, its activation where it has one.
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
