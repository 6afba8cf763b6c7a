"""Each term of the loss against its formula and its limits."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import ShapeError
from sciren.importance import edge_scores
from sciren.losses import (
    residual_costs,
    score_penalty,
    smoothness_form,
    violation_penalty,
)
from sciren.splines import greville, second_differences

NUMBERS = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


# -- data and bounds ----------------------------------------------------------------
@given(NUMBERS)
def test_squares_are_squares(values):
    costs = residual_costs(numbers(values), numbers(0.0), "squares", 1.0)
    assert costs.tolist() == [v * v for v in values]


@given(NUMBERS, st.floats(0.1, 10))
def test_smooth_l1_is_square_near_zero_and_straight_far_off(values, width):
    costs = residual_costs(numbers(values), numbers(0.0), "smooth-l1", width)
    each = [
        v * v / (2 * width) if abs(v) < width else abs(v) - width / 2 for v in values
    ]
    assert costs.tolist() == pytest.approx(each)


def test_violations_are_averaged_over_rows_or_summed():
    outside = numbers([[1.0, 0.5, 0.0, 0.0], [0.0, 0.5, 0.0, 2.0]])
    assert float(violation_penalty(outside, "mean")) == 1.0
    assert float(violation_penalty(outside, "sum")) == 4.0
    assert float(violation_penalty(outside[:1], "sum")) == 1.5


# -- sparsity -----------------------------------------------------------------------
def sparsity(scores, entropy=1.0, l1=0.0, paper=False):
    """Entropy and L1 of one layer with one output whose edges have these scores."""
    edges = numbers(scores).view(1, -1, 1)
    return score_penalty([edges], [torch.ones_like(edges[:, 0])], entropy, l1, paper)


@given(st.integers(1, 30), st.floats(1e-3, 1e3))
def test_equal_edges_have_the_entropy_of_their_number(count, size):
    scores = [size] * count
    assert float(sparsity(scores).entropy) == pytest.approx(
        -math.log2(1 / count + 1e-4), abs=1e-12
    )
    assert float(sparsity(scores, paper=True).entropy) == pytest.approx(
        math.log(count), abs=1e-9
    )


def test_a_single_edge_has_almost_no_entropy():
    scores = [2.0, 0.0, 0.0]
    assert float(sparsity(scores).entropy) == pytest.approx(-1.4426e-4, rel=1e-3)
    assert float(sparsity(scores, paper=True).entropy) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("paper", [False, True])
@given(st.lists(st.floats(0.1, 1), min_size=2, max_size=6), st.floats(0.01, 100))
def test_entropy_does_not_change_with_the_size_of_the_scores(paper, scores, factor):
    larger = [factor * score for score in scores]
    assert float(sparsity(larger, paper=paper).entropy) == pytest.approx(
        float(sparsity(scores, paper=paper).entropy)
    )


@pytest.mark.parametrize("paper", [False, True])
def test_dead_edges_and_dead_layers_leave_entropy_and_gradient_finite(paper):
    for scores in ([1.0, 0.0], [0.0, 0.0]):
        asked = sparsity(scores, paper=paper)
        assert math.isfinite(float(asked.entropy))
        assert bool(torch.isfinite(asked.slopes[0]).all())


@pytest.mark.parametrize("paper", [False, True])
def test_layers_are_added_and_gradients_are_those_of_torch(paper):
    generator = torch.Generator().manual_seed(0)
    edges = [
        torch.rand(*shape, generator=generator, dtype=torch.float64)
        for shape in ((3, 4), (4, 2))
    ]
    nodes = [edge.sum(0) / 1.7 for edge in edges]
    leaves = [edge.clone().requires_grad_() for edge in edges]
    scores = edge_scores(leaves, nodes, "node" if paper else "layer_mean")
    shares = [score / score.sum() for score in scores]
    log, eps = (torch.log, 1e-12) if paper else (torch.log2, 1e-4)
    entropy = sum(-(p * log(p + eps)).sum() for p in shares)
    l1 = sum(score.sum() for score in scores)
    asked = score_penalty(
        [edge[None] for edge in edges], [node[None] for node in nodes], 0.3, 0.2, paper
    )
    torch.testing.assert_close(asked.entropy[0], 0.3 * entropy.detach())
    torch.testing.assert_close(asked.l1[0], 0.2 * l1.detach())
    expected = torch.autograd.grad(0.3 * entropy + 0.2 * l1, leaves)
    for slope, gradient in zip(asked.slopes, expected, strict=True):
        torch.testing.assert_close(slope[0], gradient)


# -- smoothness ---------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["roughness", "differences"])
@given(st.integers(1, 12), st.floats(-3, 3), st.floats(-3, 3))
def test_a_straight_line_is_smooth(kind, intervals, slope, offset):
    low, high = numbers([-1.0]), numbers([1.0])
    line = (slope * greville(low, high, intervals) + offset)[0]
    energy = line @ smoothness_form(kind, intervals) @ line
    assert float(energy) == pytest.approx(0, abs=1e-11)


def test_differences_are_those_of_the_published_code():
    c = numbers([0.0, 1.0, 4.0, 9.0])
    assert float(c @ smoothness_form("differences", 1) @ c) == 2.0**2 + 2.0**2
    with pytest.raises(ShapeError, match="no second difference"):
        second_differences(c[:2])


def test_the_integral_means_the_same_on_every_grid():
    """A parabola x^2 over [-1, 1] has the integral of 2^2, whatever the knots."""
    for intervals in (2, 10, 30):
        spacing = 2 / intervals
        knots = greville(numbers([-1.0]), numbers([1.0]), intervals)[0]
        parabola = knots**2 - spacing**2 / 3
        energy = parabola @ smoothness_form("roughness", intervals) @ parabola
        assert float(energy) / spacing**3 == pytest.approx(8)
