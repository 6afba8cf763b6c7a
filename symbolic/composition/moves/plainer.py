"""The same interaction with less of a rest on a node's own features.

Beside a free rest nearly any kind of node describes a weak interaction. What the rest
takes up then belongs to a node of another kind: each is fitted anew, as splines, with no
rest on the node's features or with one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, fit, model_value
from symbolic.composition.fitting.model import KINDS, Model, Node
from symbolic.composition.fitting.node_splines import (
    ROWS,
    node_starts,
    product_splines,
    with_rest,
)
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.rest import Rest
from symbolic.composition.fitting.spline_models import best_splines, spread_rows
from symbolic.composition.screening.grouping_queue import FINEST
from symbolic.composition.search import Scored, Search

PROMISING = 3.0
"""Splines within this factor of the sum of squares are named."""

KEPT = 1.05
"""Factor on the sum of squares of splines for a feature of the rest."""

MOST_NAMED, MOST_CLIMBED = 10, 3


@dataclass(frozen=True)
class _Candidate:
    """A node of splines with the features of the rest that stays."""

    node: Node
    kept: tuple[int, ...]
    rss: float


def with_plainer_nodes(
    search: Search, rest: Rest, best: Scored, generator: np.random.Generator
) -> Scored:
    """Exchange nodes with a rest on their features for other kinds with less of it."""
    for h, node in enumerate(best.model.nodes):
        group = tuple(sorted({term.feature for term in node.terms}))
        own = tuple(t for t in best.model.rest if t.feature in group)
        if not own or len(group) < 2:
            continue
        bare = best.model.with_node(h, None)
        bare = Model(tuple(t for t in bare.rest if t not in own), bare.nodes)
        found = sorted(
            _candidates(search, rest, bare, group, best.rss, generator),
            key=lambda one: _price(search.regression, one),
        )
        if search.budget.over():
            return best
        named = [
            search.named(_whole(search, rest, bare, one).model, at_once=True)
            for one in found[:MOST_NAMED]
        ]
        named.sort(key=lambda one: one.criterion)
        climbed = [search.climb(one) for one in named[:MOST_CLIMBED]]
        winner = min(climbed, key=lambda one: one.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return winner
    return best


def _price(regression: Regression, one: _Candidate) -> float:
    """Sum of squares, higher with a rest; splines tell little below their own errors."""
    return max(one.rss, FINEST**2 * len(regression)) * KEPT ** len(one.kept)


def _candidates(
    search: Search,
    rest: Rest,
    bare: Model,
    group: tuple[int, ...],
    reached: float,
    generator: np.random.Generator,
) -> Iterator[_Candidate]:
    """Yield nodes of every kind that come near what was reached with a full rest."""
    regression = search.regression
    value = np.zeros(len(regression))
    if bare.places():
        value = model_value(regression, bare)
    left = replace(regression, y=regression.y - value)
    limit = PROMISING * max(reached, 1e-5 * len(regression))
    rows = spread_rows(regression, ROWS, generator)
    for kept in ((), *((i,) for i in group)):
        few = left.beside(rest.columns(kept)).take(rows)
        for fitted in _kinds(few, group, generator):
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


def _whole(search: Search, rest: Rest, bare: Model, one: _Candidate) -> Fit:
    """Refit everything, the kept part of the rest as splines."""
    nodes = Model(bare.rest, (*bare.nodes, one.node))
    if not one.kept:
        return fit(search.regression, nodes, 12)
    terms = with_rest(rest, Model(nodes=nodes.nodes), one.kept, 0).model.rest
    return fit(search.regression, Model((*bare.rest, *terms), nodes.nodes), 12)
