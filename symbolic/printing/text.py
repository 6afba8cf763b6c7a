"""Formulas as plain text, and tables as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from symbolic.printing.numbers import format_number
from symbolic.printing.printer import Notation, Printer, names_in

WORDS = {
    "and": " and ",
    "or": " or ",
    "not": "not ",
    "otherwise": "otherwise",
    "never": "never",
    "pi": "pi",
    "e": "e",
    "times": "*",
    "beside": "*",
}
NAMES = ("exp", "log", "sin", "cos", "tan", "tanh", "max", "min", "sign", "step")


def _cases(rows: list[tuple[str, str]]) -> str:
    parts = [
        f"{value} {'' if condition == WORDS['otherwise'] else 'if '}{condition}"
        for value, condition in rows
    ]
    return "{" + "; ".join(parts) + "}"


TEXT = Notation(
    bracket=lambda text: f"({text})",
    absolute=lambda text: f"|{text}|",
    root=lambda text: f"sqrt({text})",
    fraction=lambda above, below: f"{above}/{below}",
    power=lambda base, exponent: f"{base}^{exponent}",
    apply=lambda name, inside: f"{name}({inside})",
    cases=_cases,
    functions={name: name for name in NAMES},
    relations={"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "!="},
    words=WORDS,
    # a label with blanks is quoted, so that it reads as one word
    label=lambda label: label if label.isidentifier() else f"`{label}`",
    flat=True,
)


def to_text(
    expression: Any,
    digits: int | None = 3,
    *,
    order: Sequence[str] = (),
    decimal_comma: bool = False,
) -> str:
    """Return a formula in one readable line: ``0.0075*sw_pot - 2.1*exp(-0.1*ta)``.

    Args:
        expression: sympy formula of the whitelist (``symbolic.expression.nodes``).
        digits: significant digits of the numbers; None for full precision.
        order: names; terms of a sum come in this order.
        decimal_comma: ``0,5`` instead of ``0.5``.
    Raises:
        ExpressionError: a node outside the whitelist.
    """
    printer = text_printer(
        [expression], digits, order=order, decimal_comma=decimal_comma
    )
    return printer.text(expression)


def text_printer(
    expressions: Sequence[Any],
    digits: int | None = 3,
    *,
    order: Sequence[str] = (),
    decimal_comma: bool = False,
) -> Printer:
    """Return a printer that knows the names in some formulas; see ``to_text``."""

    def number(value: float) -> str:
        return format_number(value, digits, "text", decimal_comma)

    names = {name: _readable(name) for name in names_in(expressions)}
    return Printer(TEXT, names, number, rounded=digits is not None, order=order)


def _readable(name: str) -> str:
    """Quote names that could be taken for a piece of a formula: `air temperature`."""
    plain = all(part.isidentifier() for part in name.split("."))
    plain = plain or name.startswith("(1 ")  # one unit, by which a value is divided
    # as Markdown quotes a backquote
    mark = "``" if "`" in name else "`"
    return name if plain else f"{mark}{name}{mark}"


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a Markdown table; the keys of the first row are the columns.

    Numbers are printed with three significant digits, missing cells stay empty.
    """
    if not rows:
        return ""
    columns = list(rows[0])
    lines = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    head = [_cell(column) for column in columns]
    widths = [max(len(line[j]) for line in [head, *lines]) for j in range(len(columns))]
    rule = ["-" * max(3, width) for width in widths]
    return "\n".join(_line(line, widths) for line in [head, rule, *lines]) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "| " + " | ".join(padded) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value, 3, "text")
    # a stroke would end the cell, a line break the table
    return str(value).replace("|", r"\|").replace("\n", " ")
