"""Tables for a paper: booktabs rules, caption above, notes below, text escaped."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbolic.printing.numbers import format_number
from symbolic.printing.symbols import escape
from symbolic.printing.tex_widths import breakable, fitted, natural_width, points

LONG = 32
"""Rows above which a table may run over several pages."""


@dataclass(frozen=True)
class Tex:
    """A cell that is LaTeX already.

    Args:
        plain: the same as text, which is shown where the LaTeX is wider than its column.
    """

    text: str
    plain: str = ""


def latex_table(
    rows: Sequence[Mapping[str, Any]],
    caption: str,
    label: str,
    *,
    columns: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    wide: Mapping[str, str] | None = None,
    siunitx: bool = False,
    aligned: Collection[str] = (),
) -> str:
    r"""Return a table; needs ``booktabs``, ``array``, ``threeparttable``, ``longtable``.

    Args:
        rows: one mapping per row; numbers are set in math, other values as escaped
            text, ``Tex`` cells as they are.
        columns: key -> heading, in this order; None for the keys of the first row.
        notes: sentences under the table.
        wide: key -> width such as "6cm", for cells that may need several lines. Other
            text columns become as narrow as the line needs.
        siunitx: number columns as ``S`` columns of the package siunitx.
        aligned: keys whose ``Tex`` cells are numbers of siunitx as well.
    """
    heads = dict(columns) if columns is not None else {k: k for k in (rows or [{}])[0]}
    numeric = {
        key: _numeric(rows, key) or (siunitx and key in aligned) for key in heads
    }
    # 1. What fits: widths of all columns from the longest cell.
    cells = {key: [_shown(row.get(key, "")) for row in rows] for key in heads}
    widths = fitted(heads, cells, numeric, wide or {})
    spec = "".join(
        _column(key, numeric[key], widths.get(key), siunitx) for key in heads
    )
    head = " & ".join(
        # a heading over an S column stands in braces, else siunitx reads it as a number
        rf"{{{escape(text)}}}" if siunitx and numeric[key] else escape(text)
        for key, text in heads.items()
    )
    body = [
        " & ".join(
            _cell(
                _that_fits(row.get(key, ""), widths.get(key)), siunitx and numeric[key]
            )
            for key in heads
        )
        for row in rows
    ]
    # 2. Long tables run over pages; the package differs.
    build = _long_table if len(rows) > LONG else _float
    packages = "booktabs, array, " + (
        "longtable" if len(rows) > LONG else "threeparttable"
    )
    comment = f"% packages: amsmath, {packages}{', siunitx' if siunitx else ''}\n"
    return comment + build(spec, head, body, escape(caption), label, notes)


def _float(
    spec: str,
    head: str,
    body: list[str],
    caption: str,
    label: str,
    notes: Sequence[str],
) -> str:
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        r"\begin{threeparttable}",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *(rf"{row} \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if notes:
        items = [rf"\item {escape(note)}" for note in notes]
        lines += [r"\begin{tablenotes}\footnotesize", *items, r"\end{tablenotes}"]
    return "\n".join([*lines, r"\end{threeparttable}", r"\end{table}", ""])


def _long_table(
    spec: str,
    head: str,
    body: list[str],
    caption: str,
    label: str,
    notes: Sequence[str],
) -> str:
    # The caption stands on the first page alone, the head on every one.
    lines = [
        rf"\begin{{longtable}}{{@{{}}{spec}@{{}}}}",
        rf"\caption{{{caption}}}\label{{{label}}} \\",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *(rf"{row} \\" for row in body),
        r"\end{longtable}",
    ]
    under = [rf"{{\footnotesize {escape(note)}\par}}" for note in notes]
    return "\n".join([*lines, *under, ""])


def _column(key: str, numeric: bool, width: str | None, siunitx: bool) -> str:
    if width is not None:
        return rf">{{\raggedright\arraybackslash}}p{{{width}}}"
    if numeric:
        return "S" if siunitx else "r"
    return "l"


def _numeric(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [row.get(key) for row in rows]
    given = [value for value in values if value is not None and value != ""]
    return bool(given) and all(
        # True is an int in Python
        isinstance(value, (int, float)) and not isinstance(value, bool)
        for value in given
    )


def _that_fits(value: Any, width: str | None) -> Any:
    """The plain text of a cell whose formula is wider than its column."""
    if not isinstance(value, Tex) or not value.plain or width is None:
        return value
    return value if natural_width(value.text, True) <= points(width) else value.plain


def _shown(value: Any) -> tuple[str, bool]:
    """What takes up room in a cell, and whether it is LaTeX."""
    if isinstance(value, Tex):
        return value.text, True
    if isinstance(value, float):
        return format_number(value), True
    return ("" if value is None else str(value)), False


def _cell(value: Any, bare: bool) -> str:
    if isinstance(value, Tex):
        return value.text
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value, 3, "text") if bare else f"${format_number(value)}$"
    if isinstance(value, int):
        return str(value) if bare else f"${value}$"
    return breakable(value)
