"""Constants between physical values and the scale they train on."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.constants import ConstantScale
from sciren.parameters import Parameter

POSITIVE = Parameter("q10", low=0, high=20, start=1.5, kind="constant")
SIGNED = Parameter("shift", low=-4, start=-1.0, kind="constant")
FREE = Parameter("free", kind="constant")


@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_values_come_back(positive, signed):
    scale = ConstantScale([POSITIVE, SIGNED])
    physical = torch.tensor([positive, signed], dtype=torch.float64)
    back = scale.to_physical(scale.to_raw(physical))
    torch.testing.assert_close(back, physical, rtol=1e-12, atol=0)


def test_only_positive_constants_train_in_logs():
    scale = ConstantScale([POSITIVE, SIGNED, FREE])
    assert scale.in_logs.tolist() == [True, False, False]
    torch.testing.assert_close(
        scale.start, torch.tensor([math.log(1.5), -1.0, 0.0], dtype=torch.float64)
    )


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_the_slope_is_the_derivative_in_any_batch(values):
    scale = ConstantScale([POSITIVE, SIGNED])
    raw = torch.tensor(values, dtype=torch.float64).view(3, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(scale.to_physical(raw).sum(), raw)
    torch.testing.assert_close(scale.slope(raw.detach()), gradient)


def test_gradients_are_finite_where_logs_are_not_taken():
    scale = ConstantScale([POSITIVE, SIGNED])
    physical = torch.tensor([2.0, -3.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(scale.to_raw(physical).sum(), physical)
    assert gradient.tolist() == [0.5, 1.0]


def test_the_box_holds_the_bounds_on_the_training_scale():
    low, high = ConstantScale([POSITIVE, SIGNED, FREE]).box()
    assert low.tolist() == [-math.inf, -4.0, -math.inf]
    assert high.tolist() == [math.log(20), math.inf, math.inf]


def test_no_constants_are_fine():
    scale = ConstantScale([])
    assert scale.start.shape == (0,)
    assert [bound.shape for bound in scale.box()] == [(0,), (0,)]
