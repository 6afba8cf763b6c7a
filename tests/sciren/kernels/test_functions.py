"""Edges and sums of a layer as nodes of automatic differentiation."""

import pytest
import torch

from sciren.encoders.layer import SplineLayer
from sciren.errors import TrainingError
from sciren.kernels.functions import EdgeCurves, EdgeSums
from sciren.kernels.window import Knots


def made(outputs, outside, base):
    generator = torch.Generator().manual_seed(0)
    layer = SplineLayer(2, outputs, 4, base, outside)
    with torch.no_grad():
        for part in layer.parameters():
            part.copy_(torch.randn(part.shape, generator=generator))
    x = torch.randn(11, 2, generator=generator, dtype=torch.float64) * 1.4
    return layer, x


CASES = [
    (outputs, outside, base)
    for outputs in (1, 3)
    for outside in ("linear", "zero")
    for base in ("zero", "identity", "silu")
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("node", [EdgeCurves, EdgeSums])
def test_gradients_agree_with_differences(case, node):
    layer, x = made(*case)
    table = layer.table().detach().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, table: node.apply(x, table, layer.knots(), layer.base),
        (x.requires_grad_(), table),
    )


@pytest.mark.parametrize("case", CASES)
def test_the_sums_are_the_edges_added(case):
    layer, x = made(*case)
    torch.testing.assert_close(layer(x), layer.edges(x).sum(1) + layer.bias)


@pytest.mark.parametrize("case", CASES)
def test_curves_are_the_definition(reference, case):
    layer, x = made(*case)
    basis = reference.basis(x, layer.low, layer.high, 4, layer.outside)
    expected = torch.einsum("nik,ijk->nij", basis, layer.coefficients)
    if layer.slope is not None:
        b = x if layer.base == "identity" else torch.nn.functional.silu(x)
        expected = expected + b.unsqueeze(-1) * layer.slope
    torch.testing.assert_close(layer.edges(x), expected)


def test_only_what_needs_a_gradient_gets_one():
    layer, x = made(2, "linear", "zero")
    knots = Knots.of(layer.low, layer.high, 4, "linear")
    moved = x.clone().requires_grad_()
    for node in (EdgeCurves, EdgeSums):
        y = node.apply(moved, layer.table().detach(), knots, "zero")
        (slope,) = torch.autograd.grad(y.sum(), moved)
        assert slope.shape == x.shape


def test_many_rows_are_taken_in_parts(monkeypatch):
    layer, x = made(3, "linear", "silu")
    whole = layer(x)
    monkeypatch.setattr("sciren.encoders.layer.WHOLE", 40)
    torch.testing.assert_close(layer(x), whole)


@pytest.mark.parametrize("node", [EdgeCurves, EdgeSums])
def test_second_derivatives_are_refused(node):
    layer, x = made(2, "linear", "zero")
    table = layer.table().detach().requires_grad_()
    y = node.apply(x, table, layer.knots(), "zero").square().sum()
    with pytest.raises(TrainingError, match="second derivatives"):
        torch.autograd.grad(y, table, create_graph=True)
