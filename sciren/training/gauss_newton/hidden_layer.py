"""Solved hidden nodes as a layer of an encoder."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder

if TYPE_CHECKING:
    from sciren.training.gauss_newton.hidden import HiddenProblem


@torch.no_grad()
def write_hidden_layer(
    problem: "HiddenProblem", theta: Tensor, edges: Tensor | None = None
) -> None:
    """Write one member (P,) into the model; its encoder gets this hidden layer.

    Args:
        problem, theta: solved problem and one of its members.
        edges: (d, L * H) bool, kept inner edges; default all.
    """
    model = problem.term.model
    old = model.encoder
    if not isinstance(old, KANEncoder):
        raise TypeError(f"a KANEncoder is needed, not {type(old).__name__}")
    first = old.spline_layers[0]
    settings = old.settings()
    settings |= {"hidden": [problem.nodes], "shared": False}
    settings["grid"] = [first.intervals, problem.intervals]
    encoder = KANEncoder(**settings).to(theta.device)
    parts = problem.unpack(theta.unsqueeze(0))
    index = problem.index(parts.inner)
    inner, outer = encoder.spline_layers
    for layer in (inner, outer):
        if layer.slope is not None:
            layer.slope.zero_()
    inner.set_range(first.low, first.high)
    shape = (problem.n_latents * problem.nodes, problem.n_features, -1)
    curves = parts.inner[0].reshape(shape).transpose(0, 1)
    if edges is not None:
        inner.mask.copy_(edges)
        curves = curves * edges.unsqueeze(-1)
    mean = problem.spline.mean.reshape(problem.n_features, 1, -1)
    inner.coefficients.copy_(curves - (curves * mean).sum(-1, keepdim=True))
    outer.set_range(index.low[0, 0].flatten(), index.high[0, 0].flatten())
    spread = parts.outer[0].flatten(0, 1).unsqueeze(1)  # (L H, 1, M)
    outer.coefficients.copy_(spread * outer.mask.unsqueeze(-1))
    model.encoder = encoder
    model.constant_raw.copy_(parts.constants[0])
