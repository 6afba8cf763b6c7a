"""The process of a run whose latents are formulas, from what the run has stored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from symbolic.dynamics.closed.model import ClosedModel

if TYPE_CHECKING:
    import sympy

    from discovery.dynamics.equations import SeriesEquations
    from sciren.decoders.dynamic import DynamicModel


def stored_formulas(
    decoder: "DynamicModel", equations: "SeriesEquations"
) -> "tuple[dict[str, sympy.Expr], dict[str, float]]":
    """Return formulas of a recurrence, and the constants that only they have."""
    law = equations.law
    known = {p.name for p in decoder.parameters}
    values = equations.relations.constants
    own = {n: float(values[n]) for n in law.parameters if n not in known}
    return dict(law.functions), own


def closed_decoder(
    decoder: "DynamicModel", equations: "SeriesEquations", columns: Mapping[str, str]
) -> ClosedModel:
    """Return the process of a run from that of its settings."""
    return ClosedModel(decoder, *stored_formulas(decoder, equations), columns)
