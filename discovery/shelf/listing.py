"""Process models as text: a list of all, and one with its equation and parameters."""

import inspect
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.step_view import StepView
from sciren.errors import DecoderError, closest_names
from sciren.processes import SHELF

if TYPE_CHECKING:
    from sciren.decoders.base import Decoder
    from sciren.parameters import Forcing, Parameter

SOLVED = {
    "clm5": "Soil carbon of CLM5 at steady state, 20 layers and 7 pools.",
    "compas_a": "Soil carbon with microbes and minerals (COMPAS, variant A): 23 parameters.",
    "compas_b": "Soil carbon with microbes and minerals (COMPAS, variant B): 21 parameters.",
}
"""Models that solve a system a row: said here because they load torch, a list shall not."""


def list_processes() -> str:
    """Return one line a process model: its name, and what it describes."""
    rows = [(name, summary(model)) for name, model in SHELF.items()]
    rows = sorted([*rows, *SOLVED.items()])
    foot = "sciren processes NAME shows one: equation, parameters, limits, reference"
    return f"{_columns([('name', 'describes'), *rows])}\n\n{foot}"


def describe_process(name: str) -> str:
    """Return a process model as text: its docstring, equations and declarations.

    Raises:
        DecoderError: none has that name.
    """
    model = process_named(name)
    equations = "\n".join(f"    {line}" for line in printed_equations(model))
    parts = [
        f"{model.name}\n\n{inspect.getdoc(model) or ''}",
        f"As a formula:\n\n{equations}" if equations else "",
        f"Parameters\n\n{_columns(parameter_rows(model))}",
        f"Forcings\n\n{_columns(forcing_rows(model))}" if model.forcings else "",
        f"States\n\n{_columns(state_rows(model))}" if state_rows(model) else "",
        f"Targets\n\n{_columns(target_rows(model))}",
    ]
    return "\n\n".join(part for part in parts if part)


def process_named(name: str) -> "Decoder":
    """Return a built-in process model; only those of `SOLVED` load torch.

    Raises:
        DecoderError: none has that name.
    """
    if name in SHELF:
        return SHELF[name]
    if name in SOLVED:
        from sciren.decoders import decoder_named

        return decoder_named(name)
    raise DecoderError(
        f"no process model is called {name!r}. {closest_names(name, [*SHELF, *SOLVED])} "
        "`sciren processes` lists them"
    )


def summary(model: "Decoder") -> str:
    """Return the first line of a process model's docstring."""
    return (inspect.getdoc(model) or "").partition("\n")[0]


def printed_equations(model: "Decoder") -> list[str]:
    """Return target = formula, for a model that symbols can pass; else nothing."""
    from symbolic.expression.tracing import trace
    from symbolic.printing.parts import readable
    from symbolic.printing.text import to_text

    if isinstance(model, DynamicModel):
        # One step of a model with memory is a process without; its states are inputs.
        model = StepView(model)
    written = readable(trace(model, {}) or {}, [p.name for p in model.parameters])
    return [f"{name} = {to_text(formula, 6)}" for name, formula in written.items()]


def parameter_rows(model: "Decoder") -> list[tuple[str, ...]]:
    """Return the table of parameters with its head."""
    head = ("name", "kind", "low", "high", "start", "unit", "meaning")
    return [head, *(_parameter_row(parameter) for parameter in model.parameters)]


def _parameter_row(parameter: "Parameter") -> tuple[str, ...]:
    kind = parameter.kind
    if parameter.per == "group":
        kind = f"{kind} per group"
    # A fixed parameter is not learned: bounds would be read as if it were.
    low, high = (
        ("", "") if kind == "fixed" else (number(parameter.low), number(parameter.high))
    )
    return (
        parameter.name, kind, low, high, number(parameter.initial), parameter.unit or "any",
        parameter.meaning,
    )  # fmt: skip


def forcing_rows(model: "Decoder") -> list[tuple[str, ...]]:
    """Return the table of forcings with its head."""

    def row(forcing: "Forcing") -> tuple[str, ...]:
        low, high = number(forcing.low), number(forcing.high)
        return forcing.name, low, high, forcing.unit or "any", forcing.meaning

    return [("name", "low", "high", "unit", "meaning"), *map(row, model.forcing_table)]


def target_rows(model: "Decoder") -> list[tuple[str, ...]]:
    """Return the table of targets with its head."""
    units = model.target_units
    return [
        ("name", "unit"),
        *((name, units.get(name) or "any") for name in model.targets),
    ]


def state_rows(model: "Decoder") -> list[tuple[str, ...]]:
    """Return the table of states with its head; nothing for a model without memory."""
    if not isinstance(model, DynamicModel):
        return []
    rows = [
        (
            state.name, number(state.start), state.of or "", state.unit or "any",
            state.meaning,
        )
        for state in model.states
    ]  # fmt: skip
    return [("name", "start", "share of", "unit", "meaning"), *rows]


def number(value: float) -> str:
    """Return a number as a table shows it; nothing for an infinite bound."""
    return f"{value:g}" if math.isfinite(value) else ""


def _columns(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as columns that line up."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
