"""Products of three features, which no pair of them shows.

The product of three centred features is uncorrelated with each of them and with every
product of two, so neither additive splines nor pairs see it: all products of three are
compared with what the best model so far, additive parabolas and products of two leave.
"""

from collections.abc import Sequence
from itertools import combinations, combinations_with_replacement

import numpy as np

from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.model import Model, Node, Term
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
            model = Model(additive, (_plain(triple),))
            fits.append(simplified(search, search.climb(search.score(model))))
    return sorted(fits, key=lambda scored: scored.criterion)


def _plain(features: Sequence[int]) -> Node:
    """The product of features as they are, without offsets."""
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


def _spread(z: Array) -> Array:
    """Feature about its mean, its tails held at four robust deviations."""
    middle = np.median(z)
    # median absolute deviation in standard deviations of a normal distribution
    size = 1.4826 * np.median(np.abs(z - middle)) or z.std() or 1.0
    return np.clip((z - middle) / size, -4.0, 4.0)
