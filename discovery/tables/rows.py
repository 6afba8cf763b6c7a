"""Row filters such as ``"sw_pot_inst == 0 and nee == nee"``, read by an own whitelist.

Allowed are column names, numbers, comparisons (also chained), ``and``, ``or``, ``not``,
``+ - * / % **`` and parentheses. A name that is no plain word stands in quotes of any
kind, such as ``"qc flag" == 0``. Nothing is ever evaluated as Python code.
"""

import ast
import keyword
import operator
import re
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from sciren.data.frames import numeric_column
from sciren.errors import (
    ColumnError,
    DataError,
    ExpressionError,
    NoRowsError,
    closest_names,
)

_LONGEST = 1000  # characters; a filter by hand stays far below, a list of ids does not
_QUOTED = re.compile(r"`([^`]*)`")

_ARITHMETIC: dict[type[ast.operator], Callable[..., np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[..., np.ndarray]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def select_rows(frame: pd.DataFrame, condition: str) -> np.ndarray:
    """Return which rows fulfil a condition on the columns.

    Comparisons with an empty cell are false, except ``!=``: ``nee == nee`` means
    "nee is there".

    Args:
        frame: n rows.
        condition: see the module, for example ``"0 <= vpd < 30 and not ta < -5"``.
    Returns:
        (n,) bool.
    Raises:
        ColumnError: a name is no column; the message gives the closest names.
        DataError: a column holds text, or (`NoRowsError`) no row is left.
        ExpressionError: the text cannot be read, holds something that is not allowed,
            is not a condition, or names no column.
    """
    filter_ = _Filter(frame, condition)
    try:
        # Divisions by zero give infinities that compare as they should; nan compares
        # false.
        with np.errstate(all="ignore"):
            mask = filter_.value(filter_.parse())
    except RecursionError as error:
        raise filter_.refuse("is nested too deeply; write it more simply") from error
    # A filter "1 < 2" or "True" would keep all or nothing by accident.
    if mask.dtype != bool:
        raise filter_.refuse("is a number, not a condition; compare it with something")
    if not filter_.used:
        raise filter_.refuse("names no column, so it cannot choose rows")
    if not mask.any():
        raise NoRowsError(
            f"the row filter {condition!r} leaves none of the {len(frame)} rows; "
            "loosen it"
        )
    return mask


class _Filter:
    """One condition on one frame; ``used`` collects the columns that it names."""

    def __init__(self, frame: pd.DataFrame, text: str) -> None:
        self.frame, self.text = frame, text
        self.names = frozenset(map(str, frame.columns))
        self.used: set[str] = set()

    def refuse(self, why: str) -> ExpressionError:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        return ExpressionError(f"the row filter {shown!r} {why}")

    def parse(self) -> ast.expr:
        if len(self.text) > _LONGEST:
            raise self.refuse(f"is longer than {_LONGEST} characters; write it shorter")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about escapes in refused strings
                tree = ast.parse(_QUOTED.sub(_quoted, self.text.strip()), mode="eval")
                tree = tree.body
        except SyntaxError as error:
            place = f"at character {error.offset}" if error.offset else "to its end"
            odd = sorted(
                name for name in self.names if name in self.text and not _plain(name)
            )
            if odd:
                raise self.refuse(
                    f"cannot be read {place}; write the name {odd[0]!r} in quotes"
                ) from error
            raise self.refuse(
                f"cannot be read {place}; write for example 'ta > 0 and nee == nee'"
            ) from error
        except (ValueError, MemoryError) as error:
            raise self.refuse(f"cannot be read ({error})") from error
        for node in ast.walk(tree):  # before any column is looked at
            if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
                if node.value in self.names:
                    continue  # a column's name in quotes
                raise self.refuse_part(node)
        return tree

    def refuse_part(self, node: ast.expr) -> ExpressionError:
        return self.refuse(
            f"holds {_description(node)}, which is not allowed; use column names, "
            "numbers, comparisons, and, or, not, + - * / % ** and parentheses"
        )

    def value(self, node: ast.expr) -> np.ndarray:
        """Return numbers or truth values of one part, () or (n,)."""
        match node:
            case ast.Name(id=name):
                result = self.column(name)
            case ast.Constant(value=str() as name):
                result = self.column(name)
            # bool is a subclass of int but was refused by `parse`, which compares types
            # exactly.
            case ast.Constant(value=int() | float() as value):
                result = self.literal(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                result = ~self.truth(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                result = -self.number(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                result = self.number(operand)
            case ast.BoolOp(op=op, values=parts):
                # Parts may be () or (n,): broadcast before they are joined.
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                result = join.reduce(np.broadcast_arrays(*map(self.truth, parts)))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                result = _ARITHMETIC[type(op)](self.number(left), self.number(right))
            case ast.Compare() if all(type(op) in _COMPARISONS for op in node.ops):
                result = self.comparison(node)
            case _:
                raise self.refuse_part(node)
        return np.asarray(result)

    def literal(self, value: float) -> np.ndarray:
        try:
            return np.asarray(float(value))
        except OverflowError as error:
            raise self.refuse("holds a number that is too large") from error

    def comparison(self, node: ast.Compare) -> np.ndarray:
        sides = [self.number(side) for side in (node.left, *node.comparators)]
        # A chain a < b < c is (a < b) and (b < c), as in Python.
        checks = [
            np.asarray(_COMPARISONS[type(op)](left, right))
            for op, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True)
        ]
        return np.logical_and.reduce(np.broadcast_arrays(*checks))

    def column(self, name: str) -> np.ndarray:
        if name not in self.frame.columns:
            raise ColumnError(
                f"the row filter {self.text!r} names {name!r}, which is not a column. "
                f"{closest_names(name, map(str, self.frame.columns))}"
            )
        self.used.add(name)
        try:
            return numeric_column(self.frame, name)
        except DataError as error:
            raise DataError(f"the row filter {self.text!r}: {error}") from error

    def number(self, node: ast.expr) -> np.ndarray:
        value = self.value(node)
        if value.dtype == bool:
            raise self.refuse(
                f"calculates with the condition {ast.unparse(node)!r}; join conditions "
                "with and, or, not"
            )
        return value

    def truth(self, node: ast.expr) -> np.ndarray:
        value = self.value(node)
        if value.dtype != bool:
            raise self.refuse(
                f"uses the number {ast.unparse(node)!r} as a condition; compare it with "
                "something"
            )
        return value


def _plain(name: str) -> bool:
    """Whether a name can stand in a condition without quotes."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _quoted(match: re.Match[str]) -> str:
    """Turn a name in backticks into one in the quotes of Python."""
    return repr(match[1])


def _description(node: ast.expr) -> str:
    match node:
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return "& or | (write and, or)"
        case ast.UnaryOp(op=ast.Invert()):
            return "~ (write not)"
        case ast.Constant(value=value):
            return f"the value {str(value)[:30]!r}"
        case ast.Call():
            return "a function call (of a column with gaps, nee == nee keeps what is there)"
    return f"'{ast.unparse(node)[:40]}'"
