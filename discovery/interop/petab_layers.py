"""An encoder as the layers of PEtab-SciML, with the scaling of both ends inside."""

from typing import TYPE_CHECKING, Any

from discovery.interop.petab_network import Layer
from discovery.interop.petab_splines import spline_layers
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from sciren.model import ScIReN


def layers_of(model: "ScIReN") -> list[Layer]:
    """Return the encoder as layers with the scaling inside.

    Raises:
        ConfigError: the format has no such layers.
    """
    from sciren.encoders import KANEncoder, LinearEncoder, MLPEncoder

    encoder = model.encoder
    if isinstance(encoder, KANEncoder):
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
