"""The walk that every printer of formulas shares; a notation fills in the signs.

Brackets, signs, fractions and the order of terms and factors are decided here, once;
``symbolic.printing.latex`` and ``symbolic.printing.text`` say how each of them is written.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from sciren.errors import ExpressionError
from symbolic.expression.atoms import is_any_class
from symbolic.expression.nodes import as_double, is_condition, kind_of

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly a printed part holds together."""

NUMBERS = ("integer", "rational", "float")

LONGEST_DECIMAL = 12
"""Characters of a fraction that is written as a decimal."""

Part = tuple[str, int]


@dataclass(frozen=True)
class Notation:
    """How the pieces of a formula are written.

    Args:
        bracket, absolute, root: text -> text.
        fraction, power: (text, text) -> text.
        apply: (name, joined arguments) -> text.
        cases: rows of (value, condition) -> text.
        functions: whitelist name -> name of a function.
        relations: whitelist name -> sign between two sides.
        words: "and", "or", "not", "otherwise", "never", "pi", "e", "times" (between a
            factor and a digit), "beside" (between other factors).
        flat: whether fractions and powers stand in the line and need brackets.
        label: name of a class -> text.
        inline: flat notation for exponents; None for this one.
    """

    bracket: Callable[[str], str]
    absolute: Callable[[str], str]
    root: Callable[[str], str]
    fraction: Callable[[str, str], str]
    power: Callable[[str, str], str]
    apply: Callable[[str, str], str]
    cases: Callable[[list[tuple[str, str]]], str]
    functions: Mapping[str, str]
    relations: Mapping[str, str]
    words: Mapping[str, str]
    label: Callable[[str], str]
    flat: bool = False
    inline: "Notation | None" = None


def names_in(expressions: Sequence[Any]) -> list[str]:
    """Return the names of symbols and named functions, sorted."""
    names: set[str] = set()
    for expression in expressions:
        names |= {symbol.name for symbol in expression.free_symbols}
        names |= {call.func.__name__ for call in expression.atoms(AppliedUndef)}
    return sorted(names)


def ordered_terms(expression: Any, order: Sequence[str] = ()) -> list[Any]:
    """Return the terms of a sum: by the order of names, then numbers, then cases."""
    places = {name: place for place, name in enumerate(order)}

    def key(term: Any) -> tuple[bool, bool, int, list[str], str]:
        names = names_in([term])
        # a term stands where its most important name does
        place = min((places.get(name, len(places)) for name in names), default=0)
        # a sign behind cases would seem to go on with the condition in the middle
        return _is_cases(term), not names, place, names, str(term)

    return sorted(sympy.Add.make_args(expression), key=key)


def _is_cases(term: Any) -> bool:
    return kind_of(term) == "cases"


def joined(terms: Sequence[tuple[str, str]]) -> str:
    """Return signed terms in one line: no sign before a first positive one."""
    first = terms[0][1] if terms[0][0] == "+" else f"-{terms[0][1]}"
    return " ".join([first, *(f"{sign} {text}" for sign, text in terms[1:])])


