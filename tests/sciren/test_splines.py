"""Laws of uniform cubic B-splines."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from sciren.errors import ShapeError
from sciren.splines import (
    design,
    fit_coefficients,
    greville,
    local_basis,
    n_coefficients,
    roughness,
    roughness_matrix,
    second_differences,
)

GRIDS = st.tuples(
    st.integers(1, 30), st.floats(-50, 50), st.floats(0.01, 100), st.integers(0, 2**31)
)


def grid(low, width):
    start = torch.tensor([low], dtype=torch.float64)
    return start, start + width


def positions(low, width, seed, outside=0.0, count=64):
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(count, 1, generator=generator, dtype=torch.float64)
    return low + width * (share * (1 + 2 * outside) - outside)


def knots(low, width, intervals):
    return low + width / intervals * np.arange(-3, intervals + 4)


@given(GRIDS, st.sampled_from(["linear", "zero"]))
def test_the_basis_sums_to_one_inside_the_range(case, outside):
    intervals, low, width, seed = case
    x = positions(low, width, seed)
    total = design(x, *grid(low, width), intervals, outside).sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-12)


@given(GRIDS)
def test_linear_continuation_sums_to_one_and_is_straight_outside(case):
    intervals, low, width, seed = case
    ends = grid(low, width)
    x = positions(low, width, seed, outside=3.0)
    basis = design(x, *ends, intervals)
    ones = torch.ones(len(x), 1, dtype=torch.float64)
    torch.testing.assert_close(basis.sum(-1), ones, rtol=0, atol=1e-10)
    line = (basis * greville(*ends, intervals)).sum(-1)
    torch.testing.assert_close(line, x, rtol=0, atol=1e-9 * (abs(low) + width))


@given(GRIDS)
def test_it_agrees_with_the_recursion_of_scipy(case):
    intervals, low, width, seed = case
    x = positions(low, width, seed)
    t = knots(low, width, intervals)
    reference = BSpline.design_matrix(
        np.clip(x[:, 0].numpy(), t[3], np.nextafter(t[-4], t[3])), t, 3
    ).toarray()
    found = design(x, *grid(low, width), intervals)[:, 0]
    np.testing.assert_allclose(found.numpy(), reference, rtol=0, atol=1e-9)


@pytest.mark.parametrize("intervals", range(1, 31))
def test_single_precision_agrees_with_scipy_to_1e_6(intervals):
    x = np.linspace(-1, 1, 1001, dtype=np.float32)
    t = knots(-1.0, 2.0, intervals)
    inside = np.clip(x.astype(float), t[3], np.nextafter(t[-4], -np.inf))
    reference = BSpline.design_matrix(inside, t, 3).toarray()
    low = torch.tensor([-1.0])
    for outside in ("linear", "zero"):
        found = design(torch.from_numpy(x).unsqueeze(1), low, -low, intervals, outside)
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found[:, 0].numpy(), reference, rtol=0, atol=1e-6)


@given(GRIDS)
def test_zero_continuation_is_the_spline_on_the_extended_knots(case):
    intervals, low, width, seed = case
    x = positions(low, width, seed, outside=8.0 / intervals)
    t = knots(low, width, intervals)
    found = design(x, *grid(low, width), intervals, "zero")[:, 0].numpy()
    for k in range(n_coefficients(intervals)):
        one = BSpline.basis_element(t[k : k + 5], extrapolate=False)(x[:, 0].numpy())
        np.testing.assert_allclose(found[:, k], np.nan_to_num(one), rtol=0, atol=1e-9)


@pytest.mark.parametrize("outside", ["linear", "zero"])
@pytest.mark.parametrize("span", [0.9, 4.0])  # on the grid, and far off it
def test_gradients_agree_with_differences(outside, span):
    generator = torch.Generator().manual_seed(1)
    low = torch.tensor([-1.0, 0.0], dtype=torch.float64)
    high = torch.tensor([1.0, 3.0], dtype=torch.float64)
    share = torch.rand(25, 2, generator=generator, dtype=torch.float64)
    x = (low + high) / 2 + (share - 0.5) * span * (high - low)
    x.requires_grad_()
    weights = torch.rand(2, 8, generator=generator, dtype=torch.float64)
    weights.requires_grad_()

    def spline(x, weights):
        return (design(x, low, high, 5, outside) * weights).sum(-1)

    assert torch.autograd.gradcheck(spline, (x, weights))


@pytest.mark.parametrize("outside", ["linear", "zero"])
def test_four_local_weights_say_the_same_as_the_whole_row(outside):
    low, high = (torch.tensor([v], dtype=torch.float64) for v in (0.0, 1.0))
    x = torch.linspace(0.001, 0.999, 50, dtype=torch.float64).unsqueeze(1)
    index, weights = local_basis(x, low, high, 7, outside)
    full = design(x, low, high, 7, outside)
    shift = 0 if outside == "linear" else 4
    picked = full.gather(-1, (index - shift).unsqueeze(-1) + torch.arange(4))
    torch.testing.assert_close(picked, weights)


@given(GRIDS, st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_is_not_rough(case, slope, offset):
    intervals, low, width, _ = case
    ends = grid(low, width)
    line = slope * greville(*ends, intervals).unsqueeze(1) + offset
    size = (abs(slope) * (width + abs(low)) + abs(offset)) ** 2 / width**3
    found = roughness(line, *ends)
    assert found.shape == (1, 1)
    assert float(found) == pytest.approx(0, abs=1e-12 * size * intervals**4 + 1e-30)


@settings(max_examples=25)
@given(GRIDS)
def test_roughness_is_the_integral_of_the_squared_second_derivative(case):
    intervals, low, width, seed = case
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(1, 1, intervals + 3, generator=generator, dtype=torch.float64)
    t = knots(low, width, intervals)
    second = BSpline(t, c[0, 0].numpy(), 3).derivative(2)
    # f'' is straight between knots, so Simpson's rule integrates its square exactly.
    edges = t[3:-3]
    values = [
        second(edges[:-1]),
        second((edges[1:] + edges[:-1]) / 2),
        second(edges[1:]),
    ]
    values[2][-1] = second(np.nextafter(edges[-1], edges[0]))
    simpson = values[0] ** 2 + 4 * values[1] ** 2 + values[2] ** 2
    expected = (np.diff(edges) / 6 * simpson).sum()
    assert float(roughness(c, *grid(low, width))) == pytest.approx(expected, rel=1e-5)


def test_the_roughness_matrix_is_the_callers_own():
    mine = roughness_matrix(4)
    mine.zero_()
    assert float(roughness_matrix(4).abs().sum()) > 0


def test_second_differences_need_three_coefficients():
    with pytest.raises(ShapeError, match="2 coefficients have no second difference"):
        second_differences(torch.zeros(3, 2))


def test_fitting_a_spline_gives_it_back():
    generator = torch.Generator().manual_seed(3)
    low, high = (torch.tensor([v, v], dtype=torch.float64) for v in (-1.0, 1.0))
    x = torch.rand(400, 2, generator=generator, dtype=torch.float64) * 2 - 1
    wanted = torch.randn(2, 3, 9, generator=generator, dtype=torch.float64)
    y = torch.einsum("ndg,dmg->ndm", design(x, low, high, 6), wanted)
    found = fit_coefficients(x, y, low, high, 6, ridge=1e-9)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


def test_coefficients_that_no_sample_touches_continue_flat():
    low, high = (torch.tensor([v], dtype=torch.float64) for v in (0.0, 10.0))
    x = torch.linspace(0, 2, 100, dtype=torch.float64).unsqueeze(1)
    found = fit_coefficients(x, x.unsqueeze(-1), low, high, 10)[0, 0]
    torch.testing.assert_close(found[6:], found[6].expand(7), rtol=1e-3, atol=1e-3)
