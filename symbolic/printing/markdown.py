"""Equations, tables and verification as one Markdown page."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from symbolic.printing.beside import latex_beside, text_beside
from symbolic.printing.document import EDGE_COLUMNS
from symbolic.printing.latex import to_latex
from symbolic.printing.numbers import format_number, format_with_error, interval_digits
from symbolic.printing.printable import PrintableModel, PrintedCheck, PrintedConstant
from symbolic.printing.text import markdown_table, to_text


def to_markdown(model: PrintableModel) -> str:
    """Return the page; formulas twice, as LaTeX and in one line of plain text."""
    parts = [f"# {model.title}\n"]
    if not model.passed:
        parts.append(f"**Verification FAILED: {'; '.join(model.failed)}.**\n")
    parts += [_equations(model)]
    parts += [f"{note}\n" for note in model.notes]
    parts += _table("Constants", [_constant(c) for c in model.constants])
    if model.error_source and model.constants:
        parts.append(f"Errors: {model.error_source}.\n")
    parts += [f"{note}\n" for note in model.constant_notes if model.constants]
    parts += _table("Edges", [_edge(row) for row in model.edges])
    parts += _table("Candidates", [_candidate(row) for row in model.candidates])
    parts += _table("Verification", [_check(check) for check in model.checks])
    if model.provenance:
        lines = [f"- {key}: {text}" for key, text in model.provenance.items()]
        parts.append("\n".join(["## Provenance\n", *lines, ""]))
    return "\n".join(parts)


def _equations(model: PrintableModel) -> str:
    blocks = []
    for quantity in (*model.latents, *model.targets):
        unit = f" [{quantity.unit}]" if quantity.unit else ""
        blocks.append(f"**{quantity.name}**{unit} {quantity.meaning}".rstrip() + "\n")
        if quantity.expression is None:
            blocks.append(f"$${quantity.latex or ''}$$\n")
            continue
        # The same order of terms in both, so that LaTeX and text can be compared by
        # eye.
        order = quantity.arguments or ()
        latex = to_latex(quantity.expression, model.digits, model.symbols, order=order)
        plain = to_text(quantity.expression, model.digits, order=order)
        latex += latex_beside(quantity.beside, model.symbols)
        plain += text_beside(quantity.beside)
        blocks.append(f"$${latex}$$\n\n    {quantity.name} = {plain}\n")
    for name, text in model.functions.items():
        blocks.append(f"- `{name}`: {text}\n")
    for curve in model.pieces:
        blocks.append(f"`{curve.name}({curve.argument})`, cubic pieces:\n")
        blocks.append(markdown_table(curve.rows()))
    return "\n".join(blocks)


def _table(title: str, rows: list[dict[str, Any]]) -> list[str]:
    return [f"## {title}\n", markdown_table(rows)] if rows else []


def _constant(constant: PrintedConstant) -> dict[str, Any]:
    ends = [constant.low, constant.high]
    finite = bool(np.isfinite(ends).all())
    digits = interval_digits(*ends)
    interval = " to ".join(format_number(end, digits, "text") for end in ends)
    return {
        "constant": constant.name,
        "term": ", ".join(n for n in (constant.latent, constant.source) if n),
        "estimate": format_with_error(constant.value, constant.error, "text"),
        "unit": constant.unit,
        "95 % interval": interval if finite else "",
        "note": constant.note,
    }


def _edge(row: Mapping[str, Any]) -> dict[str, Any]:
    # same columns as the LaTeX table, in words
    shown = {key: row[key] for key in EDGE_COLUMNS if key in row and key != "formula"}
    for key, value in shown.items():
        if isinstance(value, float) and not np.isfinite(value):
            shown[key] = None
    # as in the LaTeX table: 0.99995 must not read as 1
    if isinstance(shown.get("r2"), float):
        shown["r2"] = f"{shown['r2']:.5f}"
    closed = row.get("status", "closed") == "closed"
    return {
        **shown,
        EDGE_COLUMNS["formula"]: row.get("formula" if closed else "reason"),
    }


def _candidate(row: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("complexity", "loss", "score", "r2", "label", "equation")
    return {"selected": "*" if row["selected"] else ""} | {k: row[k] for k in keys}


def _check(check: PrintedCheck) -> dict[str, Any]:
    value = format_number(check.value, 6 if check.above else 2, "text")
    sign = "at least" if check.above else "at most"
    return check.row(value, f"{sign} {check.tolerance:g}", "**FAIL**")
