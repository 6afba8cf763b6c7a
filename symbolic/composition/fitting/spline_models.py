"""Models of spline inner functions for each outer function, from many starts.

Terms that the data do not notice are eliminated by Wald tests; the last word on a term is
the search's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, Levenberg, fit
from symbolic.composition.fitting.model import KINDS, Model, Place, node_sum, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.starts import (
    additive_index,
    from_index,
    interaction_indices,
    inverse_links,
    spline_terms,
)

Array = np.ndarray

SMALLEST_SHARE = 0.004
"""Share of the deviation of a sum below which a term goes."""

MOST_FEATURES = 6  # inside a node that is named: families to the sixth power are tried


def term_slices(model: Model) -> dict[Place, slice]:
    """Place of every term's constants in the packed vector."""
    slices: dict[Place, slice] = {}
    at = 0
    for h, node in enumerate(model.nodes):
        at += len(node.head)
        for k, term in enumerate(node.terms):
            slices[h, k] = slice(at, at + len(term.constants))
            at += len(term.constants)
    for k, term in enumerate(model.additive):
        slices[-1, k] = slice(at, at + len(term.constants))
        at += len(term.constants)
    return slices


def wald(regression: Regression, fit: Fit) -> dict[Place, float]:
    """Wald F of every term: how many variances its constants are away from zero."""
    theta = fit.model.pack()
    # redundant directions, such as scales of factors, would leave no inverse
    normal = fit.normal.copy()
    normal.flat[:: len(theta) + 1] += 1e-10 * max(float(normal.diagonal().max()), 1e-30)
    free = max(len(regression) - len(theta) - regression.linear_size, 1)
    variance = max(fit.rss / free, 1e-300)
    spread = np.linalg.inv(normal)
    result = {}
    for place, part in term_slices(fit.model).items():
        block = spread[part, part]
        size = part.stop - part.start
        # theta' S^-1 theta / (size * variance): F of the hypothesis that all of them are zero
        strength = theta[part] @ np.linalg.solve(block, theta[part])
        result[place] = float(strength) / (size * variance)
    return result


def shares(regression: Regression, model: Model) -> dict[Place, float]:
    """Deviation of every term as a share of that of its sum."""
    result: dict[Place, float] = {}
    additive = [term_value(regression.columns, term) for term in model.additive]
    if additive:
        deviation = max(float(np.sum(additive, axis=0).std()), 1e-30)
        result |= {(-1, k): float(v.std()) / deviation for k, v in enumerate(additive)}
    for h, node in enumerate(model.nodes):
        deviation = max(float(node_sum(regression.columns, node).std()), 1e-30)
        for k, term in enumerate(node.terms):
            value = term_value(regression.columns, term)
            result[h, k] = float(value.std()) / deviation
    return result


