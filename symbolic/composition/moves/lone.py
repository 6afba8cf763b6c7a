"""Nodes of a single feature: curves that no family describes, as log(c + log(x)).

They do not interact with anything and hide in the additive rest: where a spline in place
of a term of the rest gains much, its curve is taken apart.
"""

from dataclasses import replace

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, Levenberg, fit, model_value
from symbolic.composition.fitting.model import Model, Node, Term, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.moves.equivalents import scaled
from symbolic.composition.moves.one_feature import curve_nodes
from symbolic.composition.search import Scored, Search

Array = np.ndarray

GAIN = 1.3
"""Factor by which a spline must lower the sum of squares."""

FINALISTS = 8
"""Fits that are finished, of nodes alone and of nodes beside a term."""

MOST_TRIED = 2


def with_lone_nodes(search: Search, best: Scored, most: int = 3) -> Scored:
    """Replace terms of the rest by nodes of their feature, alone or beside a term.

    Args:
        most: nodes of the whole model.
    """
    while len(best.model.nodes) <= most and not search.budget.over():
        found = _improved(search, best, most)
        if found.criterion >= best.criterion - 1e-6:
            break
        best = found
    return best


def _improved(search: Search, best: Scored, most: int) -> Scored:
    """Take the curve apart that gains most from being a spline."""
    free = {}
    for feature in range(len(search.regression.columns)):
        # more than one node of a feature would describe any curve
        others = tuple(n for n in best.model.nodes if _features(n) != {feature})
        fitted = _loosened(search, replace(best.model, nodes=others), feature)
        if GAIN * fitted.rss < best.rss:
            free[feature] = fitted
    for feature in sorted(free, key=lambda i: free[i].rss)[:MOST_TRIED]:
        if len(free[feature].model.nodes) >= most:
            continue
        starts = _starts(search, free[feature].model, feature)
        races = [Levenberg(search.regression, model).run(4) for model in starts]
        races.sort(key=lambda one: one.rss)
        fewest = min(len(race.model.rest) for race in races)
        alone = [race for race in races if len(race.model.rest) == fewest]
        beside = [race for race in races if len(race.model.rest) > fewest]
        scored = [
            search.score(race.fit().model, 60, beat=best.criterion)
            for race in (*alone[:FINALISTS], *beside[:FINALISTS])
        ]
        winner = min(scored, key=lambda one: one.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return search.climb(winner)
    return best


def merged(search: Search, best: Scored) -> Scored:
    """Try one node for a node of a single feature and a term of the rest beside it."""
    for h, node in enumerate(best.model.nodes):
        features = _features(node)
        beside = [term for term in best.model.rest if {term.feature} == features]
        if len(node.terms) != 1 or not beside:
            continue
        columns, (feature,) = search.regression.columns, features
        curve = model_value(search.regression, Model(nodes=(node,)))
        curve = curve + term_value(columns, beside[0])
        rest = tuple(term for term in best.model.rest if term is not beside[0])
        bare = Model(rest, best.model.with_node(h, None).nodes)
        found = [
            search.score(Model(rest, (*bare.nodes, one)), 60, beat=best.criterion)
            for one in _nearest(search, feature, curve)
        ]
        winner = min(found, key=lambda one: one.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return search.climb(winner)
    return best


def _features(node: Node) -> set[int]:
    return {term.feature for term in node.terms}


def _loosened(search: Search, model: Model, feature: int) -> Fit:
    """Let the rest's term of a feature be a spline; the last term of the result."""
    rest = tuple(term for term in model.rest if term.feature != feature)
    basis = search.regression.columns[feature].basis
    beta = np.zeros(basis.shape[1])
    for term in model.rest:
        if term.feature == feature:
            beta += basis.T @ term_value(search.regression.columns, term) / len(basis)
    free = Term(feature, "spline", tuple(beta.tolist()))
    return fit(search.regression, Model((*rest, free), model.nodes), 6)


def _starts(search: Search, free: Model, feature: int) -> list[Model]:
    """Nodes, and nodes beside a term, that come nearest to the curve of a spline."""
    regression = search.regression
    curve = term_value(regression.columns, free.rest[-1])
    bare = Model(free.rest[:-1], free.nodes)
    weight = regression.weight**2
    edges: list[Term | None] = [None]
    for one in search.namer.rank(feature, curve, weight):
        edges += [one.term, scaled(one.term, 0.5)]
    found: list[Model] = []
    for edge in edges:
        left = curve
        if edge is not None:
            left = curve - term_value(regression.columns, edge)
        rest = bare.rest if edge is None else (*bare.rest, edge)
        found += [
            Model(rest, (*bare.nodes, node)) for node in _nearest(search, feature, left)
        ]
    return found


def _nearest(search: Search, feature: int, curve: Array) -> list[Node]:
    """Nodes of one feature that come nearest to a curve, one of each kind and family."""
    best: dict[tuple[str, str], tuple[float, Node]] = {}
    for node in curve_nodes(search, feature, curve):
        misfit, key = (
            _misfit(search.regression, node, curve),
            (node.kind, node.terms[0].family),
        )
        if key not in best or misfit < best[key][0]:
            best[key] = misfit, node
    return [node for _, node in sorted(best.values(), key=lambda one: one[0])]


def _misfit(regression: Regression, node: Node, curve: Array) -> float:
    """Weighted sum of squares between a node and a curve, offsets apart."""
    left = curve - model_value(regression, Model(nodes=(node,)))
    left = (left - left.mean()) * regression.weight
    return float(left @ left)
