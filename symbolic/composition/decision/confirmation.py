"""Does a formula that some rows chose predict the others better than a constant?

Where a formula explains little, its own rows cannot tell a weak relation from a lucky
search. So the search is done again on one half of the rows and its formula compared with a
constant on the other half, and the other way round. Where a formula explains much, no half
could fail the comparison, and it is not made.

Measured: `python -m benchmarks.robustness`, column "none: claimed".
"""

from dataclasses import replace

import numpy as np

from sciren.inference.conformal import fold_labels
from sciren.inference.dictionary import robust_scaled
from sciren.inference.relationship import one_sided_t
from symbolic.composition.blocks import in_series, independent_blocks
from symbolic.composition.decision.simpler import plainest, pool
from symbolic.composition.decision.size import information
from symbolic.composition.finding import Finding, find
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.search import ScoredModel, Search
from symbolic.composition.settings import Settings

Array = np.ndarray

DOUBTFUL = 100.0
"""Rows times explained over unexplained variance below which a half could fail: the test on
the held-out halves has an expected t of about the root of it, 10 at this limit, where the
level of 5 % asks for 1.7."""

SHARE_OF_BUDGET = 0.07  # of the work of a whole search, for each half
LEAST_WORK = 0.28  # seconds of work for each half

SURE = 25.0
"""Fall of BIC against a constant, without far targets, that no search over noise reaches: 30
searches of 60 to 400 rows (normal, t of two degrees of freedom, lognormal features) whose first
question was left out reached 5 at most."""


def is_doubtful(regression: Regression, form: ScoredModel) -> bool:
    """Whether a formula explains so little that halves decide."""
    if information(regression, form.rss) >= DOUBTFUL:
        return False
    # The halves of few rows may miss a product that all of them show. Far targets count four
    # robust deviations, so that one row is worth 16 units at most.
    value = regression.without(model_value(regression, form.model) * regression.weight)
    if not value.any():
        return True
    share = np.corrcoef(value, robust_scaled(regression.target))[0, 1]
    rows = regression.information
    fall = -rows * np.log1p(-min(share * share, 1 - 1e-12))
    return bool(fall - form.model.size * np.log(rows) < SURE)


def confirmation(finding: Finding, settings: Settings, budget: Budget) -> float:
    """Return the p-value of held-out predictions against a constant, one-sided.

        s_b = sum over the rows of block b of prediction * target;  t = mean s / se(s)

    The halves of a series are its first and its last rows, and its blocks are stretches
    longer than its memory; groups stay together. Predictions and targets are free of
    offset and nuisance in each half; far targets are held at four robust deviations.
    """
    regression = finding.regression
    target = regression.target
    blocks = independent_blocks(regression, target, settings.blocks)
    halves = fold_labels(blocks, 2)
    # random halves of a series interleave: each would know the other's neighbours
    if in_series(regression, target, settings.blocks):
        halves = (np.arange(len(target)) >= len(target) // 2).astype(int)
    products = np.zeros(len(target))
    for half in (0, 1):
        held = np.flatnonzero(halves == half)
        chosen = np.flatnonzero(halves != half)
        own = replace(settings, blocks=_part(settings.blocks, chosen))
        # the whole search is repeated on the other half: a
        # form that was chosen on all rows has seen these
        predicted, observed = _predicted(regression, chosen, held, own, budget)
        products[held] = predicted * observed
    # sums of blocks are independent, rows need not be
    return one_sided_t(np.bincount(blocks, products))[1]


def _part(labels: Array | None, rows: Array) -> Array | None:
    return None if labels is None else labels[rows]


def _predicted(
    regression: Regression,
    chosen: Array,
    held: Array,
    settings: Settings,
    budget: Budget,
) -> tuple[Array, Array]:
    """Search on some rows; return prediction and target of the others, both (m,)."""
    part, held_rows = regression.take(chosen), regression.take(held)
    work = Budget(max(SHARE_OF_BUDGET * budget.seconds, LEAST_WORK), regression.work)
    with np.errstate(all="ignore"):  # few rows let curves run away; they are not picked
        finding = find(part, settings, work)
        search = Search(part, settings.families, work)
        pick = plainest(pool(search, finding.candidates[:1]))
    value = model_value(held_rows, pick.model) * held_rows.weight
    # 4 tanh(r / 4) up to its factor: a single outlier cannot decide the sum
    target = robust_scaled(held_rows.target) / 4.0
    return held_rows.without(value), np.tanh(target)
