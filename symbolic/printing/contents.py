"""EquationRecord -> the plain data that documents, Markdown pages and tables print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy.core.function import AppliedUndef

from symbolic.model.fit_record import ConstantsRecord, SlopeAndCurvature
from symbolic.model.record import EquationRecord
from symbolic.printing.numbers import format_with_error
from symbolic.printing.parts import readable
from symbolic.printing.pieces import PrintedPieces
from symbolic.printing.printable import (
    PrintableModel,
    PrintedCheck,
    PrintedConstant,
    PrintedFeature,
    PrintedQuantity,
)
from symbolic.terms.constant_rows import quantile_95
from symbolic.units.algebra import Unit
from symbolic.units.check import known_units
from symbolic.units.inference import with_plain_arguments
from symbolic.units.words import latex_unit

MISSED = 0.01
"""Share of the residual's variance above which a reader is told, as compositions are."""

MOST_PAIRS = 6
"""Correlated pairs that a note names; the table of constants has them all."""

INDEX = "s"
"""How the argument of an outer function is called where that is a sum."""

Interval = tuple[float, float]


def printable(
    model: EquationRecord,
    intervals: Mapping[str, Interval] | None = None,
    symbols: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
    provenance: Mapping[str, str] | None = None,
    error_source: str = "",
    title: str = "Equations",
) -> PrintableModel:
    """Collect what is printed.

    Args:
        model: equations, with their verification attached where there is one.
        intervals: process constant -> 95 % interval; default from its standard error,
            none where a bound stops it.
        symbols: name -> final LaTeX; they go before those of the options.
        meanings: name of a latent, target, constant or feature -> short phrase.
        provenance: written as comments.
        error_source: how errors were found; default that of the joint refit.
    """
    said = meanings or {}
    # what is said in the call goes before the options of the fit
    given = {**model.record.options.symbols, **(symbols or {})}
    # filled while formulas are made plain: units inside functions become symbols
    shown = _Shown(known_units(model.unit_of)[0], given)
    return PrintableModel(
        title=title,
        latents=_latents(model, said, shown),
        targets=_targets(model, said, shown),
        constants=_constants(model, intervals or {}, said),
        features=_features(model, said),
        edges=model.edges.to_dict("records"),
        checks=_checks(model),
        functions=_refused(model),
        pieces=pieces_of(model),
        symbols=shown.symbols,
        digits=model.digits,
        provenance=dict(provenance or {}),
        error_source=error_source or _constants_record(model).method,
        notes=[
            *(f"Units: {problem}." for problem in unit_problems(model)),
            *equals_notes(model),
            *residual_notes(model),
            *dropped_notes(model),
        ],
        candidates=model.candidate_rows,
        constant_notes=constant_notes(model),
        weights=model.record.options.complexity,
    )


def residual_notes(model: EquationRecord) -> list[str]:
    """Say where the features still predict what the equations miss."""
    left = model.record.residual
    if left is None or left <= MISSED:
        return []
    return [
        "Something is missing: the features still predict "
        f"{100 * left:.2g} % of the variance of the residual."
    ]


def equals_notes(model: EquationRecord) -> list[str]:
    """Say for every term which other families the data cannot tell from its own."""
    notes = []
    for row in model.edges.to_dict("records"):
        families = [name for name in str(row.get("equals", "")).split(", ") if name]
        if row["status"] != "closed" or len(families) < 2:
            continue
        parts = [text for text in str(row["reason"]).split("; ") if "differs" in text]
        where = f" ({'; '.join(parts)})" if parts else ""
        notes.append(
            f"{row['latent']}, {row['source']}: the data cannot tell {families[0]} from "
            f"{', '.join(families[1:])}{where}."
        )
    return notes


def dropped_notes(model: EquationRecord) -> list[str]:
    """Say for every latent which features were left out of its equation, and why."""
    left: dict[tuple[str, str], list[str]] = {}
    for row in model.edges.to_dict("records"):
        if row["status"] == "dropped":
            key = (str(row["latent"]), str(row["reason"]))
            left.setdefault(key, []).append(str(row["source"]))
    return [
        f"Left out of {latent}: {', '.join(dict.fromkeys(names))} ({reason})."
        for (latent, reason), names in left.items()
    ]


