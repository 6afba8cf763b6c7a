"""Which closed forms lie inside the band of a learned curve, everywhere.

A closed form may stand for a curve only where the data cannot tell the two apart. All
families that could are named, because the one that was chosen is seldom the only one.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from discovery.uncertainty.record import Uncertainty
    from sciren.data.kinds import FeatureKind
    from sciren.inference.intervals.bands import Band
    from sciren.inference.intervals.departure import Departure
    from symbolic.model.symbolic_model import SymbolicModel

BESIDE = ("sine",)
"""Families that no run offers unasked and that a named one may only imitate: three of four
sines behind 300 rows with 30 % noise are called gaussian (`python -m benchmarks.belief
forms`)."""

COLUMNS = ("inside_band", "families_inside")

CLEARLY = 1.5
"""Half widths beyond which no chance carries a right form: a half width is about three
standard errors, and 4.5 of them are exceeded in fewer than 1 of 1,000 curves."""


def families_inside(band: "Band", kind: "FeatureKind | None" = None) -> list[str]:
    """Return the families of which a member lies inside a band.

    Each family is fitted to the curve with weights 1 / width^2; that member is tried. Asked
    are all families that a run offers unasked, and some beside them.

    Args:
        band: of one edge;  kind: of its feature, default numeric.
    """
    from sciren.data.kinds import NUMERIC
    from sciren.errors import SciRenError
    from symbolic.curves.fit import DEFAULT_FAMILIES, fit_curve
    from symbolic.families.kind_families import KIND_FAMILIES
    from symbolic.options import FURTHER_FAMILIES

    kind = kind or NUMERIC
    tried = (*DEFAULT_FAMILIES, *FURTHER_FAMILIES, *BESIDE)
    if kind != NUMERIC:
        tried = KIND_FAMILIES

    width = np.maximum(band.high - band.low, 1e-300)
    # Inverse variance, over its largest: a curve is wide at the ends, where no form
    # needs to follow it.
    weight = (width.min() / width) ** 2
    inside = []
    for family in dict.fromkeys(("constant", *tried)):
        if family == "constant":
            # The flattest candidate is tried first: a band that holds a constant is
            # compatible with no effect at all.
            values = np.full(len(band.x), np.average(band.estimate, weights=weight))
        else:
            try:
                fit = fit_curve(band.x, band.estimate, weight, pin=family, kind=kind)
            except SciRenError:
                continue  # no member of the family is defined here
            if fit.form is None:
                continue
            values = fit.form.value(band.x, fit.constants)
        if band.holds(values):
            inside.append(family)
    return inside


def departure_of(band: "Band", equations: "SymbolicModel") -> "Departure | None":
    """Compare the equation's own closed form with the band of its curve.

    Args:
        band: of one edge.
        equations: whose latent is a sum of closed forms.
    Returns:
        None where the feature enters the latent otherwise than by one closed form, or by
        a step, which no band of a smooth curve holds.
    """
    from symbolic.search.inside_bands import CurveBands

    if band.latent not in equations.latent_names:
        return None
    place = equations.latent_names.index(band.latent)
    bands = CurveBands.of((band,), equations.latent_names, equations.units)
    return bands.departure(place, equations.structures[place], band.feature)


def with_bands(
    edges: "pd.DataFrame", uncertainty: "Uncertainty | None"
) -> "pd.DataFrame":
    """Add ``inside_band`` (1, 0 or empty) and ``families_inside`` to a table of edges."""
    if uncertainty is None:
        return edges
    # The band is that of a curve in the latent: what enters a node has none of its own.
    keys = zip(edges["source"], edges["target"], edges["latent"], strict=True)
    bands = [
        uncertainty.band(str(source), str(latent)) if target == latent else None
        for source, target, latent in keys
    ]
    inside = [None if band is None else band["inside"] for band in bands]
    return edges.assign(
        inside_band=["" if flag is None else str(int(flag)) for flag in inside],
        families_inside=["" if o is None else ", ".join(o["families"]) for o in bands],
    )


def families_beside(row: Mapping[str, Any]) -> list[str]:
    """Return the families that the data cannot tell from the named one of an edge.

    Of the families inside the band only those with no more inner constants count: others
    may have the named one as a limit (a power that of a parabola), and then always lie
    inside. So does every family of which a line is a limit; how far that could bend is
    asked instead (`discovery.verdict.open_lines`).

    Args:
        row: of the table of edges, with ``family``, ``equals`` and ``families_inside``.
    """
    family = row.get("family")
    equals, inside = (
        [name for name in text.split(", ") if name] if isinstance(text, str) else []
        for text in (row.get("equals"), row.get("families_inside"))
    )
    most = 0 if family == "linear" else _inner_constants(family)
    inside = [name for name in inside if 0 < _inner_constants(name) <= most]
    beside = dict.fromkeys((*equals, *inside))
    return [name for name in beside if name not in (family, "constant")]


def _inner_constants(family: Any) -> int:
    """Number of inner constants of a family; none where it is not of the library."""
    from symbolic.families.library import FAMILIES

    forms = FAMILIES.get(family, ())
    return len(forms[0].inner) if forms else 0


def leaves_its_band(band: Mapping[str, Any]) -> bool:
    """Whether a stored band is left by so much that chance and rounding do not do it."""
    from sciren.inference.intervals.departure import MATERIAL

    return band["inside"] is False and (
        band.get("widths", 0.0) > CLEARLY and band["share"] > MATERIAL
    )


def outside_sentence(band: Mapping[str, Any]) -> str:
    """Say by how much a closed form leaves its band, and what lies inside."""
    others = ", ".join(band["families"]) or "none of the usual families"
    edge, widths = f"{band['source']} -> {band['latent']}", band.get("widths", math.nan)
    return (
        f"The closed form of {edge} leaves the 95 % band of its curve ({widths:.2g} half "
        f"widths from its middle); inside it lie: {others}"
    )


def outside_notes(uncertainty: "Uncertainty") -> list[str]:
    """Name the closed forms that leave the band of their curve."""
    return [
        f"{outside_sentence(band)}."
        for band in uncertainty.bands
        if band["inside"] is False
    ]
