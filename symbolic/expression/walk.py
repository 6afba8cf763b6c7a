"""From a formula to a chain of closures, without generating or running code.

The numpy and the torch evaluator share this walk and differ in their primitives only,
so that they give the same numbers in the same order of operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sciren.errors import ExpressionError, closest_names
from symbolic.expression.nodes import as_double, kind_of

Evaluator = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Primitives:
    """Array functions of one library.

    Args:
        functions: name of ``nodes.FUNCTIONS`` -> function of one array.
        power: (base array, exponent number or array) -> array.
        maximum, minimum: of two values of which one may be a number.
        where: (condition, value, value) -> array.
        compare: name of ``nodes.RELATIONS`` -> function of two values.
        both, either, invert: logic on condition arrays.
        number: a plain number as the library takes it.
    """

    functions: Mapping[str, Callable[[Any], Any]]
    power: Callable[[Any, Any], Any]
    maximum: Callable[[Any, Any], Any]
    minimum: Callable[[Any, Any], Any]
    where: Callable[[Any, Any, Any], Any]
    compare: Mapping[str, Callable[[Any, Any], Any]]
    both: Callable[[Any, Any], Any]
    either: Callable[[Any, Any], Any]
    invert: Callable[[Any], Any]
    number: Callable[[float], Any]


def build(
    expression: Any,
    symbols: Sequence[Any],
    functions: Mapping[str, Callable[..., Any]] | None,
    primitives: Primitives,
) -> Evaluator:
    """Return a function of a sequence of arrays, one per symbol.

    Raises:
        ExpressionError: a node outside the whitelist, a symbol or a named function that
            is not given.
    """
    names = [str(symbol) for symbol in symbols]
    return _Walk(names, dict(functions or {}), primitives).node(expression)


@dataclass(frozen=True)
class _Walk:
    names: list[str]
    functions: dict[str, Callable[..., Any]]
    primitives: Primitives

    def node(self, expression: Any) -> Evaluator:
        kind = kind_of(expression)
        if kind in ("integer", "rational", "float", "constant", "level", "exact"):
            return self._constant(expression, kind)
        if kind == "symbol":
            place = self._place(expression.name)
            return lambda values: values[place]
        special = {"cases": self._cases, "call": self._call}
        if kind in special:
            return special[kind](expression)
        if kind in ("true", "false"):
            return self._truth(kind == "true")
        return self._operation(kind, [self.node(part) for part in expression.args])

    def _constant(self, expression: Any, kind: str) -> Evaluator:
        value = as_double(expression) if kind == "float" else float(expression)
        # made once, not at each call
        number = self.primitives.number(value)
        return lambda values: number

    def _truth(self, value: bool) -> Evaluator:
        # a truth as a comparison, so that it has the library's own type of condition
        one, zero = self.primitives.number(1.0), self.primitives.number(0.0)
        condition = self.primitives.compare["gt" if value else "lt"](one, zero)
        return lambda values: condition

    def _operation(self, kind: str, parts: list[Evaluator]) -> Evaluator:
        primitives = self.primitives
        single = {**primitives.functions, "not": primitives.invert}
        if kind in single:
            function, inner = single[kind], parts[0]
            return lambda values: function(inner(values))
        combine = {
            "add": lambda a, b: a + b,
            "mul": lambda a, b: a * b,
            "pow": primitives.power,
            "max": primitives.maximum,
            "min": primitives.minimum,
            "and": primitives.both,
            "or": primitives.either,
            **primitives.compare,
        }[kind]

        # from left to right, as the formula stands: sums in another order round otherwise
        def evaluate(values: Sequence[Any]) -> Any:
            result = parts[0](values)
            for part in parts[1:]:
                result = combine(result, part(values))
            return result

        return evaluate

    def _cases(self, expression: Any) -> Evaluator:
        pairs = [(self.node(p.args[0]), self.node(p.args[1])) for p in expression.args]
        where, undefined = self.primitives.where, self.primitives.number(float("nan"))

        def evaluate(values: Sequence[Any]) -> Any:
            # from the last case to the first, so that the first whose condition holds wins
            result = undefined
            for value, condition in reversed(pairs):
                result = where(condition(values), value(values), result)
            return result

        return evaluate

    def _call(self, expression: Any) -> Evaluator:
        name = expression.func.__name__
        if name not in self.functions:
            raise ExpressionError(
                f"the formula calls {name!r}, which is not among the functions given. "
                f"{closest_names(name, self.functions)}"
            )
        function = self.functions[name]
        parts = [self.node(part) for part in expression.args]
        return lambda values: function(*(part(values) for part in parts))

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise ExpressionError(
                f"the formula needs {name!r}, which is not among the symbols given. "
                f"{closest_names(name, self.names)}"
            )
        return self.names.index(name)
