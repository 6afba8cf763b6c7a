"""Groupings of interacting features as nodes of splines, the most promising first."""

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

import numpy as np

from symbolic.composition.fitting.levenberg import Fit
from symbolic.composition.fitting.node_splines import (
    Option,
    joint_splines,
    node_options,
)
from symbolic.composition.fitting.rest import Rest
from symbolic.composition.screening.groupings import Grouping, groupings
from symbolic.composition.screening.interactions import Screen

CLOSE = 3.0
"""Combinations of nodes within this factor of the best sum of squares are named."""

DEARER = 1.1
"""Factor on the sum of squares of splines for each feature inside a node."""

FAINT = 0.02
"""Strength of a pair, of the strongest one, that may be that of no interaction."""

AS_WELL = 1.15
"""Splines of nodes that leave no more than this, of what products of pairs leave."""

NEXT = 2.5
"""The next combination is named before the best is grown where it is this near."""

FINEST = 2e-3
"""Residual deviation below which splines of nodes tell no grouping from another."""

LATER = 1.05
"""The same for each combination of kinds of the grouping that comes before."""

AHEAD = 8
"""Groupings that are fitted before the best one is named."""

POOR = 4.0
"""Groupings whose splines are worse than the best by this factor are left out."""


class Queue:
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
