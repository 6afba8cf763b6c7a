"""One more node on what a model leaves, or another one in place of one that it has."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symbolic.composition.fitting.levenberg import fit, model_value
from symbolic.composition.fitting.model import Model, Node
from symbolic.composition.fitting.node_splines import node_options
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.rest import Rest
from symbolic.composition.moves.equivalents import simplified
from symbolic.composition.moves.exchanges import exchanged
from symbolic.composition.moves.naming_beside import named, rest_needed
from symbolic.composition.screening.groupings import MOST_NODES, cliques
from symbolic.composition.screening.interactions import Screen, screen
from symbolic.composition.search import Scored, Search


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


def shows_new_pair(search: Search, screened: Screen, best: Scored) -> bool:
    """Whether a residual shows an interaction that the target did not."""
    left = screen(_residual(search, best))
    return bool(set(left.pairs) - set(screened.pairs))


def _residual(search: Search, best: Scored) -> Regression:
    regression = search.regression
    value = model_value(regression, best.model)
    return replace(regression, y=regression.y - value)


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