@dataclass
class _Shown:
    """Formulas as they are printed: plain numbers inside log and other functions.

    Args:
        units: name -> unit;  symbols: name -> LaTeX, to which units are added.
    """

    units: Mapping[str, Unit]
    symbols: dict[str, str]

    def __call__(self, expression: Any) -> Any:
        shown, added = with_plain_arguments(expression, self.units)
        for name, unit in added.items():
            # (1 degC) is set upright, as a number with its unit
            self.symbols[name] = rf"1\,{latex_unit(str(unit)).strip('$')}"
        return shown


def unit_problems(model: EquationRecord) -> list[str]:
    """Return what the check of units found to be inconsistent."""
    return list(model.record.unit_problems)


UNIT_MODES = {
    "free": "A constant has the unit that makes its term consistent.",
    "dimensionless": "Constants were required to have no unit.",
}


def constant_notes(model: EquationRecord) -> list[str]:
    """Return what a reader of the table of constants must know."""
    notes = []
    if "unit" in model.table and any(model.table["unit"]):
        notes.append(UNIT_MODES[model.record.options.unit_mode])
    return notes + dependence_notes(model)


def dependence_notes(model: EquationRecord) -> list[str]:
    """Return which constants are not identified one by one, and what is instead."""
    record, notes = _constants_record(model), []
    pairs = [
        f"{pair.constant} and {pair.other} ({pair.correlation:.3f})"
        for pair in record.correlated[:MOST_PAIRS]
    ]
    if pairs:
        notes.append(
            f"Correlated above 0.95, so not identified one by one: {', '.join(pairs)}."
        )
    for term in record.reparametrised:
        notes.append(
            f"{term.latent}, {term.source}: slope "
            f"{format_with_error(term.slope, term.slope_error, 'text')} and curvature "
            f"{format_with_error(term.curvature, term.curvature_error, 'text')} at "
            f"{term.source} = {term.at:.4g} describe the term better"
            f"{_simpler(model, term)}."
        )
    return notes


def _constants_record(model: EquationRecord) -> ConstantsRecord:
    return model.record.constants or ConstantsRecord()


def _simpler(model: EquationRecord, term: SlopeAndCurvature) -> str:
    """Families with fewer constants that the data cannot tell apart."""
    edges = model.edges.to_dict("records")
    for row in edges:
        same = row["latent"] == term.latent and row["source"] == term.source
        if same and "linear" in str(row.get("equals", "")).split(", "):
            return "; the data cannot tell it from linear"
    return ""


def _latents(
    model: EquationRecord, said: Mapping[str, str], shown: _Shown
) -> list[PrintedQuantity]:
    latents = []
    agreement = model.verification.agreement if model.verification else {}
    for name in model.equations:
        # bounds are told beside the equation or inside it, see `between_bounds`
        _, low, high, _ = model.constraints[name]
        unit = model.unit_of.get(name, "")
        arguments = _by_importance(model, name)
        latents.append(
            PrintedQuantity(
                name,
                shown(model.between_bounds(name)),
                unit,
                said.get(name, ""),
                low,
                high,
                arguments,
                beside=model.beside(name).rising(name),
                r2=agreement.get(name),
            )
        )
    return latents


def _by_importance(model: EquationRecord, latent: str) -> list[str] | None:
    """Features of one latent's equation, most important first."""
    weights: dict[str, float] = {}
    for row in model.edges.to_dict("records"):
        if row["latent"] == latent and row["status"] != "dropped":
            name = str(row["source"])
            weights[name] = weights.get(name, 0.0) + float(row["importance"])
    # hidden nodes are sources too, but no arguments
    names = {str(symbol) for symbol in model.equations[latent].free_symbols}
    used = [name for name in weights if name in names]
    return sorted(used, key=lambda name: -weights[name]) or None


