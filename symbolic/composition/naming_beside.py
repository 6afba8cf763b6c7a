"""From nodes of splines beside an unknown additive part to names of all terms.

Nodes get their names first, while the additive part is projected out, then the additive
part does, and all constants are refitted together. A node may then be exchanged for one
of another kind that needs fewer additive terms of its own features: beside free splines
of its features nearly any kind of node describes a weak interaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, fit, model_value
from symbolic.composition.fitting.model import KINDS, Model, Node
from symbolic.composition.fitting.node_splines import (
    FINEST,
    ROWS,
    AdditivePart,
    node_starts,
    product_splines,
    with_additive_part,
)
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.spline_models import (
    best_splines,
    spread_rows,
    wald,
    without,
)
from symbolic.composition.rewriting import other_kinds
from symbolic.composition.search import ScoredModel, Search
from symbolic.composition.univariate import GAIN, with_univariate_composites

OWN_ADDITIVE = 1.5
"""Additive terms of a node's own features must lower the sum of squares by this factor."""

NAMED_WELL = 1.1
"""Names that leave this much more than the splines need no search of their own."""

ALIKE = 3
"""Families of a factor that are tried where the additive part cannot be named."""


def additive_needed(
    additive: AdditivePart, selected: Sequence[int], joint: Fit
) -> tuple[Model, tuple[int, ...]]:
    """Return refitted nodes and the features that keep an additive part beside them.

    Args:
        selected: features that matter.
        joint: fit of the nodes beside an additive part of all of them.
    """
    inside = {term.feature for node in joint.model.nodes for term in node.terms}
    outside = tuple(i for i in selected if i not in inside)
    # A free spline of a node's own feature is nearly collinear with the node: it stays only
    # where the fit needs it.
    smaller = fit(additive.beside(outside), joint.model, 20)
    if smaller.rss <= OWN_ADDITIVE * joint.rss:
        return smaller.model, outside
    return joint.model, tuple(selected)


def named(
    search: Search, additive: AdditivePart, model: Model, features: Sequence[int]
) -> ScoredModel:
    """Name nodes of splines, then the additive part beside them, and search over all terms.

    Args:
        model: nodes of splines;  features: of the additive part.
    """
    # 1. Names inside nodes, the additive part still splines that are projected out.
    beside = Search(additive.beside(features), search.families, search.budget)
    splines = fit(beside.regression, model, 3)
    nodes = beside.named(splines.model)
    if nodes.rss > NAMED_WELL * splines.rss:
        nodes = beside.climb(nodes)
    nodes = nodes.model
    # 2. The additive part as spline terms, the faint ones dropped, then named.
    fitted = with_additive_part(additive, nodes, features)
    fitted = without_weak_splines(search, fitted)
    plain = search.named(fitted.model)
    # 3. No names for the rest: another kind of node may leave one that has.
    if plain.rss > GAIN * fitted.rss:
        plain = with_kinds(search, additive, nodes, features, plain)
    if plain.rss > GAIN * fitted.rss:
        alone = with_univariate_composites(search, plain)
        if alone is not plain:
            plain = min(search.climb(plain), alone, key=lambda scored: scored.criterion)
    return search.climb(plain)


def with_kinds(
    search: Search,
    additive: AdditivePart,
    nodes: Model,
    features: Sequence[int],
    best: ScoredModel,
) -> ScoredModel:
    """Exchange kinds of nodes of two features where that lets the additive part be named.

    Beside a free additive part the kinds are alike: each leaves other functions to it, and
    only for the true ones are these families.
    """
    beside = Search(additive.beside(features), search.families, search.budget)
    variants = [_variants(search, beside, nodes, h) for h in range(len(nodes.nodes))]
    # nodes are exchanged one at a time, and once more, as one exchange may allow another
    for _ in range(2):
        before = best
        for h, others in enumerate(variants):
            for other in others:
                if search.budget.over() or other is nodes.nodes[h]:
                    continue
                changed = nodes.with_node(h, other)
                fitted = with_additive_part(additive, changed, features)
                renamed = search.named(fitted.model, at_once=True)
                if renamed.criterion < best.criterion - 1e-6:
                    best, nodes = renamed, changed
        if best is before:
            break
    return best


def _variants(search: Search, beside: Search, nodes: Model, h: int) -> list[Node]:
    """Nodes with the interaction of a node: itself, other families, other kinds."""
    node = nodes.nodes[h]
    variants = [node]
    # a factor's family is as uncertain as the kind: other families that fit as well
    if node.kind == "product":
        reached = fit(beside.regression, nodes, 6)
        for place in ((h, 0), (h, 1)):
            family = reached.model.term(place).family
            for name in beside.names(reached.model, place)[:ALIKE]:
                model = reached.model.with_term(place, name.term)
                other = fit(beside.regression, model, 8)
                alike = other.rss <= NAMED_WELL * reached.rss
                if alike and name.term.family != family:
                    variants.append(other.model.nodes[h])
    return [*variants, *other_kinds(search, node)]


