"""The same equations as LaTeX, document, Markdown, text, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sciren.errors import ConfigError, closest_names
from symbolic.expression.complexity import complexity
from symbolic.model.storage import to_json
from symbolic.printing.beside import latex_beside, text_beside
from symbolic.printing.contents import equals_notes, printable
from symbolic.printing.document import equation_block, to_document
from symbolic.printing.latex import latex_printer, to_latex
from symbolic.printing.layout import UNNUMBERED_BREAK, broken_sum
from symbolic.printing.markdown import to_markdown
from symbolic.printing.text import to_text

if TYPE_CHECKING:
    from symbolic.model.record import EquationRecord
    from symbolic.printing.printable import PrintableModel

CSV_COLUMNS: tuple[str, ...] = (
    "name", "kind", "unit", "equation", "latex", "features", "complexity", "refused",
    "verification", "bounds",
)  # fmt: skip


def export(
    model: "EquationRecord", kind: str, provenance: Mapping[str, str] | None = None
) -> str:
    """Return the equations as text of one kind.

    "latex" is the block of equations, "document" a file that compiles, "markdown" and
    "text" pages to read, rounded as printed; "csv" has one row a quantity and "json"
    loads again, both at full precision.

    Raises:
        ConfigError: another kind.
    """
    if kind not in KINDS:
        raise ConfigError(
            f"there is no export as {kind!r}. {closest_names(kind, list(KINDS))}"
        )
    return KINDS[kind](model, dict(provenance or {}))


def quantities(model: "EquationRecord") -> list[dict[str, Any]]:
    """Return one row a latent and target: ``CSV_COLUMNS``, formulas at full precision."""
    edges = model.edges.to_dict("records")
    rows = []
    targets = {
        name: expression
        for name, expression in (model.process or {}).items()
        # in plain regression the target repeats the latent
        if not (name in model.equations and str(expression) == name)
    }
    pairs = [("latent", name, model.between_bounds(name)) for name in model.equations]
    pairs += [("target", *p) for p in targets.items()]
    for kind, name, expression in pairs:
        used = {str(symbol) for symbol in expression.free_symbols}
        # bounds stand in a column of their own, so that the formula can be typed as it is
        beside = model.beside(name).rising(name) if kind == "latent" else ()
        column = model.target_columns.get(name, name) if kind == "target" else name
        mine = [e for e in edges if kind == "latent" and e["latent"] == name]
        refused = [str(e["source"]) for e in mine if e["status"] == "refused"]
        cells = (
            name,
            kind,
            model.unit_of.get(column, ""),
            to_text(expression, None),
            to_latex(expression, None, model.record.options.symbols),
            ", ".join(feature for feature in model.features if feature in used),
            complexity(expression, model.record.options.complexity),
            ", ".join(refused),
            model.verdict,
            text_beside(beside).removeprefix(", "),
        )
        rows.append(dict(zip(CSV_COLUMNS, cells, strict=True)))
    return rows


def notebook_latex(model: "EquationRecord") -> str:
    """Return the equations as one display formula, as notebooks show it."""
    shown = printable(model)
    lines = []
    for quantity in (*shown.latents, *shown.targets):
        if quantity.expression is None:
            lines.append(quantity.latex or "")
            continue
        order = quantity.arguments or ()
        printer = latex_printer(
            # the left side takes part, so that its symbol is no one else's
            [quantity.expression, *_symbols(quantity.name)],
            shown.digits,
            shown.symbols,
            order=order,
        )
        right = broken_sum(printer, quantity.expression, line_break=UNNUMBERED_BREAK)
        right += latex_beside(quantity.beside, shown.symbols)
        lines.append(f"{printer.names[quantity.name]} &= {right}")
    inside = " \\\\\n".join(line for line in lines if line)
    failed = model.verification is not None and not model.verification.passed
    mark = " \\\\\n&\\text{(verification FAILED)}" if failed else ""
    return f"$\\displaystyle \\begin{{aligned}}\n{inside}{mark}\n\\end{{aligned}}$"


def _symbols(name: str) -> list[Any]:
    import sympy

    return [sympy.Symbol(name)]


def _shown(model: "EquationRecord", provenance: Mapping[str, str]) -> "PrintableModel":
    return printable(model, provenance=provenance)


def _text(model: "EquationRecord", provenance: Mapping[str, str]) -> str:
    shown = _shown(model, provenance)
    lines = [f"# {label}: {text}" for label, text in shown.provenance.items()]
    if not shown.passed:
        lines.append(f"# Verification FAILED: {'; '.join(shown.failed)}")
    for quantity in (*shown.latents, *shown.targets):
        if quantity.expression is None:
            lines.append(f"{quantity.name}: given by the process model")
            continue
        unit = f"  [{quantity.unit}]" if quantity.unit else ""
        right = to_text(
            quantity.expression, shown.digits, order=quantity.arguments or ()
        )
        right += text_beside(quantity.beside)
        lines.append(f"{quantity.name} = {right}{unit}")
    lines += [f"{name}: {text}" for name, text in shown.functions.items()]
    lines += [curve.text() for curve in shown.pieces]
    lines += [f"# {note}" for note in equals_notes(model)]
    for constant in shown.constants:
        if not constant.latent:  # those of latents stand in their equations
            unit = f" {constant.unit}" if constant.unit else ""
            lines.append(f"{constant.name} = {to_text_number(constant.value)}{unit}")
    return "\n".join(lines) + "\n"


def to_text_number(value: float) -> str:
    """Return a number as the shortest text that reads back to the same double."""
    return repr(float(value))


def _csv(model: "EquationRecord", provenance: Mapping[str, str]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(quantities(model))
    return file.getvalue()


def _json(model: "EquationRecord", provenance: Mapping[str, str]) -> str:
    return json.dumps(to_json(model), indent=1, allow_nan=False) + "\n"


KINDS: dict[str, Callable[["EquationRecord", Mapping[str, str]], str]] = {
    "latex": lambda model, given: equation_block(_shown(model, given)),
    "document": lambda model, given: to_document(_shown(model, given)),
    "markdown": lambda model, given: to_markdown(_shown(model, given)),
    "text": _text,
    "csv": _csv,
    "json": _json,
}
"""Kinds of export by name."""