@dataclass(frozen=True)
class Printer:
    """Prints formulas in one notation.

    Args:
        names: name of a symbol or named function -> how it is written.
        number: double -> text, its sign included.
        rounded: whether numbers are rounded; a coefficient 1.0 is then left out.
        order: names; terms of a sum come in this order.
    """

    notation: Notation
    names: Mapping[str, str]
    number: Callable[[float], str]
    rounded: bool = True
    order: Sequence[str] = ()

    def text(self, expression: Any) -> str:
        """Return a formula or a condition in the notation.

        Raises:
            ExpressionError: a node outside the whitelist.
        """
        if is_condition(expression):
            return self.condition(expression)
        return self._part(expression)[0]

    def rising(self, terms: Sequence[Any]) -> str:
        """Return formulas that are not smaller one by one: ``0 <= rb <= 12``."""
        sign = self.notation.relations["le"]
        return f" {sign} ".join(map(self.text, terms))

    def signed_terms(self, expression: Any) -> list[tuple[str, str]]:
        """Return the terms of a sum as pairs of a sign and the text without it."""
        terms = ordered_terms(expression, self.order)
        signed = [self._signed(term) for term in terms]
        return [
            (sign, self.notation.bracket(text) if _is_cases(term) else text)
            for (sign, text), term in zip(signed[:-1], terms, strict=False)
        ] + signed[-1:]

    def condition(self, condition: Any) -> str:
        """Return a condition in the notation."""
        kind, words = kind_of(condition), self.notation.words
        # the case of all other classes is the last
        if is_any_class(condition):
            return words["otherwise"]
        if kind in self.notation.relations:
            left, right = (self.text(side) for side in condition.args)
            return f"{left} {self.notation.relations[kind]} {right}"
        if kind in ("and", "or"):
            parts = sorted(condition.args, key=str)
            return words[kind].join(self._bracketed(part) for part in parts)
        if kind == "not":
            inside = self.condition(condition.args[0])
            return words["not"] + self.notation.bracket(inside)
        return words["otherwise" if kind == "true" else "never"]

    def _bracketed(self, condition: Any) -> str:
        text = self.condition(condition)
        loose = kind_of(condition) in ("and", "or")
        return self.notation.bracket(text) if loose else text

    def _part(self, node: Any) -> Part:
        kind = kind_of(node)
        if kind in NUMBERS:
            return self._number(node, kind)
        if kind in ("add", "mul", "pow", "cases", "abs", "symbol", "constant"):
            return getattr(self, f"_{kind}")(node)
        if kind == "exact":
            return self._exact(str(node)), ATOM
        if kind == "level":
            return self.notation.label(node.label), ATOM
        if kind == "call":
            return self._applied(self.names[node.func.__name__], node.args)
        if kind in self.notation.functions:
            # a step's second argument is its value at zero, 1/2
            arguments = node.args[:1] if kind == "step" else _ordered(node, kind)
            return self._applied(self.notation.functions[kind], arguments)
        raise ExpressionError(f"the condition {node} stands where a number is needed")

    def _applied(self, name: str, arguments: Sequence[Any]) -> Part:
        inside = ", ".join(self.text(argument) for argument in arguments)
        return self.notation.apply(name, inside), POWER

    def _number(self, node: Any, kind: str) -> Part:
        positive = PRODUCT if kind == "rational" else ATOM
        if kind == "integer":
            text = str(int(node))
        elif kind == "rational" and (decimal := self._decimal(node)):
            text, positive = self._exact(decimal), ATOM
        elif kind == "rational":
            above, below = str(abs(int(node.p))), str(int(node.q))
            text = ("-" if node < 0 else "") + self.notation.fraction(above, below)
        else:
            text = self.number(as_double(node))
            # 4.2 \times 10^{-4} is a product, which a power would tear apart
            positive = PRODUCT if " " in text else ATOM
        # -2 needs the brackets of a sum
        return text, SUM if node < 0 else positive

    def _decimal(self, number: Any) -> str:
        """Rounded formulas have decimals for people, exact ones fractions to read back."""
        return short_decimal(number) if self.rounded else ""

    def _exact(self, decimal: str) -> str:
        """Write a decimal with every digit that it has, and the sign for the point."""
        # what this printer writes between 1 and 5
        point = self.number(1.5)[1:].split("5")[0]
        plain = point in (".", ",", "{,}")  # numbers inside a command keep the point
        return decimal.replace(".", point) if plain else decimal

    def _symbol(self, node: Any) -> Part:
        return self.names[node.name], ATOM

    def _constant(self, node: Any) -> Part:
        return self.notation.words["pi" if node == sympy.pi else "e"], ATOM

    def _abs(self, node: Any) -> Part:
        return self.notation.absolute(self.text(node.args[0])), ATOM

    def _cases(self, node: Any) -> Part:
        pairs = [pair.args for pair in node.args]
        rows = [(self.text(v), self.condition(c)) for v, c in pairs]
        return self.notation.cases(rows), PRODUCT

    def _add(self, node: Any) -> Part:
        # (ta - 15)/10 as its author wrote it, which sympy keeps as two fractions
        below = _common_denominator(node, self._decimal)
        if below == 1:
            return joined(self.signed_terms(node)), SUM
        numerator = sympy.Add(*(below * term for term in node.args))
        above = self.text(numerator)
        above = self.notation.bracket(above) if self.notation.flat else above
        return self.notation.fraction(above, str(below)), PRODUCT

    def _signed(self, term: Any) -> tuple[str, str]:
        # the sign of a term stands between terms, not in it
        number = term.args[0] if kind_of(term) == "mul" else term
        if kind_of(number) in NUMBERS and number < 0:
            rest = term.args[1:] if kind_of(term) == "mul" else ()
            return "-", self._product([-number, *rest])
        text, level = self._part(term)
        return "+", text if level > SUM else self.notation.bracket(text)

    def _mul(self, node: Any) -> Part:
        if kind_of(node.args[0]) in NUMBERS and node.args[0] < 0:
            return f"-{self._signed(node)[1]}", SUM
        return self._product(list(node.args)), PRODUCT

    def _product(self, factors: list[Any]) -> str:
        number = sympy.Integer(1)
        if kind_of(factors[0]) in NUMBERS:
            number, *factors = factors
        factors = sorted(factors, key=_factor_key)
        # factors with negative exponents go below the line
        above = [factor for factor in factors if not _below(factor)]
        below = [sympy.Pow(f.base, -f.exp) for f in factors if _below(f)]
        front = ""
        # 2/3 (a + b): the number stays in front of a bracket
        lone_sum = len(above) == 1 and above[0].is_Add and not self._decimal(number)
        if number.is_Rational and number.q != 1 and lone_sum and not below:
            front = self._number(number, "rational")[0]
        elif number.is_Rational and self._decimal(number):
            above = [number, *above]
        elif number.is_Rational:
            above = [sympy.Integer(number.p)] * (number.p != 1) + above
            below = [sympy.Integer(number.q)] * (number.q != 1) + below
        # a rounded 1.00 in front says nothing; unrounded it may be 1.0000001
        elif not (self.rounded and number == sympy.Float(1)):
            above = [number, *above]
        if not below:
            return self._side_by_side([front, *map(self._tight, above)])
        line = self._alone(below)
        if self.notation.flat and len(below) > 1:
            line = self.notation.bracket(line)
        return self.notation.fraction(self._alone(above), line)

    def _alone(self, factors: list[Any]) -> str:
        """Return factors above or below a fraction line; one needs no brackets."""
        if len(factors) == 1 and not self.notation.flat:
            return self.text(factors[0])
        return self._side_by_side([self._tight(factor) for factor in factors])

    def _tight(self, factor: Any) -> str:
        text, level = self._part(factor)
        positive = kind_of(factor) in NUMBERS and factor >= 0
        return text if level > PRODUCT or positive else self.notation.bracket(text)

    def _side_by_side(self, parts: list[str]) -> str:
        words, text = self.notation.words, ""
        for part in filter(None, parts):
            # 2 3 would read as 23
            digit = part[0].isdigit() or part.startswith(r"\num")
            text += words["times" if digit else "beside"] * bool(text) + part
        return text or "1"

    def _pow(self, node: Any) -> Part:
        base, exponent = node.args
        # roots have a sign of their own
        if exponent == sympy.Rational(1, 2):
            return self.notation.root(self.text(base)), POWER
        if _below(node):
            return self._product([node]), PRODUCT
        text, level = self._part(base)
        text = text if level == ATOM else self.notation.bracket(text)
        return self.notation.power(text, self._exponent(exponent)), POWER

    def _exponent(self, exponent: Any) -> str:
        # x^2.00 is x^2 to a reader
        is_integer = exponent.is_Float and float(exponent).is_integer()
        if is_integer and self.rounded and abs(exponent) < 1000:
            exponent = sympy.Integer(int(exponent))
        if self.notation.inline is not None:
            return replace(self, notation=self.notation.inline).text(exponent)
        text, level = self._part(exponent)
        loose = self.notation.flat and level < ATOM
        return self.notation.bracket(text) if loose else text


