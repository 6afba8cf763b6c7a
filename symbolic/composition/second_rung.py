"""Several nodes and an additive rest: y = sum_h O_h(s_h) + sum_i f_i(x_i).

Nodes are found beside an additive rest of splines that is projected out; they get their
names first, the rest afterwards, and all constants are refitted together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, zip_longest

import numpy as np

from symbolic.composition.elimination import wald, without
from symbolic.composition.equivalents import simplified
from symbolic.composition.exchanges import exchanged, other_kinds
from symbolic.composition.first_rung import unique
from symbolic.composition.groupings import MOST_NODES, Grouping, cliques, groupings
from symbolic.composition.levenberg import Fit, fit, model_value
from symbolic.composition.lone import GAIN, merged, with_lone_nodes
from symbolic.composition.model import Model, Node
from symbolic.composition.node_splines import (
    Option,
    joint_splines,
    node_options,
    with_rest,
)
from symbolic.composition.regression import Regression
from symbolic.composition.rest import Rest
from symbolic.composition.screening import Screen, screen
from symbolic.composition.search import Scored, Search

OWN_REST = 1.5
"""A rest on a node's own features must lower the sum of squares by this factor."""

CLOSE = 3.0
"""Combinations of nodes within this factor of the best sum of squares are named."""

NAMED_WELL = 1.1
"""Names that leave this much more than the splines need no search of their own."""

DEARER = 1.1
"""Factor on the sum of squares of splines for each feature inside a node."""

FAINT = 0.02
"""Strength of a pair, of the strongest one, that may be that of no interaction."""

AS_WELL = 1.15
"""Splines of nodes that leave no more than this, of what products of pairs leave."""

NEXT = 2.5
"""The next combination is named before the best is grown where it is this near."""

ALIKE = 3
"""Families of a factor that are tried where the rest cannot be named."""

FINEST = 2e-3
"""Residual deviation below which splines of nodes tell no grouping from another."""

LATER = 1.05
"""The same for each combination of kinds of the grouping that comes before."""

AHEAD, MOST_NAMED = 8, 12
"""Groupings that are fitted before the best one is named, and most that are named."""

POOR = 4.0
"""Groupings whose splines are worse than the best by this factor are left out."""


def second_rung(
    search: Search,
    screened: Screen,
    generator: np.random.Generator,
    enough: Callable[[Scored], bool],
) -> list[Scored]:
    """Search groupings of the interacting features, most plausible first.

    Args:
        screened: which features interact.
        enough: whether a candidate needs no further search.
    Returns:
        Candidates, best first; empty where no features interact.
    """
    rest = Rest(search.regression, screened)
    live = screened.live
    found: list[Scored] = []
    queue = _Queue(rest, screened, generator)
    tried: set[object] = set()
    for turn in range(MOST_NAMED):
        joint = None if search.budget.over() else queue.next(turn == 0)
        if joint is None:
            break
        new = named(search, rest, *rest_needed(rest, live, joint))
        found = unique([new, *found])
        if found[0] is new:
            found = _refined(search, found, enough)
        if enough(found[0]):
            break
        near = turn == 0 and queue.near(joint)
        known = near and not _new_pair(search, screened, found[0])
        if known or found[0].model.key in tried:
            continue
        tried.add(found[0].model.key)
        more = grown(search, rest, live, found[0], generator)
        found = unique([*more, *found])
        if not near and not enough(found[0]):
            other = reconsidered(search, rest, live, found[0], generator)
            found = unique([other, *found])
        if enough(found[0]):
            break
    return found


class _Queue:
    """Spline fits of groupings that wait to be named, the most promising first."""

    def __init__(
        self, rest: Rest, screened: Screen, generator: np.random.Generator
    ) -> None:
        self.rest, self.screened, self.generator = rest, screened, generator
        self.proposed = all_groupings(screened)
        self.waiting: list[tuple[float, Fit]] = []
        self.lowest = np.inf

    def next(self, first: bool) -> Fit | None:
        """Fit some more groupings and take out the best; None when all were named."""
        n = len(self.rest.regression)
        for grouping in islice(self.proposed, AHEAD if first else 2):
            fits = splined(self.rest, self.screened.live, grouping, self.generator)
            self.waiting += [(_price(fits, k, n), one) for k, one in enumerate(fits)]
            if first and _plain(self.screened, fits[0]):
                break
        self.waiting.sort(key=lambda one: one[0])
        reached = [max(one.rss, FINEST**2 * n) for _, one in self.waiting]
        self.lowest = min([self.lowest, *reached])
        if not self.waiting or self.waiting[0][1].rss > POOR * self.lowest:
            return None
        return self.waiting.pop(0)[1]

    def near(self, joint: Fit) -> bool:
        """Whether the next fit is about as good as one that was taken out."""
        return bool(self.waiting) and self.waiting[0][1].rss < NEXT * joint.rss


