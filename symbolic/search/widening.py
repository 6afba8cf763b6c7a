"""Further families where the usual ones do not describe a curve, and refusals judged again.

The search runs with the families that the user allows for any curve. A curve that bends
in another way is refused by them, or imitated: a logarithm for a saturation, a parabola
for a bell. So every curve is then offered further families, which have to win clearly,
and what is still refused is asked once more of the observations: where a form leaves them
nothing to say (`symbolic.search.misfit`), it stands.
"""

from collections.abc import Sequence
from dataclasses import replace

from symbolic.curves.curve_errors import CHANCE
from symbolic.curves.curve_fit import fits_by_family
from symbolic.options import SymbolicOptions
from symbolic.search.climb import ScoredLatents, Search
from symbolic.search.inside_bands import CurveBands
from symbolic.search.misfit import misfit
from symbolic.search.starting import FittedEdge, FittedLatent, fit_edge
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.support import supported

CLEARLY = 6.0
"""Units of the criterion by which a further family has to win: four more families are
tried for each curve, which is worth 2 log 4 = 3 units, and positive evidence is 2 more
(Raftery 1995)."""


def with_further(
    latents: Sequence[FittedLatent], features: Sequence[str], options: SymbolicOptions
) -> tuple[FittedLatent, ...]:
    """Return the curves with fits of the further families among their alternatives."""
    further = options.further
    if not further:
        return tuple(latents)
    wider = options.changed(families=further)

    def widened(edge: FittedEdge, latent: str) -> FittedEdge:
        # no further family stands beside the user's choice
        if edge.fit.chosen == "user":
            return edge
        more = fits_by_family(
            fit_edge(edge.curve, features[edge.curve.source], latent, wider)
        )
        by_family = fits_by_family(edge.fit)
        # the first fit of a family stays: it saw the same curve
        new = [fit for family, fit in more.items() if family not in by_family]
        fits = sorted([*by_family.values(), *new], key=lambda fit: fit.criterion)
        return replace(edge, fit=replace(edge.fit, alternatives=tuple(fits)))

    return tuple(
        replace(
            latent, edges=tuple(widened(edge, latent.name) for edge in latent.edges)
        )
        for latent in latents
    )


def widened(
    search: Search, best: ScoredLatents, options: SymbolicOptions
) -> ScoredLatents:
    """Return the best structures after further families were offered to direct curves.

    The fits of `search` are widened (`with_further`), so that these families are named as
    equals where they do as well.
    """
    further = set(options.further)
    for k, number in _direct(best):
        edge = best.structures[k].edges[number]
        if edge.form is not None and edge.form.family == "linear":
            continue  # what the data cannot tell from a line is a line
        # a named curve is beaten only clearly; a refused one has no name to lose
        margin = CLEARLY if edge.form is not None else 0.0
        offered = [
            scored
            for change, scored in search.scored_changes(best, k, number)
            if change.family in further
            and scored.criterion < best.criterion - margin
            and _fits(search, scored, k, edge.source)
        ]
        best = min(offered, key=lambda candidate: candidate.criterion, default=best)
    return best


def without_needless_refusals(
    search: Search, best: ScoredLatents, bands: CurveBands
) -> ScoredLatents:
    """Name every refused direct curve for which a form leaves the observations nothing.

    Only forms that stay inside the band of the curve are asked.

    The form with the smallest criterion is taken, which is the simplest where several do
    as well; they are named beside it (`EdgeTable`).
    """
    for k, number in _direct(best):
        edge = best.structures[k].edges[number]
        if edge.form is not None:
            continue
        named = [
            scored
            for change, scored in search.scored_changes(best, k, number)
            if change.family != "dropped"
        ]
        # the pool holds refused and accepted forms alike
        lowest = min((scored.criterion for scored in named), default=0.0)
        # where another form, itself refused, does clearly better, this one is wrong even
        # though the test, whose columns its own constants take up, does not see it
        fitting = [
            scored
            for scored in named
            if scored.criterion <= lowest + CLEARLY
            and not bands.left(k, scored.structures, edge.source)
            and _fits(search, scored, k, edge.source)
        ]
        best = min(fitting, key=lambda candidate: candidate.criterion, default=best)
    return best


def _direct(best: ScoredLatents) -> list[tuple[int, int]]:
    """Latent and number of every direct edge."""
    return [
        (k, number)
        for k, structure in enumerate(best.structures)
        for number in range(len(structure.edges))
    ]


def _fits(search: Search, scored: ScoredLatents, k: int, source: int) -> bool:
    """Whether the forms of a feature stand on rows and leave no other curve of it."""
    z = search.scaled[:, source].cpu().numpy()
    terms: list[EdgeTerm] = [
        e for e in scored.structures[k].edges if e.source == source
    ]
    if not all(supported(term, z) for term in terms):
        return False
    return misfit(search, scored, k, source) >= CHANCE
