"""SymbolicModel -> the plain data that documents, Markdown pages and tables print."""

from collections.abc import Mapping

import numpy as np

from symbolic.printable import (
    PrintableModel,
    PrintedCheck,
    PrintedConstant,
    PrintedFeature,
    PrintedQuantity,
)
from symbolic.symbolic_model import SymbolicModel

Interval = tuple[float, float]


def printable(
    model: SymbolicModel,
    intervals: Mapping[str, Interval] | None = None,
    symbols: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
    provenance: Mapping[str, str] | None = None,
    error_source: str = "joint refit (Jacobian)",
    title: str = "Equations",
) -> PrintableModel:
    """Collect what is printed.

    Args:
        model: equations, with their verification attached where there is one.
        intervals: process constant -> 95 % interval; default from its standard error,
            none where a bound stops it.
        symbols: name -> final LaTeX.
        meanings: name of a latent, target, constant or feature -> short phrase.
        provenance: written as comments.
    """
    said = meanings or {}
    return PrintableModel(
        title=title,
        latents=_latents(model, said),
        targets=_targets(model, said),
        constants=_constants(model, intervals or {}, said),
        features=_features(model, said),
        edges=model.edges.to_dict("records"),
        checks=_checks(model),
        functions=_refused(model),
        symbols=dict(symbols or {}),
        digits=model.digits,
        provenance=dict(provenance or {}),
        error_source=error_source,
    )


def _latents(model: SymbolicModel, said: Mapping[str, str]) -> list[PrintedQuantity]:
    found = []
    for name, expression in model.equations.items():
        _, low, high, _ = model.constraints[name]
        unit = model.unit_of.get(name, "")
        arguments = _by_importance(model, name)
        found.append(
            PrintedQuantity(
                name, expression, unit, said.get(name, ""), low, high, arguments
            )
        )
    return found


def _by_importance(model: SymbolicModel, latent: str) -> list[str] | None:
    """Features of one latent's equation, most important first."""
    weights: dict[str, float] = {}
    for row in model.edges.to_dict("records"):
        if row["latent"] == latent and row["status"] != "dropped":
            name = str(row["source"])
            weights[name] = weights.get(name, 0.0) + float(row["importance"])
    names = {str(symbol) for symbol in model.equations[latent].free_symbols}
    used = [name for name in weights if name in names]
    return sorted(used, key=lambda name: -weights[name]) or None


def _targets(model: SymbolicModel, said: Mapping[str, str]) -> list[PrintedQuantity]:
    if model.process is None:
        if model.process_latex is None:
            return []
        name = ", ".join(model.target_names)
        return [PrintedQuantity(name, latex=model.process_latex)]
    plain = list(model.process) == list(model.equations) and not model.constants
    if plain and all(str(one) == name for name, one in model.process.items()):
        return []  # plain regression: the latents are the targets
    return [
        PrintedQuantity(
            name,
            expression,
            model.unit_of.get(model.target_columns.get(name, name), ""),
            said.get(name, ""),
        )
        for name, expression in model.process.items()
    ]


def _constants(
    model: SymbolicModel, intervals: Mapping[str, Interval], said: Mapping[str, str]
) -> list[PrintedConstant]:
    found = []
    for name, value in model.constants.items():
        error = model.errors.get(name, float("nan"))
        # A constant that a bound stops has no error, hence no interval.
        reach = 1.96 * error if error > 0 else float("nan")
        low, high = intervals.get(name, (value - reach, value + reach))
        unit = model.unit_of.get(name, "")
        note = said.get(name, "")
        found.append(PrintedConstant(name, value, error, unit, low, high, note))
    return found


def _features(model: SymbolicModel, said: Mapping[str, str]) -> list[PrintedFeature]:
    units, used = model.units, set(model.used_features())
    return [
        PrintedFeature(
            name,
            model.unit_of.get(name, ""),
            said.get(name, ""),
            float(units.shift[k]),
            float(units.scale[k]),
            float(units.low[k]),
            float(units.high[k]),
        )
        for k, name in enumerate(units.names)
        if name in used
    ]


def _checks(model: SymbolicModel) -> list[PrintedCheck]:
    if model.verification is None:
        return []
    return [
        PrintedCheck(
            check.name,
            check.number if np.isfinite(check.number) else float("nan"),
            check.tolerance,
            check.passed,
            check.name == "close to network",
        )
        for check in model.verification.checks
    ]


def _refused(model: SymbolicModel) -> dict[str, str]:
    named = {
        str(row["formula"]).split("(", 1)[0]: str(row["reason"])
        for row in model.edges.to_dict("records")
        if row["status"] == "refused"
    }
    return {
        name: f"a spline ({named.get(name) or 'no closed form fits'})"
        for name in model.functions
    }