def _ordered(node: Any, kind: str) -> list[Any]:
    """Return the arguments in a fixed order (sympy keeps those of Max in a set)."""
    if kind not in ("max", "min"):
        return list(node.args)
    return sorted(
        node.args, key=lambda argument: (not argument.is_number, str(argument))
    )


def short_decimal(number: Any) -> str:
    """Return 12.5 for 25/2 and 8.314 for 4157/500; "" for 1/10, 1/3 and integers.

    Numbers of a traced process model are written as its author wrote them.
    """
    if not number.is_Rational or number.q == 1 or abs(number.p) == 1:
        return ""
    remainder = int(number.q)
    for prime in (2, 5):
        # a denominator of twos and fives has a finite decimal
        while remainder % prime == 0:
            remainder //= prime
    text = (
        f"{Decimal(int(number.p)) / Decimal(int(number.q)):f}" if remainder == 1 else ""
    )
    return text if len(text) <= LONGEST_DECIMAL else ""


def _common_denominator(total: Any, decimal: Callable[[Any], str]) -> int:
    """Return q of (ta - 15)/10, which sympy keeps as ta/10 - 3/2; 1 for other sums."""
    parts = [term.as_coeff_Mul() for term in total.args]
    numbers = [number for number, _ in parts]
    if not all(number.is_Rational for number in numbers):
        return 1
    # 0.5 x needs no fraction line
    plain = [n for n, remainder in parts if remainder != 1 and not decimal(n)]
    below = math.lcm(*(int(number.q) for number in plain))
    clean = all((n * below).q == 1 or decimal(n * below) for n in numbers)
    return below if clean else math.lcm(*(int(number.q) for number in numbers))


def _below(factor: Any) -> bool:
    """Whether a factor is written under the fraction line."""
    if kind_of(factor) != "pow":
        return False
    exponent = factor.exp
    return bool(exponent.is_Rational and exponent < 0 and not factor.base.is_number)


def _factor_key(factor: Any) -> tuple[int, str]:
    # symbols, powers, functions, cases, sums: brackets come last
    rank = {"symbol": 0, "pow": 1, "add": 4, "cases": 3}
    return rank.get(kind_of(factor), 2), str(factor)
