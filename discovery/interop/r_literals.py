"""Numbers, names and mappings as R code, which holds ASCII alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

PER_LINE = 6  # numbers of full precision that fit a line


class Code(str):
    """R code that stands for itself."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Return plain data as an R expression.

    Text becomes a string with escapes, a list of numbers or texts a vector, a matrix or
    array one of R's, a mapping a named list, another sequence a list, None NULL.
    """
    if isinstance(value, Code):
        return str(value)
    if value is None:
        return "NULL"
    if isinstance(value, Mapping):
        parts = [f"{quoted(str(k))} = {literal(v)}" for k, v in value.items()]
        return f"list({', '.join(parts)})" if parts else "list()"
    if isinstance(value, np.ndarray) and value.ndim > 1:
        # R counts the first dimension fastest
        flat = literal(value.ravel(order="F").tolist())
        sizes = ", ".join(f"{size}L" for size in value.shape)
        return f"array({flat}, dim = c({sizes}))"
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return _sequence(list(value))
    return _scalar(value)


def _sequence(items: list[Any]) -> str:
    simple = all(
        isinstance(item, str | bool | int | float | np.generic) for item in items
    )
    if not simple or any(isinstance(item, Code) for item in items):
        return f"list({', '.join(map(literal, items))})"
    if not items:
        return "numeric(0)"
    shown = [_scalar(item) for item in items]
    rows = [shown[k : k + PER_LINE] for k in range(0, len(shown), PER_LINE)]
    return f"c({f',{chr(10)}    '.join(', '.join(row) for row in rows)})"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    # Before numbers: a bool is an int in Python.
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    number = float(value)
    if np.isnan(number):
        return "NaN"
    if np.isinf(number):
        return "Inf" if number > 0 else "-Inf"
    # repr is the shortest text that gives the same double again, in R as well.
    return repr(number)


def quoted(text: str) -> str:
    """Return text as a string of R."""
    # JSON escapes as R does, but writes letters beyond the first plane as two halves.
    return "".join(
        json.dumps(letter)[1:-1] if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
        for letter in text
    ).join('""')
