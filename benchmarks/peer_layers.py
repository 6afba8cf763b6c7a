"""Spline layers to compare with: pykan's, and the plain recursion of Cox and de Boor."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sciren.pykan import contained

INTERVALS = 30
WEIGHT = 1e-3  # of entropy and L1
SMOOTH = 1e-6  # of the squared second differences


class RecursionLayer(nn.Module):
    """Cubic splines by the recursion, coefficients (i, j, G + 3), edges (n, i, j)."""

    knots: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        steps = torch.arange(-3, INTERVALS + 4)
        self.register_buffer("knots", steps * (2 / INTERVALS) - 1)
        self.coef = nn.Parameter(0.1 * torch.randn(inputs, outputs, INTERVALS + 3))

    def edges(self, x: Tensor) -> Tensor:
        """Return every edge's output."""
        return torch.einsum("nik,ijk->nij", _recursion(x, self.knots), self.coef)


def _recursion(x: Tensor, knots: Tensor) -> Tensor:
    x = x.unsqueeze(-1)
    values = ((x >= knots[:-1]) & (x < knots[1:])).to(x.dtype)
    for k in range(1, 4):
        left = (x - knots[: -k - 1]) / (knots[k:-1] - knots[: -k - 1])
        right = (knots[k + 1 :] - x) / (knots[k + 1 :] - knots[1:-k])
        values = left * values[..., :-1] + right * values[..., 1:]
    return values


def penalty(edges: Sequence[Tensor], coefficients: Sequence[Tensor]) -> Tensor:
    """The same entropy, L1 and smoothness for every candidate, by autograd.

    Args:
        edges: (n, i, j) of each layer.
        coefficients: (i, j, G + 3) of each layer.
    """
    above = edges[-1].new_ones(edges[-1].shape[2]) / edges[-1].shape[2]
    total = edges[-1].new_zeros(())
    for each in reversed(edges):
        nodes = each.detach().sum(1)
        size = (nodes - nodes.mean(0)).abs().mean()
        score = (each - each.mean(0)).abs().mean(0) * above / size
        above = score.sum(1)
        share = score / score.sum()
        bits = -(share * torch.log2(share + 1e-4)).sum()
        total = total + WEIGHT * (score.sum() + bits)
    for coefficient in coefficients:
        total = total + SMOOTH * coefficient.diff(n=2, dim=-1).square().sum()
    return total


class NoBase(nn.SiLU):
    """Stands where pykan wants SiLU, and adds nothing."""

    def forward(self, input: Tensor) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(input)


def pykan_step(widths: Sequence[int], x: Tensor, y: Tensor) -> Callable[[], None]:
    """A regularised step of pykan's layers, edges taken from their own outputs."""
    with contained():
        from kan.KANLayer import KANLayer

        layers = nn.ModuleList(
            KANLayer(i, j, num=INTERVALS, k=3, base_fun=NoBase())
            for i, j in itertools.pairwise(widths)
        )

    def run(value: Tensor) -> tuple[Tensor, list[Tensor]]:
        edges = []
        for layer in layers:
            value, _, curves, _ = layer(value)
            edges.append(curves.transpose(1, 2))
        return value, edges

    return _step(layers, run, [_coefficients(layer) for layer in layers], x, y)


def _coefficients(layer: Any) -> Tensor:
    return layer.coef


def recursion_step(widths: Sequence[int], x: Tensor, y: Tensor) -> Callable[[], None]:
    """A regularised step of layers by the plain recursion."""
    layers = nn.ModuleList(RecursionLayer(i, j) for i, j in itertools.pairwise(widths))

    def run(value: Tensor) -> tuple[Tensor, list[Tensor]]:
        edges = []
        for layer in layers:
            assert isinstance(layer, RecursionLayer)
            edges.append(layer.edges(value))
            value = edges[-1].sum(1)
        return value, edges

    return _step(layers, run, [_coefficients(layer) for layer in layers], x, y)


def _step(
    layers: nn.Module,
    run: Callable[[Tensor], tuple[Tensor, list[Tensor]]],
    coefficients: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
) -> Callable[[], None]:
    leaves = [leaf for leaf in layers.parameters() if leaf.requires_grad]
    optimiser = torch.optim.AdamW(leaves, lr=1e-3)

    def step() -> None:
        optimiser.zero_grad()
        found, edges = run(x)
        loss = (found - y).square().mean() + penalty(edges, coefficients)
        loss.backward()
        optimiser.step()

    return functools.wraps(run)(step)
