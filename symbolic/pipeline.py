"""symbolify: trained model -> edge curves -> closed forms -> joint refit -> equations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.errors import ColumnError, TrainingError, closest_names
from sciren.model import ScIReN
from sciren.solvers.process_term import ProcessTerm
from sciren.training.noise import noise_weights
from symbolic.curves.edge_errors import with_errors
from symbolic.curves.extract import LatentCurves, extract
from symbolic.expression.tracing import trace
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.search.candidate import signature
from symbolic.search.climb import Search
from symbolic.search.competition import Competition, Wish
from symbolic.search.path import collect, select, walk_down
from symbolic.search.refit import Refit, SymbolicProblem, refit, rows_for_search
from symbolic.search.starting import Choices, FittedLatent, fit_latent
from symbolic.terms.edge_table import EdgeTable
from symbolic.terms.rebuild import (
    Units,
    constrained,
    raw_expression,
    refused_curves,
)
from symbolic.terms.shape_rules import ShapeRules
from symbolic.terms.structure import DOMAIN_MARGIN
from symbolic.terms.uncertainty import constant_table, identification, physical_errors
from symbolic.units.check import Action, check_units
from symbolic.units.inference import Mode


@dataclass(frozen=True)
class Observed:
    """Rows with their scaled features and observed loss."""

    term: ProcessTerm
    scaled: Tensor


def matched(model: ScIReN, table: Table) -> Table:
    """Return the table with its targets in the decoder's order.

    Raises:
        ColumnError: features in another order, or a target or forcing is missing.
        TrainingError: no rows, or a forcing with missing values.
    """
    model.check_features(table)
    if len(table) == 0:
        raise TrainingError("the table has no rows; check the split")
    decoder = model.decoder
    for kind, wanted, present in (
        ("forcing", decoder.forcings, table.forcings),
        ("target", decoder.targets, table.target_names),
    ):
        for name in wanted:
            if name not in present:
                raise ColumnError(
                    f"decoder {decoder.name!r} needs {kind} {name!r}, which the table "
                    f"does not have. {closest_names(name, present)} "
                    f"Map it with {kind}s={{decoder's name: column}}"
                )
    for name in decoder.forcings:
        if not bool(torch.isfinite(table.forcings[name]).all()):
            raise TrainingError(
                f"forcing {name!r} has missing values in the table; drop these rows"
            )
    order = [table.target_names.index(name) for name in decoder.targets]
    return replace(table, targets=table.targets[:, order], target_names=decoder.targets)


def observed(model: ScIReN, table: Table, law: str | None = None) -> Observed:
    """Compare with a table as training did (residual, violation, noise law).

    Args:
        law: another noise law than that of the training, see `sciren.training.noise`.
    """
    scale = model.residual_scale or ResidualScale.fit(table.targets)
    noise = noise_weights(model, table, law)
    term = ProcessTerm(model, table, scale, model.violation_weight, noise_weights=noise)
    return Observed(term, model.scaled(table.features))


def units_of(model: ScIReN, table: Table) -> Units:
    """Scaling of the features and their range on a table."""
    x = table.features.numpy()
    return Units(
        tuple(table.feature_names),
        model.feature_shift.numpy().copy(),
        model.feature_scale.numpy().copy(),
        x.min(0),
        x.max(0),
    )


def symbolify(
    model: ScIReN,
    table: Table,
    families: Sequence[str] | None = None,
    pins: Mapping[str, str] | None = None,
    forbid: Mapping[str, Sequence[str]] | None = None,
    refuse_above: float = 0.01,
    search_rows: int = 8000,
    seed: int = 0,
    model_selection: str | int = "bic",
    complexity: Mapping[str, float] | None = None,
    shapes: Mapping[str, str] | None = None,
    unit_problems: Action = "warn",
    unit_mode: Mode = "free",
    compose: float | None = None,
    domain_margin: float = DOMAIN_MARGIN,
) -> SymbolicModel:
    """Turn a trained model into equations.

    Args:
        model: trained; its encoder has at most one hidden layer.
        table: training rows with observed targets.
        families: closed forms that may be used; default the five and constant.
        pins: "feature -> latent", feature or hidden node ("h1_<latent>") -> family to
            take.
        forbid: feature, latent, hidden node or "feature -> latent" -> families left
            out.
        refuse_above: unexplained share of an edge's variance above which it is refused
            unless the data cannot tell the difference.
        search_rows: rows that the search over families sees; the constants are refitted
            on all.
        seed: chooses these rows.
        model_selection: which candidate is taken: "bic" (what the search finds best),
            "accuracy" (smallest loss), "best" (simplest within 1.5 times the smallest
            loss), or a row of the table of candidates, simplest first.
        complexity: feature or family -> weight of its nodes in the complexity, see
            `symbolic.expression.complexity`.
        shapes: feature or "feature -> latent" -> "increasing", "decreasing" (on the
            range of the data), "positive" or "negative" (the printed term), held in the
            fits and in every refit of direct edges.
        unit_problems: terms whose units cannot fit: "warn", "error" or "ignore".
        unit_mode: "free": a constant takes the unit that makes its term consistent;
            "dimensionless": constants have none, and terms that need one are problems.
        compose: work for formulas of whole latents, in seconds of a usual processor;
            they are tried where curves are refused or hidden, or where the features
            still predict the residual (`symbolic.search.competition`); 0 tries none, default
            60.
        domain_margin: share of the data range beyond which poles of closed forms stay,
            on either side.
    Raises:
        TrainingError: the model has no edges, or its decoder does not act row by row.
        ConfigError: a family or an edge in pins or forbid that does not exist.
        ColumnError: the table is not one that the model can be compared with.
    """
    if not model.decoder.rowwise:
        raise TrainingError(
            f"decoder {model.decoder.name!r} does not act row by row, so the constants "
            "of the formulas cannot be refitted through it"
        )
    table = matched(model, table)
    chosen = {name: tuple(some) for name, some in (forbid or {}).items()}
    base = Choices(
        forbid=chosen,
        pins=dict(pins or {}),
        refuse_above=refuse_above,
        shapes=dict(shapes or {}),
        domain_margin=domain_margin,
    )
    choices = base if families is None else base.restricted(families)
    with torch.no_grad():
        curves = extract(model, table)
        choices.check(table.feature_names, {one.name: len(one.nodes) for one in curves})
        whole = observed(model, table)
        rows = rows_for_search(len(table), search_rows, seed)
        seen, scaled = whole.term.take(rows), whole.scaled[rows]
        known = with_errors(curves, seen, scaled)
        fitted = [fit_latent(one, table.feature_names, choices) for one in known]
        search = Search(
            seen,
            scaled,
            fitted,
            _pinned(table, choices, curves),
            shape_rules(model, table, choices.shapes),
            domain_margin,
        )
        best = search.run(model.constant_raw.detach())
        units, part = units_of(model, table), replace_rows(table, rows)
        wish = Wish.of(compose, seed)
        competition = Competition(
            search, model, part, units, choices, wish, _other_laws(model, part)
        )
        best = competition.run(best)
        gaps = search.gaps(best)
        path = walk_down(search, best)
        weights = dict(complexity or {})
        candidates = collect(search, path, model, part, units, weights)
        chosen = select(candidates, model_selection, best.structures)
        if candidates[chosen].signature != signature(best.structures):
            best = search.known[candidates[chosen].signature]
            gaps = search.gaps(best)
        found = refit(
            whole.term,
            whole.scaled,
            best.structures,
            best.constants,
            rules=search.rules,
            domain_margin=domain_margin,
        )
        symbolic = assemble_model(
            model, table, found, fitted, gaps, whole, choices, unit_problems, unit_mode
        )
        symbolic.settings["shapes"] = dict(choices.shapes)
        symbolic.settings["complexity"] = weights
        symbolic.settings["domain_margin"] = float(domain_margin)
        symbolic.settings["model_selection"] = str(model_selection)
        symbolic.settings["compositions"] = competition.records()
        symbolic.settings["residual"] = competition.left
        return symbolic.with_candidates(candidates, chosen)


def _other_laws(model: ScIReN, part: Table) -> Callable[[str], ProcessTerm] | None:
    """Observed loss by noise law, where the training took the noise as constant."""
    scale = model.residual_scale or ResidualScale.fit(part.targets)
    if model.noise != "constant" or scale.kind != "identity":
        return None
    return lambda law: observed(model, part, law).term


def replace_rows(table: Table, rows: Tensor) -> Table:
    """Return some rows of a table, the table itself where they are all."""
    return table if len(rows) == len(table) else table.take(rows)


def shape_rules(
    model: ScIReN, table: Table, shapes: Mapping[str, str]
) -> ShapeRules | None:
    """Return the required shapes by numbers of latent and feature, if there are any."""
    choices = Choices(shapes=shapes)
    rules = {
        (k, i): rule
        for k, latent in enumerate(model.latent_names)
        for i, feature in enumerate(table.feature_names)
        if (rule := choices.shape(feature, latent)) is not None
    }
    if not rules:
        return None
    z = model.scaled(table.features).numpy()
    shift, scale = model.feature_shift.numpy(), model.feature_scale.numpy()
    return ShapeRules(rules, z.min(0), z.max(0), shift, scale)


def _pinned(
    table: Table, choices: Choices, curves: Sequence[LatentCurves]
) -> frozenset[tuple[int, int]]:
    """Edges (latent, feature) with a pinned family."""
    return frozenset(
        (k, i)
        for k, latent in enumerate(curves)
        for i, feature in enumerate(table.feature_names)
        if choices.pinned(feature, latent.name) is not None
    )


def assemble_model(
    model: ScIReN,
    table: Table,
    found: Refit,
    fitted: Sequence[FittedLatent],
    gaps: Mapping[tuple[int, int], Mapping[str, float]],
    whole: Observed,
    choices: Choices | None = None,
    unit_problems: Action = "warn",
    unit_mode: Mode = "free",
) -> SymbolicModel:
    """Write a refit as equations in raw units, with its tables."""
    units = units_of(model, table)
    problem = SymbolicProblem(whole.term, whole.scaled, found.structures)
    z = whole.scaled.numpy()
    unit_of = dict(table.units) | {p.name: p.unit for p in model.decoder.parameters}
    unconstrained = {one.name: raw_expression(one, units) for one in found.structures}
    constraints = constraints_of(model)
    equations = {
        one.name: constrained(
            unconstrained[one.name],
            *constraints[one.name],
            largest=float(np.abs(one.value(z)).max()),
        )
        for one in found.structures
    }
    physical = model.constant_scale.to_physical(found.constants).tolist()
    names = model.decoder.constant_names
    forcing_columns = {
        name: table.forcing_columns.get(name, name) for name in model.decoder.forcings
    }
    symbolic = SymbolicModel(
        equations=equations,
        unconstrained=unconstrained,
        process=trace(model.decoder, forcing_columns),
        process_latex=model.decoder.equation_latex(),
        constants=dict(zip(names, physical, strict=True)),
        errors=physical_errors(found, problem),
        functions=refused_curves(found.structures, units),
        structures=found.structures,
        units=units,
        edges=EdgeTable(found.structures, fitted, units, z, gaps, choices).frame(),
        table=constant_table(found, problem, units, {}),
        forcing_columns=forcing_columns,
        target_columns={
            name: table.target_columns.get(name, name) for name in model.decoder.targets
        },
        unit_of=unit_of,
        constraints=constraints,
        settings={"layers": 2 if any(one.nodes for one in found.structures) else 1},
    )
    for name, one in (symbolic.process or {}).items():
        column = symbolic.target_columns[name]
        latent = str(one)  # plain regression: the target is the latent
        if latent in symbolic.equations and not unit_of.get(latent):
            symbolic.unit_of[latent] = unit_of.get(column, "")
    symbolic.settings["identification"] = identification(found, problem, units)
    _set_units(symbolic, unit_problems, unit_mode)
    symbolic.choose_digits(_frame(table))
    return symbolic


def _set_units(symbolic: SymbolicModel, problems: Action, mode: Mode) -> None:
    """Give every constant the unit that makes its term consistent, and warn."""
    report = check_units(symbolic, mode, problems)
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


def constraints_of(model: ScIReN) -> dict[str, tuple[str, float, float, float]]:
    """Latent -> (constraint, low, high, temperature)."""
    return {
        name: (
            one.name,
            float(model.low[k]),
            float(model.high[k]),
            float(getattr(one, "temperature", 1.0)),
        )
        for k, (name, one) in enumerate(
            zip(model.latent_names, model.constraints, strict=True)
        )
    }


def _frame(table: Table) -> dict[str, np.ndarray]:
    """Feature columns of a table by name."""
    return dict(zip(table.feature_names, table.features.numpy().T, strict=True))
