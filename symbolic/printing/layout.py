r"""Equations for a page: sums broken into lines, bounds as cases, long parts named.

Everything fits into one ``align`` of the package amsmath; lines after the first begin
with ``&\quad {}+``.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbolic.printing.printer import Printer, joined, names_in, ordered_terms

WIDTH = 64
"""Characters of a line, about, of an eleven point article."""

UNNUMBERED_BREAK = "\\\\\n  &\\quad {}"
"""What stands between the lines of one equation where equations have no numbers."""

BREAK = "\\notag " + UNNUMBERED_BREAK
"""The same where only the last line of an equation has its number."""

Equation = tuple[str, str]
"""Left side and right side, both LaTeX; the right side may hold line breaks."""


def visual_width(latex: str) -> int:
    """Return about how many characters wide a formula is when set."""
    text = re.sub(
        r"\\(mathrm|text|left|right|displaystyle|begin|end|notag)\b", "", latex
    )
    # a fraction is as wide as the longer of its two lines
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", _longer, text)
    text = re.sub(r"\\(exp|ln|max|min|sin|cos|tan|tanh)\b", "fff", text)
    text = re.sub(r"\\[A-Za-z]+", "x", text)
    return len(re.sub(r"\\.|[{}^_\s]", "", text))


def _longer(match: re.Match[str]) -> str:
    return max(match.groups(), key=len)


def broken_sum(
    printer: Printer, expression: Any, width: int = WIDTH, line_break: str = BREAK
) -> str:
    """Return a sum on as many lines as it needs, broken before plus and minus."""
    lines: list[list[tuple[str, str]]] = [[]]
    filled = 0
    for sign, text in printer.signed_terms(expression):
        # the sign and its spaces take about three characters
        size = visual_width(text) + 3
        # a single term that is too long stands alone on its line
        if lines[-1] and filled + size > width:
            lines.append([])
            filled = 0
        lines[-1].append((sign, text))
        filled += size
    first = joined(lines[0])
    further = [
        f"{line[0][0]} {joined([('+', line[0][1]), *line[1:]])}" for line in lines[1:]
    ]
    return line_break.join([first, *further])


def equations(
    printer: Printer, left: str, name: str, expression: Any, width: int = WIDTH
) -> list[Equation]:
    r"""Return the lines that define one quantity, long inner parts first.

    A bound such as max(0, z) becomes cases of ``\tilde{...}``, the unbounded value; a
    sum that is too long inside another function gets a letter u of its own.

    Args:
        left: LaTeX of the left side.
        name: name of the quantity, for the letters of its parts.
    """
    result: list[Equation] = []
    # 1. Bounds become cases of the unbounded value, which is defined first.
    clamp = find_clamp(expression)
    if clamp is not None:
        free = sympy.Symbol(f"free_{name}", real=True)
        tilde = with_tilde(printer.names.get(name, left))
        printer = replace(printer, names={**printer.names, free.name: tilde})
        result += equations(printer, tilde, f"{name}_free", inner_of(clamp), width)
        return [*result, (left, printer.text(as_cases(expression, clamp, free)))]
    # 2. Long parts get letters, the smallest that helps first, until every term fits.
    taken = names_in([expression])
    while (long := _long_part(printer, expression, width)) is not None:
        letter = sympy.Symbol(_new_letter(taken, len(result)), real=True)
        taken.append(letter.name)
        text = f"u_{{{printer.names.get(name, left)},{len(result) + 1}}}"
        printer = replace(printer, names={**printer.names, letter.name: text})
        result.append((text, broken_sum(printer, long, width)))
        expression = expression.xreplace({long: letter})
    return [*result, (left, broken_sum(printer, expression, width))]


def with_tilde(symbol: str) -> str:
    """Return a symbol with a tilde over its letters, not over its subscript."""
    base, mark, subscript = symbol.partition("_")
    accent = (
        "tilde"
        if len(base) == 1 or (base.startswith("\\") and "{" not in base)
        else "widetilde"
    )
    return rf"\{accent}{{{base}}}{mark}{subscript}"


def _new_letter(taken: Sequence[str], number: int) -> str:
    name = f"u_{number + 1}"
    while name in taken:
        name += "_"
    return name


def _long_part(printer: Printer, expression: Any, width: int) -> Any:
    """Return the smallest sum that makes a term too wide for a line, or None."""
    for term in ordered_terms(expression):
        if visual_width(printer.text(term)) <= width:
            continue
        sums = [part for part in term.atoms(sympy.Add) if part != term]
        # shorter sums save too little to deserve a name
        wide = [part for part in sums if visual_width(printer.text(part)) > width // 2]
        if wide:
            return min(
                wide, key=lambda part: (visual_width(printer.text(part)), str(part))
            )
    return None


def find_clamp(expression: Any) -> Any:
    """Return the bound by numbers that a formula consists of, or None.

    Max(0, z) or Max(0, Min(1, z)), possibly times and plus numbers; a bound inside a
    formula with other variables stays where it is.
    """
    for node in sympy.preorder_traversal(expression):
        if isinstance(node, (sympy.Max, sympy.Min)):
            # bounds by numbers: one argument is a number
            free = [argument for argument in node.args if not argument.is_number]
            # nothing else in the formula varies
            alone = not expression.xreplace({node: sympy.Integer(1)}).free_symbols
            return node if alone and len(free) == 1 and len(node.args) == 2 else None
    return None


def inner_of(clamp: Any) -> Any:
    """Return z of Max(low, Min(high, z)), of its mirror or of a single bound."""
    inner = next(argument for argument in clamp.args if not argument.is_number)
    both = isinstance(inner, (sympy.Max, sympy.Min)) and not isinstance(
        inner, type(clamp)
    )
    if both and any(argument.is_number for argument in inner.args):
        free = [argument for argument in inner.args if not argument.is_number]
        return free[0] if len(free) == 1 else inner
    return inner


def as_cases(expression: Any, clamp: Any, free: Any) -> Any:
    """Return the formula with its bound as cases of the symbol ``free``."""
    inner = inner_of(clamp)
    limits = dict(_limits(clamp, inner))
    rows = []
    if sympy.Max in limits:
        low = limits[sympy.Max]
        rows.append((expression.xreplace({clamp: low}), free <= low))
    if sympy.Min in limits:
        high = limits[sympy.Min]
        rows.append((expression.xreplace({clamp: high}), free >= high))
    rows.append((expression.xreplace({clamp: free}), sympy.true))
    return sympy.Piecewise(*rows, evaluate=False)


def _limits(clamp: Any, inner: Any) -> list[tuple[Any, Any]]:
    limits = []
    # from the outer bound inwards
    while clamp != inner:
        number = next(argument for argument in clamp.args if argument.is_number)
        limits.append((type(clamp), number))
        clamp = next(argument for argument in clamp.args if not argument.is_number)
    return limits
