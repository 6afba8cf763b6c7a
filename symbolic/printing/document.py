r"""Equations, tables and a whole document as LaTeX.

Every fragment names its packages in a first comment; ``to_document`` returns a file
that compiles as it is. Same input, same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from symbolic.printing.latex import latex_printer
from symbolic.printing.layout import BREAK, WIDTH, Equation, equations, visual_width
from symbolic.printing.numbers import format_number, format_with_error, interval_digits
from symbolic.printing.printable import (
    PrintableModel,
    PrintedCheck,
    PrintedConstant,
    PrintedQuantity,
)
from symbolic.printing.printer import Printer, names_in
from symbolic.printing.symbols import escape, latex_symbol
from symbolic.printing.tex_tables import Tex, latex_table
from symbolic.units.words import latex_unit, siunitx_unit

EDGE_COLUMNS = {
    "source": "from",
    "target": "to",
    "importance": "importance",
    "family": "family",
    "r2": "R2",
    "gap": "gap",
    "members": "members",
    "formula": "formula or reason",
}


CANDIDATE_COLUMNS = {
    "selected": "", "complexity": "complexity", "loss": "loss", "score": "score",
    "r2": "R2", "label": "families",
}  # fmt: skip
LONG_SYMBOL = 18
"""Characters of symbols above which a table shows the name, which may be broken."""
WIDEST_LEFT = 20
"""Characters of a left side; the arguments are left out where it would be longer."""


def equation_block(model: PrintableModel) -> str:
    r"""Return all equations in one ``align`` with labels ``eq:<name>``, and where-lines."""
    # one printer for all lines, so that a name looks the same wherever it stands
    printer = latex_printer(
        [*model.expressions, *_all_symbols(model)], model.digits, model.symbols
    )
    rows = []
    quantities = (*model.latents, *model.targets)
    lefts = [_left_side(printer, quantity) for quantity in quantities]
    # all right sides begin behind the widest left side
    width = WIDTH - max(map(visual_width, lefts), default=0)
    for quantity, side in zip(quantities, lefts, strict=True):
        lines = _lines(printer, quantity, side, width)
        # only the last line of an equation is numbered
        rows += [f"{left} &= {right} \\notag" for left, right in lines[:-1]]
        left, right = lines[-1]
        rows.append(f"{left} &= {right} \\label{{eq:{_label(quantity.name)}}}")
    body = " \\\\\n  ".join(rows)
    block = f"% packages: amsmath\n\\begin{{align}}\n  {body}\n\\end{{align}}\n"
    where = where_lines(model)
    written = "".join(
        f"\\begin{{equation*}}\n  {curve.latex(model.symbols)}\n\\end{{equation*}}\n"
        for curve in model.pieces
    )
    return (block if rows else "") + (f"where {where}.\n" if where else "") + written


def where_lines(model: PrintableModel) -> str:
    """Return what the symbols mean, as one sentence without its end."""
    parts = []
    for feature in model.features:
        spread = _spread(feature.low, feature.high, feature.unit)
        words = [feature.meaning and escape(feature.meaning), spread]
        if any(words):
            parts.append(_where(model, feature.name, words))
    for quantity in (*model.latents, *model.targets):
        words = [quantity.meaning and escape(quantity.meaning)]
        # parts without a meaning and without a unit are left out of the sentence
        words.append(latex_unit(quantity.unit) and f"in {latex_unit(quantity.unit)}")
        if any(words):
            parts.append(_where(model, quantity.name, words))
    for name, text in model.functions.items():
        parts.append(_where(model, name, [escape(text)]))
    return ", ".join(parts)


def constants_table(model: PrintableModel, *, siunitx: bool = True) -> str:
    r"""Return the constants with error, unit and 95 % interval.

    Args:
        siunitx: estimates in an ``S`` column and units as ``\unit{}`` (package siunitx).
    """
    rows = [_constant_row(model, constant, siunitx) for constant in model.constants]
    # columns that would be empty in every row are left out
    for key in ("symbol", "place"):
        _plain_where_long(model, rows, key)
    heads = {"symbol": "constant"}
    if any(constant.latent for constant in model.constants):
        heads["place"] = "term"
    heads |= {"value": "estimate", "unit": "unit"}
    if any(np.isfinite([c.low, c.high]).all() for c in model.constants):
        heads["interval"] = "95 % interval"
    if any(c.share for c in model.constants):
        heads["share"] = "members"
    if any(c.note for c in model.constants):
        heads["note"] = "note"
    notes = [f"Errors: {model.error_source}."] if model.error_source else []
    wide = {key: "4cm" for key in ("share", "note") if key in heads}
    return latex_table(
        rows, "Constants.", "tab:constants",
        columns=heads, notes=[*notes, *model.constant_notes], wide=wide,
        siunitx=siunitx, aligned=("value",),
    )  # fmt: skip


def edges_table(model: PrintableModel, columns: Mapping[str, str] | None = None) -> str:
    """Return one row per edge; refused ones with their reason in place of a formula.

    Dropped edges have no row: the notes of a model name them in a sentence.
    """
    heads = dict(columns or EDGE_COLUMNS)
    # the columns of dropped edges say nothing
    kept = [row for row in model.edges if row.get("status") != "dropped"]
    rows = [_edge_row(row) for row in kept]
    shown = {
        key: text for key, text in heads.items() if any(key in row for row in rows)
    }
    return latex_table(
        rows, "Edges of the network and their closed forms.", "tab:edges",
        columns=shown, wide={"formula": "5.5cm"},
        notes=["gap: difference of the criterion to the next family; "
               "refused edges stay splines."],
    )  # fmt: skip


def verification_table(model: PrintableModel) -> str:
    """Return the checks with number, tolerance and PASS or FAIL."""
    rows = [_check_row(check) for check in model.checks]
    heads = {"check": "check", "value": "value", "limit": "limit", "result": "result"}
    either = any(check.above for check in model.checks)
    notes = ["close to network: R2, or held-out loss no worse by two block errors."]
    return latex_table(
        rows, "Verification of the equations.", "tab:verification",
        columns=heads, wide={"check": "8.5cm"}, notes=notes if either else (),
    )  # fmt: skip


def candidates_table(
    model: PrintableModel,
    columns: Mapping[str, str] | None = None,
    extra: Any = None,
) -> str:
    """Return one row a candidate, simplest first; the selected one is marked.

    Args:
        columns: key of the rows (or of ``extra``) -> heading; default complexity, loss,
            score, R2, families.
        extra: DataFrame with a row for each candidate, further columns.
    """
    rows = []
    for place, row in enumerate(model.candidates):
        shown: dict[str, Any] = {
            **row,
            "selected": Tex(r"$\star$") if row["selected"] else "",
        }
        if extra is not None:
            shown |= dict(extra.iloc[place])
        rows.append(shown)
    heads = dict(columns or CANDIDATE_COLUMNS)
    if columns is None and extra is not None:
        heads |= {str(name): str(name) for name in extra.columns}
    return latex_table(
        rows, "Candidates from the simplest to the most accurate.", "tab:candidates",
        columns=heads, wide={"label": "7cm", "equation": "8cm"},
        notes=["star: selected; score: drop of log loss for each node."],
    )  # fmt: skip


def preamble(*, siunitx: bool = False) -> str:
    r"""Return the ``\usepackage`` lines that the fragments need."""
    names = ["amsmath", "array", "booktabs", "longtable", "threeparttable"]
    names += ["siunitx"] if siunitx else []
    return "".join(f"\\usepackage{{{name}}}\n" for name in names)


def to_document(model: PrintableModel, *, siunitx: bool = True) -> str:
    """Return a document that compiles as it is: equations, tables, verification.

    Args:
        siunitx: print constants with the package siunitx (False where it is missing).
    """
    # equations first, then what doubts them, then the tables
    blocks = [equation_block(model)]
    blocks += [f"{escape(note)}\n" for note in model.notes]
    blocks += [constants_table(model, siunitx=siunitx)] if model.constants else []
    blocks += [edges_table(model)] if model.edges else []
    blocks += [candidates_table(model)] if model.candidates else []
    blocks += [verification_table(model)] if model.checks else []
    return (
        _comments(model)
        + "\\documentclass[11pt,a4paper]{article}\n"
        + "\\usepackage[utf8]{inputenc}\n"
        + "\\IfFileExists{lmodern.sty}"
        + "{\\usepackage[T1]{fontenc}\\usepackage{lmodern}}{}\n"
        + "\\usepackage{textcomp}\n\\usepackage[margin=2.5cm]{geometry}\n"
        + preamble(siunitx=siunitx)
        + "\\allowdisplaybreaks\n\\begin{document}\n"
        + f"\\section*{{{escape(model.title)}}}\n"
        + _warning(model)
        + "\n".join(blocks)
        + "\\end{document}\n"
    )


def _comments(model: PrintableModel) -> str:
    shown = "full precision" if model.digits is None else f"{model.digits} digits"
    lines = {
        **model.provenance,
        "numbers": f"rounded to {shown}, nearest, ties to even",
    }
    if model.digits is None:
        # on one line each: a line break would end the comment
        lines["numbers"] = shown
    clean = {key: " ".join(str(text).split()) for key, text in lines.items()}
    return "".join(f"% {key}: {text}\n" for key, text in clean.items())


def _warning(model: PrintableModel) -> str:
    if model.passed:
        return ""
    names = escape("; ".join(model.failed))
    return f"\\noindent\\textbf{{Verification FAILED: {names}.}}\n\n"


def _lines(
    printer: Printer, quantity: PrintedQuantity, left: str, width: int
) -> list[Equation]:
    if quantity.expression is None:
        return [(left, quantity.latex or r"\text{given by the process model}")]
    ordered = replace(printer, order=tuple(quantity.arguments or ()))
    lines = equations(ordered, left, quantity.name, quantity.expression, width)
    if not quantity.beside:
        return lines
    side, right = lines[-1]
    beside = printer.rising(quantity.beside)
    # only the last line counts, from its alignment mark
    wide = visual_width(right.rsplit("&", 1)[-1]) + visual_width(beside) + 3 > width
    return [*lines[:-1], (side, f"{right},{BREAK if wide else ' '}\\quad {beside}")]


def _left_side(printer: Printer, quantity: PrintedQuantity) -> str:
    symbol = printer.names[quantity.name]
    arguments = quantity.arguments
    if arguments is None and quantity.expression is not None:
        arguments = sorted(s.name for s in quantity.expression.free_symbols)
    if not arguments:
        return symbol
    inside = ", ".join(printer.names[name] for name in arguments)
    whole = rf"{symbol}\left({inside}\right)"
    return whole if visual_width(whole) <= WIDEST_LEFT else symbol


def _all_symbols(model: PrintableModel) -> list[Any]:
    names = [q.name for q in (*model.latents, *model.targets)]
    names += [n for q in (*model.latents, *model.targets) for n in q.arguments or ()]
    return [
        sympy.Symbol(name) for name in sorted({*names, *names_in(model.expressions)})
    ]


def _label(name: str) -> str:
    return "".join(
        # a label may hold no characters of LaTeX
        c if c.isascii() and (c.isalnum() or c in "-_.") else "-"
        for c in name
    )


def _where(model: PrintableModel, name: str, words: Sequence[str]) -> str:
    text = ", ".join(word for word in words if word)
    return f"${latex_symbol(name, model.symbols)}$ is {text}"


def _spread(low: float, high: float, unit: str) -> str:
    shown = latex_unit(unit)
    if not np.isfinite([low, high]).all():
        return f"in {shown}" if shown else ""
    ends = f"${format_number(low)}$ to ${format_number(high)}$"
    return f"{ends} {shown}".strip()


def _constant_row(
    model: PrintableModel, constant: PrintedConstant, siunitx: bool
) -> dict[str, Any]:
    style = "siunitx" if siunitx else "pm"
    value = format_with_error(constant.value, constant.error, style)
    if siunitx:
        # an S column sets the number itself
        value = value.removeprefix(r"\num{").removesuffix("}")
    place = [n for n in (constant.latent, constant.source) if n]
    ends = [constant.low, constant.high]
    digits = interval_digits(*ends)
    interval = [f"${format_number(end, digits)}$" for end in ends if np.isfinite(end)]
    return {
        "symbol": [constant.name],
        "place": place,
        "value": Tex(value if siunitx else f"${value}$"),
        "unit": Tex((siunitx_unit if siunitx else latex_unit)(constant.unit)),
        "interval": Tex(" to ".join(interval)) if len(interval) == 2 else "",
        "share": constant.share,
        "note": constant.note,
    }


def _plain_where_long(
    model: PrintableModel, rows: list[dict[str, Any]], key: str
) -> None:
    """Turn lists of names into symbols; into the names where a symbol is long.

    Names may be broken into lines, symbols may not.
    """
    symbols = [[latex_symbol(n, model.symbols) for n in row[key]] for row in rows]
    long = any(visual_width(", ".join(texts)) > LONG_SYMBOL for texts in symbols)
    for row, own in zip(rows, symbols, strict=True):
        set_ = Tex(", ".join(f"${texts}$" for texts in own))
        row[key] = ", ".join(row[key]) if long else set_


def _edge_row(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(row)
    latex = str(row.get("latex") or "")
    if row.get("status", "closed") == "closed" and latex:
        shown["formula"] = Tex(f"${latex}$", str(row.get("formula") or ""))
    elif row.get("reason"):
        shown["formula"] = row["reason"]
    for key in ("importance", "r2", "gap"):
        value = row.get(key)
        if isinstance(value, float) and not np.isfinite(value):
            shown[key] = None
    # five digits: an R2 of 0.99995 must not read as 1.000
    if isinstance(shown.get("r2"), float):
        shown["r2"] = Tex(f"${shown['r2']:.5f}$")
    return shown


def _check_row(check: PrintedCheck) -> dict[str, Any]:
    sign = r"\ge" if check.above else r"\le"
    # R2 near one and errors near zero need different digits
    limit = format_number(check.tolerance, None if check.above else 1)
    value = format_number(check.value, 6 if check.above else 2)
    shown = Tex(f"${value}$"), Tex(f"${sign} {limit}$")
    return check.row(*shown, Tex(r"\textbf{FAIL}"))
