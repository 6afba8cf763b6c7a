"""Formulas as plain nested lists: JSON that loads without executing anything.

    ["mul", 2.5, ["exp", ["mul", -0.1, ["symbol", "ta", "real"]]]]

A JSON integer is an exact integer, a JSON number with a point a double (Python writes
and reads it bit for bit), ["rational", 1, 3] a fraction, ["call", "f_rb_ta", ...] a
named function, ["cases", [value, condition], ...] a piecewise formula, ["level", 2.0,
"DBF"] a class of a categorical feature, ["exact", 365.25] a number that stays as it is.
"""

import math
from typing import Any

import sympy

from sciren.errors import ExpressionError
from symbolic.expression.atoms import Exact, Level
from symbolic.expression.nodes import (
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    RELATIONS,
    as_double,
    is_condition,
    kind_of,
)

DEEPEST = 150
"""Levels of a tree; each takes about five calls, of which Python allows 1,000."""

LONGEST_NAME = 500  # characters: a longer one is no column but an attack
ASSUMPTIONS = ("", "real", "positive", "nonnegative", "negative", "nonpositive")


def to_tree(expression: Any) -> Any:
    """Return a formula as nested lists of strings and numbers.

    Raises:
        ExpressionError: a node outside the whitelist, a number that is not a double, or
            a symbol with unusual assumptions.
    """
    kind = kind_of(expression)
    if kind in _LEAVES:
        return _LEAVES[kind](expression)
    if kind == "cases":
        pairs = [(pair.args[0], pair.args[1]) for pair in expression.args]
        return ["cases", *([to_tree(v), to_tree(c)] for v, c in pairs)]
    parts = expression.args
    if kind == "call":
        check_name(expression.func.__name__)
        return ["call", expression.func.__name__, *map(to_tree, parts)]
    if kind == "step":
        # sympy leaves the value at zero open; evaluators and languages agree on 1/2
        if parts[1] != sympy.Rational(1, 2):
            raise ExpressionError(f"{expression}: only a step with value at zero 1/2")
        parts = parts[:1]
    return [kind, *map(to_tree, parts)]


def from_tree(tree: Any) -> Any:
    """Return the formula of a tree, node by node as it was stored.

    Raises:
        ExpressionError: anything that ``to_tree`` does not write.
    """
    return _build(tree, 0)


def _symbol_tree(symbol: Any) -> list[str]:
    check_name(symbol.name)
    # symbols of one name and other assumptions are different symbols for sympy
    for word in ASSUMPTIONS:
        if _symbol(symbol.name, word) == symbol:
            return ["symbol", symbol.name, word] if word else ["symbol", symbol.name]
    raise ExpressionError(
        f"symbol {symbol.name!r} has assumptions beyond {ASSUMPTIONS[1:]}; "
        "create it with one of these"
    )


def _level_tree(level: Level) -> list[Any]:
    check_name(level.label or "other")
    return ["level", level.code, level.label]


_LEAVES = {
    "symbol": _symbol_tree,
    "integer": int,
    "rational": lambda number: ["rational", int(number.p), int(number.q)],
    "float": as_double,
    "level": _level_tree,
    "exact": lambda number: ["exact", number.value],
    "constant": lambda node: [next(n for n, c in CONSTANTS.items() if c == node)],
    "true": lambda node: ["true"],
    "false": lambda node: ["false"],
}


def _read_level(parts: list[Any], depth: int) -> Any:
    code, label = parts if len(parts) == 2 else (None, None)
    # a class without a name is the one for all others
    if not isinstance(code, float) or not math.isfinite(code):
        raise ExpressionError(f"a class needs a number and a label, got {parts!r:.80}")
    check_name("other" if label == "" else label)
    return Level(code, str(label))


def _read_exact(parts: list[Any], depth: int) -> Any:
    value = parts[0] if len(parts) == 1 else None
    if not isinstance(value, float) or not 0 < value < math.inf:
        raise ExpressionError(f"an exact number is positive, got {parts!r:.80}")
    return Exact(value)


def _symbol(name: str, assumption: str) -> Any:
    return sympy.Symbol(name, **({assumption: True} if assumption else {}))


def check_name(name: Any) -> None:
    """Refuse a name that no formula can hold.

    Columns have names with blanks, brackets, quotes; a name is only compared and printed,
    and every printer and language writes it in a way of its own.

    Raises:
        ExpressionError: it is empty, too long, has blanks at an end, or characters that
            nobody sees (line breaks, zero width, marks of direction).
    """
    # printable also refuses line breaks and marks that turn text round
    usable = isinstance(name, str) and name.isprintable() and name == name.strip()
    if not usable or not 0 < len(name) <= LONGEST_NAME:
        raise ExpressionError(
            f"{name!r:.80} is no name; use up to {LONGEST_NAME} printable characters, "
            "without blanks at the ends"
        )


