"""Equations as MathML, which screen readers speak and browsers draw.

The notation of `symbolic.printing.printer` writes elements; the signs and numbers that
the shared walk puts between them as plain text become tokens at the end.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

from symbolic.printing.numbers import format_number
from symbolic.printing.printer import Notation, Printer, names_in
from symbolic.printing.text import NAMES

_TOKEN = re.compile(r"<(mi|mo|mtext)\b[^>]*>.*?</\1>|<[^>]+>|[^<]+", re.DOTALL)
_PLAIN = re.compile(r"(\d[\d.]*)(?:e([+-]?\d+))?|(\S)")
_APPLY, _MINUS = "&#8289;", "&#8722;"
_TIMES = '<mo rspace="0.17em">&#8290;</mo>'  # unseen: the space parts 2 from exp


def _row(text: str) -> str:
    return f"<mrow>{text}</mrow>"


def _fenced(left: str, text: str, right: str) -> str:
    return _row(f"<mo>{left}</mo>{text}<mo>{right}</mo>")


def _cases(rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<mtr><mtd>{_row(value)}</mtd><mtd>{_row(condition)}</mtd></mtr>"
        for value, condition in rows
    )
    return _row(f"<mo>{{</mo><mtable>{lines}</mtable>")


_INLINE = Notation(
    bracket=lambda text: _fenced("(", text, ")"),
    absolute=lambda text: _fenced("|", text, "|"),
    root=lambda text: f"<msqrt>{text}</msqrt>",
    fraction=lambda above, below: f"{above}<mo>/</mo>{below}",
    power=lambda base, exponent: f"<msup>{_row(base)}{_row(exponent)}</msup>",
    apply=lambda name, inside: f"{name}<mo>{_APPLY}</mo>{_fenced('(', inside, ')')}",
    cases=_cases,
    functions={name: f"<mi>{'ln' if name == 'log' else name}</mi>" for name in NAMES},
    relations={
        "lt": "<mo>&lt;</mo>", "le": "<mo>&#8804;</mo>", "gt": "<mo>&gt;</mo>",
        "ge": "<mo>&#8805;</mo>", "eq": "<mo>=</mo>", "ne": "<mo>&#8800;</mo>",
    },
    words={
        "and": "<mtext> and </mtext>", "or": "<mtext> or </mtext>",
        "not": "<mtext>not </mtext>", "otherwise": "<mtext>otherwise</mtext>",
        "never": "<mtext>never</mtext>", "pi": "<mi>&#960;</mi>", "e": "<mi>e</mi>",
        "times": "<mo>&#183;</mo>", "beside": _TIMES,
    },
    label=lambda label: f"<mtext>{escape(label)}</mtext>",
    flat=True,
)  # fmt: skip
_MATHML = replace(
    _INLINE,
    fraction=lambda above, below: f"<mfrac>{_row(above)}{_row(below)}</mfrac>",
    flat=False,
    inline=_INLINE,
)


def to_mathml(
    expression: Any,
    digits: int | None = 3,
    *,
    name: str = "",
    order: Sequence[str] = (),
    beside: Sequence[Any] = (),
) -> str:
    """Return a formula as a ``math`` element; equal formulas give equal text.

    Names of columns become text, whatever they hold, never markup.

    Args:
        expression: sympy formula of the whitelist (``symbolic.expression.nodes``).
        digits: significant digits of the numbers; None for full precision.
        name: left-hand side; without it only the expression is written.
        order: names; terms of a sum come in this order.
        beside: bounds beside the formula, rising.
    Raises:
        ExpressionError: a node outside the whitelist.
    """

    def number(value: float) -> str:
        return format_number(value, digits, "text")

    names = {word: _symbol(word) for word in names_in([expression, *beside])}
    printer = Printer(_MATHML, names, number, rounded=digits is not None, order=order)
    exact = Printer(_MATHML, names, _exact)  # bounds are given, not estimated
    # what the printer puts between elements is plain text until `_with_tokens`
    left = f"{_symbol(name)}<mo>=</mo>" if name else ""
    right = f'<mo>,</mo><mspace width="1em"/>{exact.rising(beside)}' if beside else ""
    body = _with_tokens(left + printer.text(expression) + right)
    return (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
        f"{_row(body)}</math>"
    )


def _exact(value: float) -> str:
    return format_number(value, None, "text")


def _symbol(name: str) -> str:
    """One word, or a word with what follows its underscores as a subscript."""
    # a leading underscore has no letter to stand below
    first, *rest = name.split("_")
    if not rest or not first:
        return f"<mi>{escape(name)}</mi>"
    below = ",".join(rest)
    return f"<msub><mi>{escape(first)}</mi><mi>{escape(below)}</mi></msub>"


def _with_tokens(text: str) -> str:
    """Wrap what stands between the elements: digits as numbers, the rest as signs."""
    parts = [
        match[0] if match[0].startswith("<") else _tokens(match[0])
        for match in _TOKEN.finditer(text)
    ]
    written = "".join(parts)
    between = f"</mn>{_TIMES}<mn>"  # 2 10 reads as 210
    return written.replace(between, "</mn><mo>&#183;</mo><mn>")


def _tokens(text: str) -> str:
    return "".join(_token(match) for match in _PLAIN.finditer(text))


def _token(match: re.Match[str]) -> str:
    digits, power, sign = match.groups()
    if sign:
        return f"<mo>{_MINUS if sign == '-' else escape(sign)}</mo>"
    if power is None:
        return f"<mn>{digits}</mn>"
    exponent = f"{_MINUS if power.startswith('-') else ''}{power.lstrip('+-')}"
    ten = f"<msup><mn>10</mn><mn>{exponent}</mn></msup>"
    return _row(f"<mn>{digits}</mn><mo>&#183;</mo>{ten}")
