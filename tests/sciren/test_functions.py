"""Mathematics that serves torch, numpy and sympy gives the same numbers in all three."""

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren import functions as fn

ONE = ["exp", "log", "sqrt", "sin", "cos", "tanh", "absolute"]
TWO = ["maximum", "minimum"]
NEEDS_POSITIVE = ("log", "sqrt")


def values(function, *numbers):
    """The same call on a torch tensor, a numpy array, a number and a symbol."""
    torch_ = function(*(torch.tensor(v, dtype=torch.float64) for v in numbers))
    numpy_ = function(*(np.array(v) for v in numbers))
    symbols = sympy.symbols(f"x:{len(numbers)}", real=True)
    expression = function(*symbols)
    sympy_ = expression.subs(dict(zip(symbols, numbers, strict=True)))
    return [float(v) for v in (torch_, numpy_, function(*numbers), sympy_)]


def all_close(found):
    assert found == pytest.approx([found[0]] * len(found), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ONE)
@given(st.floats(-20, 20))
def test_functions_of_one_value_agree(name, x):
    all_close(values(getattr(fn, name), abs(x) + 0.01 if name in NEEDS_POSITIVE else x))


@pytest.mark.parametrize("name", TWO)
@given(st.floats(-20, 20), st.floats(-20, 20))
def test_functions_of_two_values_agree(name, x, y):
    all_close(values(getattr(fn, name), x, y))


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_choices_agree(x, y):
    all_close(values(lambda a, b: fn.where(a < b, a + 1, 2 * b), x, y))


@pytest.mark.parametrize("name", TWO)
def test_tensors_and_plain_numbers_mix_in_double_precision(name):
    x = torch.tensor([0.3, -0.7], dtype=torch.float64)
    for pair in ((x, 0.1), (0.1, x)):
        found = getattr(fn, name)(*pair)
        assert found.dtype == torch.float64
        assert found.tolist() == getattr(np, name)(x.numpy(), 0.1).tolist()


def test_a_choice_between_plain_numbers_keeps_double_precision():
    found = fn.where(torch.tensor([True, False]), 0.1, 0.2)
    assert found.tolist() == [0.1, 0.2]


def test_symbols_give_expressions():
    x = sympy.Symbol("x", real=True)
    assert fn.maximum(x, 0) == sympy.Max(x, 0)
    assert fn.absolute(x) == sympy.Abs(x)
    assert fn.where(x > 0, x, 0) == sympy.Piecewise((x, x > 0), (0, True))
