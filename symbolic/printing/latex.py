r"""Formulas as LaTeX, printed by own rules and readable again.

What ``to_latex(expression, digits=None)`` prints, ``symbolic.printing.latex_reader.read_latex``
reads back to the same expression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from symbolic.printing.numbers import format_number
from symbolic.printing.printer import Notation, Printer, names_in
from symbolic.printing.symbols import escape, latex_symbols

COMMANDS = {
    "exp": r"\exp",
    "log": r"\ln",
    "sin": r"\sin",
    "cos": r"\cos",
    "tan": r"\tan",
    "tanh": r"\tanh",
    "max": r"\max",
    "min": r"\min",
    "sign": r"\operatorname{sgn}",
    "step": r"\operatorname{H}",
}
RELATION_SIGNS = {
    "lt": "<",
    "le": r"\le",
    "gt": ">",
    "ge": r"\ge",
    "eq": "=",
    "ne": r"\ne",
}
WORDS = {
    "and": r" \text{ and } ",
    "or": r" \text{ or } ",
    "not": r"\neg",
    "if": r"\text{if } ",
    "otherwise": r"\text{otherwise}",
    "never": r"\text{never}",
    "pi": r"\pi",
    "e": r"\mathrm{e}",
    "times": r" \cdot ",
    "beside": r"\, ",
}


def latex_label(label: str) -> str:
    r"""Return the name of a class as LaTeX: ``\textsf{DBF}``."""
    return rf"\textsf{{{escape(label)}}}"


def _cases(rows: list[tuple[str, str]]) -> str:
    lines = [
        # "otherwise" needs no "if"
        f"{value} & {'' if condition == WORDS['otherwise'] else WORDS['if']}{condition}"
        for value, condition in rows
    ]
    inside = r" \\ ".join(lines)
    return rf"\begin{{cases}} {inside} \end{{cases}}"


_INLINE = Notation(
    bracket=lambda text: rf"\left({text}\right)",
    absolute=lambda text: rf"\left|{text}\right|",
    root=lambda text: rf"\sqrt{{{text}}}",
    fraction=lambda above, below: f"{above}/{below}",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    apply=lambda name, inside: rf"{name}\left({inside}\right)",
    cases=_cases,
    functions=COMMANDS,
    relations=RELATION_SIGNS,
    words=WORDS,
    label=latex_label,
    flat=True,
)
LATEX = replace(
    _INLINE,
    fraction=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    flat=False,
    inline=_INLINE,
)
"""Fractions with a line; inside exponents with a slash."""


def latex_printer(
    expressions: Sequence[Any],
    digits: int | None = 3,
    symbols: Mapping[str, str] | None = None,
    *,
    order: Sequence[str] = (),
    decimal_comma: bool = False,
    siunitx: bool = False,
) -> Printer:
    """Return a printer that knows the names in some formulas; see ``to_latex``."""

    # \num takes plain text and sets it itself
    def number(value: float) -> str:
        if siunitx:
            return rf"\num{{{format_number(value, digits, 'text')}}}"
        return format_number(value, digits, "latex", decimal_comma)

    names = latex_symbols(names_in(expressions), symbols)
    return Printer(LATEX, names, number, rounded=digits is not None, order=order)


def to_latex(
    expression: Any,
    digits: int | None = 3,
    symbols: Mapping[str, str] | None = None,
    *,
    order: Sequence[str] = (),
    decimal_comma: bool = False,
    siunitx: bool = False,
) -> str:
    r"""Return a formula as LaTeX, without dollar signs; needs ``amsmath`` only.

    Args:
        expression: sympy formula of the whitelist (``symbolic.expression.nodes``).
        digits: significant digits of the numbers; None for full precision.
        symbols: name -> final LaTeX, taken verbatim.
        order: names; terms of a sum come in this order, for example by importance.
        decimal_comma: ``0{,}5`` instead of ``0.5``.
        siunitx: numbers as ``\num{0.5}`` (package siunitx).
    Raises:
        ExpressionError: a node outside the whitelist, or two names printed alike.
    """
    printer = latex_printer(
        [expression],
        digits,
        symbols,
        order=order,
        decimal_comma=decimal_comma,
        siunitx=siunitx,
    )
    return printer.text(expression)
