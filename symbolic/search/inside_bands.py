"""A closed form stands for a curve only inside the band of that curve.

A band (`sciren.inference.intervals.bands`) holds the whole curve with probability 95 %. A
refitted form that leaves it is another curve: of the families that stay inside, the one
with the smallest criterion takes its place where the data do not speak clearly against
it, and the learned curve where none does and the observations notice the difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from symbolic.search.climb import NOTICED, ScoredLatents, Search, placed
from symbolic.search.exchange import as_learned
from symbolic.search.starting import FittedLatent
from symbolic.terms.criterion import FLOOR
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from sciren.inference.intervals.bands import Band
    from sciren.inference.intervals.departure import Departure
    from symbolic.terms.rebuild import Units

CLEARLY = 6.0
"""Units of the criterion by which a form inside may be worse than the one outside: with
more the data prefer the one outside e^3 = 20 to 1 (Raftery 1995), and neither is named."""

NO_CURVE = ("threshold", "classes")
"""Families that are not held against a band of a smooth curve."""

REASON = "no family that the data allow stays inside the 95 % band of the curve"


@dataclass(frozen=True)
class CurveBands:
    """Bands of the direct curves of a model.

    Attributes:
        by_edge: (number of the latent, name of the feature) -> its band.
        units: scaling of the features.
    """

    by_edge: "Mapping[tuple[int, str], Band]"
    units: "Units"

    @classmethod
    def of(
        cls, bands: "Sequence[Band]", latents: Sequence[str], units: "Units"
    ) -> "CurveBands":
        """Take the bands of some latents, by their names in order."""
        places = {name: place for place, name in enumerate(latents)}
        return cls({(places[b.latent], b.feature): b for b in bands}, units)

    def departure(
        self, latent: int, structure: LatentStructure, feature: str
    ) -> "Departure | None":
        """Compare the closed form of a feature with its band.

        Returns:
            None where there is no band, or the feature enters the latent otherwise than by
            one closed form: inside a product there is no curve to compare; or by a step,
            which no band of a smooth curve holds, or by the effects of classes, which are
            the curve itself.
        """
        from sciren.inference.intervals.departure import departure

        band = self.by_edge.get((latent, feature))
        if band is None or feature not in self.units.names:
            return None
        place = self.units.names.index(feature)
        mine = [edge for edge in structure.all_edges if edge.source == place]
        if len(mine) != 1 or mine[0] not in structure.edges or mine[0].form is None:
            return None
        if mine[0].form.family in NO_CURVE:
            return None
        shift, scale = float(self.units.shift[place]), float(self.units.scale[place])
        return departure(band, lambda x: mine[0].value((x - shift) / scale))

    def left(
        self, latent: int, structures: Sequence[LatentStructure], source: int
    ) -> bool:
        """Whether the closed form of a feature leaves its band."""
        departure = self.departure(latent, structures[latent], self.units.names[source])
        return departure is not None and departure.leaves


def kept_inside(
    search: Search, best: ScoredLatents, bands: CurveBands
) -> ScoredLatents:
    """Return the structures in which every closed form stays inside its band.

    What the user pinned stands. Curves that stay as they were learned carry the reason
    among the fits of `search`.
    """
    for k, structure in enumerate(best.structures):
        for number, edge in enumerate(structure.edges):
            pinned = (k, edge.source) in search.keep
            if not pinned and bands.left(k, best.structures, edge.source):
                best = _replaced(search, best, bands, k, number)
    return best


def _replaced(
    search: Search, best: ScoredLatents, bands: CurveBands, k: int, number: int
) -> ScoredLatents:
    """Put a family that stays inside, or the learned curve, in place of one edge."""
    source = best.structures[k].edges[number].source
    inside = [
        scored
        for change, scored in search.scored_changes(best, k, number)
        if change.family != "dropped"
        and scored.criterion < best.criterion + CLEARLY
        and not bands.left(k, scored.structures, source)
    ]
    if inside:
        return min(inside, key=lambda scored: scored.criterion)
    # No family stays inside: the learned curve is what the data have shown so far.
    edge = search.fitted(k, best.structures[k].edges[number])
    if edge is None:
        return best
    structure, scored = best.structures[k], best
    # Curves of two sizes have one signature, under which `score` keeps the better of them.
    for term, shift in as_learned(edge, structure.edges[number]):
        other = structure.with_edge(number, term, shift)
        scored = search.score(
            placed(best.structures, k, other), best.constants, anew=True
        )
    # Between few values of a feature a band is a guess of how the curve bends there: where the
    # observations do not notice the curve, the simplest form stands, doubted by its band.
    deviance = search.count * np.log((best.loss + FLOOR) / (scored.loss + FLOOR))
    if deviance < NOTICED:
        return best
    search.latents = _with_reason(search.latents, k, edge.function)
    return scored


def _with_reason(
    latents: Sequence[FittedLatent], k: int, function: str
) -> tuple[FittedLatent, ...]:
    """Write down why the curve of a name has no closed form."""
    edges = tuple(
        replace(edge, fit=replace(edge.fit, reason=REASON))
        if edge.function == function
        else edge
        for edge in latents[k].edges
    )
    return tuple(
        replace(latent, edges=edges) if place == k else latent
        for place, latent in enumerate(latents)
    )
