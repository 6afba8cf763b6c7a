"""Terms with one constant that a search from splines to names passes by.

The product of three centred features is uncorrelated with each of them and with every
product of two, so neither additive splines nor pairs see it: all products of three are
compared with what the best model so far, additive parabolas and products of two leave.

Splines need rows. Where few or noisy rows show neither a faint line nor a product of
features that go together, the one constant of each is asked for: every product of two
features, of a square and a feature, or of three, in place of the terms of its features,
and lines of the features that a model lacks.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, combinations_with_replacement

import numpy as np

from sciren.solvers.spans import orthonormal_span
from symbolic.composition.decision.size import INFORMATIVE, information
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.model import (
    Evaluator,
    Model,
    Node,
    Term,
    factor_value,
    multiplied,
    term_value,
)
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.rewriting import simplified
from symbolic.composition.search import ScoredModel, Search

Array = np.ndarray

MOST_FEATURES = 16
"""Features whose 560 products of three are looked at; beyond, pairs alone are."""

TRIED = 2
"""Products of three that are fitted, the strongest."""

SIGNIFICANT = 10.0
"""Units of N log(1 - r^2), beyond log N and twice the logarithm of the number of products,
that a product has to gain: very strong evidence (Raftery 1995)."""


def products_of_three(search: Search, best: ScoredModel) -> list[ScoredModel]:
    """Return refitted models with a product of three features, best first.

    Args:
        best: of the search so far; its additive terms of other features are tried beside.
    """
    families = {"linear"} & set(search.families)
    triples = _strongest(search.regression, best.model) if families else []
    fits = []
    for triple in triples:
        for additive in _beside(best.model, triple):
            if search.budget.over():
                break
            model = Model(additive, (plain_product(triple),))
            fits.append(simplified(search, search.climb(search.score(model))))
    return sorted(fits, key=lambda scored: scored.criterion)


def plain_product(features: Sequence[int]) -> Node:
    """Return the product of features as they are, without offsets."""
    terms = tuple(Term(feature, "linear", (1.0,)) for feature in features)
    return Node("product", 1.0, (), terms, (True,) * len(terms))


def _beside(model: Model, triple: Sequence[int]) -> list[tuple[Term, ...]]:
    """Additive terms to begin with: none, and those of a model's other features."""
    others = tuple(term for term in model.additive if term.feature not in triple)
    return [(), others] if others else [()]


def _strongest(regression: Regression, best: Model) -> list[tuple[int, ...]]:
    """Return products of three that explain what a model misses, strongest first."""
    z = np.stack([_spread(column.z) for column in regression.columns], axis=1)
    count = z.shape[1]
    pairs = list(combinations_with_replacement(range(count), 2))
    # with fewer rows the lower orders below leave nothing
    if not 3 <= count <= MOST_FEATURES or len(z) < 4 * (count + len(pairs)):
        return []
    # what is of lower order is projected out: lines, squares and products of two
    lower = np.hstack([z, *(z[:, [i]] * z[:, [j]] for i, j in pairs)])
    beside = regression.beside(lower)
    # a place on a circle is no amount that could be a factor
    amounts = [i for i, column in enumerate(regression.columns) if not column.period]
    triples = list(combinations(amounts, 3))
    if not triples:
        return []
    columns = np.stack([z[:, t].prod(axis=1) for t in map(list, triples)], axis=1)
    bare = beside.without(columns * beside.weight[:, None])
    size = np.maximum(np.linalg.norm(bare, axis=0), 1e-300)
    # what the best model explains already
    fitted = model_value(regression, best) * regression.weight
    target = beside.target - beside.without(fitted)
    # squared correlations, and N log(1 - r^2) as for nested Gaussian models
    share = (bare.T @ target / size) ** 2 / max(float(target @ target), 1e-300)
    gain = -len(z) * np.log1p(-np.minimum(share, 1 - 1e-12))
    needed = np.log(len(z)) + 2 * np.log(len(triples)) + SIGNIFICANT
    order = np.argsort(-gain)[:TRIED]
    return [triples[k] for k in order if gain[k] > needed]


MOST_BESIDE = 8
"""Features among which products are asked for where rows are few: 140 products."""

FLAT = 1e-9  # mean square of a line beside the terms of a model that is rounding


