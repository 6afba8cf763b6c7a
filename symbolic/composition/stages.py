"""The two stages of a search: one node or a plain sum, then several nodes.

The first stage names splines inside one parametric outer function. The second,

    y = sum_h O_h(s_h) + sum_i f_i(x_i),

fits groupings of the interacting features as nodes of splines beside additive splines,
names the most promising first, and grows them on what they leave.
"""

from collections.abc import Callable

import numpy as np

from symbolic.composition.fitting.node_splines import AdditivePart
from symbolic.composition.fitting.spline_models import Splines, spline_models
from symbolic.composition.growth import Queue, grown, reconsidered, shows_new_pair
from symbolic.composition.interactions import Screen
from symbolic.composition.naming_beside import (
    additive_needed,
    named,
    with_fewer_additive_terms,
)
from symbolic.composition.rewriting import exchanged, simplified
from symbolic.composition.search import ScoredModel, Search
from symbolic.composition.univariate import (
    merged,
    one_feature,
    with_univariate_composites,
)

FAR = 25.0
"""Factor above a reference sum of squares beyond which one node is not the answer."""

CLOSE = 30.0  # candidates within this many units of the best are rewritten as well


def first_stage(
    search: Search,
    generator: np.random.Generator,
    extra: int = 2,
    reference_rss: float = np.inf,
) -> list[ScoredModel]:
    """Search all kept outer functions; best first, one for each structure reached.

    Args:
        extra: random indices to start from beside the others.
        reference_rss: sum of squares that additive splines and products of pairs leave; where
            no kind comes near it, only the best is searched.
    """
    fits: list[ScoredModel] = []
    alone: set[int] = set()
    kept = spline_models(search.regression, generator, extra)
    # splines beside all pairs do far better: one node is not the answer, so the kinds are not
    # worth their work
    if kept[0].fit.rss > FAR * reference_rss:
        kept = kept[:1]
    for splines in kept:
        # one feature: any outer function fits and splines
        # tell nothing; its own search comes below
        features = splines.fit.model.features
        if len(features) == 1 and splines.kind != "sum":
            alone |= set(features)
            if len(kept) > 1:
                continue
        fits.append(_searched(search, splines, fits))
    best = min(fits, key=lambda scored: scored.criterion)
    if len(best.model.features) == 1:
        alone |= set(best.model.features)
    for feature in alone:
        fits += one_feature(search, feature)
    fits.sort(key=lambda scored: scored.criterion)
    close = [
        scored for scored in fits if scored.criterion <= fits[0].criterion + CLOSE
    ][:4]
    fits += [simplified(search, fitted) for fitted in close]
    return unique(fits)


def unique(fits: list[ScoredModel]) -> list[ScoredModel]:
    """Best first, one for each structure."""
    by_structure: dict[object, ScoredModel] = {}
    for candidate in sorted(fits, key=lambda scored: scored.criterion):
        by_structure.setdefault(candidate.model.key, candidate)
    return list(by_structure.values())


def _searched(
    search: Search, splines: Splines, before: list[ScoredModel]
) -> ScoredModel:
    """Name the splines of one kind; enumerate where greedy moves fall short of them."""
    model, rss = splines.fit.model, splines.fit.rss
    reached = search.climb(search.named(model))
    more = model.size - reached.model.size
    allowed = 1.0 + 2.0 * more / len(search.regression)
    # enumeration is dear: only where greedy names fell
    # short of the splines and of nothing better known
    best = min((fit.rss for fit in before), default=np.inf)
    if reached.rss > allowed * rss and rss < 25.0 * best:
        reached = search.climb(search.enumerate(model, reached))
    return reached


ROUNDS = 4
"""Times that nodes are exchanged in turn, by their interaction and with their additive terms."""

MOST_NAMED = 12
"""Combinations of nodes that are named."""


def second_stage(
    search: Search,
    screened: Screen,
    generator: np.random.Generator,
    enough: Callable[[ScoredModel], bool],
) -> list[ScoredModel]:
    """Search groupings of the interacting features, most plausible first.

    Args:
        screened: which features interact.
        enough: whether a candidate needs no further search.
    Returns:
        Candidates, best first; empty where no features interact.
    """
    additive = AdditivePart(search.regression, screened)
    selected = screened.selected
    fits: list[ScoredModel] = []
    queue = Queue(additive, screened, generator, search.budget)
    tried: set[object] = set()
    for turn in range(MOST_NAMED):
        joint = None if search.budget.over() else queue.next(turn == 0)
        if joint is None:
            break
        # 1. Name the most promising grouping.
        new = named(search, additive, *additive_needed(additive, selected, joint))
        fits = unique([new, *fits])
        # 2. The best so far is rewritten; what it leaves may be a curve of one feature.
        if fits[0] is new:
            fits = _refined(search, additive, fits, generator)
            if not enough(fits[0]):
                fits = unique([with_univariate_composites(search, fits[0]), *fits])
        if enough(fits[0]):
            break
        # 3. Grow it, unless another grouping is about as good and no new pair shows in the
        # residual: that one is named first.
        near = turn == 0 and queue.near(joint)
        settled = near and not shows_new_pair(search, screened, fits[0])
        if settled or fits[0].model.key in tried:
            continue
        tried.add(fits[0].model.key)
        more = grown(search, additive, selected, fits[0], generator)
        fits = unique([*more, *fits])
        if more:
            fits = _refined(search, additive, fits, generator)
        # 4. Not enough yet: one node may be of the wrong kind.
        if not near and not enough(fits[0]):
            other = reconsidered(search, additive, selected, fits[0], generator)
            if other is not fits[0]:
                fits = _refined(search, additive, unique([other, *fits]), generator)
        if enough(fits[0]):
            break
    return fits


def _refined(
    search: Search,
    additive: AdditivePart,
    fits: list[ScoredModel],
    generator: np.random.Generator,
) -> list[ScoredModel]:
    """Exchange and simplify the nodes of the best candidate."""
    better = fits[0]
    for _ in range(ROUNDS):
        better = simplified(search, exchanged(search, better))
        simpler = with_fewer_additive_terms(search, additive, better, generator)
        if simpler is better:
            break
        better = simpler
    return unique([merged(search, better), *fits])
