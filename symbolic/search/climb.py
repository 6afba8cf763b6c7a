"""Families compete by joint refits through the process, on the observations.

A closed form chosen by the look of an edge can be undone by what comes after it, so
every change of a family, of an outer function or of an edge's presence is judged by
refitting all constants and paying for each of them:

    N log(mean squared residual) + k log N + 12 for each hidden node + 6 for each curve

Where there are many edges, a forecast (`symbolic.search.forecast`) says which changes are worth a
refit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from symbolic.options import DOMAIN_MARGIN
from symbolic.search.candidate import signature
from symbolic.search.exchange import alternative, likeness, mean_of
from symbolic.search.forecast import Forecast
from symbolic.search.refit import Refit, refit
from symbolic.search.starting import FittedEdge, FittedLatent, start_options
from symbolic.search.support import UNSUPPORTED_PENALTY, unsupported
from symbolic.terms.criterion import (
    COMPLEXITY_PENALTY,
    CURVE_PENALTY,
    FLOOR,
    NODE_PENALTY,
    PRODUCT_PENALTY,
    SPLINE_CONSTANTS,
    Scored,
    Size,
    criterion,
)
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Product
from symbolic.terms.shape_rules import ShapeRules
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.solvers.process_term import ProcessTerm

NOTICED = 4.0  # deviance for each constant (two standard errors) that keeps an edge
ROUNDS = 12  # over all edges, ended earlier where nothing helps
MANY = 12  # edges above which changes are forecast before they are refitted
HOPE = 6.0  # units by which a forecast may miss an improvement
REFITTED = 2  # changes of an edge that are refitted where there are many edges
FAR_DELTA_BIC = 10.0  # above which a forecast stands for the refit: a clear difference


@dataclass(frozen=True)
class ScoredLatents(Scored):
    """A set of structures with refitted constants of the process and its loss."""

    structures: tuple[LatentStructure, ...]
    constants: "Tensor"
    loss: float


@dataclass(frozen=True)
class Change:
    """One step away from a set of structures, and what it does."""

    structures: tuple[LatentStructure, ...]
    latent: int
    edge: int
    family: str


def size_of_structure(structure: LatentStructure) -> Size:
    """Constants and penalties of one latent."""
    constants, penalty = float(structure.n_free), 0.0
    for edge in structure.all_edges:
        if edge.form is None:
            # a refused curve has no constants of a form; it costs what its smoother uses
            constants += SPLINE_CONSTANTS
            continue
        penalty += CURVE_PENALTY * (edge.form.family != "linear")
        penalty += COMPLEXITY_PENALTY * edge.form.complexity
    for node in structure.nodes:
        product = isinstance(node, Product)
        penalty += PRODUCT_PENALTY if product else NODE_PENALTY
        constants += SPLINE_CONSTANTS * (node.outer == "spline")
    return Size(constants, penalty)


class Search:
    """Greedy search over families and outer functions.

    Args:
        term: observed loss of the rows that the search sees.
        scaled: (n, d) their scaled features.
        latents: curves with fitted families.
        keep: edges (latent, feature) whose family the user pinned, by their numbers.
        rules: shapes that the user requires of edges.
        domain_margin: share of the data range that poles keep away on either side.
    """

    def __init__(
        self,
        term: "ProcessTerm",
        scaled: "Tensor",
        latents: Sequence[FittedLatent],
        keep: frozenset[tuple[int, int]] = frozenset(),
        rules: ShapeRules | None = None,
        domain_margin: float = DOMAIN_MARGIN,
    ) -> None:
        self.term, self.scaled, self.latents = term, scaled, tuple(latents)
        self.keep, self.rules, self.domain_margin = keep, rules, domain_margin
        self.count = term.observations.count
        self.features = scaled.cpu().numpy()
        self.known: dict[str, ScoredLatents] = {}
        self._foreseen: tuple[ScoredLatents, Forecast] | None = None

    # -- scoring --------------------------------------------------------------------
    def score(
        self,
        structures: tuple[LatentStructure, ...],
        constants: "Tensor",
        anew: bool = False,
    ) -> ScoredLatents:
        """Refit and score a set of structures; what has converged is refitted only `anew`."""
        # Keyed by families alone: the same structure reached from other constants shares the
        # entry, and the better of the two minima stays.
        key = signature(structures)
        earlier = self.known.get(key)
        # 15 steps are enough to rank structures. What has not come to
        # rest is taken up again whenever it is asked for, so only
        # structures that stay in the race are paid for in full.
        if anew or earlier is None or not earlier.converged:
            scored_latents = self._scored_refit(
                refit(
                    self.term,
                    self.scaled,
                    structures,
                    constants,
                    15,
                    self._tolerance(structures),
                    False,
                    self.rules,
                    self.domain_margin,
                )
            )
            if earlier is None or scored_latents.criterion < earlier.criterion:
                self.known[key] = scored_latents
        return self.known[key]

    def _tolerance(self, structures: Sequence[LatentStructure]) -> float:
        """Share of the loss below which a step ends a refit.

        With many edges a step that is worth less than 0.02 units of the criterion.
        """
        # The criterion is N log(loss) + ..., so a
        # relative change d of the loss moves it by N d.
        many = _count(structures) > MANY
        return max(1e-7, 0.02 / self.count) if many else 1e-7

    def _scored_refit(self, refitted: Refit) -> ScoredLatents:
        return ScoredLatents(
            refitted.structures,
            refitted.constants,
            refitted.loss,
            criterion=self._criterion(refitted.loss, refitted.structures),
            converged=refitted.converged,
        )

    def _criterion(self, loss: float, structures: Sequence[LatentStructure]) -> float:
        sizes = [size_of_structure(structure) for structure in structures]
        # constants of the process are free in every refit, so they count
        constants = self.term.n_constants + sum(
            latent_size.constants for latent_size in sizes
        )
        penalty = UNSUPPORTED_PENALTY * unsupported(structures, self.features)
        size = Size(
            constants, penalty + sum(latent_size.penalty for latent_size in sizes)
        )
        return criterion(self.count, loss, size)

    # -- forecasts ------------------------------------------------------------------
    def foreseen(self, best: ScoredLatents, change: Change) -> float:
        """Forecast of how much larger the criterion is after a change and a refit."""
        # One evaluation of the process serves all changes around the same structures.
        if self._foreseen is None or self._foreseen[0] is not best:
            made = Forecast(self.term, self.scaled, best.structures, best.constants)
            self._foreseen = (best, made)
        forecast = self._foreseen[1]
        loss = forecast.after(change.latent, change.structures[change.latent])
        # Both sides are forecasts: what one step gains without any change cancels.
        return self._criterion(loss, change.structures) - self._criterion(
            forecast.unchanged, best.structures
        )

    def _promising(
        self, best: ScoredLatents, changes: Iterable[Change]
    ) -> list[Change]:
        """Changes that are worth a refit: all, or what the forecast says of many."""
        if _count(best.structures) <= MANY:
            return list(changes)
        ranked = sorted(
            ((self.foreseen(best, change), change) for change in changes),
            key=lambda entry: entry[0],
        )
        # A positive forecast is a loss; a change that may still win is refitted.
        return [change for gain, change in ranked[:REFITTED] if gain < HOPE]

    def delta_bic(self, best: ScoredLatents) -> dict[tuple[int, int], dict[str, float]]:
        """Return how much worse every other family of every edge is.

        Returns:
            (latent, edge number) -> {family: criterion above that of `best`}; where there
            are many edges, differences that are forecast as large are the forecast.
        """
        many = _count(best.structures) > MANY
        differences: dict[tuple[int, int], dict[str, float]] = {}
        for change in self.changes(best.structures):
            delta = self.foreseen(best, change) if many else 0.0
            if delta < FAR_DELTA_BIC:
                scored = self.score(change.structures, best.constants)
                delta = scored.criterion - best.criterion
            by_family = differences.setdefault((change.latent, change.edge), {})
            by_family[change.family] = delta
        return differences

    # -- moves ----------------------------------------------------------------------
    def run(self, constants: "Tensor") -> ScoredLatents:
        """Search from the best starts and return the best set of structures."""
        # The climb is greedy, so its end depends on where
        # it starts: the two best starts are followed.
        starts = sorted(self._starts(constants), key=lambda scored: scored.criterion)
        reached = [self.climb(start) for start in starts[:2]]
        return min(reached, key=lambda scored: scored.criterion)

    def _starts(self, constants: "Tensor") -> Iterator[ScoredLatents]:
        """Score starts; several latents are tried one by one beside learned curves."""
        options = [start_options(latent) for latent in self.latents]
        # A start that breaks a required shape could not be
        # moved: every step out of it would be stopped as well.
        if self.rules is not None:
            options = [
                [self.rules.repaired(k, structure) for structure in structures]
                for k, structures in enumerate(options)
            ]
        if len(options) == 1:
            yield from (self.score((structure,), constants) for structure in options[0])
            return
        # All combinations of starts would be exponential in the latents. So each latent is
        # ranked alone while the others keep their learned curves, then the best are put
        # together and each latent's second best is tried beside them.
        learned = tuple(structures[-1] for structures in options)
        ranked = []
        for k, structures in enumerate(options):
            beside = [placed(learned, k, structure) for structure in structures]
            scored = [self.score(structures, constants) for structures in beside]
            order = sorted(range(len(structures)), key=lambda i: scored[i].criterion)
            ranked.append([structures[i] for i in order])
        best = tuple(structures[0] for structures in ranked)
        yield self.score(best, constants)
        for k, structures in enumerate(ranked):
            if len(structures) > 1:
                yield self.score(placed(best, k, structures[1]), constants)

    def climb(self, best: ScoredLatents) -> ScoredLatents:
        """Give each edge in turn its best family, until a sweep changes nothing."""
        for _ in range(ROUNDS):
            before, place = best.criterion, 0
            while place < _count(best.structures):
                moved = self._best_of(best, place)
                fewer = _count(moved.structures) < _count(best.structures)
                best = moved
                place += not fewer  # what followed a dropped edge moved up
            if best.criterion >= before - 1e-9:
                return best
        return best

    def _best_of(self, best: ScoredLatents, place: int) -> ScoredLatents:
        """Best set of structures that differs in one edge at most."""
        k, number = _located(best.structures, place)
        tried = [
            # `:=` keeps the refit that `_allowed` judged
            scored
            for change in self._promising(
                best, self.edge_changes(best.structures, k, number)
            )
            if self._allowed(change, best, scored := self._scored(change, best))
        ]
        winner = min(tried, key=lambda candidate: candidate.criterion, default=best)
        return winner if winner.criterion < best.criterion - 1e-9 else best

    def _scored(self, change: Change, best: ScoredLatents) -> ScoredLatents:
        return self.score(change.structures, best.constants)

    def _allowed(
        self, change: Change, best: ScoredLatents, scored: ScoredLatents
    ) -> bool:
        """Whether the search may take a change.

        Edges were selected on validation: only what the data do not notice may go. A
        curve that no family meets within its errors stays refused.
        """
        if change.family != "dropped":
            return not self._refused(change, best)
        gone = change.structures[change.latent].size
        freed = max(best.structures[change.latent].size - gone, 1)
        # Likelihood ratio of Gaussian errors, N log(loss without / loss with): about chi-square
        # with as many degrees of freedom as constants went.
        deviance = self.count * np.log((scored.loss + FLOOR) / (best.loss + FLOOR))
        return bool(deviance <= NOTICED * freed)

    def _refused(self, change: Change, best: ScoredLatents) -> bool:
        """Whether the errors of an edge's curve rule out every family."""
        current = best.structures[change.latent].all_edges[change.edge]
        edge = self.fitted(change.latent, current)
        # Without errors of the curve nothing is ruled
        # out, and a named edge may take another name.
        if edge is None or edge.curve.errors is None or current.form is not None:
            return False
        return edge.fit.refused

    def changes(self, structures: tuple[LatentStructure, ...]) -> Iterator[Change]:
        """Yield every change of one edge's family, and every edge left out."""
        for k, structure in enumerate(structures):
            for number in range(len(structure.all_edges)):
                yield from self.edge_changes(structures, k, number)

    def edge_changes(
        self, structures: tuple[LatentStructure, ...], k: int, number: int
    ) -> Iterator[Change]:
        """Yield every other family of one edge, and the edge left out."""
        structure = structures[k]
        current = structure.all_edges[number]
        # the user's choice stands
        if (k, current.source) in self.keep:
            return
        edge = self.fitted(k, current)
        present = "none" if current.form is None else current.form.family
        owner = structure.inside_of(number)
        fixed = isinstance(owner, Product) and owner.of_classes
        for family in edge.families if edge and not fixed else ():
            # a constant edge is an edge left out, which comes below as "dropped"
            if family in (present, "constant") or edge is None:
                continue
            term, shift = alternative(edge, current, family)
            if self.rules is not None and not self.rules.obeyed(k, term):
                continue
            other = structure.with_edge(number, term, shift)
            yield Change(placed(structures, k, other), k, number, family)
        # An edge leaves its mean to the offset beside it, so that the refit starts near the old
        # level. The last edge of a node goes only together with the node
        # (`symbolic.search.path`).
        if len(structure.all_edges) > len(structure.nodes):
            less = structure.with_edge(number, None, mean_of(edge, current))
            if all(node.edges for node in less.nodes):
                yield Change(placed(structures, k, less), k, number, "dropped")

    def scored_changes(
        self, best: ScoredLatents, k: int, number: int
    ) -> Iterator[tuple[Change, ScoredLatents]]:
        """Yield every change of one edge with what it comes to after a refit."""
        for change in self.edge_changes(best.structures, k, number):
            yield change, self._scored(change, best)

    def fitted(self, latent: int, term: EdgeTerm) -> FittedEdge | None:
        """Return the learned curve that a term follows most closely, if there is any."""
        fitted = self.latents[latent]
        every = [*fitted.edges, *(e for node in fitted.nodes for e in node.edges)]
        same = [edge for edge in every if edge.curve.source == term.source]
        # A feature may stand in several places, directly and in nodes; the learned curve that
        # the present term follows most closely is the one to offer other families for.
        return max(same, key=lambda edge: likeness(edge, term), default=None)


def _count(structures: Sequence[LatentStructure]) -> int:
    return sum(len(structure.all_edges) for structure in structures)


def _located(structures: tuple[LatentStructure, ...], place: int) -> tuple[int, int]:
    """Latent and edge number of the edge at a place counted over all latents."""
    for k, structure in enumerate(structures):
        if place < len(structure.all_edges):
            return k, place
        place -= len(structure.all_edges)
    raise IndexError(f"there are fewer than {place + 1} edges")


def placed(
    structures: tuple[LatentStructure, ...], place: int, other: LatentStructure
) -> tuple[LatentStructure, ...]:
    """Return the structures with another one at a place."""
    return (*structures[:place], other, *structures[place + 1 :])
