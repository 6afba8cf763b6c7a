"""Solved hidden nodes as a layer of an encoder."""

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.model import ScIReN
from sciren.splines import ORDER
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.index_curves import Index


@torch.no_grad()
def write_hidden_layer(
    model: ScIReN,
    spline: SplineDesign,
    inner_curves: Tensor,
    outer_curves: Tensor,
    index: Index,
    edges: Tensor | None = None,
) -> None:
    """Give the encoder of a model this hidden layer.

    Args:
        model: whose encoder is replaced.
        spline: centred basis that the inner curves are written in.
        inner_curves: (L, H, p);  outer_curves: (L, H, M).
        index: of the nodes, whose range is that of the outer knots.
        edges: (d, L * H) bool, kept inner edges; default all.
    """
    old = model.encoder
    if not isinstance(old, KANEncoder):
        raise TypeError(f"a KANEncoder is needed, not {type(old).__name__}")
    first = old.spline_layers[0]
    latents, nodes, outer_width = outer_curves.shape
    settings = old.settings() | {"hidden": [nodes], "shared": False}
    settings["grid"] = [first.intervals, outer_width - ORDER]
    encoder = KANEncoder(**settings).to(inner_curves.device)
    inner, outer = encoder.spline_layers
    for layer in (inner, outer):
        if layer.slope is not None:
            layer.slope.zero_()
    inner.set_range(first.low, first.high)
    shape = (latents * nodes, spline.n_features, -1)
    curves = inner_curves.reshape(shape).transpose(0, 1)
    if edges is not None:
        inner.mask.copy_(edges)
        curves = curves * edges.unsqueeze(-1)
    mean = spline.mean.reshape(spline.n_features, 1, -1)
    inner.spaces = spline.knots.spaces
    # The index is centred; B-splines add up to one, so that the mean comes off every
    # coefficient. A hidden node needs no bias then.
    centred = curves - (curves * mean).sum(-1, keepdim=True)
    inner.coefficients.copy_(spline.knots.to_spline(centred))
    outer.set_range(index.low[0, 0].flatten(), index.high[0, 0].flatten())
    spread = outer_curves.flatten(0, 1).unsqueeze(1)  # (L H, 1, M)
    # Node h of latent l feeds only latent l: the mask keeps its own column.
    outer.coefficients.copy_(spread * outer.mask.unsqueeze(-1))
    model.encoder = encoder
