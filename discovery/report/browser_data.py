"""What the scripts of a report draw and evaluate: numbers and trees, never code.

Equations travel as the nested lists of `symbolic.expression.tree`, with a symbol in
place of every constant, and are evaluated by a small interpreter in the page; so a page
can redraw predictions without ``eval``, and nothing in it can be anything but data.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.report.figures import edge_bands
from discovery.runs.files import plain
from symbolic.expression.tree import to_tree
from symbolic.terms.parametric import constant_symbol, parametric
from visualize.labels import pretty_unit

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from symbolic.model.symbolic_model import SymbolicModel


def browser_data(discovery: "Discovery", views: Mapping[str, Any]) -> dict[str, Any]:
    """Return views, equations, constants, candidates, bands and profiles of a run."""
    model = discovery.equations
    data: dict[str, Any] = dict(views)
    if views.get("rows"):
        data["rows"] = _drawn_rows(views["rows"], views["model"])
    data["bands"] = _bands(discovery)
    data["profiles"] = _profiles(discovery)
    data["history"] = _history(discovery)
    if model is not None:
        data["equations"] = equation_trees(model)
        data["constants"] = _constants(discovery, model)
        data["candidates"] = _candidates(model)
        data["verdict"] = str(discovery.verdict)
    data["pretty"] = {unit: pretty_unit(unit) for unit in sorted(_units(data))}
    return plain(data)


def _units(data: Any) -> set[str]:
    """Every unit that stands somewhere in the data."""
    if isinstance(data, list):
        return set().union(*map(_units, data))
    if not isinstance(data, Mapping):
        return set()
    # Units are written for the eye once here, since the scripts know no units.
    own = [
        data.get("unit"),
        data.get("target_unit"),
        data.get("clock"),
        *(data.get("units") or {}).values(),
    ]
    units = {unit for unit in own if isinstance(unit, str) and unit}
    return units.union(*map(_units, data.values()))


def _drawn_rows(rows: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Rows with what the page draws of them; ``views.json`` holds the rest."""
    names = ("part", "columns", "units", "classes", "observed", "all")
    predicted = {model: rows["predicted"][model]}
    return {name: rows[name] for name in names} | {"predicted": predicted}


def equation_trees(model: "SymbolicModel") -> dict[str, Any]:
    """Return latents with symbols for constants, process, splines and columns.

    ``process`` is None where the process model cannot be traced: then only latents can
    be evaluated.
    """
    # Trees with symbols in place of constants: a slider of the page changes a constant
    # and evaluates the tree again.
    latents = {
        latent.name: to_tree(
            parametric(latent, model.units, model.constraints[latent.name]).expression
        )
        for latent in model.structures
    }
    process = model.process
    return {
        "latents": latents,
        "process": process
        and {name: to_tree(target) for name, target in process.items()},
        "functions": {
            name: {
                "x": curve.x,
                "pieces": curve.coefficients,
                "ends": [float(curve.y[0]), float(curve.y[-1])],
                "slopes": list(curve.slopes),
            }
            for name, curve in model.functions.items()
        },
        "features": model.used_features(),
        "forcings": list(dict.fromkeys(model.forcing_columns.values())),
    }


def _constants(discovery: "Discovery", model: "SymbolicModel") -> list[dict[str, Any]]:
    """One row a constant: its symbol in the trees, value, error and unit."""
    listed: Any = discovery.constants.to_dict("records")
    # Process constants have an empty latent.
    errors = {(row["latent"] or "", row["constant"]): row for row in listed}
    rows = []
    for name, value in model.constants.items():
        row = errors.get(("", name), {})
        # the table of constants holds the recommended number, the equation its own
        recommended = float(row.get("estimate", np.nan))
        rows.append(
            _constant(name, name, "", value, row) | {"recommended": recommended}
        )
    for structure in model.structures:
        latent = parametric(structure, model.units, model.constraints[structure.name])
        for raw in latent.constants.values():
            row = errors.get((raw.latent, raw.name), {})
            symbol = str(constant_symbol(raw.name, raw.latent))
            rows.append(_constant(symbol, raw.name, raw.latent, raw.value, row))
    return rows


def _constant(
    symbol: str, name: str, latent: str, value: float, row: Mapping[Any, Any]
) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "name": name,
        "latent": latent,
        "value": float(value),
        "error": float(row.get("error", np.nan)),
        "unit": row.get("unit", "") or "",
    }


def _candidates(model: "SymbolicModel") -> list[dict[str, Any]]:
    """Every model of the path with its equations as trees and as MathML."""
    from symbolic.printing.mathml import to_mathml
    from symbolic.printing.rounding import rounded

    rows = []
    for candidate, row in zip(model.candidates, model.candidate_rows, strict=True):
        # the chosen one stands in the report with the constants of its last refit
        if row["selected"]:
            equations = model.equations
            printed = {
                name: (model.between_bounds(name), model.beside(name).rising(name))
                for name in equations
            }
        else:
            equations = candidate.equations(model.units, model.constraints)
            printed = candidate.printed(model.units, model.constraints)
        # Every edge of the candidate as a pair, so that the page can mark it in the
        # network.
        names = [
            [model.units.names[edge.source], structure.name]
            for structure in candidate.structures
            for edge in structure.all_edges
        ]
        rows.append(
            {key: row[key] for key in ("complexity", "loss", "r2", "score", "label")}
            | {
                "selected": bool(row["selected"]),
                "mathml": {
                    name: to_mathml(
                        rounded(formula, model.digits),
                        model.digits,
                        name=name,
                        beside=beside,
                    )
                    for name, (formula, beside) in printed.items()
                },
                "latents": {
                    name: to_tree(formula) for name, formula in equations.items()
                },
                "constants": dict(candidate.constants),
                "edges": names,
            }
        )
    return rows


def _bands(discovery: "Discovery") -> list[dict[str, Any]]:
    from discovery.results.views.plain import brief

    return [
        {"source": source, "latent": latent}
        | {"x": brief(x), "low": brief(low), "high": brief(high)}
        for (source, latent), (x, low, high) in edge_bands(discovery).items()
    ]


def _profiles(discovery: "Discovery") -> list[dict[str, Any]]:
    from discovery.results.views.plain import brief

    if discovery.profiles.empty:
        return []
    groups: Any = discovery.profiles.groupby(["constant", "model"], sort=False)
    return [
        {
            "constant": str(constant),
            "model": str(model),
            "value": brief(rows["value"]),
            "chi_square": brief(rows["chi_square"]),
        }
        for (constant, model), rows in groups
    ]


def _history(discovery: "Discovery") -> dict[str, Any]:
    from discovery.results.views.plain import brief

    frame = discovery.history
    if frame.empty:
        return {}
    numbers = frame.select_dtypes("number")
    return {name: brief(numbers[name]) for name in numbers.columns}
