"""Each term of the loss against its formula and its limits."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.encoders import KANEncoder
from sciren.errors import ShapeError
from sciren.losses import (
    entropy,
    integrated_roughness,
    l1,
    smooth_l1_error,
    squared_differences,
    squared_error,
    violation_penalty,
    weighted_mean,
)
from sciren.splines import greville

NUMBERS = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


def column(values):
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


@given(NUMBERS)
def test_squared_error_is_the_mean_square(values):
    expected = sum(v * v for v in values) / len(values)
    assert float(squared_error(column(values))) == pytest.approx(expected)


@given(NUMBERS, st.floats(0.1, 10))
def test_smooth_l1_is_square_near_zero_and_straight_far_off(values, beta):
    each = [v * v / (2 * beta) if abs(v) < beta else abs(v) - beta / 2 for v in values]
    found = smooth_l1_error(column(values), beta=beta)
    assert float(found) == pytest.approx(sum(each) / len(each))


@pytest.mark.parametrize("error", [squared_error, smooth_l1_error])
@given(NUMBERS)
def test_rows_without_weight_do_not_count(error, values):
    residual = column([*values, 1e6])
    weights = torch.ones_like(residual)
    weights[-1] = 0
    assert float(error(residual, weights)) == pytest.approx(
        float(error(column(values)))
    )
    assert float(error(residual, 3 * weights)) == pytest.approx(
        float(error(residual, weights))
    )


def test_nothing_observed_costs_nothing():
    residual = torch.ones(4, 2, requires_grad=True)
    loss = weighted_mean(residual.square(), torch.zeros(4, 2))
    (gradient,) = torch.autograd.grad(loss, residual)
    assert float(loss.detach()) == 0
    assert not bool(gradient.any())


@given(st.integers(1, 6), st.integers(1, 6), st.floats(1e-3, 1e3))
def test_equal_edges_have_the_entropy_of_their_number(inputs, outputs, size):
    scores = [torch.full((inputs, outputs), size, dtype=torch.float64)]
    count = inputs * outputs
    assert float(entropy(scores)) == pytest.approx(
        -math.log2(1 / count + 1e-4), abs=1e-12
    )
    assert float(entropy(scores, "paper")) == pytest.approx(math.log(count), abs=1e-9)


def test_one_live_edge_has_almost_no_entropy():
    scores = [torch.tensor([[2.0], [0.0], [0.0]], dtype=torch.float64)]
    assert float(entropy(scores)) == pytest.approx(-1.4426e-4, rel=1e-3)
    assert float(entropy(scores, "paper")) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("form", ["code", "paper"])
@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_entropy_does_not_change_with_the_size_of_the_scores(form, seed, factor):
    generator = torch.Generator().manual_seed(seed)
    scores = [torch.rand(3, 2, generator=generator, dtype=torch.float64)]
    larger = [factor * layer for layer in scores]
    assert float(entropy(larger, form)) == pytest.approx(float(entropy(scores, form)))


@pytest.mark.parametrize("form", ["code", "paper"])
def test_dead_edges_and_dead_layers_leave_entropy_and_gradient_finite(form):
    for values in ([[1.0, 0.0]], [[0.0, 0.0]]):
        scores = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        value = entropy([scores], form)
        (gradient,) = torch.autograd.grad(value, scores)
        assert math.isfinite(float(value.detach()))
        assert bool(torch.isfinite(gradient).all())


def test_layers_are_added():
    one = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    two = torch.tensor([[0.5], [0.1]], dtype=torch.float64)
    assert float(l1([one, two])) == pytest.approx(3.6)
    assert float(entropy([one, two])) == pytest.approx(
        float(entropy([one])) + float(entropy([two]))
    )


@given(st.integers(1, 12), st.floats(-3, 3), st.floats(-3, 3))
def test_a_straight_line_is_smooth(intervals, slope, offset):
    low, high = (torch.tensor([v], dtype=torch.float64) for v in (-1.0, 1.0))
    line = slope * greville(low, high, intervals).unsqueeze(1) + offset
    assert float(squared_differences(line)) == pytest.approx(0, abs=1e-20)
    assert float(integrated_roughness(line, low, high)) == pytest.approx(0, abs=1e-11)


def test_squared_differences_are_those_of_the_published_code():
    c = torch.tensor([[[0.0, 1.0, 4.0, 9.0]]], dtype=torch.float64)
    assert float(squared_differences(c)) == 2.0**2 + 2.0**2
    with pytest.raises(ShapeError, match="no second difference"):
        squared_differences(c[..., :2])


def test_the_integral_means_the_same_on_every_grid():
    """A parabola x^2 over [-1, 1] has the integral of 2^2, whatever the knots."""
    for intervals in (2, 10, 30):
        low, high = (torch.tensor([v], dtype=torch.float64) for v in (-1.0, 1.0))
        knots = greville(low, high, intervals)
        parabola = (knots**2 - (2 / intervals) ** 2 / 3).unsqueeze(1)
        assert float(integrated_roughness(parabola, low, high)) == pytest.approx(8)


def test_edges_that_are_gone_are_not_rough():
    layer = KANEncoder(2, 2, start="noise").spline_layers[0]
    c, low, high = layer.coefficients.detach(), layer.low, layer.high
    kept = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    first = c[:1, :1]
    assert float(squared_differences(c, kept)) == pytest.approx(
        float(squared_differences(first))
    )
    assert float(integrated_roughness(c, low, high, kept)) == pytest.approx(
        float(integrated_roughness(first, low[:1], high[:1]))
    )


def test_violations_are_averaged_over_rows_or_summed():
    outside = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 0.0], [0.0, 2.0]])
    assert float(violation_penalty(outside)) == 1.0
    assert float(violation_penalty(outside, "sum")) == 4.0
