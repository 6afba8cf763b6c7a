"""Splines on any knots."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from sciren.pykan.knots import basis, curve_coefficients, extended

steps = st.lists(st.floats(0.05, 2.0), min_size=1, max_size=7)


def knots_of(gaps, order):
    inner = torch.tensor([0.0, *gaps], dtype=torch.float64).cumsum(0).unsqueeze(0)
    return inner, extended(inner, order)


@given(steps, st.integers(1, 5))
def test_it_agrees_with_scipy_where_knots_differ(gaps, order):
    inner, knots = knots_of(gaps, order)
    x = torch.linspace(-1, float(inner[0, -1]) + 1, 41, dtype=torch.float64)
    found = basis(x.unsqueeze(1), knots, order)[:, 0]
    for g in range(found.shape[1]):
        one = np.eye(found.shape[1])[g]
        spline = BSpline(knots[0].numpy(), one, order, extrapolate=True)
        inside = (x >= knots[0, 0]) & (x < knots[0, -1])
        # scipy goes on beyond the inner range, pykan fades: one function at a time
        support = (x >= knots[0, g]) & (x < knots[0, g + order + 1]) & inside
        element = BSpline.basis_element(knots[0, g : g + order + 2].numpy())
        expected = np.where(support, element(x.numpy()), 0.0)
        np.testing.assert_allclose(found[:, g].numpy(), expected, atol=1e-9)
        core = (x >= inner[0, 0]) & (x < inner[0, -1])
        np.testing.assert_allclose(
            found[core, g].numpy(), spline(x[core].numpy()), atol=1e-9
        )


@given(steps, st.integers(1, 4))
def test_inside_the_functions_add_to_one_and_outside_there_is_nothing(gaps, order):
    inner, knots = knots_of(gaps, order)
    low, high = float(inner[0, 0]), float(inner[0, -1])
    share = torch.linspace(0, 0.999, 25, dtype=torch.float64).unsqueeze(1)
    total = basis(low + share * (high - low), knots, order).sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))
    far = torch.tensor([[knots.min() - 1e-9], [knots.max()]])
    assert bool((basis(far, knots, order) == 0).all())


def test_coinciding_knots_give_pykans_numbers(kan):
    knots = torch.tensor([[0.0, 0, 1, 1, 1, 1, 1, 2, 3, 3, 4]], dtype=torch.float64)
    x = torch.linspace(-1, 5, 61, dtype=torch.float64).unsqueeze(1)
    for order in (1, 2, 3):
        expected = kan.MultKAN.__init__.__globals__["curve2coef"].__globals__[
            "B_batch"
        ](x, knots, k=order)
        torch.testing.assert_close(basis(x, knots, order), expected, rtol=0, atol=0)


def test_its_gradients_are_finite_where_knots_coincide():
    knots = torch.tensor([[0.0, 0, 1, 1, 1, 1, 1, 2, 3, 3, 4]], dtype=torch.float64)
    x = torch.tensor([[0.0], [0.5], [1.0], [2.5]], dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(basis(x, knots, 3).sum(), x)
    assert bool(torch.isfinite(slope).all())


@given(steps, st.integers(1, 4), st.integers(0, 9))
def test_a_curve_of_the_space_is_found_again(gaps, order, seed):
    inner, knots = knots_of(gaps, order)
    generator = torch.Generator().manual_seed(seed)
    wanted = torch.randn(1, 2, len(gaps) + order, generator=generator).double()
    share = torch.linspace(0, 0.9999, 40 * len(gaps), dtype=torch.float64).unsqueeze(1)
    x = share * inner[0, -1]
    y = torch.einsum("nig,ijg->nij", basis(x, knots, order), wanted)
    found = curve_coefficients(x, y, knots, order)
    again = torch.einsum("nig,ijg->nij", basis(x, knots, order), found)
    torch.testing.assert_close(again, y, rtol=1e-7, atol=1e-7)


def test_fewer_samples_than_coefficients_give_equal_results():
    x = torch.linspace(-1, 1, 5).unsqueeze(1)
    y = torch.sin(3 * x).unsqueeze(-1)
    knots = extended(torch.linspace(-1, 1, 21).unsqueeze(0), 3)
    first = curve_coefficients(x, y, knots, 3)
    assert all(
        torch.equal(first, curve_coefficients(x, y, knots, 3)) for _ in range(20)
    )
    values = torch.einsum("nig,ijg->nij", basis(x, knots, 3), first)
    torch.testing.assert_close(values[:-1], y[:-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [1, 3])
def test_extension_repeats_the_mean_step(order):
    inner = torch.tensor([[0.0, 1.0, 4.0]])
    knots = extended(inner, order)
    assert knots.shape == (1, 3 + 2 * order)
    torch.testing.assert_close(knots[0, : order + 1].diff(), torch.full((order,), 2.0))
    torch.testing.assert_close(knots[0, -order - 1 :].diff(), torch.full((order,), 2.0))
