"""A formula as a function of numpy arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symbolic.expression.walk import Primitives, build


def _power(base: Any, exponent: Any) -> Any:
    # a square root is rounded correctly, a power need not be; torch does the same
    if isinstance(exponent, float) and exponent == 0.5:
        return np.sqrt(base)
    return np.power(base, exponent)


NUMPY = Primitives(
    functions={
        "exp": np.exp,
        "log": np.log,
        "abs": np.abs,
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "tanh": np.tanh,
        "sign": np.sign,
        "step": lambda x: np.heaviside(x, 0.5),
    },
    power=_power,
    maximum=np.maximum,
    minimum=np.minimum,
    where=np.where,
    compare={
        "lt": np.less,
        "le": np.less_equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "eq": np.equal,
        "ne": np.not_equal,
    },
    both=np.logical_and,
    either=np.logical_or,
    invert=np.logical_not,
    number=float,
)


def compile_numpy(
    expression: Any,
    symbols: Sequence[Any],
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Callable[..., np.ndarray]:
    """Return a function of arrays that evaluates a formula in float64.

    Args:
        expression: sympy formula of the whitelist (``symbolic.expression.nodes``).
        symbols: symbols or their names, in the order of the function's arguments.
        functions: name -> function of arrays, for named functions such as f_rb_ta.
    Returns:
        A function (array, ...) -> array of the arguments' common shape; not-a-number
        and infinity, without warning, where the formula is not defined.
    Raises:
        ExpressionError: a node outside the whitelist, a symbol or function not given.
    """
    evaluate = build(expression, symbols, functions, NUMPY)

    def function(*arrays: Any) -> np.ndarray:
        # integers would divide and overflow as integers
        values = [np.asarray(array, dtype=np.float64) for array in arrays]
        shape = np.broadcast_shapes(*(value.shape for value in values))
        with np.errstate(all="ignore"):
            result = np.asarray(evaluate(values), dtype=np.float64)
        # a copy: the broadcast view shares memory and cannot be written to
        return np.broadcast_to(result, np.broadcast_shapes(shape, result.shape)).copy()

    return function
