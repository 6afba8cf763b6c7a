"""The closed form of the basis against the recursion and scipy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from sciren.kernels.window import Knots, dense_rows, window

OUTSIDE = ["linear", "zero"]


def points(seed, reach, rows=64, curves=3):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, curves, generator=generator, dtype=torch.float64)
    x = (x * 2 - 1) * reach
    x[: rows // 2] = x[0]  # the same cell many times
    return x


def ranges(curves=3):
    return torch.tensor([-1.0, -2.0, 0.5])[:curves].double(), torch.tensor(
        [1.0, 3.0, 0.7]
    )[:curves].double()


@pytest.mark.parametrize("outside", OUTSIDE)
@given(
    seed=st.integers(0, 2**31), intervals=st.integers(1, 40), reach=st.floats(0.1, 9)
)
def test_whole_rows_are_the_recursion(reference, outside, seed, intervals, reach):
    x, (low, high) = points(seed, reach), ranges()
    knots = Knots.of(low, high, intervals, outside)
    rows = dense_rows(window(x.T.contiguous(), knots), knots)
    expected = reference.basis(x, low, high, intervals, outside)
    scale = 1 + expected.abs().max()
    assert float((rows.permute(2, 0, 1) - expected).abs().max() / scale) < 1e-10


@pytest.mark.parametrize("outside", OUTSIDE)
def test_single_precision_keeps_six_digits(outside):
    x, (low, high) = points(3, 2.0, rows=4000), ranges()
    knots = Knots.of(low.float(), high.float(), 30, outside)
    exact = Knots.of(low.float(), high.float(), 30, outside)
    few = x.float()
    rows = dense_rows(window(few.T.contiguous(), knots), knots).double()
    wide = dense_rows(window(few.double().T.contiguous(), exact), exact)
    inside = ((few >= low.float()) & (few <= high.float())).T.unsqueeze(1)
    assert float((rows - wide).abs().masked_fill(~inside, 0).max()) < 1e-6
    assert float(((rows - wide).abs() / (1 + wide.abs())).max()) < 1e-6


def test_values_agree_with_scipy_with_empty_coefficients_outside():
    low, high = ranges(1)
    x, steps = points(1, 4.0, curves=1), np.arange(-6, 30 + 7)
    c = np.sin(np.arange(33.0))
    padded = np.concatenate([np.zeros(3), c, np.zeros(3)])
    spline = BSpline(-1 + 2 / 30 * steps, padded, 3, extrapolate=False)
    knots = Knots.of(low, high, 30, "zero")
    rows = dense_rows(window(x.T.contiguous(), knots), knots)[0]
    expected = np.nan_to_num(spline(x[:, 0].numpy()))
    np.testing.assert_allclose((torch.tensor(c) @ rows).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("outside", OUTSIDE)
def test_slopes_are_the_derivatives_of_the_weights(outside):
    low, high = ranges()
    knots = Knots.of(low, high, 7, outside)
    x, step = points(5, 2.5).T.contiguous(), 1e-6
    here, there = window(x, knots), window(x + step, knots)
    same = (here.places == there.places).all(0)
    change = (there.weights - here.weights) / step
    slopes = here.slopes * knots.inverse
    if outside == "zero":  # beyond the knots the places hold empty coefficients
        real = (here.places >= knots.pad) & (here.places < knots.size - knots.pad)
        same = same & real.all(0)
    assert bool(same.any())
    assert float((change - slopes).abs().amax(0)[same].max()) < 1e-3


def test_a_base_is_the_last_row():
    low, high = ranges()
    for outside in OUTSIDE:
        knots = Knots.of(low, high, 5, outside)
        x = points(2, 3.0).T.contiguous()
        seen = window(x, knots)
        rows = dense_rows(seen, knots, x.sin())
        assert torch.equal(rows[:, -1], x.sin())
        assert torch.equal(rows[:, :-1], dense_rows(seen, knots))


def test_what_is_not_a_number_stays_none_and_harms_no_other():
    knots = Knots.of(*ranges(1), 5, "linear")
    x = torch.tensor([[0.1, torch.nan, torch.inf, 0.2]], dtype=torch.float64)
    rows = dense_rows(window(x, knots), knots)
    assert bool(rows[:, :, 1].isnan().any())
    torch.testing.assert_close(
        rows[..., [0, 3]], dense_rows(window(x[:, [0, 3]], knots), knots)
    )