def eliminate(regression: Regression, fitted: Fit, iterations: int = 5) -> Fit:
    """Drop terms of one node, or of a plain sum, that the data do not notice.

    At most half of the candidates go at a time; what is left is refitted.
    """
    # each constant has to gain what BIC charges for it: log N
    threshold = np.log(len(regression))
    while len(fitted.model.places()) > 1:
        strength = wald(regression, fitted)
        share = shares(regression, fitted.model)
        weak = [
            place
            for place in fitted.model.places()
            if strength[place] < threshold or share[place] < SMALLEST_SHARE
        ]
        # Naming tries families to the power of the features, so too many features go by
        # strength, weak or not.
        excess = len(fitted.model.features) - MOST_FEATURES
        if not weak and excess > 0:
            weak = sorted(strength, key=lambda place: strength[place])[:excess]
        if not weak:
            break
        weak.sort(key=lambda place: strength[place])
        # Correlated terms look weak together while one of them is needed, so no more than half
        # go before the rest is refitted.
        gone = weak[: max((len(weak) + 1) // 2, 1)]
        gone = gone[: len(fitted.model.places()) - 1]
        fitted = fit(regression, without(fitted.model, gone), iterations)
    return fitted


def without(model: Model, places: list[Place]) -> Model:
    """Return the model without the terms at some places; empty nodes go too."""
    gone = set(places)
    nodes = []
    for h, node in enumerate(model.nodes):
        terms = tuple(t for k, t in enumerate(node.terms) if (h, k) not in gone)
        if terms:
            nodes.append(replace(node, terms=terms))
    additive = tuple(t for k, t in enumerate(model.additive) if (-1, k) not in gone)
    return Model(additive, tuple(nodes))


START_ROWS = 900  # of the first fits, work limit under `benchmarks.recovery`
EXTREME = 8  # rows at either end of a feature that always take part
SOFT = 0.3  # width of the smoothed kink, in deviations of the index


@dataclass(frozen=True)
class Splines:
    """A model of spline terms for one kind of outer function ("sum" for none)."""

    kind: str
    fit: Fit


def spread_rows(
    regression: Regression, limit: int, generator: np.random.Generator
) -> Array:
    """Return sorted positions of about `limit` random rows and the outermost of every feature.

    Without the outermost rows splines would be free where the data end.
    """
    count = len(regression)
    if count <= limit:
        return np.arange(count)
    extreme = []
    for column in regression.columns:
        order = np.argsort(column.z, kind="stable")
        extreme += [order[:EXTREME], order[-EXTREME:]]
    chosen = generator.choice(count, limit, replace=False)
    return np.unique(np.concatenate([chosen, *extreme]))


def indices(
    regression: Regression,
    features: Sequence[int],
    generator: np.random.Generator,
    extra: int = 2,
) -> list[Array]:
    """Return indices to start a node from, as spline coefficients (m,) side by side.

    An additive fit, interactions of both signs, the two strongest features, random ones.

    Args:
        extra: number of random ones.
    """
    splines = regression.splines(features)
    additive = additive_index(regression, splines)
    starts = [additive, *interaction_indices(regression, features)]
    sizes, at = [], 0
    for i in features:
        width = regression.columns[i].basis.shape[1]
        # splines have unit mean square: the length of
        # the coefficients is the deviation of the curve
        sizes.append(float(np.linalg.norm(additive[at : at + width])))
        at += width
    # Folding outers over one feature: the additive index holds the fold already and leads
    # nowhere, a straight line does not.
    for strongest in np.argsort(sizes)[::-1][:2]:
        slopes = np.zeros(len(features))
        slopes[strongest] = 1.0
        starts.append(linear_index(regression, features, slopes))
    for _ in range(extra):
        slopes = generator.normal(size=len(features))
        starts.append(linear_index(regression, features, slopes))
    return starts


def linear_index(
    regression: Regression, features: Sequence[int], slopes: Array
) -> Array:
    """Spline coefficients (m,), side by side, of sum_i slope_i z_i."""
    # projection on a basis of unit mean square
    parts = [
        regression.columns[i].basis.T @ (slope * regression.columns[i].z)
        for i, slope in zip(features, slopes, strict=True)
    ]
    return np.concatenate(parts) / len(regression)


def best_splines(
    regression: Regression,
    features: Sequence[int],
    kind: str,
    starts: Sequence[Array],
    invert: bool = True,
    keep: int = 8,
    finalists: int = 3,
    rows: Regression | None = None,
) -> Fit:
    """Fit one node of splines from all starts, the best of them to the end.

    Args:
        features, kind: of the node.
        starts: indices, spline coefficients (m,) each.
        invert: also start from the inverted outer function, where it has an inverse.
        keep: starts that are fitted;  finalists: that run on.
        rows: fewer rows for all but the last fit; None for those of the regression.
    """
    few = regression if rows is None else rows
    models: list[tuple[float, Model]] = []
    # 1. The best two sets of outer constants of each start, ranked by a small regression.
    for beta in starts:
        models += from_index(few, features, beta, kind)[:2]
    if invert and kind in ("exp", "log"):
        models += inverse_links(few, features, kind)[:4]
    models.sort(key=lambda candidate: candidate[0])
    soft = SOFT if kind == "abs" else 0.0
    # 2. Four steps for each; those that fell into the same minimum run on once.
    races = [Levenberg(few, model, soft).run(4) for _, model in models[:keep]]
    races.sort(key=lambda race: race.rss)
    finals = [race.run(12).fit() for race in distinct(races)[:finalists]]
    # 3. The kink was smoothed so far; the exact one from there.
    if kind == "abs":
        finals = [fit(few, final.model, 12) for final in finals]
    finals.sort(key=lambda race: race.rss)
    if rows is None:
        return finals[0]
    # 4. All rows decide between the best two.
    finished = [Levenberg(regression, final.model).run(3) for final in finals[:2]]
    return min(finished, key=lambda race: race.rss).run(8).fit()


def distinct(races: Sequence[Levenberg]) -> list[Levenberg]:
    """Leave out races that reached the sum of squares of a better one."""
    solvers: list[Levenberg] = []
    for race in races:
        # half a per cent apart after four steps is the same valley
        if all(race.rss > 1.005 * fit.rss for fit in solvers):
            solvers.append(race)
    return solvers


def sum_of_splines(regression: Regression, features: Sequence[int]) -> Fit:
    """Fit a plain sum of splines."""
    beta = additive_index(regression, regression.splines(features))
    return fit(regression, Model(additive=spline_terms(regression, features, beta)), 2)


def spline_models(
    regression: Regression, generator: np.random.Generator, extra: int = 2
) -> list[Splines]:
    """Fit every outer function with splines inside; weak features eliminated, best first.

    Kinds that are far above the best are left out; a plain sum always stays.
    """
    features = range(len(regression.columns))
    few = regression.take(spread_rows(regression, START_ROWS, generator))
    starts = indices(few, features, generator, extra)
    candidates = [Splines("sum", sum_of_splines(regression, features))]
    for kind in KINDS:
        fitted = best_splines(regression, features, kind, starts, rows=few)
        candidates.append(Splines(kind, fitted))
    best = min(spline.fit.rss for spline in candidates)
    kept = [
        spline
        for spline in candidates
        if spline.kind == "sum" or worth(regression, spline.fit.rss, best)
    ]
    kept = [Splines(spline.kind, eliminate(regression, spline.fit)) for spline in kept]
    return sorted(kept, key=lambda spline: spline.fit.rss)


def worth(regression: Regression, rss: float, best: float) -> bool:
    """Whether splines with this sum of squares are worth a name.

    Splines miss kinks by a few per cent, so that the true kind need not fit best.
    """
    return rss <= 9.0 * best or rss <= 0.05**2 * len(regression)