def plain_terms(search: Search, known: Sequence[ScoredModel]) -> list[ScoredModel]:
    """Return refitted models with lines or one product of features as they are.

    Only where rows are few or noisy: others show these terms to splines as well.
    """
    regression = search.regression
    best = min(known, key=lambda scored: scored.criterion)
    if "linear" not in search.families:
        return []
    if information(regression, best.rss) >= INFORMATIVE:
        return []
    reached = [_with_lines(search, best)]
    for model in _products(regression, best):
        if search.budget.over():
            break
        scored = _with_lines(search, search.score(model))
        if scored.criterion < best.criterion:
            reached.append(scored)
    return [
        simplified(search, search.climb(scored))
        for scored in reached
        if scored is not best
    ]


def _with_lines(search: Search, best: ScoredModel) -> ScoredModel:
    """Add lines of features that a model lacks, one by one, while the criterion falls."""
    while not search.budget.over():
        lines = _lines(search.regression, best.model)
        if not lines:
            break
        gain, line = max(lines, key=lambda entry: entry[0])
        if gain < np.log(len(search.regression)) + 2 * np.log(len(lines)):
            break
        additive = (*best.model.additive, line)
        scored = search.score(replace(best.model, additive=additive))
        if scored.criterion >= best.criterion:
            break
        best = scored
    return best


def _lines(regression: Regression, model: Model) -> list[tuple[float, Term]]:
    """Lines of the features that a model lacks, with N log(rss before / rss with it)."""
    value, tangent = Evaluator(regression.columns, model).value_jacobian(model.pack())
    weight = regression.weight
    basis = orthonormal_span(regression.without(tangent * weight[:, None]))
    residual = regression.target - regression.without(value * weight)
    total, lines = max(float(residual @ residual), 1e-300), []
    for i, column in enumerate(regression.columns):
        if i in model.features or column.period:
            continue
        bare = regression.without(column.z * weight)
        bare = bare - basis @ (basis.T @ bare)
        size, along = float(bare @ bare), float(bare @ residual)
        if size > FLAT * len(bare):
            share = min(along * along / size / total, 1 - 1e-12)
            gain = -len(bare) * float(np.log1p(-share))
            lines.append((gain, Term(i, "linear", (along / size,))))
    return lines


def _products(regression: Regression, best: ScoredModel) -> list[Model]:
    """Models with one product of features in place of their terms, the best first.

    Each is compared by the criterion of Bayes with the terms of the other features, and
    lines of those that have none, beside it.
    """
    columns, rows = regression.columns, len(regression)
    amounts = [i for i, column in enumerate(columns) if not column.period]
    if not 2 <= len(amounts) <= MOST_BESIDE or rows < 4 * len(columns):
        return []
    raw = {i: factor_value(columns, plain_product((i, i)), 0) for i in amounts}
    monomials = [
        features
        for count in (2, 3)
        for features in combinations_with_replacement(amounts, count)
        if len(set(features)) > 1
    ]
    ranked = []
    for features in monomials:
        beside = tuple(t for t in best.model.additive if t.feature not in features)
        met = {*features, *(term.feature for term in beside)}
        parts = [multiplied([raw[i] for i in features])]
        parts += [term_value(columns, term) for term in beside]
        parts += [column.z for i, column in enumerate(columns) if i not in met]
        design = np.stack(parts, axis=1) * regression.weight[:, None]
        q = orthonormal_span(regression.without(design))
        left = regression.target - q @ (q.T @ regression.target)
        constants = 1 + sum(len(term.constants) for term in beside)
        rss = max(float(left @ left), 1e-300)
        value = rows * np.log(rss) + constants * np.log(rows)
        ranked.append((value, Model(beside, (plain_product(features),))))
    # the best of so many gains by chance twice the logarithm of their number, about
    limit = rows * np.log(best.rss) + best.model.size * np.log(rows)
    limit -= 2 * np.log(len(monomials))
    ranked.sort(key=lambda entry: entry[0])
    return [model for value, model in ranked[:TRIED] if value < limit]


def _spread(z: Array) -> Array:
    """Feature about its mean, its tails held at four robust deviations."""
    middle = np.median(z)
    # median absolute deviation in standard deviations of a normal distribution
    size = 1.4826 * np.median(np.abs(z - middle)) or z.std() or 1.0
    return np.clip((z - middle) / size, -4.0, 4.0)
