"""Which nodes are tried next: groupings in turn, and nodes on what a model leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, zip_longest

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, fit, model_value
from symbolic.composition.fitting.model import Model, Node
from symbolic.composition.fitting.node_splines import (
    FINEST,
    AdditivePart,
    Option,
    joint_splines,
    node_options,
)
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.interactions import (
    MOST_NODES,
    Grouping,
    Screen,
    cliques,
    groupings,
    screen,
)
from symbolic.composition.naming_beside import additive_needed, named
from symbolic.composition.rewriting import exchanged, simplified
from symbolic.composition.search import ScoredModel, Search

CLOSE = 3.0
"""Combinations of nodes within this factor of the best sum of squares are named."""

EACH_FEATURE = 1.1
"""Factor on the sum of squares of splines for each feature inside a node."""

FAINT = 0.02
"""Strength of a pair, of the strongest one, that may be that of no interaction."""

AS_WELL = 1.15
"""Splines of nodes that leave no more than this, of what products of pairs leave."""

NEXT = 2.5
"""The next combination is named before the best is grown where it is this near."""

LATER = 1.05
"""The same for each combination of kinds of the grouping that comes before."""

AHEAD = 8
"""Groupings that are fitted before the best one is named."""

POOR = 4.0
"""Groupings whose splines are worse than the best by this factor are left out."""


class Queue:
    """Spline fits of groupings that wait to be named, the most promising first."""

    def __init__(
        self,
        additive: AdditivePart,
        screened: Screen,
        generator: np.random.Generator,
        budget: Budget,
    ) -> None:
        self.additive, self.screened, self.generator = additive, screened, generator
        self.budget = budget
        self.proposed = all_groupings(screened)
        self.waiting: list[tuple[float, Fit]] = []
        self.lowest = np.inf

    def next(self, first: bool) -> Fit | None:
        """Fit some more groupings and take out the best; None when all were named."""
        n = len(self.additive.regression)
        for grouping in islice(self.proposed, AHEAD if first else 2):
            fits = splined(
                self.additive, self.screened.selected, grouping, self.generator
            )
            self.waiting += [
                (_penalised_rss(fits, k, n), fitted) for k, fitted in enumerate(fits)
            ]
            if first and fits and _plain(self.screened, fits[0]):
                break
            if self.waiting and self.budget.over():
                break
        self.waiting.sort(key=lambda entry: entry[0])
        # below its own error a spline tells no grouping from another
        reached = [max(fit.rss, FINEST**2 * n) for _, fit in self.waiting]
        self.lowest = min([self.lowest, *reached])
        # what is much worse than the best is not worth a name
        if not self.waiting or self.waiting[0][1].rss > POOR * self.lowest:
            return None
        return self.waiting.pop(0)[1]

    def near(self, joint: Fit) -> bool:
        """Whether the next fit is about as good as one that was taken out."""
        return bool(self.waiting) and self.waiting[0][1].rss < NEXT * joint.rss


def all_groupings(screened: Screen) -> Iterator[Grouping]:
    """Yield groupings of all pairs and of the stronger ones in turn, without repeats."""
    yielded: set[Grouping] = set()
    levels = [groupings(pairs) for pairs in screened.levels()]
    # groupings of all pairs and of the strong pairs alternately: spurious weak pairs would
    # otherwise put the true grouping at the end
    for some in zip_longest(*levels):
        for grouping in some:
            if grouping is not None and grouping not in yielded:
                yielded.add(grouping)
                yield grouping


def splined(
    additive: AdditivePart,
    selected: Sequence[int],
    grouping: Grouping,
    generator: np.random.Generator,
) -> list[Fit]:
    """Fit nodes of splines to one grouping beside a full additive part, best first.

    Returns:
        Nothing where the rows are too few for it.
    """
    options: list[list[Option]] = []
    for k in range(len(grouping)):
        options.append(
            node_options(additive, selected, grouping, k, generator, options)
        )
        if not options[-1]:
            return []
    fits = joint_splines(additive.beside(selected), options)
    best = min(fit.rss for fit in fits)
    return [fit for fit in fits if fit.rss <= CLOSE * best]


def _plain(screened: Screen, joint: Fit) -> bool:
    """Whether splines of a grouping do so well that no other needs a look at first."""
    if min(screened.strength, default=1.0) < FAINT:
        return False
    return joint.rss <= AS_WELL * screened.rss


def _penalised_rss(fits: Sequence[Fit], rank: int, rows: int) -> float:
    """Sum of squares of a grouping's splines, higher for more features inside nodes."""
    # more features inside a node fit better for no reason; kinds of one grouping come after the
    # best of the next where they are about as good
    inside = sum(len(node.terms) for node in fits[0].model.nodes)
    reached = max(min(fit.rss for fit in fits), FINEST**2 * rows)
    return reached * EACH_FEATURE**inside * LATER**rank


