"""Other ways of writing a model, tried, refitted and compared.

Simpler equivalents: any outer function of a single linear term is a family of a term; an
exponential of one logarithm with an exponent near one or two is a line or a parabola; a
fold that no row crosses is a plain sum.

Exchanges: beside additive splines of its own features, splines cannot tell the kinds of a
node of two features apart: products, squares and exponentials of sums share their
interaction,

    2 u v = (u + v)^2 - u^2 - v^2,    exp(u + v) = exp(u) exp(v).

Only the criterion of the named models can, so each kind is tried in exchange for the
others, with and without the additive terms of the node's features.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from symbolic.composition.fitting.edge_families import edge_family
from symbolic.composition.fitting.levenberg import fit
from symbolic.composition.fitting.model import (
    Model,
    Node,
    Term,
    factor_value,
    node_sum,
    term_value,
)
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.search import ScoredModel, Search

Array = np.ndarray

NEAR_ONE = 0.25
"""Distance of an exponent from one within which a power is tried as a plain factor."""

FOLDED_SHARE = 0.002
"""Share of rows on the other side of a fold below which it is no fold."""


def simplified(search: Search, best: ScoredModel) -> ScoredModel:
    """Replace nodes by what they are equivalent to, wherever the criterion allows."""
    improved = True
    while improved:
        improved = False
        for model in rewritings(search.regression, best.model):
            scored = search.score(model)
            if scored.criterion < best.criterion - 1e-6:
                # start again: the places of nodes have changed
                best, improved = search.climb(scored), True
                break
    return best


def rewritings(regression: Regression, model: Model) -> Iterator[Model]:
    """Yield models in which a node or two parabolas are replaced, or a factor loses its offset."""
    yield from _parabolas_as_product(model)
    for h, node in enumerate(model.nodes):
        for other in (*_anchored(node), *_as_powers(node), *_as_product(node)):
            yield model.with_node(h, other)
        yield from _completed(model, h)
        for other in _multiplied(regression, node):
            yield model.with_node(h, other)
        for terms in _replacements(regression, node):
            # an additive term of the feature is there already, and two would be nearly
            # collinear
            present = {term.feature for term in model.additive}
            if any(term.feature in present for term in terms):
                continue
            bare = model.with_node(h, None)
            yield Model((*bare.additive, *terms), bare.nodes)


def _completed(model: Model, h: int) -> Iterator[Model]:
    """Yield a square that absorbs the additive terms which its own expansion contains.

    (s + c)^2 + a s = (s + c + a / 2)^2 - ..., so that both together are redundant.
    """
    node = model.nodes[h]
    inside = {(t.feature, t.family): t.constants[0] for t in node.terms}
    own = [term for term in model.additive if (term.feature, term.family) in inside]
    if node.kind != "quadratic" or not own:
        return
    # an additive a s completes the square at c + a / 2; the mean of several ratios is the start
    ratios = [t.constants[0] / (inside[t.feature, t.family] or 1.0) for t in own]
    shifted = node.head[0] + 0.5 * node.sign * float(np.mean(ratios))
    additive = tuple(term for term in model.additive if term not in own)
    for head in (shifted, node.head[0]):
        changed = model.with_node(h, replace(node, head=(head,)))
        yield Model(additive, changed.nodes)


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
        # exp(a log(1 + q z) / q) = (1 + q z)^(a / q) is a plain factor where a / q is near one;
        # sums are centred, so their means go into the size
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
    first = factors[0].scaled(size)
    yield Node("product", 1.0, (size * means[0], means[1]), (first, factors[1]))


def _anchored(node: Node) -> Iterator[Node]:
    """Yield products of which one more factor has no offset."""
    if node.kind != "product":
        return
    for k, term in enumerate(node.terms):
        if node.anchored[k] or edge_family(term.family).natural is None:
            continue
        if all(factor.family == "exp" for factor in node.terms) and any(node.anchored):
            continue  # an exponential of a sum says it better
        flags = [flag or i == k for i, flag in enumerate(node.anchored)]
        free = [i for i, flag in enumerate(node.anchored) if not flag]
        head = tuple(v for i, v in zip(free, node.head, strict=True) if i != k)
        yield replace(node, head=head, anchored=tuple(flags))


def _as_powers(node: Node) -> Iterator[Node]:
    """Yield products of which a parabola (x - v)^2 is the square x x of the feature."""
    if node.kind != "product" or len(node.terms) > 2:
        return
    for k, term in enumerate(node.terms):
        if term.family != "quadratic" or not node.anchored[k]:
            continue
        square = tuple(Term(term.feature, "linear", (scale,)) for scale in (1.0, 1.0))
        first = square[0].scaled(term.constants[0])
        terms = (*node.terms[:k], first, square[1], *node.terms[k + 1 :])
        flags = (*node.anchored[:k], True, True, *node.anchored[k + 1 :])
        yield replace(node, terms=terms, anchored=flags)


def _as_product(node: Node) -> Iterator[Node]:
    """Yield the product of two lines for the square of their sum, with offsets and without.

    The mixed term of (h + u + v)^2 is 2 u v; of features that go together the squares
    u^2 + v^2 look like it.
    """
    if node.kind != "quadratic" or len(node.terms) != 2:
        return
    u, v = node.terms
    if u.feature == v.feature or {u.family, v.family} != {"linear"}:
        return
    half, first = node.head[0], u.scaled(2.0 * node.sign)
    yield Node("product", 1.0, (node.sign * half, half), (first, v))
    yield Node("product", 1.0, (), (first, v), (True, True))


def _parabolas_as_product(model: Model) -> Iterator[Model]:
    """Yield the product of two features for the sum of their parabolas.

    a^2 + b^2 = 2 a b + (a - b)^2, so that of features that go together one looks like the other.
    """
    bent = [term for term in model.additive if term.family in ("square", "quadratic")]
    for first, second in combinations(bent, 2):
        # a start: the refit finds the size
        sizes = first.constants[0] + second.constants[0], 1.0
        factors = (
            Term(term.feature, "linear", (size,))
            for term, size in zip((first, second), sizes, strict=True)
        )
        node = Node("product", 1.0, (), tuple(factors), (True, True))
        others = tuple(t for t in model.additive if t not in (first, second))
        yield Model(others, (*model.nodes, node))


def _replacements(regression: Regression, node: Node) -> Iterator[tuple[Term, ...]]:
    if node.kind == "product":
        return
    s = node_sum(regression.columns, node)
    if len(node.terms) == 1 and node.terms[0].family == "linear":
        yield (as_edge(node),)
    # exp(p log x) = x^p: tried as a line and as a parabola
    if node.kind == "exp" and len(node.terms) == 1 and node.terms[0].family == "log":
        slope = node.head[0] * node.terms[0].constants[0]
        feature = node.terms[0].feature
        yield (Term(feature, "linear", (slope,)),)
        yield (Term(feature, "quadratic", (0.1 * slope, slope)),)
    if node.kind == "abs":
        t = s + node.head[0]
        above = float(np.mean(t > 0))
        # no row crosses the fold: |t| is t, or -t
        if min(above, 1 - above) < FOLDED_SHARE:
            sign = node.sign * (1.0 if above > 0.5 else -1.0)
            yield tuple(term.scaled(sign) for term in node.terms)
    elif node.kind in ("exp", "log", "quadratic"):
        # to first order: O(s) = O(0) + O'(0) s, a plain sum, as a start
        slope = {
            "exp": node.head[0],
            "log": node.head[0],
            "quadratic": 2 * node.sign * node.head[0],
        }[node.kind]
        yield tuple(term.scaled(slope) for term in node.terms)


def as_edge(node: Node) -> Term:
    """Write an outer function of one linear term as a family of that term."""
    feature, slope = node.terms[0].feature, node.terms[0].constants[0]
    head = node.head[0]
    match node.kind:
        # E exp(b z) = (E b) (exp(b z) - 1) / b + E
        case "exp":
            return Term(feature, "exp", (head * slope, slope))
        # A log(1 + q z) = (A q) log(1 + q z) / q
        case "log":
            return Term(feature, "log", (head * slope, slope))
        # (h + b z)^2 = b^2 z^2 + 2 h b z + h^2
        case "quadratic":
            square = node.sign * slope * slope
            return Term(feature, "quadratic", (square, 2 * node.sign * slope * head))
    return Term(feature, "abs", (node.sign * abs(slope), -head / slope))


GAPS = (0.03, 0.3, 2.0)
"""Distances of a factor's zero from the data, in ranges, for its logarithm."""

