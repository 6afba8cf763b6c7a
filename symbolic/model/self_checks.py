"""Checks of equations that need no network: numbers, rounding, round trips, bounds.

`symbolic.verification.verify` uses them beside what it asks of the trained network, and
`symbolic.composition.as_model` for formulas that have none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sciren.data.kinds import NUMERIC, Kinds
from symbolic.model.record import EquationRecord
from symbolic.model.storage import from_json, to_json
from symbolic.printing.latex import to_latex
from symbolic.printing.latex_reader import levels_in, read_latex
from symbolic.printing.rounding import rounded, unexplained
from symbolic.terms.bounded import printed_constants
from symbolic.terms.rebuild import Units
from symbolic.verdict import Check

Columns = dict[str, np.ndarray]

SAME = 1e-9
"""Relative difference of two ways to the same number: rounding of some hundred steps."""

ROUNDING = 1e-4  # loss of R2 by printing, see the design's section on verification
ROUND_TRIP = 1e-12  # relative difference after writing and reading, the same section
STEP = 0.1  # standard errors that a Gauss-Newton step may move a constant
WEAK = 0.005  # of its value, for constants that are known less well
RESOLVED = 1e-3  # standard errors; steps below this are no news about any constant
EXACT = 1e-10  # residual, in deviations of the targets, that counts as rounding
STRETCH = 1.2  # of the data's range, on which the numbers must agree as well
FAR = (3.0, 30.0, 1e3, 1e6)
"""Stretches of the data's range at which bounds must still hold."""


def stretched(
    columns: Mapping[str, np.ndarray], by: float, kinds: Kinds | None = None
) -> Columns:
    """Spread every column by a factor about the middle of its range; classes stay what they are."""
    kind_of = kinds or {}
    return {
        name: kind_of.get(name, NUMERIC).stretched(values, by)
        for name, values in columns.items()
    }


def relative_difference(values: np.ndarray, other: np.ndarray) -> float:
    """Largest difference over the larger of the value and its root mean square.

    Infinite where either is not a finite number.
    """
    if not (np.isfinite(values).all() and np.isfinite(other).all()):
        return float("inf")
    # about a zero of the function the root mean square is the measure
    size = np.maximum(np.abs(values), np.sqrt(np.mean(values**2)))
    return float(np.max(np.abs(values - other) / np.maximum(size, 1e-300), initial=0.0))


def raw_and_table(
    symbolic: EquationRecord, columns: Columns, units: Units
) -> list[tuple[float, str]]:
    """Differences of the unconstrained expressions and of the table of constants.

    Args:
        units: scaling of the features, from the source of the equations.
    """
    # from raw columns back to scaled features, by the scaling of the source
    x = np.stack([columns[name] for name in units.names], axis=1)
    z = (x - units.shift) / units.scale
    raw = symbolic.unconstrained_values(columns)
    differences = [
        (
            relative_difference(structure.value(z), raw[structure.name]),
            f"{structure.name} before its bounds",
        )
        for structure in symbolic.structures
    ]
    listed = printed_constants(symbolic.structures, symbolic.constraints, units)
    # constants are compared in order, so the lists have to be the same
    if list(symbolic.table["name"]) != [constant.name for constant in listed]:
        return [*differences, (float("inf"), "names in the table of constants")]
    for constant, other in zip(listed, symbolic.table["value"], strict=True):
        difference = abs(other - constant.value) / max(abs(constant.value), 1e-300)
        where = f"constant {constant.name} of {constant.latent} in the table"
        differences.append((float(difference), where))
    return differences


def rounding(symbolic: EquationRecord, columns: Columns) -> Check:
    """Check how much the formulas lose when their constants are printed with few digits."""
    # all digits against the printed ones, on the rows
    exact = symbolic.latents(columns)
    short = {
        n: rounded(equation, symbolic.digits)
        for n, equation in symbolic.equations.items()
    }
    printed = symbolic.with_equations(short).latents(columns)
    losses = {
        name: unexplained(exact[name].to_numpy(), printed[name].to_numpy())
        for name in symbolic.latent_names
    }
    name = max(losses, key=lambda latent: losses[latent])
    meaning = f"R2 lost by printing {symbolic.digits} significant digits"
    passed = losses[name] <= ROUNDING
    return Check("rounding", meaning, losses[name], ROUNDING, passed, f"latent {name}")


def round_trip(
    symbolic: EquationRecord,
    columns: Columns,
    bounds: Sequence[tuple[float, float]],
    stated: bool = True,
) -> Check:
    """Whether JSON, LaTeX and function give the same numbers, and bounds hold far out.

    Args:
        bounds: (low, high) of every latent, from the source of the equations.
        stated: whether the equations state those bounds.
    """
    exact = symbolic.latents(columns)
    # three ways out of the program and back
    copies = {"JSON": from_json(to_json(symbolic)), "LaTeX": _from_latex(symbolic)}
    values: dict[str, Any] = {
        f"through {n}": copy.latents(columns) for n, copy in copies.items()
    }
    values["as a function"] = symbolic.to_numpy(targets=False)(columns)
    worst, where = 0.0, "all"
    for way, again in values.items():
        for name in symbolic.latent_names:
            difference = relative_difference(
                exact[name].to_numpy(), np.asarray(again[name])
            )
            if difference > worst:
                worst, where = difference, f"{name} {way}"
    outside = _outside(symbolic, columns, bounds)
    if outside:
        worst, where = float("inf"), f"{outside} leaves its bounds beyond the data"
    if not stated:
        worst, where = float("inf"), "the stated bounds are not those of the model"
    meaning = (
        "JSON, LaTeX and function give the same numbers; bounds hold beyond the data"
    )
    return Check("round trip", meaning, worst, ROUND_TRIP, worst <= ROUND_TRIP, where)


def _from_latex(symbolic: EquationRecord) -> EquationRecord:
    """Print every equation at full precision and read it back."""
    read = {}
    for name, equation in symbolic.equations.items():
        symbols = sorted(equation.free_symbols, key=str)
        read[name] = read_latex(
            to_latex(equation, None),
            symbols,
            list(symbolic.functions),
            levels=levels_in(equation),
        )
    return symbolic.with_equations(read)


def _outside(
    symbolic: EquationRecord, columns: Columns, bounds: Sequence[tuple[float, float]]
) -> str:
    """Name of a latent that leaves its bounds on rows far beyond the data, or ''."""
    # bounds are clipped by the equation itself, so they hold however far out
    for by in FAR:
        values = symbolic.latents(stretched(columns, by, symbolic.units.kinds))
        for name, (low, high) in zip(symbolic.latent_names, bounds, strict=True):
            latent_values = values[name].to_numpy()
            latent_values = latent_values[~np.isnan(latent_values)]
            # rounding, in the size of the values
            slack = 1e-9 * max(
                1.0, np.abs(latent_values[np.isfinite(latent_values)]).max(initial=0.0)
            )
            if (latent_values < low - slack).any() or (
                latent_values > high + slack
            ).any():
                return name
    return ""
