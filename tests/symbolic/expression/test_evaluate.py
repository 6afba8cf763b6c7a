"""Laws of the evaluators: they agree with sympy, with each other and with gradients."""

import math

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.errors import ExpressionError
from symbolic.expression.evaluate import compile_numpy
from symbolic.expression.torch_evaluate import compile_torch

x, y = sympy.symbols("x y", real=True)
ROWS = np.array([-2.5, -1.0, 0.0, 0.4, 3.0])


def named(value):
    return 2 * value + 1


def symbols_of(expression):
    return sorted(expression.free_symbols, key=str) or [x]


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_numpy_agrees_with_sympy_and_torch(formulas, data):
    expression = data.draw(formulas)
    symbols = symbols_of(expression)
    columns = [ROWS * (k + 1) for k in range(len(symbols))]
    got = compile_numpy(expression, symbols, {"f_rb_ta": named})(*columns)
    assert got.shape == ROWS.shape
    tensors = [torch.as_tensor(c) for c in columns]
    other = compile_torch(expression, symbols, {"f_rb_ta": named})(*tensors)
    np.testing.assert_allclose(other.numpy(), got, rtol=1e-9, atol=1e-9)
    plain = expression.replace(
        lambda e: isinstance(e, sympy.core.function.AppliedUndef),
        lambda e: named(e.args[0]),
    )
    for k in (0, 3):
        point = {
            s: sympy.Float(c[k], 60) for s, c in zip(symbols, columns, strict=True)
        }
        try:
            exact = plain.xreplace(point).evalf(30)
        except ValueError:  # sympy does not compare infinite numbers
            continue
        if exact.is_real and got[k] < 1e12 and math.isfinite(got[k]):
            assert got[k] == pytest.approx(float(exact), rel=1e-6, abs=1e-6)


NOT_BETWEEN = sympy.Not(sympy.And(x > 0, x < 2), evaluate=False)
CASES = [
    (
        sympy.Piecewise((x, x > 0.5), (-x, x < -1.5)),
        lambda v: v if v > 0.5 else (-v if v < -1.5 else math.nan),
    ),
    (
        sympy.Piecewise((1, sympy.And(x > -2, x <= 0)), (2, True)),
        lambda v: 1 if -2 < v <= 0 else 2,
    ),
    (
        sympy.Piecewise((1, sympy.Or(x < -2, x >= 3)), (2, True)),
        lambda v: 1 if v < -2 or v >= 3 else 2,
    ),
    (sympy.Piecewise((1, NOT_BETWEEN), (2, True)), lambda v: 2 if 0 < v < 2 else 1),
    (
        sympy.Piecewise((1, sympy.Eq(x, -1)), (2, sympy.Ne(x, 3)), (4, True)),
        lambda v: 1 if v == -1 else (2 if v != 3 else 4),
    ),
    (sympy.sign(x) + sympy.Heaviside(x), lambda v: np.sign(v) + np.heaviside(v, 0.5)),
    (sympy.sqrt(x), lambda v: math.sqrt(v) if v >= 0 else math.nan),
    (1 / x, lambda v: 1 / v if v else math.inf),
    (sympy.Max(x, 0) - sympy.Min(x, 1, 2 * x), lambda v: max(v, 0) - min(v, 1, 2 * v)),
    (1.5 ** (x - 2010.0), lambda v: 1.5 ** (v - 2010)),
    (sympy.tan(x) * sympy.pi, lambda v: math.tan(v) * math.pi),
    (sympy.Rational(1, 3) + 0 * x, lambda v: 1 / 3),
    (2.0**x, lambda v: 2.0**v),
    (sympy.Piecewise((x, sympy.true), evaluate=False), lambda v: v),
    (sympy.Piecewise((x, sympy.false), (2, True), evaluate=False), lambda v: 2),
]


@pytest.mark.parametrize(
    ("expression", "truth"), CASES, ids=[str(number) for number in range(len(CASES))]
)
def test_every_kind_of_node_is_evaluated(expression, truth):
    expected = [truth(v) for v in ROWS]
    got = compile_numpy(expression, [x])(ROWS)
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    got = compile_torch(expression, ["x"])(torch.as_tensor(ROWS))
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-13)


def test_gradients_agree_with_the_derivative_of_the_formula():
    expression = sympy.exp(0.3 * x) * sympy.log(y + 4) + sympy.Abs(x - 1) ** 1.5
    rows = torch.tensor(ROWS, dtype=torch.float64, requires_grad=True)
    other = torch.tensor(ROWS[::-1].copy(), requires_grad=True)
    compile_torch(expression, [x, y])(rows, other).sum().backward()
    for symbol, tensor in ((x, rows), (y, other)):
        slope = compile_numpy(expression.diff(symbol), [x, y])(ROWS, ROWS[::-1])
        np.testing.assert_allclose(tensor.grad.numpy(), slope, rtol=1e-12)


def test_torch_keeps_the_dtype_of_its_arguments():
    result = compile_torch(x**2 + 0.1, [x])(torch.ones(3, dtype=torch.float32))
    assert result.dtype == torch.float32


@pytest.mark.parametrize("compile_", [compile_numpy, compile_torch])
def test_what_is_missing_is_named(compile_):
    with pytest.raises(ExpressionError, match=r"needs 'y'.*Present: x"):
        compile_(x + y, [x])
    with pytest.raises(ExpressionError, match=r"calls 'f_rb'.*Closest names: f_rb_ta"):
        compile_(sympy.Function("f_rb")(x), [x], {"f_rb_ta": named})
    with pytest.raises(ExpressionError, match="gamma"):
        compile_(sympy.gamma(x), [x])