def _refined(
    search: Search, found: list[Scored], enough: Callable[[Scored], bool]
) -> list[Scored]:
    """Exchange and simplify nodes of the best candidate; take curves of the rest apart."""
    better = simplified(search, exchanged(search, found[0]))
    found = unique([merged(search, better), *found])
    if not enough(found[0]):
        found = unique([with_lone_nodes(search, found[0]), *found])
    return found


def _new_pair(search: Search, screened: Screen, best: Scored) -> bool:
    """Whether a residual shows an interaction that the target did not."""
    left = screen(_residual(search, best))
    return bool(set(left.pairs) - set(screened.pairs))


def _residual(search: Search, best: Scored) -> Regression:
    regression = search.regression
    value = model_value(regression, best.model)
    return replace(regression, y=regression.y - value)


def _plain(screened: Screen, joint: Fit) -> bool:
    """Whether splines of a grouping do so well that no other needs a look at first."""
    if min(screened.strength, default=1.0) < FAINT:
        return False
    return joint.rss <= AS_WELL * screened.rss


def _price(fits: Sequence[Fit], rank: int, rows: int) -> float:
    """Sum of squares of a grouping's splines, higher for more features inside nodes."""
    inside = sum(len(node.terms) for node in fits[0].model.nodes)
    reached = max(min(one.rss for one in fits), FINEST**2 * rows)
    return reached * DEARER**inside * LATER**rank


def grown(
    search: Search,
    rest: Rest,
    live: Sequence[int],
    best: Scored,
    generator: np.random.Generator,
) -> list[Scored]:
    """Add nodes where the residual of a model still shows an interaction.

    Nodes that share features hide each other from a screening of the target; what one
    leaves behind shows the next.
    """
    found: list[Scored] = []
    while len(best.model.nodes) < MOST_NODES and not search.budget.over():
        left = _residual(search, best)
        screened = screen(left)
        features = tuple(sorted({*live, *screened.live}))
        new = [
            _with_node(search, rest, features, best, option.node)
            for group in _groups_left(screened)
            for option in node_options(Rest(left), features, (group,), 0, generator)[:2]
            if not search.budget.over()
        ]
        winner = min(new, key=lambda one: one.criterion, default=best)
        if winner.criterion >= best.criterion - 1e-6:
            break
        best = simplified(search, exchanged(search, winner))
        found.append(best)
    return found


def reconsidered(
    search: Search,
    rest: Rest,
    live: Sequence[int],
    best: Scored,
    generator: np.random.Generator,
) -> Scored:
    """Fit each node anew, of any kind, beside the others as they are."""
    regression = search.regression
    for h, node in enumerate(best.model.nodes):
        if search.budget.over() or len(best.model.nodes) < 2:
            break
        fewer = replace(best, model=best.model.with_node(h, None))
        value = model_value(regression, Model(nodes=fewer.model.nodes))
        left = Rest(replace(regression, y=regression.y - value))
        group = tuple(sorted({term.feature for term in node.terms}))
        options = node_options(left, live, (group,), 0, generator)
        new = [
            _with_node(search, rest, live, fewer, option.node)
            for option in options
            if option.node.kind != node.kind and not search.budget.over()
        ]
        winner = min(new, key=lambda one: one.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return simplified(search, exchanged(search, winner))
    return best


def _groups_left(screened: Screen) -> list[tuple[int, ...]]:
    """Groups of one more node: the clique around the strongest pair, and the pair."""
    if not screened.pairs:
        return []
    strict, strongest = screened.levels()[-1], screened.pairs[0]
    around = [
        group
        for group in cliques(screened.interacting, strict)
        if set(strongest) <= set(group)
    ]
    return list(dict.fromkeys([*around[:1], tuple(sorted(strongest))]))


def _with_node(
    search: Search, rest: Rest, features: Sequence[int], best: Scored, node: Node
) -> Scored:
    """Refit a model with one more node of splines, the rest free again, and name all."""
    nodes = Model(nodes=(*best.model.nodes, node))
    joint = fit(rest.beside(features), nodes, 15)
    model, needed = rest_needed(rest, features, joint)
    return named(search, rest, model, needed)


def all_groupings(screened: Screen) -> Iterator[Grouping]:
    """Yield groupings of all pairs and of the stronger ones in turn, without repeats."""
    known: set[Grouping] = set()
    levels = [groupings(pairs) for pairs in screened.levels()]
    for some in zip_longest(*levels):
        for grouping in some:
            if grouping is not None and grouping not in known:
                known.add(grouping)
                yield grouping


def splined(
    rest: Rest,
    live: Sequence[int],
    grouping: Grouping,
    generator: np.random.Generator,
) -> list[Fit]:
    """Fit nodes of splines to one grouping beside a full rest, best first."""
    options: list[list[Option]] = []
    for k in range(len(grouping)):
        options.append(node_options(rest, live, grouping, k, generator, options))
    fits = joint_splines(rest.beside(live), options)
    best = min(one.rss for one in fits)
    return [one for one in fits if one.rss <= CLOSE * best]


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
