"""Simpler ways of writing the same model: tried, refitted and compared.

Any outer function of a single linear term is a family of an edge; an exponential of one
logarithm with an exponent near one or two is a line or a parabola; a fold that no row
crosses is a plain sum.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from symbolic.composition.fitting.edge_families import EDGE_FAMILIES
from symbolic.composition.fitting.model import Model, Node, Term, node_sum, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.search import Scored, Search

NEAR_ONE = 0.25
"""Distance of an exponent from one within which a power is tried as a plain factor."""

FOLDED_SHARE = 0.002
"""Share of rows on the other side of a fold below which it is no fold."""


def simplified(search: Search, best: Scored) -> Scored:
    """Replace nodes by what they are equivalent to, wherever the criterion allows."""
    improved = True
    while improved:
        improved = False
        for model in rewritings(search.regression, best.model):
            scored = search.score(model)
            if scored.criterion < best.criterion - 1e-6:
                best, improved = search.climb(scored), True
                break
    return best


def rewritings(regression: Regression, model: Model) -> Iterator[Model]:
    """Yield models in which a node is replaced, or a factor loses its offset."""
    for h, node in enumerate(model.nodes):
        for other in _anchored(node):
            yield model.with_node(h, other)
        yield from _completed(model, h)
        for other in _multiplied(regression, node):
            yield model.with_node(h, other)
        for terms in _replacements(regression, node):
            present = {term.feature for term in model.rest}
            if any(term.feature in present for term in terms):
                continue
            bare = model.with_node(h, None)
            yield Model((*bare.rest, *terms), bare.nodes)


def _completed(model: Model, h: int) -> Iterator[Model]:
    """Yield a square that takes up the terms of the rest that are its own edges.

    (s + c)^2 + a s = (s + c + a / 2)^2 - ..., so that both together are redundant.
    """
    node = model.nodes[h]
    inside = {(t.feature, t.family): t.constants[0] for t in node.terms}
    own = [term for term in model.rest if (term.feature, term.family) in inside]
    if node.kind != "quadratic" or not own:
        return
    ratios = [t.constants[0] / (inside[t.feature, t.family] or 1.0) for t in own]
    shifted = node.head[0] + 0.5 * node.sign * float(np.mean(ratios))
    rest = tuple(term for term in model.rest if term not in own)
    for head in (shifted, node.head[0]):
        changed = model.with_node(h, replace(node, head=(head,)))
        yield Model(rest, changed.nodes)


def _multiplied(regression: Regression, node: Node) -> Iterator[Node]:
    """Yield an exponential of logarithms with exponents near one as a product.

    exp(log(x + s) + log(y + t)) = (x + s) (y + t), exp(log(x + s) + b y) = (x + s) exp(b y)
    """
    families = {term.family for term in node.terms}
    if node.kind != "exp" or len(node.terms) != 2 or "log" not in families:
        return
    if not families <= {"log", "linear"}:
        return
    factors, means, centre = [], [], 0.0
    for term in node.terms:
        z, slope = regression.columns[term.feature].z, term.constants[0]
        centre += float(term_value(regression.columns, term).mean())
        if term.family == "log":
            rate = term.constants[1]
            if abs(rate) < 1e-9 or abs(slope / rate - 1.0) > NEAR_ONE:
                return
            factors.append(Term(term.feature, "linear", (rate,)))
            means.append(1.0 + rate * float(z.mean()))
        else:
            factors.append(Term(term.feature, "exp", (slope, slope)))
            means.append(float(np.exp(slope * z).mean()))
    size = node.head[0] * float(np.exp(-centre))
    first = scaled(factors[0], size)
    yield Node("product", 1.0, (size * means[0], means[1]), (first, factors[1]))


def _anchored(node: Node) -> Iterator[Node]:
    """Yield products of which one more factor has no offset."""
    if node.kind != "product":
        return
    for k, term in enumerate(node.terms):
        if node.anchored[k] or EDGE_FAMILIES[term.family].natural is None:
            continue
        if all(one.family == "exp" for one in node.terms) and any(node.anchored):
            continue  # an exponential of a sum says it better
        flags = [flag or i == k for i, flag in enumerate(node.anchored)]
        free = [i for i in (0, 1) if not node.anchored[i]]
        head = tuple(v for i, v in zip(free, node.head, strict=True) if i != k)
        yield replace(node, head=head, anchored=(flags[0], flags[1]))


def _replacements(regression: Regression, node: Node) -> Iterator[tuple[Term, ...]]:
    if node.kind == "product":
        return
    s = node_sum(regression.columns, node)
    if len(node.terms) == 1 and node.terms[0].family == "linear":
        yield (as_edge(node),)
    if node.kind == "exp" and len(node.terms) == 1 and node.terms[0].family == "log":
        slope = node.head[0] * node.terms[0].constants[0]
        feature = node.terms[0].feature
        yield (Term(feature, "linear", (slope,)),)
        yield (Term(feature, "quadratic", (0.1 * slope, slope)),)
    if node.kind == "abs":
        t = s + node.head[0]
        above = float(np.mean(t > 0))
        if min(above, 1 - above) < FOLDED_SHARE:
            sign = node.sign * (1.0 if above > 0.5 else -1.0)
            yield tuple(scaled(term, sign) for term in node.terms)
    elif node.kind in ("exp", "log", "quadratic"):
        slope = {
            "exp": node.head[0],
            "log": node.head[0],
            "quadratic": 2 * node.sign * node.head[0],
        }[node.kind]
        yield tuple(scaled(term, slope) for term in node.terms)


def scaled(term: Term, factor: float) -> Term:
    """Multiply a term by a number."""
    first, *others = term.constants
    if term.family == "quadratic":
        return Term(term.feature, "quadratic", (first * factor, others[0] * factor))
    if term.family == "spline":
        values = tuple(factor * value for value in term.constants)
        return Term(term.feature, "spline", values)
    return Term(term.feature, term.family, (first * factor, *others))


def as_edge(node: Node) -> Term:
    """Write an outer function of one linear term as a family of that term."""
    feature, slope = node.terms[0].feature, node.terms[0].constants[0]
    head = node.head[0]
    match node.kind:
        case "exp":
            return Term(feature, "exp", (head * slope, slope))
        case "log":
            return Term(feature, "log", (head * slope, slope))
        case "quadratic":
            square = node.sign * slope * slope
            return Term(feature, "quadratic", (square, 2 * node.sign * slope * head))
    return Term(feature, "abs", (node.sign * abs(slope), -head / slope))
