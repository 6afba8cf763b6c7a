"""The readable definition of a penalised spline network: recursion and autograd."""

import itertools
from types import SimpleNamespace

import pytest
import torch

from sciren.importance import deviation, edge_scores
from sciren.kernels.layer import base_value
from sciren.kernels.network import LayerPlan, NetworkPlan
from sciren.kernels.window import Knots, dense_rows, window
from sciren.splines import roughness_matrix


def recursion(x, knots, degree):
    """Basis functions of a degree at x (..., 1) by Cox and de Boor."""
    if degree == 0:
        return ((x >= knots[..., :-1]) & (x < knots[..., 1:])).to(x.dtype)
    below = recursion(x, knots, degree - 1)
    left = (x - knots[..., : -degree - 1]) / (
        knots[..., degree:-1] - knots[..., : -degree - 1]
    )
    right = (knots[..., degree + 1 :] - x) / (
        knots[..., degree + 1 :] - knots[..., 1:-degree]
    )
    return left * below[..., :-1] + right * below[..., 1:]


def basis(x, low, high, intervals, outside):
    """(n, i) -> (n, i, G + 3) from the definition."""
    spacing = ((high - low) / intervals).unsqueeze(-1)
    steps = torch.arange(-3, intervals + 4, dtype=x.dtype)
    knots = low.unsqueeze(-1) + spacing * steps
    if outside == "zero":
        return recursion(x.unsqueeze(-1), knots, 3)
    # The last knot belongs to the range: look from just inside, in exact arithmetic.
    inside = torch.minimum(torch.maximum(x, low), high)
    seen = torch.where(inside >= high, inside - 1e-13 * (high - low), inside)
    value = recursion(seen.unsqueeze(-1), knots, 3)
    lower = recursion(seen.detach().unsqueeze(-1), knots, 2)
    slope = (lower[..., :-1] - lower[..., 1:]) / spacing
    return value + slope * (x - inside).unsqueeze(-1)


def entropy_of(scores, form):
    share = scores / scores.sum()
    if form == "paper":
        return -(share * torch.log(share + 1e-12)).sum()
    return -(share * torch.log2(share + 1e-4)).sum()


class Net:
    """One network: ranges, coefficients, biases and masks of its layers."""

    def __init__(self, widths, seed, outside="linear", base="zero", masked=False):
        generator = torch.Generator().manual_seed(seed)

        def uniform(*shape):
            return torch.rand(*shape, generator=generator, dtype=torch.float64) * 2 - 1

        self.outside, self.base, self.layers = outside, base, []
        for depth, (i, j) in enumerate(itertools.pairwise(widths)):
            low = -torch.ones(i) if depth == 0 else -1 + 0.3 * uniform(i)
            high = torch.ones(i) if depth == 0 else 1 + 0.3 * uniform(i)
            mask = torch.ones(i, j, dtype=torch.float64)
            mask[0, 0] = 0.0 if masked else 1.0
            size = 5 + depth + 3 + (base != "zero")
            self.layers.append(
                SimpleNamespace(
                    low=low.double(), high=high.double(), intervals=5 + depth,
                    mask=mask, c=uniform(i, j, size) * mask.unsqueeze(-1),
                    bias=uniform(j),
                )
            )  # fmt: skip

    def weights(self):
        return [layer.c for layer in self.layers] + [
            layer.bias for layer in self.layers
        ]

    def edges(self, layer, x):
        size = layer.intervals + 3
        design = basis(x, layer.low, layer.high, layer.intervals, self.outside)
        found = torch.einsum("nik,ijk->nij", design, layer.c[..., :size])
        if self.base != "zero":
            found = found + base_value(self.base, x).unsqueeze(-1) * layer.c[..., size]
        return found * layer.mask

    def __call__(self, x, entropy=0.0, l1=0.0, smooth=0.0, form="code"):
        """Outputs (n, L) and the penalty."""
        edges, rough = [], x.new_zeros(())
        for layer in self.layers:
            edges.append(self.edges(layer, x))
            x = edges[-1].sum(1) + layer.bias
            c = layer.c[..., : layer.intervals + 3]
            energy = ((c @ roughness_matrix(layer.intervals)) * c).sum(-1) * layer.mask
            spacing = (layer.high - layer.low) / layer.intervals
            rough = rough + (energy / spacing.unsqueeze(-1) ** 3).sum()
        paper = form == "paper"
        scores = edge_scores(
            [deviation(e) for e in edges],
            [deviation(e.detach().sum(1)) for e in edges],
            "node" if paper else "layer_mean",
            x.detach().var(0, correction=0) if paper else None,
        )
        sparse = entropy * sum(entropy_of(score, form) for score in scores)
        sparse = sparse + l1 * sum(score.sum() for score in scores)
        return x, sparse + smooth * rough


def grouped(nets, streams=1, entropy=0.0, l1=0.0, smooth=0.0, form="code"):
    """Plan, coefficients and biases of networks side by side."""
    each = len(nets) // streams

    def columns(part, depth):
        if depth:
            return torch.stack([part(net.layers[depth]) for net in nets])
        parts = [part(net.layers[0]) for net in nets]
        axis = 1 if parts[0].dim() > 1 else 0
        return torch.stack(
            [torch.cat(parts[s * each : s * each + each], axis) for s in range(streams)]
        )

    layers, coefficients, biases = [], [], []
    for depth, layer in enumerate(nets[0].layers):
        c, mask = (
            columns(lambda p: p.c, depth),
            columns(lambda p: p.mask, depth).unsqueeze(-1),
        )
        owners = nets[:streams] if depth == 0 else nets
        low = torch.cat([net.layers[depth].low for net in owners])
        high = torch.cat([net.layers[depth].high for net in owners])
        size = layer.intervals + 3
        matrix = torch.zeros(c.shape[-1], c.shape[-1], dtype=c.dtype)
        matrix[:size, :size] = roughness_matrix(layer.intervals)
        cubes = ((high - low) / layer.intervals) ** -3
        weight = smooth * cubes.view(len(c), -1, 1, 1) * mask
        layers.append(
            LayerPlan(
                Knots.of(low, high, layer.intervals, nets[0].outside), nets[0].base,
                mask if bool((mask == 0).any()) else None, matrix, weight,
            )
        )  # fmt: skip
        coefficients.append(c)
        biases.append(columns(lambda p: p.bias, depth))
    single = len(nets) == 1

    def weight_of(value):
        return value if single else torch.full((len(nets),), value, dtype=torch.float64)

    plan = NetworkPlan(
        tuple(layers), len(nets), streams, weight_of(entropy), weight_of(l1),
        form == "paper",
    )  # fmt: skip
    return plan, coefficients, biases


def rows_of(plan, x):
    """Whole rows (U, n, R, B) of the first layer at x (U, B, n)."""
    layer = plan.layers[0]
    turned = x.transpose(1, 2).reshape(-1, x.shape[1])
    full = dense_rows(
        window(turned, layer.knots), layer.knots, base_value(layer.base, turned)
    )
    return full.reshape(len(x), -1, *full.shape[1:])


@pytest.fixture(scope="session")
def reference():
    """The definition, by name."""
    return SimpleNamespace(basis=basis, Net=Net, grouped=grouped, rows_of=rows_of)
