"""Values at depths and stocks: interpolation, sums, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.decoders.clm5.geometry import INTERFACES, NODES, THICKNESS
from sciren.decoders.clm5.inputs import depth_shares
from sciren.decoders.clm5.observe import at_depth, depth_weights, interpolate, stock
from sciren.errors import DataError, ShapeError

SOC = torch.tensor(np.stack([np.exp(-np.arange(20.0)), np.arange(20.0) + 1]))


def test_geometry_is_consistent():
    np.testing.assert_allclose(np.cumsum(THICKNESS), INTERFACES, rtol=1e-12)
    assert all(a < b for a, b in zip(NODES, INTERFACES, strict=True))


@given(st.lists(st.floats(0, 20), min_size=1, max_size=9))
def test_carbon_is_linear_between_nodes_and_constant_outside(depths):
    found = at_depth(SOC, torch.tensor([depths, depths], dtype=torch.float64))
    for row in range(2):
        expected = np.interp(depths, NODES[:20], SOC[row])
        np.testing.assert_allclose(found[row], expected, rtol=1e-9)


def test_nodes_give_their_layers_exactly_even_below_steep_falls():
    steep = torch.tensor(10.0 ** -(10.0 * np.arange(20))).unsqueeze(0)
    depth = torch.tensor([NODES[:20]], dtype=torch.float64)
    torch.testing.assert_close(at_depth(steep, depth), steep, rtol=1e-12, atol=0)


def test_weights_can_be_kept_and_missing_depths_carry_no_gradient():
    depth = torch.tensor([[0.2, float("nan")], [1.0, 9.0]], dtype=torch.float64)
    soc = SOC.clone().requires_grad_()
    found = interpolate(soc, *depth_weights(depth))
    assert torch.isnan(found).tolist() == [[False, True], [False, False]]
    torch.testing.assert_close(found, at_depth(SOC, depth), equal_nan=True)
    torch.nansum(found).backward()
    assert soc.grad is not None
    assert bool(torch.isfinite(soc.grad).all())
    assert at_depth(SOC, depth[:, 0]).shape == (2,)


@given(st.floats(0, 8.6))
def test_stocks_grow_with_depth_to_the_whole_column(depth):
    whole = stock(SOC)
    np.testing.assert_allclose(whole, SOC.numpy() @ THICKNESS[:20], rtol=1e-12)
    assert bool((stock(SOC, depth) <= whole * (1 + 1e-12)).all())
    ones = torch.ones(1, 20, dtype=torch.float64)
    assert float(stock(ones, depth)) == pytest.approx(depth, abs=1e-12)


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        ([[0.1], [30.0]], "depth of row 1 is 30.*divide centimetres by 100"),
        ([[-0.1], [0.3]], "depth of row 0 is -0.1"),
        ([[float("nan")], [float("nan")]], "none of the 2 depths is usable"),
    ],
)
def test_depths_are_checked(depth, message):
    with pytest.raises(DataError, match=message):
        at_depth(SOC, torch.tensor(depth))


@pytest.mark.parametrize("shape", [(3,), (2, 1, 1), ()])
def test_depths_need_one_row_a_site(shape):
    with pytest.raises(ShapeError, match="for 2 sites"):
        at_depth(SOC, torch.zeros(shape))


@given(st.floats(0.5, 0.9999))
def test_inputs_are_shared_out_completely(beta):
    thick = torch.tensor(THICKNESS[:20], dtype=torch.float64).unsqueeze(1)
    value = torch.tensor([beta, beta], dtype=torch.float64)
    share, slope = depth_shares(value, torch.tensor([False, True]))
    np.testing.assert_allclose((share * thick).sum(0), 1.0, rtol=1e-13)
    assert share[:, 1].tolist() == [1 / THICKNESS[0]] + [0.0] * 19
    np.testing.assert_allclose((slope * thick).sum(0), 0.0, atol=1e-10)
