"""Equations as plain JSON: loading reads numbers and names, never code."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np

from sciren.bounded import damage_told, parse_json, read_bounded
from sciren.data.kinds import kinds_from_json, kinds_to_json
from sciren.errors import ExpressionError, FormatError
from symbolic.curves.spline_curve import SplineCurve
from symbolic.expression.tree import from_tree, to_tree
from symbolic.model.fit_record import record_from_json, record_to_json
from symbolic.model.record import EquationRecord
from symbolic.model.structure_storage import (
    candidate_from_json,
    candidate_to_json,
    number_to_json,
    spans_from_json,
    structure_from_json,
    structure_to_json,
)
from symbolic.terms.rebuild import Units
from symbolic.verdict import Verification

Record = TypeVar("Record", bound=EquationRecord)

FORMAT = "sciren equations 1"
SERIES_FORMAT = "sciren series equations 1"  # of `discovery.dynamics.SeriesEquations`
MOST_NODES = 100_000  # of all formulas; 20 latents of 50 spline edges have 20,000


def to_json(model: EquationRecord) -> dict[str, Any]:
    """Return the model as nested lists, mappings, strings and numbers."""
    process = model.process
    return {
        "format": FORMAT,
        "equations": {
            name: to_tree(equation) for name, equation in model.equations.items()
        },
        "unconstrained": {
            n: to_tree(expression) for n, expression in model.unconstrained.items()
        },
        "process": process
        and {name: to_tree(expression) for name, expression in process.items()},
        "process_latex": model.process_latex,
        "constants": model.constants,
        "errors": {name: number_to_json(value) for name, value in model.errors.items()},
        "functions": {
            name: function.to_json() for name, function in model.functions.items()
        },
        "structures": [structure_to_json(structure) for structure in model.structures],
        "units": _units(model.units),
        "edges": _records(model.edges),
        "table": _records(model.table),
        "forcing_columns": model.forcing_columns,
        "target_columns": model.target_columns,
        "unit_of": model.unit_of,
        "constraints": {
            name: [kind, number_to_json(low), number_to_json(high), temperature]
            for name, (kind, low, high, temperature) in model.constraints.items()
        },
        "settings": settings_of(model),
        "verification": model.verification and model.verification.to_json(),
        "digits": model.digits,
        "spans": {name: list(span) for name, span in model.spans.items()},
        "candidates": [candidate_to_json(candidate) for candidate in model.candidates],
    }


def settings_of(model: EquationRecord) -> dict[str, Any]:
    """Return what is known about the fit as plain data, with rows to show."""
    agreement = model.verification.agreement if model.verification else {}
    settings: dict[str, Any] = record_to_json(model.record)
    if model.candidates:
        settings["candidates"] = model.candidate_rows
    return settings | ({"agreement": dict(agreement)} if agreement else {})


@overload
def from_json(stored: Any) -> EquationRecord: ...
@overload
def from_json(stored: Any, kind: type[Record]) -> Record: ...
def from_json(stored: Any, kind: type[Any] = EquationRecord) -> Any:
    """Rebuild a model from its JSON content.

    Args:
        stored: what `to_json` returned, also in earlier versions.
        kind: class of the model.

    Raises:
        FormatError: something is missing or of the wrong kind.
        ExpressionError: a formula holds something outside the whitelist.
    """
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise FormatError(f"this is no equation file of the format {FORMAT!r}")
    told = (FormatError, ExpressionError)
    with damage_told(FormatError, "the equation file cannot be read", passed=told):
        return _rebuilt(stored, kind)


def _rebuilt(stored: dict[str, Any], kind: type[Record]) -> Record:
    # parts of one model have to speak of the same latents, in one order
    names = list(stored["equations"])
    for part in ("unconstrained", "constraints"):
        if list(stored[part]) != names:
            raise FormatError(f"the equation file has other latents in {part!r}")
    units = _read_units(stored["units"])
    structures = tuple(structure_from_json(entry) for entry in stored["structures"])
    if [structure.name for structure in structures] != names:
        raise FormatError("the equation file has other latents in 'structures'")
    # checked here: a wrong number would otherwise surface as a wrong column
    for edge in (edge for structure in structures for edge in structure.all_edges):
        if not 0 <= edge.source < len(units.names):
            raise FormatError(f"an edge starts at feature number {edge.source + 1}")
    process = stored["process"]
    # counted before sympy builds anything, which takes far more memory than the text
    _check_size([stored["equations"], stored["unconstrained"], process])
    settings = dict(stored["settings"])
    return kind(
        equations={n: from_tree(t) for n, t in stored["equations"].items()},
        unconstrained={n: from_tree(t) for n, t in stored["unconstrained"].items()},
        process=process and {n: from_tree(t) for n, t in process.items()},
        process_latex=stored["process_latex"],
        constants={n: float(v) for n, v in stored["constants"].items()},
        errors={n: float(v) for n, v in stored["errors"].items()},
        functions={n: SplineCurve.from_json(v) for n, v in stored["functions"].items()},
        structures=structures,
        units=units,
        edges=_read_records(stored["edges"]),
        table=_read_records(stored["table"]),
        forcing_columns=dict(stored["forcing_columns"]),
        target_columns=dict(stored["target_columns"]),
        unit_of=dict(stored["unit_of"]),
        constraints={
            name: (
                str(constraint[0]),
                float(constraint[1]),
                float(constraint[2]),
                float(constraint[3]),
            )
            for name, constraint in stored["constraints"].items()
        },
        record=record_from_json(settings),
        verification=_verification(stored["verification"], settings),
        digits=int(stored["digits"]),
        spans=spans_from_json(stored),
        candidates=tuple(map(candidate_from_json, stored.get("candidates", ()))),
    )


def _check_size(formulas: Any) -> None:
    """Refuse formulas that no search writes, before they are built.

    Raises:
        FormatError: together they have more than MOST_NODES parts.
    """
    count, waiting = 0, [formulas]
    while waiting:
        # a list of parts that wait instead of recursion: depth is no limit here
        part = waiting.pop()
        if isinstance(part, dict | list):
            count += len(part)
            waiting += part.values() if isinstance(part, dict) else part
        if count > MOST_NODES:
            raise FormatError(f"its formulas have more than {MOST_NODES:,} parts")


def save(model: EquationRecord, path: str | Path) -> Path:
    """Write the model to a JSON file; the file appears whole or not at all."""
    path = Path(path)
    # written beside its place, then renamed: no reader sees half a file
    hidden = path.with_name(f".{path.name}.part")
    # nan and infinity are no JSON; where they may occur they are texts
    text = json.dumps(to_json(model), indent=1, allow_nan=False)
    hidden.write_text(text + "\n", encoding="utf-8")
    hidden.replace(path)
    return path


def _verification(stored: Any, settings: dict[str, Any]) -> Verification | None:
    """Earlier files keep the agreement of latents beside the verification, not in it."""
    if not stored:
        return None
    agreement = {name: float(r2) for name, r2 in settings.get("agreement", {}).items()}
    return replace(Verification.from_json(stored), agreement=agreement)


def load(path: str | Path, kind: type[Record] = EquationRecord) -> Record:
    """Read a model from a JSON file without running any code in it.

    Raises:
        FormatError: no such file, no JSON, or no equation file.
        ExpressionError: a formula holds something outside the whitelist.
    """
    path = Path(path)
    try:
        stored = parse_json(read_bounded(path))
    except (OSError, ValueError) as error:
        raise FormatError(f"equation file {path} cannot be read: {error}") from error
    try:
        return from_json(stored, kind)
    except (FormatError, ExpressionError) as error:
        # the same kind of error, with the path in front
        raise type(error)(f"equation file {path}: {error}") from error


def _units(units: Units) -> dict[str, Any]:
    parts = {
        key: getattr(units, key).tolist() for key in ("shift", "scale", "low", "high")
    }
    kinds = {"kinds": kinds_to_json(units.kinds)} if units.kinds else {}
    return {"names": list(units.names)} | parts | kinds


def _read_units(stored: Any) -> Units:
    keys = ("shift", "scale", "low", "high")
    arrays = [np.array(stored[key], dtype=float) for key in keys]
    if any(array.shape != (len(stored["names"]),) for array in arrays):
        raise FormatError("the equation file needs one scale and range a feature")
    return Units(
        tuple(stored["names"]), *arrays, kinds=kinds_from_json(stored.get("kinds"))
    )


def _records(frame: Any) -> dict[str, Any]:
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False)]
    return {"columns": [str(name) for name in frame.columns], "rows": rows}


def _read_records(stored: Any) -> Any:
    import pandas as pd

    columns, rows = list(stored["columns"]), [list(row) for row in stored["rows"]]
    if any(len(row) != len(columns) for row in rows):
        raise FormatError("a table of the equation file has rows of unequal length")
    # A column of missing numbers would come back as a column of objects.
    empty = [k for k in range(len(columns)) if all(row[k] is None for row in rows)]
    kinds = {columns[k]: "float64" for k in empty if rows}
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(kinds) if kinds else frame


def _plain(value: Any) -> Any:
    # JSON knows Python's numbers only
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
