"""Points where one hidden layer starts: straight random indices, outer splines solved."""

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.encoders.kan import KANEncoder
from sciren.splines import greville
from sciren.training.gauss_newton.hidden import HiddenProblem


def straight_indices(
    problem: HiddenProblem, encoder: KANEncoder, count: int, seed: int
) -> Tensor:
    """Draw inner coefficients (count, L, H, p) of straight random directions."""
    generator = seeded(seed)
    layer = encoder.spline_layers[0]
    lines = greville(layer.low, layer.high, layer.intervals)  # (d, m)
    shape = (count, problem.n_latents, problem.nodes, problem.n_features, 1)
    directions = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (directions.to(lines.device) * lines).flatten(-2)


@torch.no_grad()
def hidden_start(problem: HiddenProblem, inner: Tensor, constants: Tensor) -> Tensor:
    """Complete inner coefficients to theta (S, P) by solving the outer splines.

    Args:
        inner: (S, L, H, p).
        constants: (S, K) on the training scale.
    """
    outer = inner.new_zeros(*inner.shape[:3], problem.outer_width)
    theta = problem.pack(inner, outer, constants)
    return problem.solve_outer(theta, torch.arange(len(inner), device=inner.device))