def _build(tree: Any, depth: int) -> Any:
    # before anything is built: a file may be made to exhaust the stack
    if depth > DEEPEST:
        raise ExpressionError(f"a formula may be {DEEPEST} levels deep, this is deeper")
    # True is an int in Python
    if isinstance(tree, bool) or tree is None:
        raise ExpressionError(f"{tree!r} is no part of a formula")
    if isinstance(tree, int):
        return sympy.Integer(tree)
    if isinstance(tree, float):
        return _finite(tree)
    if not (isinstance(tree, list) and tree and isinstance(tree[0], str)):
        raise ExpressionError(
            f"a part of a formula is a number or a list with its kind first, got {tree!r:.80}"
        )
    return _node(tree[0], tree[1:], depth)


def _node(kind: str, parts: list[Any], depth: int) -> Any:
    fixed = {"true": sympy.true, "false": sympy.false, **CONSTANTS}
    if kind in fixed and not parts:
        return fixed[kind]
    if kind in _READERS:
        return _READERS[kind](parts, depth)
    return _read_operation(kind, parts, depth)


def _read_call(parts: list[Any], depth: int) -> Any:
    check_name(parts[0] if parts else None)
    arguments = [_number(part, depth) for part in parts[1:]]
    if not arguments:
        raise ExpressionError(f"the named function {parts[0]!r} has no argument")
    return sympy.Function(parts[0])(*arguments)


def _read_operation(kind: str, parts: list[Any], depth: int) -> Any:
    counts = dict.fromkeys([*FUNCTIONS, "not"], (1, 1))
    counts |= dict.fromkeys([*RELATIONS, "pow"], (2, 2))
    counts |= dict.fromkeys(["add", "mul", "max", "min", "and", "or"], (2, 10**6))
    if kind not in counts:
        raise ExpressionError(f"{kind!r} is not a kind of node; known: {list(counts)}")
    # a wrong count of parts would be an error deep inside sympy, or mean something else
    least, most = counts[kind]
    if not least <= len(parts) <= most:
        raise ExpressionError(f"{kind!r} does not take {len(parts)} parts")
    read = _condition if kind in ("and", "or", "not") else _number
    arguments = [read(part, depth) for part in parts]
    # unevaluated: sympy would sort, merge and expand what was stored as it is
    table = next(t for t in (FUNCTIONS, OPERATORS, RELATIONS) if kind in t)
    return table[kind](*arguments, evaluate=False)


def _number(tree: Any, depth: int) -> Any:
    value = _build(tree, depth + 1)
    if is_condition(value):
        raise ExpressionError(f"a condition stands where a number is needed: {value}")
    return value


def _condition(tree: Any, depth: int) -> Any:
    value = _build(tree, depth + 1)
    if not is_condition(value):
        raise ExpressionError(f"a number stands where a condition is needed: {value}")
    return value


def _read_symbol(parts: list[Any], depth: int) -> Any:
    check_name(parts[0] if parts else None)
    assumption = parts[1] if len(parts) == 2 else ""
    if len(parts) > 2 or assumption not in ASSUMPTIONS:
        raise ExpressionError(f"symbol {parts} has unknown assumptions")
    return _symbol(parts[0], assumption)


def _read_rational(parts: list[Any], depth: int) -> Any:
    valid = len(parts) == 2 and all(type(part) is int for part in parts)
    if not valid or parts[1] == 0:
        raise ExpressionError(f"a fraction needs two integers, got {parts}")
    return sympy.Rational(*parts)


def _read_cases(parts: list[Any], depth: int) -> Any:
    pairs = []
    for part in parts:
        if not (isinstance(part, list) and len(part) == 2):
            raise ExpressionError(f"a case is [value, condition], got {part!r:.80}")
        pairs.append((_number(part[0], depth), _condition(part[1], depth)))
    if not pairs:
        raise ExpressionError("cases without a case")
    return sympy.Piecewise(*pairs, evaluate=False)


_READERS = {
    "symbol": _read_symbol,
    "rational": _read_rational,
    "level": _read_level,
    "exact": _read_exact,
    "cases": _read_cases,
    "call": _read_call,
}


def _finite(value: float) -> Any:
    if not math.isfinite(value):
        raise ExpressionError(f"{value} is not a finite number")
    return sympy.Float(value)
