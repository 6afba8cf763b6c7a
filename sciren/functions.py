"""Mathematics for process models that serves torch, numpy and sympy alike.

A process model written with these functions can be trained (torch), evaluated
without torch (numpy) and printed as an equation (sympy).
"""

import functools
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_PLAIN = (np.ndarray, float, int)

Function = Callable[..., Any]


def _for_operands(plain: Function | None = None) -> Callable[[Function], Function]:
    """Let a function take the operands in which process models get their values.

    They are known by an attribute, because `sciren.decoders.operand` needs this module.

    Args:
        plain: the same for numpy arrays and numbers, where numpy has it. A loop over time
            calls it at every step, where the search for the kind of the values would
            take longer.
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def dispatched(*values: Any) -> Any:
            # Plain numbers and arrays go to numpy at once.
            if plain is not None:
                for value in values:
                    if type(value) not in _PLAIN:
                        break
                else:
                    return plain(*values)
            for value in _leaves(values):
                if getattr(type(value), "sciren_operand", False):
                    return value.applied(function, *values)
            return function(*values)

        return dispatched

    return decorate


def _leaves(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _leaves(value)
        else:
            yield value


def _kind(*values: Any) -> str:
    """Return "torch", "sympy" or "numpy", after the most special argument."""
    # There is a tensor or a symbol only where its library is loaded already; importing
    # one here to ask would take seconds.
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(v, torch.Tensor) for v in values):
        return "torch"
    sympy = sys.modules.get("sympy")
    if sympy is not None and any(
        isinstance(v, (sympy.Basic, sympy.logic.boolalg.Boolean)) for v in values
    ):
        return "sympy"
    return "numpy"


def _apply(name: str, value: Any, sympy_name: str | None = None) -> Any:
    kind = _kind(value)
    if kind == "numpy":
        return getattr(np, name)(value)
    return getattr(
        sys.modules[kind], (sympy_name or name) if kind == "sympy" else name
    )(value)


@_for_operands(np.exp)
def exp(x: Any) -> Any:
    """Exponential, element by element."""
    return _apply("exp", x)


@_for_operands(np.log)
def log(x: Any) -> Any:
    """Natural logarithm, element by element."""
    return _apply("log", x)


@_for_operands(np.sqrt)
def sqrt(x: Any) -> Any:
    """Square root, element by element."""
    return _apply("sqrt", x)


@_for_operands(np.sin)
def sin(x: Any) -> Any:
    """Sine of an angle in radians, element by element."""
    return _apply("sin", x)


@_for_operands(np.cos)
def cos(x: Any) -> Any:
    """Cosine of an angle in radians, element by element."""
    return _apply("cos", x)


@_for_operands(np.tanh)
def tanh(x: Any) -> Any:
    """Hyperbolic tangent, element by element."""
    return _apply("tanh", x)


def _logistic(x: Any) -> Any:
    # 1/(1 + exp(-x)) without an exponential that overflows
    return np.exp(-np.logaddexp(0.0, -np.asarray(x, dtype=float)))


@_for_operands(_logistic)
def expit(x: Any) -> Any:
    """Logistic function 1 / (1 + exp(-x)), element by element."""
    kind = _kind(x)
    if kind == "torch":
        return sys.modules["torch"].sigmoid(x)
    if kind == "sympy":
        return 1 / (1 + sys.modules["sympy"].exp(-x))
    return _logistic(x)


@_for_operands(np.abs)
def absolute(x: Any) -> Any:
    """Absolute value, element by element."""
    return _apply("abs", x, "Abs")


def _extreme(name: str, sympy_name: str, a: Any, b: Any) -> Any:
    kind = _kind(a, b)
    if kind == "torch":
        torch = sys.modules["torch"]
        like = a if isinstance(a, torch.Tensor) else b
        # torch.maximum takes tensors only; a plain number becomes one of the other's
        # type.
        pair = (
            torch.as_tensor(v, dtype=like.dtype, device=like.device) for v in (a, b)
        )
        return getattr(torch, name)(*pair)
    if kind == "sympy":
        return getattr(sys.modules["sympy"], sympy_name)(a, b)
    return getattr(np, name)(a, b)


@_for_operands(np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """Larger of two values, element by element."""
    return _extreme("maximum", "Max", a, b)


@_for_operands(np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """Smaller of two values, element by element."""
    return _extreme("minimum", "Min", a, b)


@_for_operands(np.where)
def where(condition: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where the condition holds, else ``b``, element by element."""
    kind = _kind(condition, a, b)
    if kind == "sympy":
        return sys.modules["sympy"].Piecewise((a, condition), (b, True))
    if kind == "torch":
        torch = sys.modules["torch"]
        if not any(isinstance(v, torch.Tensor) for v in (a, b)):
            # Two plain numbers would come out in single precision.
            a = torch.as_tensor(a, dtype=torch.float64, device=condition.device)
        return torch.where(condition, a, b)
    return np.where(condition, a, b)


@_for_operands()
def _exponential(matrices: np.ndarray) -> np.ndarray:
    """Exponential of matrices (..., n, n), all at once: scaling, a series, squaring.

    Scaled to a norm of 1/4 the series ends below the rounding: 0.25^13 / 13! = 2e-18.
    Reference: Moler and Van Loan 2003, methods 1 and 3.
    """
    # Largest row sum of all matrices: one scaling for all, so that they stay one array.
    size = float(np.abs(matrices).sum(-1).max(initial=0.0))
    halvings = max(0, math.ceil(math.log2(4 * size))) if 0 < size < math.inf else 0
    scaled = matrices / 2.0**halvings
    total = term = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    for order in range(1, 13):
        term = term @ scaled / order
        total = total + term
    # exp(A) = exp(A / 2^s)^(2^s).
    for _ in range(halvings):
        total = total @ total
    return total


def matrix_exponential(rows: list[list[Any]]) -> list[list[Any]]:
    """Return the exponential of a square matrix, entry by entry.

    Args:
        rows: the matrix as rows of entries; numbers, or arrays or tensors that broadcast
            to one shape (n,).
    Returns:
        The same arrangement, each entry of shape (n,).
    Raises:
        TypeError: entries are symbols, for which there is no finite formula.
    """
    entries = [entry for row in rows for entry in row]
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(e, torch.Tensor) for e in entries):
        like = next(e for e in entries if isinstance(e, torch.Tensor))
        whole = [
            torch.as_tensor(e, dtype=like.dtype, device=like.device) for e in entries
        ]
        stacked = torch.stack(torch.broadcast_tensors(*whole), -1)
        raised = torch.linalg.matrix_exp(stacked.unflatten(-1, (len(rows), len(rows))))
    else:
        whole = np.broadcast_arrays(*(np.asarray(e, dtype=float) for e in entries))
        stacked = np.stack(whole, -1)
        raised = _exponential(
            stacked.reshape(*stacked.shape[:-1], len(rows), len(rows))
        )
    count = range(len(rows))
    return [[raised[..., i, j] for j in count] for i in count]
