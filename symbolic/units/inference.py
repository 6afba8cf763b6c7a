"""Units of the constants of a formula, from those of its columns: one rule a node.

Terms of a sum, of a maximum and of the two sides of a comparison have one unit; a product
multiplies units, a power multiplies exponents, functions and exponents take and give
plain numbers. A number in the formula has the unit that makes its term consistent ("free"
mode) or none ("dimensionless" mode). The rules are linear in the exponents of units, so
they are solved one equation at a time. What is known and does not fit is a problem; a
known unit inside exp, log or another function is divided by its unit when printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy

from symbolic.expression.nodes import is_condition, kind_of
from symbolic.options import UnitMode
from symbolic.printing.text import to_text
from symbolic.units.algebra import Unit

NUMBERS = ("integer", "rational", "float", "constant")
ALIKE = ("add", "max", "min")
ONE = Fraction(1)


@dataclass(frozen=True)
class Quantity:
    """A unit that may still hold unknown units with exponents."""

    unit: Unit = field(default_factory=Unit)
    unknown: Mapping[Any, Fraction] = field(default_factory=dict)

    def times(self, other: "Quantity", power: Fraction = ONE) -> "Quantity":
        """Return this unit times a power of another one."""
        unknown = dict(self.unknown)
        for name, exponent in other.unknown.items():
            unknown[name] = unknown.get(name, Fraction(0)) + exponent * power
        return Quantity(
            self.unit * other.unit**power, {n: e for n, e in unknown.items() if e}
        )


class Inference:
    """Solves for units; several formulas may be added one after another.

    Args:
        known: name of a symbol -> unit; other symbols are unknown.
        mode: "free" or "dimensionless" numbers and constants.
        constants: names of symbols that are constants, without a unit in the mode
            "dimensionless".
    """

    def __init__(
        self,
        units: Mapping[str, Unit],
        mode: UnitMode = "free",
        constants: frozenset[str] = frozenset(),
    ) -> None:
        self.known, self.mode, self.constants = dict(units), mode, constants
        self.solved: dict[Any, Quantity] = {}
        self.problems: list[str] = []
        self.inside: dict[Any, Unit] = {}
        self._count = 0

    def require(self, expression: Any, unit: Unit, name: str) -> None:
        """Give a formula the unit of the quantity that it is."""
        quantity = self.quantity(expression)
        if not self._equate(quantity, Quantity(unit)):
            self.problems.append(
                f"{name} is in {_named(unit)}, but its formula in {self._text(quantity)}"
            )

    def unit_of(self, name: str) -> Unit | None:
        """Return the unit of a symbol, or None where the rules leave it open."""
        if name in self.known:
            return self.known[name]
        # open as long as any unknown is left
        reduced = self._reduced(Quantity(Unit(), {name: ONE}))
        return None if reduced.unknown else reduced.unit

    def quantity(self, node: Any) -> Quantity:
        """Return the unit of a formula and note what does not fit inside it."""
        kind = kind_of(node)
        if kind in NUMBERS:
            return self._number(kind)
        if kind in ("level", "exact"):
            return self._new()  # a class, a period: of the feature that they belong to
        rules = dict.fromkeys(ALIKE, self._sum) | {
            "symbol": self._symbol,
            "mul": self._product,
            "pow": self._power,
            "abs": self._same,
            "cases": self._cases,
            "call": self._call,
        }
        if kind in rules:
            return rules[kind](node)
        # 1. Functions take plain numbers, 2. and give one; a sign or a step takes any unit.
        argument = self.quantity(node.args[0])
        if kind not in ("sign", "step"):
            self._plain(argument, node.args[0])
        if kind == "exp" and self._holds_constant(node.args[0]):
            return self._new()  # exp(c + s) = A exp(s), and A may have any unit
        return Quantity()

    def _holds_constant(self, argument: Any) -> bool:
        """Whether a free constant is added to the rest of an argument."""
        terms = argument.args if kind_of(argument) == "add" else ()
        return self.mode == "free" and any(
            term.is_number or (term.is_symbol and term.name in self.constants)
            for term in terms
        )

    # -- rules ----------------------------------------------------------------------
    def _number(self, kind: str) -> Quantity:
        # pi and e are numbers in either mode
        free = self.mode == "free" and kind != "constant"
        return self._new() if free else Quantity()

    def _new(self) -> Quantity:
        # an unknown unit by its number; those of symbols go by their names
        self._count += 1
        return Quantity(Unit(), {self._count: ONE})

    def _symbol(self, node: Any) -> Quantity:
        name = node.name
        if name in self.known:
            return Quantity(self.known[name])
        if self.mode == "dimensionless" and name in self.constants:
            return Quantity()
        return Quantity(Unit(), {name: ONE})

    def _same(self, node: Any) -> Quantity:
        return self.quantity(node.args[0])

    def _sum(self, node: Any) -> Quantity:
        return self._alike(list(node.args), node)

    def _cases(self, node: Any) -> Quantity:
        # both sides of a comparison have one unit, and all values as well
        for _, condition in (pair.args for pair in node.args):
            self._condition(condition)
        return self._alike([pair.args[0] for pair in node.args], node)

    def _call(self, node: Any) -> Quantity:
        """A curve without closed form may turn any unit into any other."""
        self.quantity(node.args[0])
        return self._new()

    def _product(self, node: Any) -> Quantity:
        total = Quantity()
        for factor in node.args:
            if factor.is_number and abs(factor) == 1:
                continue  # a sign has no unit
            total = total.times(self.quantity(factor))
        return total

    def _power(self, node: Any) -> Quantity:
        base, exponent = node.args
        quantity = self.quantity(base)
        # m^(1/2) is a unit; m^0.37 is none, and a fitted exponent is no statement about units
        if exponent.is_Rational or (
            exponent.is_Float and float(2 * exponent).is_integer()
        ):
            power = Fraction(str(exponent if exponent.is_Rational else float(exponent)))
            return Quantity().times(quantity, power)
        if not exponent.is_number:
            self._plain(self.quantity(exponent), exponent)
        self._plain(quantity, base)
        return Quantity()

    def _alike(self, parts: list[Any], node: Any) -> Quantity:
        if kind_of(node) != "add":  # a bound or a case of zero has any unit
            parts = [part for part in parts if part != 0] or parts
        first, *others = [self.quantity(part) for part in parts]
        for part, other in zip(parts[1:], others, strict=True):
            if not self._equate(other, first):
                self.problems.append(
                    f"{to_text(part, 4)} in {self._text(other)} stands beside "
                    f"{to_text(parts[0], 4)} in {self._text(first)}"
                )
        return first

    def _condition(self, condition: Any) -> None:
        if not is_condition(condition) or not condition.args:
            return
        if kind_of(condition) in ("and", "or", "not"):
            for part in condition.args:
                self._condition(part)
        else:
            self._alike(
                # a Max of both sides only for the message: any node that wants parts alike
                list(condition.args),
                sympy.Max(*condition.args, evaluate=False),
            )

    def _plain(self, quantity: Quantity, node: Any) -> None:
        """Make what stands inside a function a plain number."""
        quantity = self._reduced(quantity)
        if quantity.unknown:
            self._equate(quantity, Quantity())
        elif not quantity.unit.dimensionless:
            self.inside[node] = quantity.unit

    # -- solving --------------------------------------------------------------------
    def _reduced(self, quantity: Quantity) -> Quantity:
        # replace what is solved, also inside what replaced it
        while any(name in self.solved for name in quantity.unknown):
            name = next(name for name in quantity.unknown if name in self.solved)
            power = quantity.unknown[name]
            others = {n: e for n, e in quantity.unknown.items() if n != name}
            quantity = Quantity(quantity.unit, others).times(self.solved[name], power)
        return quantity

    def _equate(self, first: Quantity, second: Quantity) -> bool:
        """Make two units the same; False where they are known and differ."""
        ratio = self._reduced(first.times(second, Fraction(-1)))
        # both are known: they fit or they do not
        if not ratio.unknown:
            return ratio.unit.dimensionless
        # numbers first: names of constants and columns stay for what follows
        name = min(ratio.unknown, key=lambda n: (isinstance(n, str), str(n)))
        power = ratio.unknown[name]
        others = Quantity(
            ratio.unit, {n: e for n, e in ratio.unknown.items() if n != name}
        )
        # name^power * others = 1, solved for name
        self.solved[name] = Quantity().times(others, -1 / power)
        return True

    def _text(self, quantity: Quantity) -> str:
        reduced = self._reduced(quantity)
        return "an open unit" if reduced.unknown else _named(reduced.unit)


def _named(unit: Unit) -> str:
    return str(unit) or "no unit"


def with_plain_arguments(
    expression: Any, units: Mapping[str, Unit]
) -> tuple[Any, dict[str, Unit]]:
    """Divide what stands inside log and other functions by its unit, for printing.

    Args:
        expression: formula;  units: name of a symbol -> unit.
    Returns:
        The formula, in which log(ta + 3) has become log((ta + 3)/(1 degC)), and name of
        the new symbol -> unit.
    """
    # in the "free" mode: constants take what they must, columns have what they have
    inference = Inference(units)
    inference.quantity(expression)
    if not inference.inside:
        return expression, {}
    symbols: dict[str, Unit] = {}

    def divided(node: Any) -> Any:
        unit = inference.inside[node]
        name = f"(1 {unit})"
        symbols[name] = unit
        return node / sympy.Symbol(name, real=True)

    def rebuilt(node: Any) -> Any:
        if not node.args:
            return node
        parts = [rebuilt(part) for part in node.args]
        # functions of plain numbers; maximum, size and cases keep units
        takes = isinstance(node, sympy.Function | sympy.Pow) and not isinstance(
            node, sympy.Max | sympy.Min | sympy.Abs | sympy.Piecewise
        )
        if takes:
            parts = [
                divided(old).xreplace({old: new}) if old in inference.inside else new
                for old, new in zip(node.args, parts, strict=True)
            ]
        return node.func(*parts) if parts != list(node.args) else node

    return rebuilt(expression), symbols
