"""From refitted structures to a SymbolicModel: raw units, tables, units of constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symbolic.expression.tracing import trace
from symbolic.model.fit_record import FitRecord
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.search.observations import Observed, columns_of, constraints_of, units_of
from symbolic.search.problem import SymbolicProblem
from symbolic.search.refit import Refit
from symbolic.search.starting import FittedLatent
from symbolic.terms.bounded import bounded_expression, spans_of
from symbolic.terms.edge_table import EdgeTable
from symbolic.terms.rebuild import raw_expression, refused_curves
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
        delta_bic: (latent, edge number) -> {family: criterion above the selected family}.
        whole: all rows, with their observed loss.
    """

    refitted: Refit
    fitted: Sequence[FittedLatent]
    delta_bic: Mapping[tuple[int, int], Mapping[str, float]]
    whole: Observed


def assemble_model(
    model: "ScIReN", table: "Table", fit: Fit, record: FitRecord
) -> SymbolicModel:
    """Write a refit as equations in raw units, with its tables.

    Args:
        record: options and attempts; layers, dependence and units are added to it.
    """
    structures, units = fit.refitted.structures, units_of(model, table)
    # the refit's own problem again: errors of printed constants are its covariance, moved
    problem = SymbolicProblem(fit.whole.term, fit.whole.scaled, structures)
    z, decoder = fit.whole.scaled.numpy(), model.decoder
    unconstrained = {part.name: raw_expression(part, units) for part in structures}
    constraints, spans = constraints_of(model), spans_of(structures, z)
    equations = {
        part.name: bounded_expression(
            part, units, constraints[part.name], max(map(abs, spans[part.name]))
        )
        for part in structures
    }
    physical = model.constant_scale.to_physical(fit.refitted.constants).tolist()
    forcing_columns = {n: table.forcing_columns.get(n, n) for n in decoder.forcings}
    edges = EdgeTable(
        structures, fit.fitted, units, z, fit.delta_bic, record.options, constraints
    )
    symbolic = SymbolicModel(
        equations=equations,
        unconstrained=unconstrained,
        process=trace(decoder, forcing_columns),
        process_latex=decoder.equation_latex(),
        constants=dict(zip(decoder.constant_names, physical, strict=True)),
        errors=physical_errors(fit.refitted, problem),
        functions=refused_curves(structures, units),
        structures=structures,
        units=units,
        edges=edges.frame(),
        table=constant_table(fit.refitted, problem, units, {}),
        forcing_columns=forcing_columns,
        target_columns={n: table.target_columns.get(n, n) for n in decoder.targets},
        # in plain regression a latent and its column have one name, and the unit is the
        # column's
        unit_of=dict(table.units)
        | {
            p.name: p.unit
            for p in decoder.parameters
            if p.unit or p.name not in table.units
        },
        constraints=constraints,
        spans=spans,
        record=replace(
            record,
            layers=2 if any(part.nodes for part in structures) else 1,
            constants=identification(fit.refitted, problem, units),
        ),
    )
    # units and digits need the finished equations
    symbolic = _with_units(symbolic)
    return replace(symbolic, digits=symbolic.digits_needed(columns_of(table)))


def _with_units(symbolic: SymbolicModel) -> SymbolicModel:
    """Give every constant the unit that makes its term consistent, and warn."""
    unit_of = dict(symbolic.unit_of)
    for name, expression in (symbolic.process or {}).items():
        # a target that is the latent itself may carry the unit
        column = symbolic.target_columns[name]
        latent = str(expression)  # plain regression: the target is the latent
        if latent in symbolic.equations and not unit_of.get(latent):
            unit_of[latent] = unit_of.get(column, "")
    options = symbolic.record.options
    report = check_units(
        replace(symbolic, unit_of=unit_of), options.unit_mode, options.unit_problems
    )
    # a unit that the user gave goes before one that was inferred
    rows = zip(symbolic.table["latent"], symbolic.table["name"], strict=True)
    units = [str(report.constants.get(key, "")) for key in rows]
    for name in symbolic.constants:
        unit = str(report.constants.get(("", name), ""))
        if unit and not unit_of.get(name):
            unit_of[name] = unit
    return replace(
        symbolic,
        unit_of=unit_of,
        table=symbolic.table.assign(unit=units),
        record=replace(
            symbolic.record, unit_problems=(*report.problems, *report.unread)
        ),
    )
