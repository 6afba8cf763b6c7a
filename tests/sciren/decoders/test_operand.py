"""Functions of numpy and scipy mean the same on arrays, tensors and symbols."""

import numpy as np
import pytest
import scipy.special
import sympy
import torch

from sciren import functions
from sciren.decoders.operand import FUNCTIONS, Operand, uses_numpy
from sciren.errors import DecoderError

ONE = [
    name
    for name in FUNCTIONS
    if getattr(getattr(np, name, None) or getattr(scipy.special, name), "nin", 0) == 1
]


@pytest.mark.parametrize("name", ONE)
def test_each_function_of_one_value_agrees_with_numpy(name):
    function = getattr(np, name, None) or getattr(scipy.special, name)
    x = np.array([0.2, 0.4, 0.9])
    expected = function(x)
    found = function(Operand(torch.tensor(x))).value
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13)
    symbol = sympy.Symbol("x", real=True)
    formula = function(Operand(symbol)).value
    for value, number in zip(x, expected, strict=True):
        assert float(formula.subs(symbol, value)) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("name", ["maximum", "minimum", "power", "true_divide", "less"])
def test_functions_of_two_values_take_operands_on_either_side(name):
    x, y = np.array([0.5, 2.0, 3.0]), np.array([1.0, 1.0, 4.0])
    expected = getattr(np, name)(x, y)
    for a, b in ((Operand(torch.tensor(x)), y), (x, Operand(torch.tensor(y)))):
        if name in ("maximum", "minimum"):
            found = getattr(np, name)(a, b).value
            np.testing.assert_array_equal(found.numpy(), expected)
    found = getattr(np, name)(Operand(torch.tensor(x)), Operand(torch.tensor(y))).value
    np.testing.assert_array_equal(found.numpy(), expected)


def test_choices_clips_arithmetic_and_torch_pass_through():
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)
    operand = Operand(x)
    for found, expected in (
        (np.where(operand > 0, operand, 0.0), torch.where(x > 0, x, 0.0)),
        (np.clip(operand, -0.5, 0.5), x.clamp(-0.5, 0.5)),
        (np.clip(operand, None, 0.5), x.clamp(max=0.5)),
        (2 - operand, 2 - x),
        (np.float64(2) / (operand + 3), 2 / (x + 3)),
        (torch.ones(5, dtype=torch.float64) * operand, x),
        (torch.exp(operand), x.exp()),
        (operand.clamp(min=0), x.clamp(min=0)),
        (functions.expit(operand), torch.sigmoid(x)),
        (functions.where(operand < 0, operand, 1.0), torch.where(x < 0, x, 1.0)),
        (-abs(operand) % 2, -abs(x) % 2),
    ):
        torch.testing.assert_close(found.value, expected)
    assert len(operand) == 5
    assert operand.shape == (5,)
    assert float(operand[4]) == 1.0
    assert bool(operand[4] > 0)


@pytest.mark.parametrize(
    "call",
    [
        np.floor,
        np.sum,
        np.add.reduce,
        np.round,
        lambda x: np.add(x, 1, out=x),
    ],
)
def test_functions_without_a_counterpart_say_so(call):
    with pytest.raises(DecoderError, match="cannot be trained or printed"):
        call(Operand(torch.ones(3)))


def helper(x):
    return np.exp(x)


def test_the_use_of_numpy_is_seen_through_calls_and_inside_functions():
    def inside(p, f):
        import numpy

        return numpy.exp(p.k)

    assert uses_numpy(lambda p, f: np.exp(p.k))
    assert uses_numpy(lambda p, f: helper(p.k))
    assert uses_numpy(lambda p, f: [np.exp(k) for k in p.k])
    assert uses_numpy(lambda p, f: scipy.special.expit(p.k))
    assert uses_numpy(inside)
    assert not uses_numpy(lambda p, f: functions.exp(p.k))
    assert not uses_numpy(len)
