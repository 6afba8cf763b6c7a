"""Parts that occur several times in the formulas of a step, each calculated once."""

from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import Any

import sympy

LETTERS = "abcdfghjlmnopruvwxyz"  # without the indices i and t, and what is mistaken


def letters() -> Iterator[str]:
    """Yield a, b, ..., then a1, b1, ..."""
    yield from LETTERS
    for number in count(1):
        yield from (f"{letter}{number}" for letter in LETTERS)


def numbered(word: str = "part") -> Iterator[str]:
    """Yield part1, part2, ..."""
    return (f"{word}{number}" for number in count(1))


def shared_parts(
    formulas: Sequence[sympy.Expr], taken: Collection[str], words: Iterator[str]
) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """Return (symbol, formula) of what occurs twice, in order, and the formulas with them.

    Args:
        formulas: of one step.
        taken: names that are something else.
        words: names for the parts.
    """
    # sympy may ask for any number of names, so they are made on demand
    free = (sympy.Symbol(word, real=True) for word in words if word not in taken)
    parts, short = sympy.cse(list(formulas), symbols=free)
    return list(parts), list(short)
