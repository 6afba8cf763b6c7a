"""The whitelist: every kind of node that a formula of this toolkit may hold.

Trees, printers, readers and evaluators all go by these tables; what is not listed here
is refused with its name.
"""

import sys
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.core.numbers import Exp1, Pi
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from sciren.errors import ExpressionError
from symbolic.expression.atoms import Exact, Level

FUNCTIONS: dict[str, Any] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "abs": sympy.Abs,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "tanh": sympy.tanh,
    "sign": sympy.sign,
    "step": sympy.Heaviside,
}
"""Functions of one argument: name in a tree -> sympy class."""

OPERATORS: dict[str, Any] = {
    "add": sympy.Add,
    "mul": sympy.Mul,
    "pow": sympy.Pow,
    "max": sympy.Max,
    "min": sympy.Min,
    "and": And,
    "or": Or,
    "not": Not,
}
"""Nodes whose parts are formulas or conditions."""

RELATIONS: dict[str, Any] = {
    "lt": sympy.StrictLessThan,
    "le": sympy.LessThan,
    "gt": sympy.StrictGreaterThan,
    "ge": sympy.GreaterThan,
    "eq": sympy.Equality,
    "ne": sympy.Unequality,
}
"""Comparisons, as they stand in the conditions of cases."""

CONSTANTS: dict[str, Any] = {"pi": sympy.pi, "e": sympy.E}
"""Numbers with a name."""

_NAMES = {
    kind: name
    for table in (FUNCTIONS, OPERATORS, RELATIONS)
    for name, kind in table.items()
}


def kind_of(node: Any) -> str:
    """Return the whitelist name of a sympy node.

    Returns:
        "symbol", "integer", "rational", "float", "constant", "level" (a class of a
        categorical feature), "exact" (a number that is never rounded), "true", "false", "cases",
        "call" (a named function such as ``f_rb_ta(x)``) or a key of the tables above.
    Raises:
        ExpressionError: the node is not in the whitelist.
    """
    # by exact type: a subclass of a listed class may mean something else
    if type(node) in _NAMES:
        return _NAMES[type(node)]
    # in this order: an Integer is a Rational
    leaves = (
        (Level, "level"),
        (Exact, "exact"),
        (sympy.Symbol, "symbol"),
        (sympy.Integer, "integer"),
        (sympy.Rational, "rational"),
        (sympy.Float, "float"),
        ((Pi, Exp1), "constant"),
        (BooleanTrue, "true"),
        (BooleanFalse, "false"),
        (sympy.Piecewise, "cases"),
        (AppliedUndef, "call"),
    )
    for kind, name in leaves:
        if isinstance(node, kind):
            return name
    known = ", ".join([*FUNCTIONS, *OPERATORS, *RELATIONS, "cases"])
    raise ExpressionError(
        f"{type(node).__name__} in {str(node)[:80]!r} is not allowed in a formula; "
        f"allowed are numbers, symbols, named functions and {known}"
    )


def is_condition(node: Any) -> bool:
    """Whether a node is true or false rather than a number."""
    return isinstance(node, (Relational, Boolean)) and not isinstance(
        node, sympy.Symbol
    )


def as_double(number: Any) -> float:
    """Return a sympy Float as the double it is.

    Below the smallest normal double (2.2e-308) doubles run out of digits, which sympy's
    numbers do not; there the nearest double is taken.

    Raises:
        ExpressionError: the number has more digits than a double, or is not finite.
    """
    value = float(number)
    # only for numbers of a double's own precision; a longer one would lose digits unnoticed
    if abs(value) < sys.float_info.min and number._prec == sys.float_info.mant_dig:
        return value
    # back in its own precision the double has to be the same number
    if not sympy.Float(value, precision=number._prec) == number:
        raise ExpressionError(
            f"{number} is not a double; round it with sympy.Float(value) first"
        )
    return value
