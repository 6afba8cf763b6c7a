"""Latents inside their bounds, with the constants that are printed.

A bound that cuts straight leaves the latent as it is between the bounds. What stands
there is written in the unit of the latent,

    relu          low <= raw <= high
    hard sigmoid  low <= low + (high - low) (raw / 6 + 1/2) <= high

so that its constants are those of the latent and not of the scale that the network trains
on. Sigmoid and softplus bend everywhere: their constants stand inside the function. A
latent without any term is one number, its value, whatever the bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from symbolic.terms.raw_constants import RawConstant, raw_constants
from symbolic.terms.rebuild import (
    Units,
    constrained,
    held,
    plain,
    raw_expression,
    refused_curves,
    straight,
)
from symbolic.terms.structure import LatentStructure

Constraint = tuple[str, float, float, float]
"""Name of the layer, low, high, temperature."""

Bounds = Mapping[str, Constraint]

Span = tuple[float, float]
"""Smallest and largest raw value on the rows."""

NEAR = 0.01
"""Share of a latent's range on the rows within which a bound counts as near. What is
printed departs from what is computed by at most 2e-5 of the variance (`ROUNDING_LOSS`),
about 0.1 % of the range: ten times that is room for the errors of the constants."""


def printed_structure(
    structure: LatentStructure, constraint: Constraint
) -> LatentStructure:
    """Return a latent between its bounds, with its constants as they are printed."""
    kind, low, high, _ = constraint
    if not structure.parts:
        # no term, so nothing can cross a bound: the number is printed without one
        value = constrained(sympy.Float(structure.offset), *constraint)
        return replace(structure, offset=float(value))
    if kind not in ("hard_sigmoid", "relu", "identity"):
        return structure
    slope, intercept = straight(kind, low, high)
    # already in the unit of the latent
    if (slope, intercept) == (1.0, 0.0):
        return structure
    scaled = structure.scaled(slope)
    return replace(scaled, offset=scaled.offset + intercept)


def printed_constants(
    structures: Sequence[LatentStructure], bounds: Bounds, units: Units
) -> list[RawConstant]:
    """List every constant of the printed equations with its value."""
    shown = [
        printed_structure(structure, bounds[structure.name]) for structure in structures
    ]
    return raw_constants(shown, units)


def spans_of(structures: Sequence[LatentStructure], z: np.ndarray) -> dict[str, Span]:
    """Return the smallest and largest raw value of every latent at scaled rows (n, d)."""
    values = {structure.name: structure.value(z) for structure in structures}
    return {name: (float(raw.min()), float(raw.max())) for name, raw in values.items()}


def bounded_expression(
    structure: LatentStructure,
    units: Units,
    constraint: Constraint,
    largest: float = 0.0,
) -> sympy.Expr:
    """Return the equation of a latent in raw features, inside its bounds.

    Args:
        largest: size of the raw values on the data, see `constrained`.
    """
    shown = printed_structure(structure, constraint)
    inside = with_factors(raw_expression(shown, units), structure, shown, units)
    return inside if not shown.parts else held(inside, *constraint, largest=largest)


def with_factors(
    expression: Any, structure: LatentStructure, shown: LatentStructure, units: Units
) -> Any:
    """Return the printed expression of a latent with factors before its refused curves.

    A refused curve has one table, on the scale of the network: what the printed unit makes
    of it stands as a factor.

    Args:
        expression: of the structure as it is printed;  structure: of the network.
        shown: the structure as it is printed;  units: of the features.
    """
    printed = refused_curves([shown], units)
    for name, table in refused_curves([structure], units).items():
        factor = table.ratio(printed[name])
        if factor != 1.0:
            expression = _times(expression, sympy.Function(name), sympy.Float(factor))
    return expression


def _times(expression: Any, function: Any, factor: Any) -> Any:
    return expression.replace(function, lambda x: factor * function(x))


@dataclass(frozen=True)
class Beside:
    """Bounds that no row comes near: they stand beside the equation, not inside.

    Attributes:
        low, high: infinite where a bound stays inside the equation, or there is none.
    """

    low: float = -np.inf
    high: float = np.inf

    @classmethod
    def of(cls, constraint: Constraint, span: Span | None) -> "Beside":
        """Say which bounds of a latent no row comes near.

        Args:
            span: of the raw latent on the rows; None where it is not known.
        """
        kind, low, high, _ = constraint
        if span is None or kind not in ("hard_sigmoid", "relu"):
            return cls()
        slope, intercept = straight(kind, low, high)
        # of what is printed between the bounds, in the latent's unit
        smallest, largest = (intercept + slope * end for end in span)
        near = NEAR * (largest - smallest)
        return cls(
            low if smallest - near > low else -np.inf,
            high if largest + near < high else np.inf,
        )

    def __bool__(self) -> bool:
        return bool(np.isfinite([self.low, self.high]).any())

    def without(self, expression: sympy.Expr) -> sympy.Expr:
        """Return an equation without these bounds; the same numbers on the rows."""
        # latents are written as Min(Max(inside, low), high), or one of the two
        outer = {sympy.Min: self.high, sympy.Max: self.low}
        kind: Any = type(expression)
        if kind not in outer or not np.isfinite(list(outer.values())).any():
            return expression
        parts: Any = expression.args
        numbers = [part for part in parts if part.is_number]
        inner = [part for part in parts if not part.is_number]
        # a Min or Max of the equation itself, not the constraint's
        if len(numbers) != 1 or len(inner) != 1:
            return expression
        left = self.without(inner[0])
        if float(numbers[0]) == outer[kind]:
            return left
        # unevaluated: sympy would try to decide which of the two is larger
        return kind(numbers[0], left, evaluate=False)

    def rising(self, name: str) -> tuple[sympy.Expr, ...]:
        """Return the bounds and the latent between them, smallest first; () for none."""
        if not self:
            return ()
        terms: list[sympy.Expr] = [sympy.Symbol(name, real=True)]
        if np.isfinite(self.low):
            terms.insert(0, plain(self.low))
        if np.isfinite(self.high):
            terms.append(plain(self.high))
        return tuple(terms)
