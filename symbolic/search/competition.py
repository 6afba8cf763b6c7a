"""Compositions compete with what was named edge by edge, by the same criterion.

Edges that are named one by one can be refused although the latent is a formula: several
hidden nodes share the parts of one, and a curve inside is right only up to what the
curve outside undoes. Where curves are refused or hidden, and for all latents where the
features still predict the residual (`symbolic.search.residual_gate`), the formula is sought on
the observations as a whole, first from where training left the latent, then from the
data alone. What a residual gate accepts is refitted and scored like every other set of
structures; a refused composition changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sciren.errors import SciRenError
from symbolic.composition.fitting.edge_families import can_be_composed
from symbolic.model.fit_record import CompositionAttempt
from symbolic.options import SymbolicOptions, hidden_name
from symbolic.search.candidate import signature
from symbolic.search.climb import ScoredLatents, Search
from symbolic.search.observations import raw_process_constants, rows_for_search
from symbolic.search.residual_gate import LIMIT, still_predictable
from symbolic.terms.nodes import Node, Product
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from sciren.data.table import Table
    from sciren.model import ScIReN
    from sciren.solvers.process_term import ProcessTerm
    from symbolic.composition.result import Composition
    from symbolic.terms.rebuild import Units

ROWS = 4000
"""Rows that a composition is sought on, which bounds the memory of its references."""

ROUNDS = 4
"""Refits of 15 steps each that a composition may take until it stands still."""

KNOWN_ALONE = [("exp", ["quadratic"]), ("exp", ["log"])]
"""Outer function and families inside of univariate composites that are curves of their own:
a bell and a power."""

SEVERAL = "not distinguishable"  # outcome of a search that ends with several forms

STARTS = ("trained encoder", "data alone")


def open_questions(structures: Sequence[LatentStructure]) -> list[int]:
    """Numbers of the latents with a refused curve or a hidden node."""
    return [
        k
        for k, structure in enumerate(structures)
        if structure.nodes or any(edge.form is None for edge in structure.all_edges)
    ]


def settled(search: Search, scored: ScoredLatents) -> ScoredLatents:
    """Refit structures until the solver has converged, or `ROUNDS` have passed."""
    for _ in range(ROUNDS):
        scored = search.score(scored.structures, scored.constants)
        if scored.converged:
            break
    return scored


def _is_known_alone(node: Node | Product) -> bool:
    """Whether a node of one feature is a family, a bell or a power of it."""
    inside = [edge.form.family if edge.form else "" for edge in node.edges]
    return inside == ["linear"] or (node.outer, inside) in KNOWN_ALONE


class Competition:
    """Seeks compositions of a model's latents and lets them compete.

    Two sets of structures are compared under the noise law of the training and, where
    the residuals of a composition grow with the prediction, under that law as well: a
    few large errors else decide for the curve that follows them.

    Args:
        search: that named the edges; it scores the compositions.
        model, table: rows that the search sees.
        units: scaling of the features.
        options: families that may be used, what the user fixed, and the work allowed
            for all latents together, in seconds of a usual processor; it is counted, so
            that the result is the same everywhere.
        seed: of random starts and rows.
        under: noise law -> observed loss of the same rows; None where only that of the
            training counts.
    Attributes:
        attempts: what was sought and what became of it.
        residual: share of the residual that the features predict in the end, None where it
            was not asked for.
    """

    def __init__(
        self, search: Search, model: "ScIReN", table: "Table", units: "Units",
        options: SymbolicOptions, seed: int = 0,
        under: Callable[[str], "ProcessTerm"] | None = None,
    ) -> None:  # fmt: skip
        self.search, self.model, self.units = search, model, units
        self.options, self.seed = options, seed
        rows = rows_for_search(len(table), ROWS, seed)
        self.table = table if len(rows) == len(table) else table.take(rows)
        self.attempts: list[CompositionAttempt] = []
        self.residual: float | None = None
        self.under = under

    def run(self, best: ScoredLatents) -> ScoredLatents:
        """Return the best set of structures, compositions included."""
        if self.options.compose <= 0:
            return best
        # An obvious gap (refused curve, hidden node) concerns its own latent. A residual that
        # the features predict may stem from any latent, so all of them are asked.
        self.residual = self._residual_share(best)
        wanted = open_questions(best.structures)
        if self.residual > LIMIT:
            wanted = list(range(len(best.structures)))
        for k in wanted:
            # The allowed work is shared out in advance, so
            # that the order of latents decides nothing.
            best = self._latent(best, k, self.options.compose / len(wanted))
        if any(tried.verdict == "taken" for tried in self.attempts):
            self.residual = self._residual_share(best)
        return best

    def _note(self, *what: Any, **more: Any) -> None:
        self.attempts.append(CompositionAttempt(*what, **more))

    def _residual_share(self, best: ScoredLatents) -> float:
        """Share of the residual that the features still predict."""
        search, seed = self.search, self.seed
        return still_predictable(
            search.term, search.scaled, best.structures, best.constants, seed
        )

    def _latent(self, best: ScoredLatents, k: int, seconds: float) -> ScoredLatents:
        """Compose one latent from both starts, until one of them wins."""
        name = best.structures[k].name
        obstacle = self._obstacle(name)
        if obstacle:
            self._note(name, "", "not sought", reason=obstacle)
            return best
        # The trained encoder is the nearer start, but where its curves are wrong they mislead;
        # the data alone know nothing of them.
        for trained in (True, False):
            start = STARTS[not trained]
            try:
                composition = self._composed(name, trained, seconds / len(STARTS))
            # A composition is an offer on top of a finished
            # result: its failure is noted, not raised.
            except (SciRenError, ArithmeticError, ValueError) as error:
                self._note(name, start, "not sought", reason=str(error))
                continue
            best = self._compared(best, k, composition, start)
            if self.attempts[-1].verdict in ("taken", "agrees"):
                break
        return best

    def _obstacle(self, name: str) -> str:
        """Why a latent is left as it is, or ''."""
        features = self.units.names
        # A code of a class or an angle has no sums or products with other features.
        if self.units.kinds:
            named = ", ".join(self.units.kinds)
            return (
                f"formulas of several features take numbers, and {named} is no amount"
            )
        for decisions, what in (
            (self.options.pins, "family"), (self.options.shapes, "shape"),
        ):  # fmt: skip
            keys = {
                key
                for key in decisions
                if key in (*features, name) or key.endswith(f"-> {name}")
            }
            # pins and shapes may also name a hidden node, h1_<latent>
            if keys or any(key.endswith(f"_{name}") for key in decisions):
                return f"the user chose the {what} of an edge"
        if not self._families(name):
            return "no family that can be composed is allowed"
        return ""

    def _families(self, name: str) -> list[str]:
        """Families that every feature of a latent may have."""
        banned = {
            family
            for feature in self.units.names
            # a family that one feature may not have is left out for all: the composition search
            # has one list for the whole formula
            for family in self.options.forbidden(feature, name)
        }
        return [
            family
            for family in self.options.families
            if family not in banned and can_be_composed(family)
        ]

    def _forbidden_outer(self, name: str, composition: "Composition") -> str:
        """Why the user does not allow a composition, or ''."""
        nodes = [hidden_name(h, name) for h in range(len(composition.form.nodes))]
        banned = {family for n in nodes for family in self.options.forbidden(n, name)}
        allowed = set(self.options.allowed_families) - banned
        outers = {n.outer for n in composition.form.nodes if isinstance(n, Node)}
        named = ", ".join(sorted(outers - allowed))
        return f"{named} is not allowed outside" if named else ""

    def _pieced_together(self, composition: "Composition") -> str:
        """Say which curve of one feature is put together from several, or ''.

        Curves of curves and their sums come close to any curve, so they say nothing about
        it: a saturation looks like exp(-exp(x)) under a little noise. Only a bell and a
        power, curves of their own, are believed.
        """
        structure = composition.form
        alone = [edge.source for edge in structure.edges]
        curved: list[int] = []
        nested: list[int] = []
        for node in structure.nodes:
            sources = {edge.source for edge in node.edges}
            if len(sources) == 1:
                curved += sources
                nested += sources if not _is_known_alone(node) else ()
        # Suspect are a curve of a curve, and two or more
        # terms of one feature of which one is nested.
        names = {
            self.units.names[i]
            for i in set(curved)
            if i in nested or (alone + curved).count(i) > 1
        }
        if not names:
            return ""
        return f"it puts the curve of {', '.join(sorted(names))} together from several"

    def _composed(self, name: str, trained: bool, seconds: float) -> "Composition":
        # The search over compositions is the largest room: loaded where it is entered.
        from symbolic.composition.from_model import compose_latent

        return compose_latent(
            self.model,
            self.table,
            name,
            trained,
            families=self._families(name),
            seed=self.seed,
            budget_s=seconds,
        )

    def _compared(
        self, best: ScoredLatents, k: int, composition: "Composition", start: str
    ) -> ScoredLatents:
        """Score a composition where it was accepted; the better one stays."""
        name = best.structures[k].name
        # Several forms that fit alike are an answer, too, beside hidden nodes, which are one
        # of many ways to write the same: the plainest competes, the others are kept for the
        # reader. Curves of features that tests keep yield to a formula that is named alone.
        several = best.structures[k].nodes and composition.outcome == SEVERAL
        if not (composition.accepted or several):
            self._note(
                name, start, "refused", composition.structure, composition.reason
            )
            return best
        reason = self._forbidden_outer(name, composition) or self._pieced_together(
            composition
        )
        if reason:
            self._note(name, start, "refused", composition.structure, reason)
            return best
        scored = self._scored(best, k, composition)
        delta = scored.criterion - best.criterion
        # Second hearing: heavy errors at large predictions can hide
        # the right formula from the training's noise law. Only a
        # composition whose own residuals showed such noise gets it.
        same = signature(scored.structures) == signature(best.structures)
        if delta >= 0 and not same and composition.noise == "proportional":
            delta = min(delta, self._delta_under("proportional", scored, best))
        verdict = "agrees" if same else "taken" if delta < 0 else "beaten"
        self._note(
            name,
            start,
            verdict,
            composition.structure,
            composition.reason,
            float(delta),
            equals=composition.other_forms(),
        )
        return scored if delta < 0 else best

    def _scored(
        self, best: ScoredLatents, k: int, composition: "Composition"
    ) -> ScoredLatents:
        """Refit a composition beside the other latents and score it."""
        # The composition is one of the physical latent;
        # structures hold the raw latent before its constraint.
        from symbolic.composition.from_model import latent_structure

        slope, offset = self._line(k)
        structure = latent_structure(composition, self.units, slope, offset)
        structures = (*best.structures[:k], structure, *best.structures[k + 1 :])
        values = self.model.constants() | {
            name: constant.value
            for name, constant in composition.constants_of_process.items()
        }
        first = self.search.score(structures, raw_process_constants(self.model, values))
        return settled(self.search, first)

    def _delta_under(
        self, law: str, scored: ScoredLatents, best: ScoredLatents
    ) -> float:
        """Criterion of a composition above what was there, under another noise law."""
        if self.under is None:
            return float("inf")
        search = self.search
        # a search of its own: what the first one knows was scored under another loss
        other = Search(
            self.under(law), search.scaled, search.latents, search.keep, search.rules,
            search.domain_margin,
        )  # fmt: skip
        # both sides are refitted under the new law, else
        # the one that fits the old law loses unfairly
        new, before = (settled(other, scores) for scores in (scored, best))
        return new.criterion - before.criterion

    def _line(self, k: int) -> tuple[float, float]:
        """Slope and offset of raw latent = offset + slope * physical latent."""
        constraint = self.model.constraints[k]
        if constraint.name != "hard_sigmoid":
            return 1.0, 0.0
        low, high = float(self.model.low[k]), float(self.model.high[k])
        # hard sigmoid: latent = low + (high - low) (raw / 6 + 1/2), solved for raw
        slope = 6.0 / (high - low)
        return slope, -slope * low - 3.0