def without_weak_splines(search: Search, fitted: Fit) -> Fit:
    """Drop additive splines that the data do not notice, the weakest first."""
    threshold = np.log(len(search.regression))
    while fitted.model.additive:
        strength = {
            place: value
            # places of the additive part are (-1, k)
            for place, value in wald(search.regression, fitted).items()
            if place[0] < 0
        }
        weakest = min(strength, key=lambda place: strength[place])
        if strength[weakest] >= threshold:
            break
        model = without(fitted.model, [weakest])
        if not model.places():
            break
        fitted = fit(search.regression, model, 4)
    return fitted


PROMISING = 3.0
"""Splines within this factor of the sum of squares are named."""

KEPT = 1.05
"""Factor on the sum of squares of splines for a feature of the additive part."""

MOST_NAMED, MOST_CLIMBED = 10, 3


@dataclass(frozen=True)
class _Candidate:
    """A node of splines with the features of the additive part that stays."""

    node: Node
    kept: tuple[int, ...]
    rss: float


def with_fewer_additive_terms(
    search: Search,
    additive: AdditivePart,
    best: ScoredModel,
    generator: np.random.Generator,
) -> ScoredModel:
    """Exchange a node that needs additive terms of its own features for one that needs fewer.

    Args:
        best: named model, returned as it is where no exchange has a lower criterion.
    """
    for h, node in enumerate(best.model.nodes):
        group = tuple(sorted({term.feature for term in node.terms}))
        own = tuple(t for t in best.model.additive if t.feature in group)
        if not own or len(group) < 2:
            continue
        # the model without the node and without the additive terms of its features
        bare = best.model.with_node(h, None)
        bare = Model(tuple(t for t in bare.additive if t not in own), bare.nodes)
        candidates = sorted(
            _candidates(search, additive, bare, group, best.rss, generator),
            key=lambda candidate: _penalised_rss(search.regression, candidate),
        )
        if search.budget.over():
            return best
        named = [
            search.named(_whole(search, additive, bare, candidate).model, at_once=True)
            for candidate in candidates[:MOST_NAMED]
        ]
        named.sort(key=lambda scored: scored.criterion)
        climbed = [search.climb(candidate) for candidate in named[:MOST_CLIMBED]]
        winner = min(climbed, key=lambda scored: scored.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return winner
    return best


def _penalised_rss(regression: Regression, candidate: _Candidate) -> float:
    """Sum of squares, higher for each additive term; splines tell little below their own errors."""
    return max(candidate.rss, FINEST**2 * len(regression)) * KEPT ** len(candidate.kept)


def _candidates(
    search: Search,
    additive: AdditivePart,
    bare: Model,
    group: tuple[int, ...],
    reached: float,
    generator: np.random.Generator,
) -> Iterator[_Candidate]:
    """Yield nodes of every kind that come near what was reached with a full additive part."""
    regression = search.regression
    value = np.zeros(len(regression))
    if bare.places():
        value = model_value(regression, bare)
    left = replace(regression, y=regression.y - value)
    limit = PROMISING * max(reached, 1e-5 * len(regression))
    rows = spread_rows(regression, ROWS, generator)
    # no additive term of the node's features, or one of them
    for kept in ((), *((i,) for i in group)):
        few = left.beside(additive.columns(kept)).take(rows)
        for fitted in _kinds(few, group, generator):
            if search.budget.over():  # asked at each kind: a wide node takes a second
                return
            # scaled to all rows: few of them take part
            rss = fitted.rss * len(regression) / len(few)
            if rss <= limit:
                yield _Candidate(fitted.model.nodes[0], kept, rss)


def _kinds(
    few: Regression, group: tuple[int, ...], generator: np.random.Generator
) -> Iterator[Fit]:
    starts = node_starts(few, group, generator)
    for kind in KINDS:
        yield best_splines(few, group, kind, starts, keep=5, finalists=2)
    if len(group) == 2:
        yield product_splines(few, group)


def _whole(
    search: Search, additive: AdditivePart, bare: Model, candidate: _Candidate
) -> Fit:
    """Refit everything, the additive terms that are kept as splines."""
    nodes = Model(bare.additive, (*bare.nodes, candidate.node))
    # named terms of other features stay, those of the node's features become splines again
    if not candidate.kept:
        return fit(search.regression, nodes, 12)
    terms = with_additive_part(
        additive, Model(nodes=nodes.nodes), candidate.kept, 0
    ).model.additive
    return fit(search.regression, Model((*bare.additive, *terms), nodes.nodes), 12)
