"""Values of a process model that also pass through functions of numpy and scipy.

A process model written with ``np.exp(p.k)`` or ``scipy.special.expit`` gets its
parameters and forcings as `Operand`: an object around a tensor, array or symbol that hands
every function of numpy on to the one of `sciren.functions` with the same meaning. The
same lines then train, evaluate and print.
"""

import operator
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from sciren import functions as fn
from sciren.errors import DecoderError

Function = Callable[..., Any]


def _clip(x: Any, low: Any = None, high: Any = None, **others: Any) -> Any:
    low, high = others.get("min", low), others.get("max", high)
    x = x if low is None else fn.maximum(x, low)
    return x if high is None else fn.minimum(x, high)


# numpy's and scipy's name -> the same in plain arithmetic and sciren.functions
FUNCTIONS: Mapping[str, Function] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "true_divide": operator.truediv,
    "power": operator.pow, "float_power": operator.pow, "negative": operator.neg,
    "positive": operator.pos, "absolute": fn.absolute, "fabs": fn.absolute,
    "square": lambda x: x**2, "reciprocal": lambda x: 1 / x, "sqrt": fn.sqrt,
    "exp": fn.exp, "exp2": lambda x: 2.0**x, "expm1": lambda x: fn.exp(x) - 1,
    "log": fn.log, "log2": lambda x: fn.log(x) / float(np.log(2)),
    "log10": lambda x: fn.log(x) / float(np.log(10)), "log1p": lambda x: fn.log(1 + x),
    "sin": fn.sin, "cos": fn.cos, "tan": lambda x: fn.sin(x) / fn.cos(x),
    "tanh": fn.tanh, "sinh": lambda x: (fn.exp(x) - fn.exp(-x)) / 2,
    "cosh": lambda x: (fn.exp(x) + fn.exp(-x)) / 2, "expit": fn.expit,
    "logit": lambda x: fn.log(x / (1 - x)), "maximum": fn.maximum, "fmax": fn.maximum,
    "minimum": fn.minimum, "fmin": fn.minimum, "greater": operator.gt,
    "greater_equal": operator.ge, "less": operator.lt, "less_equal": operator.le,
    "equal": operator.eq, "not_equal": operator.ne, "logical_and": operator.and_,
    "logical_or": operator.or_, "where": fn.where, "clip": _clip,
}  # fmt: skip


class Operand:
    """A value in the arithmetic of a process model.

    Args:
        value: tensor, array, symbol or number.
    """

    sciren_operand: ClassVar[bool] = True  # how sciren.functions know it
    # Above an array's, so that array * operand asks the operand.
    __array_priority__ = 1000.0
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Operand({self.value!r})"

    def made(self, value: Any, *inputs: Any) -> Any:
        """Return the result of an operation on operands as an operand."""
        return type(self)(value)

    def applied(self, function: Function, *inputs: Any, **keywords: Any) -> Any:
        """Return a function of the values behind operands."""
        given = [plain(value) for value in inputs]
        result = function(*given, **{k: plain(v) for k, v in keywords.items()})
        return self.made(result, *given)

    def unknown(self, name: str) -> Exception:
        """Return the error for a function of numpy without a counterpart."""
        return DecoderError(
            f"numpy's {name} cannot be trained or printed; use arithmetic and "
            "sciren.functions"
        )

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **keywords: Any
    ) -> Any:
        name = ufunc.__name__
        # reduce, accumulate and the like run over rows.
        if method != "__call__":
            raise self.unknown(f"{name}.{method}")
        # Keywords such as out= and where= write into arrays; none has a counterpart.
        if name not in FUNCTIONS or keywords:
            raise self.unknown(name)
        return self.applied(FUNCTIONS[name], *inputs)

    def __array_function__(
        self, function: Any, types: Any, inputs: Any, keywords: Any
    ) -> Any:
        name = function.__name__
        if name not in ("where", "clip"):
            raise self.unknown(name)
        return self.applied(FUNCTIONS[name], *inputs, **keywords)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, inputs: Any = (), keywords: Any = None
    ) -> Any:
        # The first operand decides about the kind of the result: a checked one stays
        # checked.
        operand = next(leaf for leaf in _leaves(inputs) if isinstance(leaf, Operand))
        result = function(
            *map(plain, inputs), **{k: plain(v) for k, v in (keywords or {}).items()}
        )
        return operand.made(result, *map(plain, inputs))

    def __getattr__(self, name: str) -> Any:
        # Methods of the value (x.exp(), x.clamp(0)) stay available and give operands.
        attribute = getattr(self.value, name)
        if not callable(attribute):
            return attribute

        def method(*inputs: Any, **keywords: Any) -> Any:
            return self.applied(attribute, *inputs, **keywords)

        return method

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __getitem__(self, key: Any) -> Any:
        return self.applied(operator.getitem, self, key)

    __hash__ = None  # type: ignore[assignment]


