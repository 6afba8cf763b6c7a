"""From a regression to a verdict: stages one after another until a gate accepts."""

from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.decision.record import FOUND, Decision
from symbolic.composition.fitting.levenberg import model_value, polish
from symbolic.composition.fitting.linearised import is_proportional, proportional_weight
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.gate import Gate, Judge
from symbolic.composition.interactions import screen
from symbolic.composition.plain_terms import plain_terms, products_of_three
from symbolic.composition.rewriting import exchanged, simplified
from symbolic.composition.search import ScoredModel, Search
from symbolic.composition.settings import Settings
from symbolic.composition.stages import first_stage, second_stage, unique
from symbolic.composition.univariate import with_univariate_composites

Array = np.ndarray

SEARCHED = 0.8
"""Share of the budget, less what comes after it, after which no further step of the search is
begun: the step that is under way takes up to a tenth more."""

AFTER, AFTER_ROW = 0.2, 1.2e-4
"""Seconds after the search whatever the rows, and for each row: gates, refits through the
process, the decision (0.8 s at 5,000 rows, `benchmarks.hidden --seed 63`, cases 88 and 150)."""

LAST_WORD = 0.07
"""Share of the budget to rewrite what was found when that of the search is spent."""


@dataclass(frozen=True)
class Finding:
    """Candidates on a regression, best first, and the verdict on the best.

    Attributes:
        interactions: pairs of features that act together, with their shares of the
            variance, as they were seen before any formula was sought.
    """

    regression: Regression
    candidates: tuple[ScoredModel, ...]
    verdict: Gate
    stage: int
    proportional: bool = False
    decision: Decision = FOUND
    interactions: tuple[tuple[tuple[int, int], float], ...] = ()

    @property
    def best(self) -> ScoredModel:
        """The candidate with the lowest criterion."""
        return self.candidates[0]


def polished(
    regression: Regression, candidates: list[ScoredModel]
) -> list[ScoredModel]:
    """Refit the best candidate to the last digit."""
    refined = polish(regression, candidates[0].model)
    # an ill-conditioned model may end above its known minimum; then the first fit stays
    if refined.rss > candidates[0].rss:
        return candidates
    best = replace(candidates[0], model=refined.model, rss=refined.rss)
    return [best, *candidates[1:]]


def judge_of(regression: Regression, settings: Settings) -> Judge:
    """Return the judge of a regression."""
    return Judge(regression, settings.limit, settings.seed, settings.blocks)


def _direct(search: Search, best: ScoredModel) -> list[ScoredModel]:
    triples = products_of_three(search, best)
    return [*triples, *plain_terms(search, [best, *triples])]


def find(regression: Regression, settings: Settings, budget: Budget) -> Finding:
    """Search stage after stage until the gate accepts or everything was tried.

    Args:
        regression: of the latent, or linearised behind its process.
        budget: work, looked at between steps.
    Returns:
        Candidates, best first, the gate's verdict on the first, and the stage it came from.
    """
    generator, whole = np.random.default_rng(settings.seed), budget
    budget = whole.part(SEARCHED, AFTER + AFTER_ROW * len(regression))
    search = Search(regression, settings.families, budget)
    judge = judge_of(regression, settings)
    screened = screen(regression)
    # what splines and products of pairs leave is the
    # least that any form of the second stage could
    reference_rss = screened.rss if settings.max_rung > 1 else np.inf
    # 1. One node or a plain sum.
    candidates = first_stage(search, generator, reference_rss=reference_rss)
    verdict, stage = judge(candidates[0].model), 1
    # 2. Products of three, which neither sums nor pairs show, and what few rows hide.
    if settings.max_rung > 1 and (more := _direct(search, candidates[0])):
        candidates = unique([*more, *candidates])
        verdict = judge(candidates[0].model)
    # 3. Without an interaction only curves of curves can be missing.
    if not verdict.accepted and settings.max_rung > 1 and not screened.pairs:
        candidates = unique(
            [with_univariate_composites(search, candidates[0]), *candidates]
        )
        verdict = judge(candidates[0].model)
    # 4. Several nodes beside an additive part.
    if not verdict.accepted and settings.max_rung > 1:
        more = second_stage(
            search,
            screened,
            generator,
            lambda candidate: judge(candidate.model).accepted,
        )
        if more and more[0].criterion < candidates[0].criterion:
            stage = 2
            # never stop before the plainest way of writing it was tried
            search.budget = Budget(LAST_WORD * whole.seconds, regression.work)
            better = simplified(search, exchanged(search, more[0]))
            search.budget = budget
            candidates = unique([better, *more, *candidates])
            verdict = judge(candidates[0].model)
    # 5. Still refused, with work left: the first stage again from more random indices.
    if not verdict.accepted and not budget.over(0.5):
        candidates = unique([*candidates, *first_stage(search, generator, extra=10)])
    candidates = polished(regression, candidates)
    verdict = judge(candidates[0].model)
    together = tuple(screened.shares())
    return Finding(regression, tuple(candidates), verdict, stage, interactions=together)


def with_noise_law(
    finding: Finding, shift: float, scale: float, settings: Settings, budget: Budget
) -> Finding:
    """Reweight and refit where an error proportional to the prediction fits better.

    Args:
        shift, scale: y of the regression is (observed - shift) / scale.
    """
    regression = finding.regression
    value = model_value(regression, finding.best.model)
    left = regression.y - value
    predicted = shift + scale * (value + left.mean())
    # the offset is not part of a model: the mean of what is left stands for it
    if not is_proportional(scale * (left - left.mean()), predicted):
        return finding
    weighted = regression.with_weight(proportional_weight(predicted))
    search = Search(weighted, settings.families, budget)
    # under constant errors the right form may not be the best one, but it is near
    close = [
        candidate
        for candidate in finding.candidates[:6]
        if candidate.rss < 4.0 * finding.candidates[0].rss
    ]
    scored = [search.climb(search.score(candidate.model)) for candidate in close]
    candidates = polished(weighted, unique(scored))
    verdict = judge_of(weighted, settings)(candidates[0].model)
    return replace(
        finding,
        regression=weighted,
        candidates=tuple(candidates),
        verdict=verdict,
        proportional=True,
    )
