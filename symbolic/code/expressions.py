"""Formulas as text of a programming language; sympy's code printer sets the brackets.

Its finished printers do not serve as they are: fmax of C and max of Fortran lose a
missing value, Julia stops at the logarithm of a negative number, integers meet doubles
in Fortran. What differs between languages is in a ``Dialect``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sympy
from sympy.printing.codeprinter import CodePrinter
from sympy.printing.precedence import PRECEDENCE

from symbolic.expression.nodes import as_double, kind_of

FUNCTIONS = {
    name: name
    for name in [
        "exp",
        "log",
        "abs",
        "sin",
        "cos",
        "tan",
        "tanh",
        "sign",
        "sqrt",
        "step",
    ]
}
"""Names of the functions where a language has no others."""

RELATIONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
"""Signs of the comparisons where a language has no others."""


@dataclass(frozen=True)
class Dialect:
    """How a language writes what the languages write differently.

    Args:
        number: double -> literal that reads back to the same double.
        functions: name of ``nodes.FUNCTIONS`` and "sqrt" -> name of a function.
        power: (base, exponent, whole exponent or None) -> text; base and exponent as
            they stand alone.
        choose: (condition, value, other) -> text.
        relations: name of ``nodes.RELATIONS`` -> sign.
        both, either, invert: signs of logic;  truth: texts of false and true.
        larger, smaller: names of functions of two values.
        missing: not-a-number.
    """

    number: Callable[[float], str]
    functions: Mapping[str, str]
    power: Callable[[str, str, int | None], str]
    choose: Callable[[str, str, str], str]
    relations: Mapping[str, str]
    both: str
    either: str
    invert: str
    truth: tuple[str, str]
    larger: str
    smaller: str
    missing: str


SIGNS = Dialect(
    number=repr,
    functions=FUNCTIONS,
    power=lambda base, exponent, whole: f"(({base})^({exponent}))",
    choose=lambda condition, value, other: f"({condition} ? {value} : {other})",
    relations=RELATIONS,
    both="&&",
    either="||",
    invert="!",
    truth=("false", "true"),
    larger="max",
    smaller="min",
    missing="nan",
)
"""Signs of logic and choice that C, Julia and PEtab share; each says what it has otherwise."""


class CodeText(CodePrinter):
    """Prints formulas of the whitelist in a dialect.

    Args:
        dialect: of the language.
        names: name of a symbol or named function -> identifier.
    """

    def __init__(self, dialect: Dialect, names: Mapping[str, str]) -> None:
        # no reordering: terms stay as the formula has them
        super().__init__({"order": None})
        self.dialect, self.names = dialect, names

    def text(self, expression: Any) -> str:
        """Return a formula as text.

        Raises:
            ExpressionError: a node outside the whitelist.
        """
        return self._print(expression)

    def _print(self, expr: Any, **kwargs: Any) -> str:
        kind = kind_of(expr)
        # a step keeps one argument: its value at zero is part of the function
        if kind in self.dialect.functions:
            return self._applied(self.dialect.functions[kind], expr.args[:1])
        if kind in self.dialect.relations:
            left, right = map(self._print, expr.args)
            return f"({left} {self.dialect.relations[kind]} {right})"
        written = getattr(self, f"_write_{kind}", None)
        return written(expr) if written else super()._print(expr, **kwargs)

    def _applied(self, name: str, arguments: Any) -> str:
        return f"{name}({', '.join(map(self._print, arguments))})"

    def _write_symbol(self, node: Any) -> str:
        return self.names[node.name]

    def _write_call(self, node: Any) -> str:
        return self._applied(self.names[node.func.__name__], node.args)

    def _write_float(self, node: Any) -> str:
        return self.dialect.number(as_double(node))

    def _write_level(self, node: Any) -> str:
        return self.dialect.number(node.code)

    def _write_exact(self, node: Any) -> str:
        return self.dialect.number(node.value)

    def _write_integer(self, node: Any) -> str:
        # as a double: 1/2 of integers is 0 in C and Fortran
        return self.dialect.number(float(int(node)))

    def _write_rational(self, node: Any) -> str:
        above, below = (self.dialect.number(float(n)) for n in (node.p, node.q))
        return f"{above}/{below}"

    def _write_constant(self, node: Any) -> str:
        return self.dialect.number(float(node))

    def _write_pow(self, node: Any) -> str:
        base, exponent = node.args
        # rounded correctly in every language, unlike a power
        if exponent == sympy.Rational(1, 2):
            return self._applied(self.dialect.functions["sqrt"], (base,))
        # a division rounds once
        if exponent == -1:
            return f"{self.dialect.number(1.0)}/{self._tight(base)}"
        # whole powers up to 64 may be written as such, which keeps bases below zero defined
        is_integer = float(exponent).is_integer() if exponent.is_number else False
        number = int(exponent) if is_integer and abs(exponent) <= 64 else None
        return self.dialect.power(self._print(base), self._print(exponent), number)

    def _tight(self, node: Any) -> str:
        return self.parenthesize(node, PRECEDENCE["Pow"])

    def _write_max(self, node: Any) -> str:
        return self._folded(self.dialect.larger, node)

    def _write_min(self, node: Any) -> str:
        return self._folded(self.dialect.smaller, node)

    def _folded(self, name: str, node: Any) -> str:
        # in a fixed order, as sympy keeps these arguments in a set
        parts = sorted(map(self._print, node.args))
        return reduce(lambda first, second: f"{name}({first}, {second})", parts)

    def _write_cases(self, node: Any) -> str:
        # from the last case inwards; where no case holds there is no value
        result = self.dialect.missing
        for value, condition in reversed([pair.args for pair in node.args]):
            shown = self._print(value)
            if kind_of(condition) == "true":
                result = shown
            else:
                result = self.dialect.choose(self._print(condition), shown, result)
        return result

    def _write_true(self, node: Any) -> str:
        return self.dialect.truth[1]

    def _write_false(self, node: Any) -> str:
        return self.dialect.truth[0]

    def _write_and(self, node: Any) -> str:
        return self._joined(node, self.dialect.both)

    def _write_or(self, node: Any) -> str:
        return self._joined(node, self.dialect.either)

    def _joined(self, node: Any, sign: str) -> str:
        parts = sorted(f"{self._print(part)}" for part in node.args)
        return "(" + f" {sign} ".join(parts) + ")"

    def _write_not(self, node: Any) -> str:
        return f"({self.dialect.invert}({self._print(node.args[0])}))"


def power_by(name: str) -> Callable[[str, str, int | None], str]:
    """Return powers as calls of a function with two arguments."""
    return lambda base, exponent, whole: f"{name}({base}, {exponent})"