def _targets(
    model: EquationRecord, said: Mapping[str, str], shown: _Shown
) -> list[PrintedQuantity]:
    if model.process is None:
        if model.process_latex is None:
            return []
        name = ", ".join(model.target_names)
        return [PrintedQuantity(name, latex=model.process_latex)]
    # the process hands the latents on as they are
    plain = list(model.process) == list(model.equations) and not model.constants
    if plain and all(
        str(expression) == name for name, expression in model.process.items()
    ):
        return []  # plain regression: the latents are the targets
    return [
        PrintedQuantity(
            name,
            shown(expression),
            model.unit_of.get(model.target_columns.get(name, name), ""),
            said.get(name, ""),
            arguments=sorted(str(symbol) for symbol in expression.free_symbols),
        )
        for name, expression in readable(model.process, model.names).items()
    ]


def _constants(
    model: EquationRecord, intervals: Mapping[str, Interval], said: Mapping[str, str]
) -> list[PrintedConstant]:
    record, constants = _constants_record(model), []
    quantile = quantile_95(record.cosines, record.groups)
    for name, value in model.constants.items():
        error = model.errors.get(name, float("nan"))
        # A constant that a bound stops has no error, hence no interval.
        half_width = quantile * error if error > 0 else float("nan")
        low, high = intervals.get(name, (value - half_width, value + half_width))
        unit = model.unit_of.get(name, "")
        note = said.get(name, "")
        constants.append(PrintedConstant(name, value, error, unit, low, high, note))
    return constants + _encoder_constants(model)


def _encoder_constants(model: EquationRecord) -> list[PrintedConstant]:
    # A constant that was held has no error, and no interval is printed for it.
    constants = []
    for row in model.table.to_dict("records"):
        error = float(row["error"])
        has_error = error > 0
        constants.append(
            PrintedConstant(
                str(row["name"]),
                float(row["value"]),
                error,
                str(row["unit"]),
                float(row["low"]) if has_error else float("nan"),
                float(row["high"]) if has_error else float("nan"),
                latent=str(row["latent"]),
                source=str(row["source"]),
            )
        )
    return constants


def _features(model: EquationRecord, said: Mapping[str, str]) -> list[PrintedFeature]:
    units, used = model.units, set(model.used_features())
    features = []
    for k, name in enumerate(units.names):
        if name not in used:
            continue
        classes = getattr(units.kinds.get(name), "labels", ())
        if classes:  # their numbers have no range and no mean
            words = [said.get(name, ""), f"one of {_some(classes)}"]
            meaning = ", ".join(word for word in words if word)
            features.append(PrintedFeature(name, meaning=meaning))
            continue
        numbers = (units.shift[k], units.scale[k], units.low[k], units.high[k])
        features.append(
            PrintedFeature(
                name,
                model.unit_of.get(name, ""),
                said.get(name, ""),
                *map(float, numbers),
            )
        )
    return features


MOST_CLASSES = 12
"""Names of classes in a sentence: two lines of a page."""


def _some(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:MOST_CLASSES])
    more = len(labels) - MOST_CLASSES
    return f"{shown} and {more} more classes" if more > 0 else shown


def _checks(model: EquationRecord) -> list[PrintedCheck]:
    if model.verification is None:
        return []
    return [
        PrintedCheck(
            check.name,
            check.number if np.isfinite(check.number) else float("nan"),
            check.tolerance,
            check.passed,
            check.name == "close to network",
            check.applies,
        )
        for check in model.verification.checks
    ]


def _refused(model: EquationRecord) -> dict[str, str]:
    named = {
        # the formula of a refused edge is its name and argument
        str(row["formula"]).split("(", 1)[0]: str(row["reason"])
        for row in model.edges.to_dict("records")
        if row["status"] == "refused"
    }
    return {
        name: f"a spline ({named.get(name) or 'no closed form fits'})"
        for name in model.functions
    }


def pieces_of(model: EquationRecord) -> list[PrintedPieces]:
    """Return every curve without closed form, with what it is a function of."""
    arguments = {
        # a curve inside a hidden node is one of the feature, the outer one of a sum
        call.func.__name__: call.args[0]
        for expression in model.unconstrained.values()
        for call in expression.atoms(AppliedUndef)
    }
    return [
        PrintedPieces(name, str(given) if given.is_Symbol else INDEX, curve)
        for name, curve in model.functions.items()
        if (given := arguments.get(name)) is not None
    ]
