"""One nonlinear node or a plain sum: splines inside, parametric outside, then names."""

import numpy as np

from symbolic.composition.fitting.spline_models import Splines, spline_models
from symbolic.composition.moves.equivalents import simplified
from symbolic.composition.moves.one_feature import one_feature
from symbolic.composition.search import Scored, Search

FAR = 25.0
"""Factor above a reference sum of squares beyond which one node is not the answer."""

CLOSE = 30.0  # candidates within this many units of the best are rewritten as well


def first_rung(
    search: Search,
    generator: np.random.Generator,
    extra: int = 2,
    reach: float = np.inf,
) -> list[Scored]:
    """Search all kept outer functions; best first, one for each structure reached.

    Args:
        extra: random indices to start from beside the others.
        reach: sum of squares that additive splines and products of pairs leave; where
            no kind comes near it, only the best is searched.
    """
    found: list[Scored] = []
    alone: set[int] = set()
    kept = spline_models(search.regression, generator, extra)
    if kept[0].fit.rss > FAR * reach:
        kept = kept[:1]
    for splines in kept:
        features = splines.fit.model.features
        if len(features) == 1 and splines.kind != "sum":
            alone |= set(features)
            if len(kept) > 1:
                continue
        found.append(_searched(search, splines, found))
    best = min(found, key=lambda one: one.criterion)
    if len(best.model.features) == 1:
        alone |= set(best.model.features)
    for feature in alone:
        found += one_feature(search, feature)
    found.sort(key=lambda one: one.criterion)
    close = [one for one in found if one.criterion <= found[0].criterion + CLOSE][:4]
    found += [simplified(search, one) for one in close]
    return unique(found)


def unique(found: list[Scored]) -> list[Scored]:
    """Best first, one for each structure."""
    known: dict[object, Scored] = {}
    for one in sorted(found, key=lambda one: one.criterion):
        known.setdefault(one.model.key, one)
    return list(known.values())


def _searched(search: Search, splines: Splines, before: list[Scored]) -> Scored:
    """Name the splines of one kind; enumerate where greedy moves fall short of them."""
    model, rss = splines.fit.model, splines.fit.rss
    reached = search.climb(search.named(model))
    more = model.size - reached.model.size
    allowed = 1.0 + 2.0 * more / len(search.regression)
    best = min((one.rss for one in before), default=np.inf)
    if reached.rss > allowed * rss and rss < 25.0 * best:
        reached = search.climb(search.enumerate(model, reached))
    return reached