LIKELY = 1
"""Offsets of two factors that are tried for each pair of signs."""

PROMISING = 3.0
"""Exchanged models within this factor of the sum of squares are searched on."""


def exchanged(search: Search, best: ScoredModel) -> ScoredModel:
    """Exchange kinds of nodes wherever the criterion gains."""
    for _ in range(len(best.model.nodes) + 1):
        # 1. All exchanges, briefly refitted; 2. the best two of them searched on.
        candidates = [
            search.score(model, 20, best.rss)
            for model in _exchanges(search, best.model)
            if not search.budget.over()
        ]
        limit = PROMISING * max(best.rss, 1e-10 * len(search.regression))
        close = sorted(
            (scored for scored in candidates if scored.rss <= limit),
            key=lambda scored: scored.criterion,
        )
        climbed = [search.climb(candidate) for candidate in close[:2]]
        climbed += _with_fewer_additive_terms(search, best)
        winner = min(climbed, key=lambda scored: scored.criterion, default=best)
        if winner.criterion >= best.criterion - 1e-6:
            break
        best = winner
    return best


def _exchanges(search: Search, model: Model) -> Iterator[Model]:
    for h, node in enumerate(model.nodes):
        features = {term.feature for term in node.terms}
        # with and without additive terms of the node's features, which the exchange may replace
        without = tuple(t for t in model.additive if t.feature not in features)
        for other in other_kinds(search, node):
            changed = model.with_node(h, other)
            yield changed
            if len(without) < len(model.additive):
                yield Model(without, changed.nodes)


