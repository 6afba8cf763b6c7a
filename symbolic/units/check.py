"""Units of a whole model: what its constants are measured in, and what does not fit."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sciren.errors import ConfigError, DataWarning, FormatError
from symbolic.options import UnitMode, UnitProblems
from symbolic.terms.parametric import constant_symbol, parametric
from symbolic.units.algebra import Unit, parse_unit
from symbolic.units.inference import Inference

if TYPE_CHECKING:
    from symbolic.model.record import EquationRecord

PLAIN = ("identity", "relu", "hard_sigmoid")
"""Constraints that only clip: the latent between its bounds has the latent's unit."""

_POWER_OF_TEN = re.compile(r"1e[+-]?\d+")


@dataclass(frozen=True)
class UnitReport:
    """What the units of a model say.

    Attributes:
        mode: "free": a constant has the unit that makes its term consistent;
            "dimensionless": constants have no unit.
        constants: (latent, constant) -> unit; those of the process model have latent "";
            only what the rules settle is listed.
        problems: one sentence for each term that cannot be consistent.
        unread: one sentence for each text that is no unit; it stands for any unit.
    """

    mode: UnitMode
    constants: Mapping[tuple[str, str], Unit]
    problems: tuple[str, ...]
    unread: tuple[str, ...] = ()


def check_units(
    model: "EquationRecord", mode: UnitMode = "free", problems: UnitProblems = "warn"
) -> UnitReport:
    """Find the units of the constants and report terms that cannot be consistent.

    Columns and parameters without a unit, or with a text that is none, may have any.

    Args:
        mode: see `UnitReport`.
        problems: "warn", "error" or "ignore".
    Raises:
        ConfigError: unknown mode or action.
        FormatError: with "error": a term is inconsistent, or a text is no unit.
    """
    if mode not in ("free", "dimensionless"):
        raise ConfigError(f"units are 'free' or 'dimensionless', not {mode!r}")
    if problems not in ("warn", "error", "ignore"):
        raise ConfigError(f"problems of units: warn, error or ignore, not {problems!r}")
    units, unread = known_units(model.unit_of)
    report = _report(model, units, mode)
    said = report.problems
    if (said or unread) and problems == "error":
        raise FormatError(f"units do not fit: {'; '.join([*unread, *said])}")
    if said and problems == "warn":
        warnings.warn(f"units do not fit: {'; '.join(said)}", DataWarning, stacklevel=2)
    return UnitReport(mode, report.constants, said, tuple(unread))


def known_units(unit_of: Mapping[str, str]) -> tuple[dict[str, Unit], list[str]]:
    """Return name -> unit where one is given, and a sentence for what cannot be read."""
    units, unread = {}, []
    for name, text in unit_of.items():
        # no text is no statement: the unit is open, also of a column without one that was
        # divided by a power of ten
        if not text.strip() or _POWER_OF_TEN.fullmatch(text.strip()):
            continue
        try:
            units[name] = parse_unit(text)
        except FormatError as error:
            unread.append(f"{name}: {error}")
    return units, unread


def _report(
    model: "EquationRecord", unit_of: dict[str, Unit], mode: UnitMode
) -> UnitReport:
    # latents are what formulas are required to be, not symbols in them
    columns = {n: u for n, u in unit_of.items() if n not in model.equations}
    units: dict[tuple[str, str], Unit] = {}
    problems: list[str] = []
    for structure in model.structures:
        bounds = model.constraints[structure.name]
        latent = parametric(structure, model.units, bounds)
        constants = frozenset(symbol.name for symbol in latent.constants)
        inference = Inference(columns, mode, constants)
        # before a sigmoid a latent is a plain number
        in_unit = bounds[0] in PLAIN or not structure.parts
        unit = unit_of.get(structure.name) if in_unit else Unit()
        if unit is None:
            inference.quantity(latent.inside)
        else:
            inference.require(latent.inside, unit, structure.name)
        problems += [f"{structure.name}: {text}" for text in inference.problems]
        for constant in latent.constants.values():
            symbol = constant_symbol(constant.name, constant.latent)
            settled = inference.unit_of(symbol.name)
            if settled is not None:
                units[constant.latent, constant.name] = settled
    process, said = _process(model, unit_of, mode)
    return UnitReport(mode, units | process, (*problems, *said))


def _process(
    model: "EquationRecord", unit_of: Mapping[str, Unit], mode: UnitMode
) -> tuple[dict[tuple[str, str], Unit], list[str]]:
    """Units of the process constants, and what does not fit in the process model."""
    # only symbols of the process: a feature may be called like one of its constants
    forcings = set(model.forcing_columns.values())
    inside = {*model.equations, *model.constants, *forcings}
    inference = Inference(
        {n: u for n, u in unit_of.items() if n in inside},
        mode,
        frozenset(model.constants),
    )
    for name, expression in (model.process or {}).items():
        unit = unit_of.get(model.target_columns.get(name, name))
        if unit is None:
            inference.quantity(expression)
        else:
            inference.require(expression, unit, name)
    settled = {name: inference.unit_of(name) for name in model.constants}
    units = {("", name): unit for name, unit in settled.items() if unit is not None}
    return units, inference.problems
