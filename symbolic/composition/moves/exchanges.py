"""One kind of node in exchange for another.

Beside an additive rest on its own features, splines cannot tell the kinds of a node of
two features apart: products, squares and exponentials of sums share their interaction,

    2 u v = (u + v)^2 - u^2 - v^2,    exp(u + v) = exp(u) exp(v).

Only the criterion of the named models can, so each is tried in exchange for the others,
with and without the rest on the node's features.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from symbolic.composition.fitting.levenberg import fit
from symbolic.composition.fitting.model import (
    Model,
    Node,
    Term,
    factor_value,
    node_sum,
    term_value,
)
from symbolic.composition.moves.equivalents import scaled
from symbolic.composition.search import Scored, Search

Array = np.ndarray

GAPS = (0.03, 0.3, 2.0)
"""Distances of a factor's zero from the data, in ranges, for its logarithm."""

LIKELY = 1
"""Offsets of two factors that are tried for each pair of signs."""

PROMISING = 3.0
"""Exchanged models within this factor of the sum of squares are searched on."""


def exchanged(search: Search, best: Scored) -> Scored:
    """Exchange kinds of nodes wherever the criterion gains."""
    for _ in range(len(best.model.nodes) + 1):
        found = [
            search.score(model, 20, best.rss)
            for model in _exchanges(search, best.model)
            if not search.budget.over()
        ]
        limit = PROMISING * max(best.rss, 1e-10 * len(search.regression))
        close = sorted(
            (one for one in found if one.rss <= limit), key=lambda one: one.criterion
        )
        climbed = [search.climb(one) for one in close[:2]]
        climbed += _with_less_rest(search, best)
        winner = min(climbed, key=lambda one: one.criterion, default=best)
        if winner.criterion >= best.criterion - 1e-6:
            break
        best = winner
    return best


def _exchanges(search: Search, model: Model) -> Iterator[Model]:
    for h, node in enumerate(model.nodes):
        features = {term.feature for term in node.terms}
        without = tuple(t for t in model.rest if t.feature not in features)
        for other in other_kinds(search, node):
            changed = model.with_node(h, other)
            yield changed
            if len(without) < len(model.rest):
                yield Model(without, changed.nodes)


def _with_less_rest(search: Search, best: Scored) -> Iterator[Scored]:
    """Yield models that name a node anew with less of a rest on its features.

    The rest on one of them may stay, as a spline that is named anew as well.
    """
    limit = PROMISING * max(best.rss, 1e-5 * len(search.regression))
    for h, node in enumerate(best.model.nodes):
        features = {term.feature for term in node.terms}
        rest = tuple(t for t in best.model.rest if t.feature not in features)
        own = [t for t in best.model.rest if t.feature in features]
        if not own or any(node.anchored):
            continue
        terms = tuple(as_splines(search, term) for term in node.terms)
        nodes = best.model.with_node(h, replace(node, terms=terms)).nodes
        for kept in ((), *((as_splines(search, term),) for term in own)):
            if search.budget.over():
                return
            free = fit(search.regression, Model((*rest, *kept), nodes), 12, 0.0, limit)
            if free.rss <= limit:
                named = search.named(free.model)
                if named.rss <= limit:
                    yield search.climb(named)
                    break


def as_splines(search: Search, term: Term) -> Term:
    """Write a term as splines."""
    basis = search.regression.columns[term.feature].basis
    values = term_value(search.regression.columns, term)
    beta = basis.T @ values / len(values)
    return Term(term.feature, "spline", tuple(beta.tolist()))


def other_kinds(search: Search, node: Node) -> Iterator[Node]:
    """Yield nodes of other kinds with the same interaction of two features."""
    if len(node.terms) != 2 or node.terms[0].feature == node.terms[1].feature:
        return
    columns = search.regression.columns
    one, other = node.terms
    u, v = (term_value(columns, term) for term in node.terms)
    match node.kind:
        case "product":
            u, v = (factor_value(columns, node, k) for k in (0, 1))
            yield from _squares(one, other, u, v)
            yield from _exponentials(search, one, other, u, v)
        case "quadratic":
            first = scaled(one, 2.0 * node.sign)
            half = node.head[0]
            yield Node("product", 1.0, (node.sign * half, half), (first, other))
        case "exp":
            factors = [np.exp(g - g.mean()) for g in (u, v)]
            size = float(node.head[0])
            first = _best(search, one.feature, size * factors[0])
            second = _best(search, other.feature, factors[1])
            heads = (size * float(factors[0].mean()), float(factors[1].mean()))
            yield Node("product", 1.0, heads, (first, second))
            s = node_sum(columns, node)
            curvature = float(np.std(s))
            yield Node("quadratic", 1.0 if size > 0 else -1.0, (1.0 + curvature,), (
                scaled(one, np.sqrt(abs(size) / 2)), scaled(other, np.sqrt(abs(size) / 2))
            ))  # fmt: skip


def _squares(one: Term, other: Term, u: Array, v: Array) -> Iterator[Node]:
    """Squares whose mixed term is the product, both signs."""
    balance = np.sqrt(max(float(v.std()), 1e-9) / max(float(u.std()), 1e-9))
    for sign in (1.0, -1.0):
        first = scaled(one, balance / np.sqrt(2))
        second = scaled(other, sign / balance / np.sqrt(2))
        head = (balance * u.mean() + sign * v.mean() / balance) / np.sqrt(2)
        yield Node("quadratic", sign, (float(head),), (first, second))


def _exponentials(
    search: Search, one: Term, other: Term, u: Array, v: Array
) -> Iterator[Node]:
    """Exponentials whose factors are those of the product up to offsets.

    The offsets that make the logarithms most like families come first.
    """
    for sign_u in (1.0, -1.0):
        left = _logarithm(search, one.feature, u, sign_u)
        for sign_v in (1.0, -1.0):
            right = _logarithm(search, other.feature, v, sign_v)
            pairs = sorted(product(left, right), key=lambda p: p[0][0] + p[1][0])
            for (_, first, size_u), (_, second, size_v) in pairs[:LIKELY]:
                head = sign_u * sign_v * size_u * size_v
                yield Node("exp", 1.0, (head,), (first, second))


def _logarithm(
    search: Search, feature: int, factor: Array, sign: float
) -> list[tuple[float, Term, float]]:
    """(misfit, family, size) of the logarithm of a factor for each offset of it."""
    found = []
    for gap in GAPS:
        base = factor.min() if sign > 0 else factor.max()
        curve = np.log(sign * (factor - base) + gap * np.ptp(factor))
        weight = np.exp(2.0 * (curve - curve.max()))
        named = search.namer.rank(feature, curve, weight)[0]
        size = float(np.exp(curve.mean()))
        found.append((named.misfit * size * size, named.term, size))
    return found


def _best(search: Search, feature: int, curve: Array) -> Term:
    weight = np.ones(len(curve))
    return search.namer.rank(feature, curve, weight)[0].term