def _binary(function: Function) -> tuple[Function, Function]:
    def forward(self: Operand, other: Any) -> Any:
        return self.applied(function, self, other)

    def backward(self: Operand, other: Any) -> Any:
        return self.applied(function, other, self)

    return forward, backward


def _unary(function: Function) -> Function:
    return lambda self: self.applied(function, self)


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and",
    "or",
    "xor",
):
    _function = getattr(operator, f"{_name}_" if _name in ("and", "or") else _name)
    _forward, _backward = _binary(_function)
    setattr(Operand, f"__{_name}__", _forward)
    setattr(Operand, f"__r{_name}__", _backward)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Operand, f"__{_name}__", _binary(getattr(operator, _name))[0])
for _name, _function in (
    ("neg", operator.neg), ("pos", operator.pos), ("abs", fn.absolute),
    ("invert", operator.invert),
):  # fmt: skip
    setattr(Operand, f"__{_name}__", _unary(_function))


def _leaves(values: Any) -> list[Any]:
    leaves = []
    for value in values:
        leaves += _leaves(value) if isinstance(value, list | tuple) else [value]
    return leaves


def plain(value: Any) -> Any:
    """Return the values behind operands, also inside lists, tuples and mappings."""
    if isinstance(value, Operand):
        return value.value
    if isinstance(value, list | tuple):
        return type(value)(plain(entry) for entry in value)
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return value


def operands(namespace: Any) -> SimpleNamespace:
    """Return a namespace whose values are operands."""
    return SimpleNamespace(**{n: Operand(v) for n, v in vars(namespace).items()})


def uses_numpy(function: Function) -> bool:
    """Whether a function, or one of its module that it calls, names numpy or scipy."""
    return _names_numpy(function, set())


def _names_numpy(function: Any, visited: set[int]) -> bool:
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or id(code) in visited:
        return False
    if (
        function.__module__ == fn.__name__
    ):  # takes tensors and symbols as well as arrays
        return False
    visited.add(id(code))
    names = _names(code)
    if names & {"numpy", "scipy"}:  # imported inside the function
        return True
    # Functions that it calls are followed, because they get the same values.
    used = [function.__globals__[n] for n in names if n in function.__globals__]
    for cell in function.__closure__ or ():
        try:
            used.append(cell.cell_contents)
        except ValueError:  # a name that is bound later
            continue
    return any(_is_numpy(value) or _names_numpy(value, visited) for value in used)


def _names(code: CodeType) -> set[str]:
    """Names that a function uses, those of functions inside it too."""
    names = {name.split(".")[0] for name in code.co_names}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _is_numpy(value: Any) -> bool:
    if isinstance(value, np.ufunc):
        return True
    owner = value.__name__ if isinstance(value, ModuleType) else ""
    if not owner and callable(value):
        owner = getattr(value, "__module__", None) or ""
    return owner.split(".")[0] in ("numpy", "scipy")