def _with_fewer_additive_terms(
    search: Search, best: ScoredModel
) -> Iterator[ScoredModel]:
    """Yield models with a node named anew and fewer additive terms of its own features.

    One of these terms may stay, as a spline that gets a new name as well.
    """
    limit = PROMISING * max(best.rss, 1e-5 * len(search.regression))
    for h, node in enumerate(best.model.nodes):
        features = {term.feature for term in node.terms}
        additive = tuple(t for t in best.model.additive if t.feature not in features)
        own = [t for t in best.model.additive if t.feature in features]
        if not own or any(node.anchored):
            continue
        # families of the node are as uncertain as the rest: curves first, names again
        terms = tuple(as_splines(search, term) for term in node.terms)
        nodes = best.model.with_node(h, replace(node, terms=terms)).nodes
        for kept in ((), *((as_splines(search, term),) for term in own)):
            if search.budget.over():
                return
            free = fit(
                search.regression, Model((*additive, *kept), nodes), 12, 0.0, limit
            )
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
    term_u, term_v = node.terms
    u, v = (term_value(columns, term) for term in node.terms)
    match node.kind:
        case "product":
            u, v = (factor_value(columns, node, k) for k in (0, 1))
            yield from _squares(term_u, term_v, u, v)
            yield from _exponentials(search, term_u, term_v, u, v)
        case "quadratic":
            # the mixed term of (h + u + v)^2 is 2 u v
            first = term_u.scaled(2.0 * node.sign)
            half = node.head[0]
            yield Node("product", 1.0, (node.sign * half, half), (first, term_v))
        case "exp":
            # exp(u + v) = exp(u) exp(v), each named as a curve
            factors = [np.exp(g - g.mean()) for g in (u, v)]
            size = float(node.head[0])
            first = _best(search, term_u.feature, size * factors[0])
            second = _best(search, term_v.feature, factors[1])
            heads = (size * float(factors[0].mean()), float(factors[1].mean()))
            yield Node("product", 1.0, heads, (first, second))
            s = node_sum(columns, node)
            # exp(s) = 1 + s + s^2 / 2 + ... near a square with centre one
            curvature = float(np.std(s))
            yield Node("quadratic", 1.0 if size > 0 else -1.0, (1.0 + curvature,), (
                term_u.scaled(np.sqrt(abs(size) / 2)), term_v.scaled(np.sqrt(abs(size) / 2))
            ))  # fmt: skip


def _squares(term_u: Term, term_v: Term, u: Array, v: Array) -> Iterator[Node]:
    """Squares whose mixed term is the product, both signs."""
    # u and v of different size would make a square that is nearly one of them alone
    balance = np.sqrt(max(float(v.std()), 1e-9) / max(float(u.std()), 1e-9))
    for sign in (1.0, -1.0):
        first = term_u.scaled(balance / np.sqrt(2))
        second = term_v.scaled(sign / balance / np.sqrt(2))
        head = (balance * u.mean() + sign * v.mean() / balance) / np.sqrt(2)
        yield Node("quadratic", sign, (float(head),), (first, second))


def _exponentials(
    search: Search, term_u: Term, term_v: Term, u: Array, v: Array
) -> Iterator[Node]:
    """Exponentials whose factors are those of the product up to offsets.

    The offsets that make the logarithms most like families come first.
    """
    for sign_u in (1.0, -1.0):
        left = _logarithm(search, term_u.feature, u, sign_u)
        for sign_v in (1.0, -1.0):
            right = _logarithm(search, term_v.feature, v, sign_v)
            pairs = sorted(product(left, right), key=lambda p: p[0][0] + p[1][0])
            for (_, first, size_u), (_, second, size_v) in pairs[:LIKELY]:
                head = sign_u * sign_v * size_u * size_v
                yield Node("exp", 1.0, (head,), (first, second))


def _logarithm(
    search: Search, feature: int, factor: Array, sign: float
) -> list[tuple[float, Term, float]]:
    """(misfit, family, size) of the logarithm of a factor for each offset of it."""
    logarithms = []
    for share in GAPS:
        base = factor.min() if sign > 0 else factor.max()
        # a factor may be negative: its offset is chosen so that the logarithm exists
        curve = np.log(sign * (factor - base) + share * np.ptp(factor))
        # errors of the logarithm count as those of the factor: weight = (d factor / d log)^2
        weight = np.exp(2.0 * (curve - curve.max()))
        named = search.namer.rank(feature, curve, weight)[0]
        size = float(np.exp(curve.mean()))
        logarithms.append((named.misfit * size * size, named.term, size))
    return logarithms


def _best(search: Search, feature: int, curve: Array) -> Term:
    weight = np.ones(len(curve))
    return search.namer.rank(feature, curve, weight)[0].term