def grown(
    search: Search,
    additive: AdditivePart,
    selected: Sequence[int],
    best: ScoredModel,
    generator: np.random.Generator,
) -> list[ScoredModel]:
    """Add nodes where the residual of a model still shows an interaction.

    Nodes that share features hide each other from a screening of the target; what one
    leaves behind shows the next.
    """
    fits: list[ScoredModel] = []
    while len(best.model.nodes) < MOST_NODES and not search.budget.over():
        # 1. Screen what the model leaves, 2. offer a node
        # for what interacts there, 3. refit, name, keep.
        left = _residual(search, best)
        screened = screen(left)
        features = tuple(sorted({*selected, *screened.selected}))
        new = [
            _with_node(search, additive, features, best, option.node)
            for group in _groups_left(screened)
            for option in node_options(
                AdditivePart(left), features, (group,), 0, generator
            )[:2]
            if not search.budget.over()
        ]
        winner = min(new, key=lambda scored: scored.criterion, default=best)
        if winner.criterion >= best.criterion - 1e-6:
            break
        best = simplified(search, exchanged(search, winner))
        fits.append(best)
    return fits


def reconsidered(
    search: Search,
    additive: AdditivePart,
    selected: Sequence[int],
    best: ScoredModel,
    generator: np.random.Generator,
) -> ScoredModel:
    """Replace one node by the best of any other kind, where the criterion gains by it.

    The new node is fitted to what the other nodes leave, with a free additive part; then all
    constants are refitted and every term is named again.
    """
    regression = search.regression
    for h, node in enumerate(best.model.nodes):
        if search.budget.over() or len(best.model.nodes) < 2:
            break
        # The other nodes are held where they are; the
        # additive part is free again in each refit.
        fewer = replace(best, model=best.model.with_node(h, None))
        value = model_value(regression, Model(nodes=fewer.model.nodes))
        left = AdditivePart(replace(regression, y=regression.y - value))
        group = tuple(sorted({term.feature for term in node.terms}))
        options = node_options(left, selected, (group,), 0, generator)
        new = [
            _with_node(search, additive, selected, fewer, option.node)
            for option in options
            if option.node.kind != node.kind and not search.budget.over()
        ]
        winner = min(new, key=lambda scored: scored.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return simplified(search, exchanged(search, winner))
    return best


def shows_new_pair(search: Search, screened: Screen, best: ScoredModel) -> bool:
    """Whether the residual of a model shows an interacting pair that the target did not."""
    left = screen(_residual(search, best))
    return bool(set(left.pairs) - set(screened.pairs))


def _residual(search: Search, best: ScoredModel) -> Regression:
    regression = search.regression
    value = model_value(regression, best.model)
    return replace(regression, y=regression.y - value)


def _groups_left(screened: Screen) -> list[tuple[int, ...]]:
    """Groups of one more node: the clique around the strongest pair, and the pair."""
    if not screened.pairs:
        return []
    # the strict set of pairs: spurious ones would make cliques too large
    strict, strongest = screened.levels()[-1], screened.pairs[0]
    around = [
        group
        for group in cliques(screened.interacting, strict)
        if set(strongest) <= set(group)
    ]
    return list(dict.fromkeys([*around[:1], tuple(sorted(strongest))]))


def _with_node(
    search: Search,
    additive: AdditivePart,
    features: Sequence[int],
    best: ScoredModel,
    node: Node,
) -> ScoredModel:
    """Refit a model with one more node of splines, the additive part free again, and name all."""
    nodes = Model(nodes=(*best.model.nodes, node))
    # nodes first, beside splines of all features that matter, then what of these is needed
    joint = fit(additive.beside(features), nodes, 15)
    model, needed = additive_needed(additive, features, joint)
    return named(search, additive, model, needed)
