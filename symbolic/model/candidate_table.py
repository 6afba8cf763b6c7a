"""Candidates as a table and as models of their own."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sciren.errors import ConfigError
from symbolic.expression.complexity import complexity
from symbolic.model.record import EquationRecord
from symbolic.printing.text import to_text
from symbolic.terms.bounded import printed_constants, printed_structure
from symbolic.terms.constant_rows import constant_rows
from symbolic.terms.rebuild import (
    raw_expression,
    raw_term,
    refused_curves,
)

if TYPE_CHECKING:
    import pandas as pd

    from symbolic.search.candidate import Candidate

Record = TypeVar("Record", bound=EquationRecord)


def candidates_table(model: EquationRecord) -> "pd.DataFrame":
    """Return one row a candidate and latent, simplest first.

    Columns: candidate (its number), selected, latent, complexity (of the latent's
    equation), total_complexity, loss, score (drop of log loss for each node), r2 (of the
    observed targets), features (how many), equation (text), sympy, callable (columns by
    name -> latents by name), refused (edges that stay splines), verification.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    weights = model.record.options.complexity
    for number, candidate in enumerate(model.candidates):
        selected = number == model.record.selected
        # the selected candidate was refitted on all rows and verified, the others were not
        shown_model = model if selected else candidate_model(model, number)
        function = shown_model.to_numpy(targets=False)
        for structure in candidate.structures:
            expression = shown_model.equations[structure.name]
            rows.append(
                {
                    "candidate": number,
                    "selected": selected,
                    "latent": structure.name,
                    "complexity": complexity(expression, weights),
                    "total_complexity": candidate.complexity,
                    "loss": candidate.loss,
                    "score": candidate.score,
                    "r2": candidate.r2,
                    "features": len({edge.source for edge in structure.all_edges}),
                    "equation": to_text(expression, 4),
                    "sympy": expression,
                    "callable": function,
                    "refused": sum(edge.form is None for edge in structure.all_edges),
                    "verification": shown_model.verdict,
                }
            )
    return pd.DataFrame(rows)


def candidate_model(model: Record, row: int) -> Record:
    """Return the model of a candidate, of the same class; it was not verified.

    Raises:
        ConfigError: there is no such row.
    """
    if not 0 <= row < len(model.candidates):
        raise ConfigError(
            f"there is no candidate {row}; there are {len(model.candidates)}, "
            "counted from 0"
        )
    candidate = model.candidates[row]
    return replace(
        model,
        equations=candidate.equations(model.units, model.constraints),
        unconstrained={
            s.name: raw_expression(s, model.units) for s in candidate.structures
        },
        constants=dict(candidate.constants),
        # constants of the search have no errors yet
        errors=dict.fromkeys(candidate.constants, float("nan")),
        functions=refused_curves(candidate.structures, model.units),
        structures=candidate.structures,
        spans=dict(candidate.spans),
        edges=_edges(model, candidate),
        table=_constants(model, candidate),
        record=replace(model.record, selected=row, constants=None),
        verification=None,
    )


def _edges(model: EquationRecord, candidate: "Candidate") -> Any:
    """Edges of a candidate: names, families and formulas, without scores."""
    import pandas as pd

    missing, rows = float("nan"), []
    for raw in candidate.structures:
        structure = printed_structure(raw, model.constraints[raw.name])
        for edge in structure.all_edges:
            expression, _ = raw_term(edge, model.units)
            refused = edge.form is None
            source = edge.source
            rows.append(
                # columns that a candidate knows nothing of stay empty
                dict.fromkeys(map(str, model.edges.columns), "")
                | {
                    "layer": 0,
                    "source": model.units.names[source],
                    "target": structure.name,
                    "latent": structure.name,
                    "importance": missing,
                    "family": edge.form.family if edge.form else "none",
                    "status": "refused" if refused else "closed",
                    "formula": to_text(expression, 4),
                    "r2": missing,
                    "gap": missing,
                    "ambiguous": False,
                    "low": float(model.units.low[source]),
                    "high": float(model.units.high[source]),
                    "chosen": "auto",
                    "reason": "a candidate keeps the spline" if refused else "",
                }
            )
    return pd.DataFrame(rows, columns=model.edges.columns)


def _constants(model: EquationRecord, candidate: "Candidate") -> Any:
    import pandas as pd

    # units of constants that the model shares with the candidate
    keys = zip(model.table["latent"], model.table["name"], strict=True)
    units = dict(zip(keys, model.table["unit"], strict=True))
    listed = printed_constants(candidate.structures, model.constraints, model.units)
    rows = constant_rows(listed, [float("nan")] * len(listed), {})
    for row in rows:
        row["unit"] = units.get((row["latent"], row["name"]), "")
    return pd.DataFrame(rows, columns=list(model.table.columns))
