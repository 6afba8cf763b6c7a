"""Search for the formula of a latent that is seen only through a process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.decision.decide import decide, without_relation
from symbolic.composition.finding import Finding, find, judge_of
from symbolic.composition.fitting.levenberg import Fit
from symbolic.composition.fitting.linearised import (
    CLEAR,
    Linearised,
    error_scale,
    log_likelihood,
    proportional_weight,
)
from symbolic.composition.fitting.model import Model
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.fitting.through_process import Process
from symbolic.composition.plain_terms import plain_terms
from symbolic.composition.process.start import Start, started
from symbolic.composition.search import ScoredModel, Search, criterion
from symbolic.composition.settings import Settings
from symbolic.composition.stages import unique

Array = np.ndarray

CANDIDATES = 5  # refitted through the process, work limit under `benchmarks.recovery`


@dataclass(frozen=True)
class ThroughProcess:
    """Finding through a process.

    Args:
        finding: on the regression linearised at the best candidate.
        state: that linearisation, with the constants of the process.
    """

    finding: Finding
    state: Linearised


def search_through(
    regression: Regression,
    process: Process,
    observed: Array,
    weight: Array | None,
    settings: Settings,
    budget: Budget,
    start: Start | None = None,
    names: Sequence[str] = (),
) -> ThroughProcess:
    """Search the latent's formula and the process constants together.

    Args:
        regression: rows and features; its y is not used.
        observed: (n,) outputs of the process.
        weight: (n,) factors on residuals, or None to find the noise law.
        start: latent and constants of a trained encoder; None starts from the data.
        names: of the features.
    """
    # 1. A first latent and constants; is there any relation at all?
    process = process.at_home(observed)
    state, flat = started(regression, process, observed, weight, settings, start)
    unrelated = without_relation(flat.regression, settings)
    if unrelated is not None:
        return _constant(unrelated, flat, weight is None)
    # 2. Search the linearised problem, refit the best through the process itself.
    search_result = find(state.regression, settings, budget)
    reached = [
        _refitted(state, candidate)
        for candidate in search_result.candidates[:CANDIDATES]
    ]
    reached.sort(key=lambda entry: entry[1].criterion)
    state, best = reached[0]
    # 3. Now residuals are those of the observations, and their noise law shows.
    if weight is None:
        state, best = _with_noise_law(state, best)
    before = best.model.key
    state, best, others = _again(
        state, best, [scored for _, scored in reached], settings, budget
    )
    if weight is None and best.model.key != before:
        # what a poorer form left had hidden the law of the noise
        state, best = _with_noise_law(state, best)
    proportional = bool(weight is None and np.ptp(state.weight) > 0)
    verdict = judge_of(state.regression, settings)(best.model)
    candidates = _in_front(best, others)
    finding = Finding(
        state.regression, candidates, verdict, search_result.stage, proportional,
        interactions=search_result.interactions,
    )  # fmt: skip
    # 4. Decide, which may prefer a plainer form.
    decided = decide(finding, settings, budget, names)
    if decided.best.model.key == best.model.key:
        return ThroughProcess(decided, state)
    return _plainer(state, decided, settings)


def _plainer(state: Linearised, decided: Finding, settings: Settings) -> ThroughProcess:
    """Give the plainer form in front its constants through the process as well."""
    state, best = _refitted(state, decided.best)
    verdict = judge_of(state.regression, settings)(best.model)
    candidates = (best, *decided.candidates[1:])
    series = replace(state.regression, memory=decided.regression.memory)
    changed = replace(
        decided, regression=series, candidates=candidates, verdict=verdict
    )
    return ThroughProcess(changed, state)


def _constant(unrelated: Finding, flat: Linearised, free: bool) -> ThroughProcess:
    """Return a constant latent with its constants under the noise law of its residuals.

    Args:
        free: whether the law is to be found; weights of observed sizes, with which a search
            begins, would pull constants towards the small observations.
    """
    if not free:
        return ThroughProcess(unrelated, flat)
    flat, best = _with_noise_law(flat, unrelated.best)
    regression = replace(flat.regression, memory=unrelated.regression.memory)
    proportional = bool(np.ptp(flat.weight) > 0)
    finding = replace(
        unrelated, regression=regression, candidates=(best,), proportional=proportional
    )
    return ThroughProcess(finding, flat)


def _in_front(
    best: ScoredModel, others: Sequence[ScoredModel]
) -> tuple[ScoredModel, ...]:
    return best, *(other for other in others if other.model.key != best.model.key)


def _refitted(
    state: Linearised, scored_model: ScoredModel
) -> tuple[Linearised, ScoredModel]:
    """Refit a candidate through the process and score it there."""
    reached, model = state.refitted(scored_model.model)
    return reached, _scored(reached, model)


def _scored(state: Linearised, model: Model) -> ScoredModel:
    estimate, constants = state.latent(model)
    rss = state.misfit(estimate, constants)
    # criterion of the observed misfit, not of the linearised one
    value = criterion(state.regression, Fit(model, rss, np.empty((0, 0)), True))
    return ScoredModel(model, rss, criterion=value)


def _with_noise_law(
    state: Linearised, best: ScoredModel
) -> tuple[Linearised, ScoredModel]:
    """Choose between constant and proportional errors by their likelihoods; refit.

    Each law is asked at the fit under its own weights: those of the other make residuals
    look like the other's.
    """
    estimate, constants = state.latent(best.model)
    predicted = state.process.evaluate(estimate, constants)
    weights = np.ones(len(predicted)), proportional_weight(predicted)
    even, uneven = (
        _refitted(state.moved(estimate, constants, weight), best) for weight in weights
    )
    gain = _likelihood(*uneven, error_scale) - _likelihood(*even, np.ones_like)
    return uneven if gain > CLEAR else even


def _likelihood(
    state: Linearised, fitted: ScoredModel, scale: Callable[[Array], Array]
) -> float:
    """Log likelihood of the observations; scale: prediction (n,) -> size of its error (n,)."""
    predicted = state.process.evaluate(*state.latent(fitted.model))
    return log_likelihood(state.observed - predicted, scale(predicted))


def _again(
    state: Linearised,
    best: ScoredModel,
    others: list[ScoredModel],
    settings: Settings,
    budget: Budget,
) -> tuple[Linearised, ScoredModel, list[ScoredModel]]:
    """Search once more around the best candidates, now with the right linearisation."""
    search = Search(state.regression, settings.families, budget)
    climbed = [
        search.climb(search.score(candidate.model)) for candidate in [best, *others][:3]
    ]
    climbed += plain_terms(search, climbed)
    reached = [
        _refitted(state, candidate)
        for candidate in unique([*climbed, best])[:CANDIDATES]
    ]
    reached.sort(key=lambda entry: entry[1].criterion)
    state, best = reached[0]
    additive = [
        _scored(state, candidate.model)
        for candidate in [*(o for _, o in reached), *others]
    ]
    return state, best, unique(additive)
