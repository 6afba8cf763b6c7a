"""A formula as a differentiable function of torch tensors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from symbolic.expression.walk import Primitives, build


def _tensor(value: Any, like: Any = None) -> Tensor:
    if isinstance(value, Tensor):
        return value
    # a plain number takes type and device of what it stands beside
    if isinstance(like, Tensor):
        return torch.as_tensor(value, dtype=like.dtype, device=like.device)
    return torch.as_tensor(value, dtype=torch.float64)


def _of_one(function: Callable[[Tensor], Tensor]) -> Callable[[Any], Tensor]:
    return lambda value: function(_tensor(value))


def _of_two(
    function: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Any, Any], Tensor]:
    return lambda a, b: function(_tensor(a, b), _tensor(b, a))


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, float):
        # the same primitives as numpy's, so that both evaluators give the same numbers
        if exponent == 0.5:
            return torch.sqrt(_tensor(base))
        if exponent.is_integer():
            return torch.pow(_tensor(base), int(exponent))
    return torch.pow(_tensor(base, exponent), _tensor(exponent, base))


def _where(condition: Any, value: Any, other: Any) -> Tensor:
    return torch.where(condition, _tensor(value, other), _tensor(other, value))


def _step(x: Tensor) -> Tensor:
    # one half at zero, as sympy's and numpy's step
    return torch.heaviside(x, torch.full_like(x, 0.5))


TORCH = Primitives(
    functions={
        "exp": _of_one(torch.exp),
        "log": _of_one(torch.log),
        "abs": _of_one(torch.abs),
        "sin": _of_one(torch.sin),
        "cos": _of_one(torch.cos),
        "tan": _of_one(torch.tan),
        "tanh": _of_one(torch.tanh),
        "sign": _of_one(torch.sign),
        "step": _of_one(_step),
    },
    power=_power,
    maximum=_of_two(torch.maximum),
    minimum=_of_two(torch.minimum),
    where=_where,
    compare={
        "lt": _of_two(torch.lt),
        "le": _of_two(torch.le),
        "gt": _of_two(torch.gt),
        "ge": _of_two(torch.ge),
        "eq": _of_two(torch.eq),
        "ne": _of_two(torch.ne),
    },
    both=torch.logical_and,
    either=torch.logical_or,
    invert=torch.logical_not,
    number=float,
)


def compile_torch(
    expression: Any,
    symbols: Sequence[Any],
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Callable[..., Tensor]:
    """Return a function of tensors that evaluates a formula, with gradients.

    Args:
        expression: sympy formula of the whitelist (``symbolic.expression.nodes``).
        symbols: symbols or their names, in the order of the function's arguments.
        functions: name -> function of tensors, for named functions such as f_rb_ta.
    Returns:
        A function (tensor, ...) -> tensor of the arguments' common shape, in their
        dtype and on their device.
    Raises:
        ExpressionError: a node outside the whitelist, a symbol or function not given.
    """
    evaluate = build(expression, symbols, functions, TORCH)

    def function(*tensors: Any) -> Tensor:
        values = [_tensor(tensor) for tensor in tensors]
        shape = torch.broadcast_shapes(*(value.shape for value in values))
        result = _tensor(evaluate(values), values[0] if values else None)
        return result.expand(torch.broadcast_shapes(shape, result.shape))

    return function
