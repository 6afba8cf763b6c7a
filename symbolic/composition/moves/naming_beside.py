"""From nodes of splines beside an unknown rest to names of all terms.

Nodes get their names first, while the rest is projected out, then the rest does, and all
constants are refitted together.
"""

from collections.abc import Sequence

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, fit
from symbolic.composition.fitting.model import Model, Node
from symbolic.composition.fitting.node_splines import with_rest
from symbolic.composition.fitting.rest import Rest
from symbolic.composition.moves.elimination import wald, without
from symbolic.composition.moves.exchanges import other_kinds
from symbolic.composition.moves.lone import GAIN, with_lone_nodes
from symbolic.composition.search import Scored, Search

OWN_REST = 1.5
"""A rest on a node's own features must lower the sum of squares by this factor."""

NAMED_WELL = 1.1
"""Names that leave this much more than the splines need no search of their own."""

ALIKE = 3
"""Families of a factor that are tried where the rest cannot be named."""


def rest_needed(
    rest: Rest, live: Sequence[int], joint: Fit
) -> tuple[Model, tuple[int, ...]]:
    """Nodes and the features of the rest: the nodes' own ones only where they earn it."""
    inside = {term.feature for node in joint.model.nodes for term in node.terms}
    outside = tuple(i for i in live if i not in inside)
    smaller = fit(rest.beside(outside), joint.model, 20)
    if smaller.rss <= OWN_REST * joint.rss:
        return smaller.model, outside
    return joint.model, tuple(live)


def named(search: Search, rest: Rest, model: Model, features: Sequence[int]) -> Scored:
    """Name nodes beside a rest of splines, then the rest, then search all terms."""
    beside = Search(rest.beside(features), search.families, search.budget)
    splines = fit(beside.regression, model, 3)
    nodes = beside.named(splines.model)
    if nodes.rss > NAMED_WELL * splines.rss:
        nodes = beside.climb(nodes)
    nodes = nodes.model
    whole = with_rest(rest, nodes, features)
    whole = without_faint_rest(search, whole)
    plain = search.named(whole.model)
    if plain.rss > GAIN * whole.rss:
        plain = with_kinds(search, rest, nodes, features, plain)
    if plain.rss > GAIN * whole.rss:
        alone = with_lone_nodes(search, plain)
        if alone is not plain:
            plain = min(search.climb(plain), alone, key=lambda one: one.criterion)
    return search.climb(plain)


def with_kinds(
    search: Search,
    rest: Rest,
    nodes: Model,
    features: Sequence[int],
    best: Scored,
) -> Scored:
    """Exchange kinds of nodes of two features where that makes the rest nameable.

    Beside a free rest the kinds are alike: each leaves other functions to the rest, and
    only for the true ones are these families.
    """
    beside = Search(rest.beside(features), search.families, search.budget)
    variants = [_variants(search, beside, nodes, h) for h in range(len(nodes.nodes))]
    for _ in range(2):
        before = best
        for h, others in enumerate(variants):
            for other in others:
                if search.budget.over() or other is nodes.nodes[h]:
                    continue
                changed = nodes.with_node(h, other)
                whole = with_rest(rest, changed, features)
                found = search.named(whole.model, at_once=True)
                if found.criterion < best.criterion - 1e-6:
                    best, nodes = found, changed
        if best is before:
            break
    return best


def _variants(search: Search, beside: Search, nodes: Model, h: int) -> list[Node]:
    """Nodes with the interaction of a node: itself, other families, other kinds."""
    node = nodes.nodes[h]
    found = [node]
    if node.kind == "product":
        reached = fit(beside.regression, nodes, 6)
        for place in ((h, 0), (h, 1)):
            family = reached.model.term(place).family
            for one in beside.names(reached.model, place)[:ALIKE]:
                model = reached.model.with_term(place, one.term)
                other = fit(beside.regression, model, 8)
                alike = other.rss <= NAMED_WELL * reached.rss
                if alike and one.term.family != family:
                    found.append(other.model.nodes[h])
    return [*found, *other_kinds(search, node)]


def without_faint_rest(search: Search, found: Fit) -> Fit:
    """Drop spline terms of the rest that the data do not notice, the weakest first."""
    threshold = np.log(len(search.regression))
    while found.model.rest:
        strength = {
            place: value
            for place, value in wald(search.regression, found).items()
            if place[0] < 0
        }
        weakest = min(strength, key=lambda place: strength[place])
        if strength[weakest] >= threshold:
            break
        model = without(found.model, [weakest])
        if not model.places():
            break
        found = fit(search.regression, model, 4)
    return found
