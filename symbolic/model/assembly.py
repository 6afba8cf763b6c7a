"""From refitted structures to a SymbolicModel: raw units, tables, units of constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from symbolic.expression.tracing import trace
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.options import SymbolicOptions
from symbolic.search.observations import Observed, columns_of, constraints_of, units_of
from symbolic.search.refit import Refit, SymbolicProblem
from symbolic.search.starting import FittedLatent
from symbolic.terms.edge_table import EdgeTable
from symbolic.terms.rebuild import constrained, raw_expression, refused_curves
from symbolic.terms.uncertainty import constant_table, identification, physical_errors
from symbolic.units.check import check_units

if TYPE_CHECKING:
    from sciren.data.table import Table
    from sciren.model import ScIReN


@dataclass(frozen=True)
class Fit:
    """What the search and the refit leave.

    Args:
        refitted: structures with the constants refitted on all rows.
        fitted: the curves that the structures came from, by latent.
        gaps: (latent, edge number) -> {family: criterion above the selected family}.
        whole: all rows, with their observed loss.
    """

    refitted: Refit
    fitted: Sequence[FittedLatent]
    gaps: Mapping[tuple[int, int], Mapping[str, float]]
    whole: Observed


def assemble_model(
    model: "ScIReN", table: "Table", fit: Fit, options: SymbolicOptions
) -> SymbolicModel:
    """Write a refit as equations in raw units, with its tables."""
    refitted, units = fit.refitted, units_of(model, table)
    problem = SymbolicProblem(fit.whole.term, fit.whole.scaled, refitted.structures)
    z = fit.whole.scaled.numpy()
    unconstrained = {
        part.name: raw_expression(part, units) for part in refitted.structures
    }
    constraints = constraints_of(model)
    equations = {
        part.name: constrained(
            unconstrained[part.name],
            *constraints[part.name],
            largest=float(np.abs(part.value(z)).max()),
        )
        for part in refitted.structures
    }
    physical = model.constant_scale.to_physical(refitted.constants).tolist()
    names, decoder = model.decoder.constant_names, model.decoder
    forcing_columns = {n: table.forcing_columns.get(n, n) for n in decoder.forcings}
    layers = 2 if any(part.nodes for part in refitted.structures) else 1
    symbolic = SymbolicModel(
        equations=equations,
        unconstrained=unconstrained,
        process=trace(decoder, forcing_columns),
        process_latex=decoder.equation_latex(),
        constants=dict(zip(names, physical, strict=True)),
        errors=physical_errors(refitted, problem),
        functions=refused_curves(refitted.structures, units),
        structures=refitted.structures,
        units=units,
        edges=EdgeTable(
            refitted.structures, fit.fitted, units, z, fit.gaps, options
        ).frame(),
        table=constant_table(refitted, problem, units, {}),
        forcing_columns=forcing_columns,
        target_columns={n: table.target_columns.get(n, n) for n in decoder.targets},
        unit_of=dict(table.units) | {p.name: p.unit for p in decoder.parameters},
        constraints=constraints,
        settings={"layers": layers},
    )
    symbolic.settings["identification"] = identification(refitted, problem, units)
    _set_units(symbolic, options)
    symbolic.choose_digits(columns_of(table))
    return symbolic


def _set_units(symbolic: SymbolicModel, options: SymbolicOptions) -> None:
    """Give every constant the unit that makes its term consistent, and warn."""
    for name, expression in (symbolic.process or {}).items():
        column = symbolic.target_columns[name]
        latent = str(expression)  # plain regression: the target is the latent
        if latent in symbolic.equations and not symbolic.unit_of.get(latent):
            symbolic.unit_of[latent] = symbolic.unit_of.get(column, "")
    report = check_units(symbolic, options.unit_mode, options.unit_problems)
    rows = zip(symbolic.table["latent"], symbolic.table["name"], strict=True)
    symbolic.table["unit"] = [str(report.constants.get(key, "")) for key in rows]
    for name in symbolic.constants:
        unit = str(report.constants.get(("", name), ""))
        if unit and not symbolic.unit_of.get(name):
            symbolic.unit_of[name] = unit
    symbolic.settings["units"] = {
        "mode": report.mode,
        "problems": list(report.problems),
    }
