"""Composites of one feature, such as log(c + log(x)): curves that no family describes.

They do not interact with anything and hide in the additive part. Where a spline in place
of an additive term lowers the sum of squares much, its curve is inverted under each outer
function on a grid of its constant (folds are opened at the curve's extreme), and every
family is fitted to the result.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, Levenberg, fit, model_value
from symbolic.composition.fitting.model import Model, Node, Term, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.spline_models import sum_of_splines
from symbolic.composition.search import ScoredModel, Search
from symbolic.composition.starts import EXP_DISTANCES, LOG_SCALES

Array = np.ndarray

FINALISTS = 14  # composites that are refitted, work limit under `benchmarks.recovery`


def one_feature(search: Search, feature: int) -> list[ScoredModel]:
    """Search all outer functions over one feature, best first."""
    regression = search.regression
    splines = sum_of_splines(regression, [feature]).model.additive[0]
    curve = term_value(regression.columns, splines)
    starts = [
        Model(additive=(named.term,))
        for named in search.namer.rank(feature, curve, regression.weight**2)
    ]
    nodes = curve_nodes(search, feature, curve)
    starts += [Model(nodes=(node,)) for node in nodes]
    # three steps rank them; plain families are always among those that are scored
    races = [Levenberg(regression, model).run(3) for model in starts]
    races.sort(key=lambda fit: fit.rss)
    plain = [search.score(model) for model in starts[: len(search.families)]]
    candidates = [
        *plain,
        *(search.score(race.fit().model) for race in races[:FINALISTS]),
    ]
    return sorted(candidates, key=lambda scored: scored.criterion)


def curve_nodes(search: Search, feature: int, curve: Array) -> Iterator[Node]:
    """Yield nodes of one feature that give a curve: every outer function over an inverted curve.

    Args:
        curve: (n,) at the rows of the regression.
    """
    weight = search.regression.weight
    for kind, sign, index, slope in inverted(search.regression, feature, curve):
        # an inverted curve may overflow where its constant is far off
        if not np.isfinite(index).all():
            continue
        # errors of the index count by how far they move the curve
        share = (weight * slope) ** 2
        for named in search.namer.rank(feature, index, share)[:3]:
            # outer of a line is a family of its own and among the plain starts
            if named.term.family == "linear":
                continue
            node = _node(search.regression, kind, sign, index, named.term)
            if node is not None:
                yield node


def _node(
    regression: Regression, kind: str, sign: float, index: Array, term: Term
) -> Node | None:
    # sums of nodes have no mean: the level of the index goes into the head
    level = float(index.mean())
    match kind:
        case "exp":
            return Node(kind, 1.0, (sign * float(np.exp(level)),), (term,))
        case "log":
            # log(level + s) = log(level) + log(1 + s / level)
            if level <= 0:
                return None
            first, *others = term.constants
            if term.family == "quadratic":
                others = [others[0] / level]
            scaled = Term(term.feature, term.family, (first / level, *others))
            return Node(kind, 1.0, (sign,), (scaled,))
    return Node(kind, sign, (level,), (term,))


def inverted(
    regression: Regression, feature: int, curve: Array
) -> Iterator[tuple[str, float, Array, Array]]:
    """Yield inverses of a curve (n,) under every outer function, over grids of its constant.

    Returns:
        (kind, sign or amplitude, index (n,), |dy/ds| (n,)).
    """
    span = float(np.ptp(curve))
    if span <= 0:
        return
    for distance in EXP_DISTANCES:
        for sign in (1.0, -1.0):
            # E exp(s) + D: the asymptote D lies a grid distance beyond one end of the curve
            base = float(curve.min() if sign > 0 else curve.max())
            away = sign * (curve - base) + distance * span
            yield "exp", sign, np.log(away), away
    middle = float(np.median(curve))
    for share in LOG_SCALES:
        for sign in (1.0, -1.0):
            amplitude = sign * share * span
            index = np.exp((curve - middle) / amplitude)
            yield "log", amplitude, index, abs(amplitude) / index
    yield from _unfolded(regression.columns[feature].z, curve, span)


def _unfolded(
    z: Array, curve: Array, span: float
) -> Iterator[tuple[str, float, Array, Array]]:
    """Open folds at up to two extremes of the curve."""
    for sign in (1.0, -1.0):
        # an index that changes sign turns round at a lowest point of its square or size
        height = sign * curve
        for turns in turning_points(z, height):
            flip = np.ones(len(z))
            for at in turns:
                flip = np.where(z > at, -flip, flip)
            # without a turn the fold may lie beyond the data, at some distance below the curve
            for share in (0.0, 0.02, 0.3) if not turns else (0.0,):
                above = np.maximum(height - height.min() + share * span, 0.0)
                index = flip * np.sqrt(above)
                yield "quadratic", sign, index, 2 * np.abs(index) + 1e-3
                yield "abs", sign, flip * above, np.ones(len(z))


def turning_points(z: Array, height: Array) -> list[tuple[float, ...]]:
    """Sets of lowest points at which a folded curve may change sign."""
    order = np.argsort(z, kind="stable")
    # 200 ordered rows, and lowest among 6 neighbours on either side: wiggles are no turns
    grid = np.linspace(0, len(z) - 1, 200).astype(int)
    x, y = z[order][grid], height[order][grid]
    lowest = [k for k in range(2, len(y) - 2) if y[k] == y[max(k - 6, 0) : k + 7].min()]
    # only turns near the bottom: a square is zero where it turns
    limit = y.min() + 0.1 * float(np.ptp(y))
    low = sorted({float(x[k]) for k in lowest if y[k] <= limit})[:3]
    return [(), *((point,) for point in low), *([tuple(low)] if len(low) == 2 else [])]


GAIN = 1.3
"""Factor by which a spline must lower the sum of squares."""

MOST_FINISHED = 8
"""Fits that are finished, of nodes alone and of nodes beside a term."""

MOST_TRIED = 2  # features, the best free curves; work limit under `benchmarks.recovery`


def with_univariate_composites(
    search: Search, best: ScoredModel, most: int = 3
) -> ScoredModel:
    """Replace additive terms by nodes of their feature, alone or beside a term.

    Args:
        most: nodes of the whole model.
    """
    while len(best.model.nodes) <= most and not search.budget.over():
        improved = _improved(search, best, most)
        if improved.criterion >= best.criterion - 1e-6:
            break
        best = improved
    return best


def _improved(search: Search, best: ScoredModel, most: int) -> ScoredModel:
    """Write the additive term whose spline fit lowers the sum of squares most as a composite."""
    free = {}
    for feature in range(len(search.regression.columns)):
        # two composites of one feature would describe any curve
        others = tuple(n for n in best.model.nodes if _features(n) != {feature})
        fitted = _loosened(search, replace(best.model, nodes=others), feature)
        if GAIN * fitted.rss < best.rss:
            free[feature] = fitted
    for feature in sorted(free, key=lambda i: free[i].rss)[:MOST_TRIED]:
        if len(free[feature].model.nodes) >= most:
            continue
        starts = _starts(search, free[feature].model, feature)
        races = [Levenberg(search.regression, model).run(4) for model in starts]
        races.sort(key=lambda fit: fit.rss)
        fewest = min(len(race.model.additive) for race in races)
        # composites beside a term fit better with more
        # constants and would crowd out the plain ones
        alone = [race for race in races if len(race.model.additive) == fewest]
        beside = [race for race in races if len(race.model.additive) > fewest]
        scored = [
            search.score(race.fit().model, 60, beat=best.criterion)
            for race in (*alone[:MOST_FINISHED], *beside[:MOST_FINISHED])
        ]
        winner = min(scored, key=lambda candidate: candidate.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return search.climb(winner)
    return best


def merged(search: Search, best: ScoredModel) -> ScoredModel:
    """Try one node for a node of a single feature and an additive term beside it."""
    for h, node in enumerate(best.model.nodes):
        features = _features(node)
        beside = [term for term in best.model.additive if {term.feature} == features]
        if len(node.terms) != 1 or not beside:
            continue
        # A node and a term of one feature are one curve of it: the sum of both is looked for
        # among single composites.
        columns, (feature,) = search.regression.columns, features
        curve = model_value(search.regression, Model(nodes=(node,)))
        curve = curve + term_value(columns, beside[0])
        additive = tuple(term for term in best.model.additive if term is not beside[0])
        bare = Model(additive, best.model.with_node(h, None).nodes)
        candidates = [
            search.score(
                Model(additive, (*bare.nodes, candidate)), 60, beat=best.criterion
            )
            for candidate in _nearest(search, feature, curve)
        ]
        winner = min(candidates, key=lambda scored: scored.criterion, default=best)
        if winner.criterion < best.criterion - 1e-6:
            return search.climb(winner)
    return best


def _features(node: Node) -> set[int]:
    return {term.feature for term in node.terms}


def _loosened(search: Search, model: Model, feature: int) -> Fit:
    """Let the additive term of a feature be a spline; the last term of the result."""
    additive = tuple(term for term in model.additive if term.feature != feature)
    basis = search.regression.columns[feature].basis
    beta = np.zeros(basis.shape[1])
    for term in model.additive:
        if term.feature == feature:
            # several terms of the feature become one spline
            beta += basis.T @ term_value(search.regression.columns, term) / len(basis)
    free = Term(feature, "spline", tuple(beta.tolist()))
    return fit(search.regression, Model((*additive, free), model.nodes), 6)


def _starts(search: Search, free: Model, feature: int) -> list[Model]:
    """Models with a composite, or one beside a term, in place of the spline of a feature."""
    regression = search.regression
    curve = term_value(regression.columns, free.additive[-1])
    bare = Model(free.additive[:-1], free.nodes)
    weight = regression.weight**2
    # alone, or beside each family in full and half size: the spline may be the sum of two
    edges: list[Term | None] = [None]
    for named in search.namer.rank(feature, curve, weight):
        edges += [named.term, named.term.scaled(0.5)]
    models: list[Model] = []
    for edge in edges:
        left = curve
        if edge is not None:
            left = curve - term_value(regression.columns, edge)
        additive = bare.additive if edge is None else (*bare.additive, edge)
        models += [
            Model(additive, (*bare.nodes, node))
            for node in _nearest(search, feature, left)
        ]
    return models


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
    return [node for _, node in sorted(best.values(), key=lambda entry: entry[0])]


def _misfit(regression: Regression, node: Node, curve: Array) -> float:
    """Weighted sum of squares between a node and a curve, offsets apart."""
    left = curve - model_value(regression, Model(nodes=(node,)))
    left = (left - left.mean()) * regression.weight
    return float(left @ left)
