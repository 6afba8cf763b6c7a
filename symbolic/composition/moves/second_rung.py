"""Several nodes and an additive rest: y = sum_h O_h(s_h) + sum_i f_i(x_i).

Groupings of the interacting features are fitted as nodes of splines beside a rest of
splines, named, most promising first, and grown on what they leave.
"""

from collections.abc import Callable

import numpy as np

from symbolic.composition.fitting.rest import Rest
from symbolic.composition.moves.equivalents import simplified
from symbolic.composition.moves.exchanges import exchanged
from symbolic.composition.moves.first_rung import unique
from symbolic.composition.moves.growth import grown, reconsidered, shows_new_pair
from symbolic.composition.moves.lone import merged, with_lone_nodes
from symbolic.composition.moves.naming_beside import named, rest_needed
from symbolic.composition.moves.plainer import with_plainer_nodes
from symbolic.composition.screening.grouping_queue import Queue
from symbolic.composition.screening.interactions import Screen
from symbolic.composition.search import Scored, Search

ROUNDS = 4
"""Times that nodes are exchanged in turn, by their interaction and with their rest."""

MOST_NAMED = 12
"""Combinations of nodes that are named."""


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
    queue = Queue(rest, screened, generator)
    tried: set[object] = set()
    for turn in range(MOST_NAMED):
        joint = None if search.budget.over() else queue.next(turn == 0)
        if joint is None:
            break
        new = named(search, rest, *rest_needed(rest, live, joint))
        found = unique([new, *found])
        if found[0] is new:
            found = _refined(search, rest, found, generator)
            if not enough(found[0]):
                found = unique([with_lone_nodes(search, found[0]), *found])
        if enough(found[0]):
            break
        near = turn == 0 and queue.near(joint)
        known = near and not shows_new_pair(search, screened, found[0])
        if known or found[0].model.key in tried:
            continue
        tried.add(found[0].model.key)
        more = grown(search, rest, live, found[0], generator)
        found = unique([*more, *found])
        if more:
            found = _refined(search, rest, found, generator)
        if not near and not enough(found[0]):
            other = reconsidered(search, rest, live, found[0], generator)
            if other is not found[0]:
                found = _refined(search, rest, unique([other, *found]), generator)
        if enough(found[0]):
            break
    return found


def _refined(
    search: Search, rest: Rest, found: list[Scored], generator: np.random.Generator
) -> list[Scored]:
    """Exchange and simplify the nodes of the best candidate."""
    better = found[0]
    for _ in range(ROUNDS):
        better = simplified(search, exchanged(search, better))
        plainer = with_plainer_nodes(search, rest, better, generator)
        if plainer is better:
            break
        better = plainer
    return unique([merged(search, better), *found])
