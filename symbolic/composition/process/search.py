"""Search for the formula of a latent that is seen only through a process."""

from collections.abc import Callable, Mapping, Sequence
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
    unit_mean_square,
)
from symbolic.composition.fitting.model import Model
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.fitting.spline_models import spread_rows
from symbolic.composition.fitting.through_process import Process
from symbolic.composition.gate import flexible_columns
from symbolic.composition.plain_terms import plain_terms
from symbolic.composition.search import ScoredModel, Search, criterion
from symbolic.composition.settings import Settings
from symbolic.composition.stages import unique
from symbolic.composition.starts import least_squares

Array = np.ndarray

GRID, FINER = 33, 9
"""Values of a constant over its range, then between the neighbours of the best: steps of 3 %,
then of 0.8 % of the range, from which Gauss-Newton goes on."""
START_ROWS = 900  # of the grid over constants, work limit under `benchmarks.recovery`
CANDIDATES = 5  # refitted through the process, work limit under `benchmarks.recovery`


@dataclass(frozen=True)
class Start:
    """Estimate to begin with: a latent (n,) and constants of the process."""

    latent: Array
    constants: Mapping[str, float]


@dataclass(frozen=True)
class ThroughProcess:
    """Finding through a process.

    Args:
        finding: on the regression linearised at the best candidate.
        state: that linearisation, with the constants of the process.
    """

    finding: Finding
    state: Linearised


def starting_weight(observed: Array, given: Array | None) -> Array:
    """Weights to search with: the user's, or those of a proportional error."""
    if given is not None:
        return given
    # weights of a proportional error are good enough to search with, and the noise law is
    # chosen later; the floor keeps small observations from deciding
    size = np.abs(observed)
    return unit_mean_square(
        1.0 / np.maximum(size, 0.1 * float(np.median(size)) + 1e-300)
    )


def smooth_latent(
    process: Process,
    observed: Array,
    weight: Array,
    constants: Mapping[str, float],
    columns: Array,
) -> tuple[Array, float]:
    """Return a flexible latent (n,) and its weighted sum of squares in the observations.

    Args:
        observed: (n,);  weight: (n,) factors on residuals.
        constants: of the process;  columns: (n, m) of the features, unit variance.
    """
    # 1. Latent of each row by itself: noisy, but free of any form.
    raw = process.invert(observed, constants)
    # 2. Its error is that of the observation over |p'|, so |p'| is the weight, held where it
    # would make a few rows decide.
    slope = np.abs(process.slope(raw, constants)) * weight
    slope = np.minimum(slope, 20.0 * float(np.median(slope)) + 1e-300)
    slope = slope / max(float(np.sqrt(np.mean(slope**2))), 1e-300)
    design = np.column_stack([np.ones(len(raw)), columns])
    # 3. A flexible fit of it, and how well its observations fit.
    beta = least_squares(design * slope[:, None], raw * slope, 1e-3)
    smooth = design @ beta
    left = (observed - process.evaluate(smooth, constants)) * weight
    return smooth, float(left @ left)


def starting_constants(
    process: Process, observed: Array, weight: Array, columns: Array, rows: Array
) -> dict[str, float]:
    """Return process constants with the smallest misfit on a grid, one after another.

    Args:
        columns: (n, m) of the features;  rows: positions that take part.
    """
    held = replace(
        process,
        forcings={k: v[rows] if v.ndim else v for k, v in process.forcings.items()},
    )
    constants = {name: parameter.start for name, parameter in process.ranges.items()}
    few, y, w = columns[rows], observed[rows], weight[rows]
    # one constant after another, twice round: the best of one depends on the others
    for _ in range(2 if len(constants) > 1 else 1):
        for name, span in process.ranges.items():
            space = np.geomspace if span.in_logs else np.linspace
            low, high = span.low, span.high
            for count in (GRID, FINER):
                grid = space(low, high, count)
                misfits = [
                    smooth_latent(held, y, w, {**constants, name: float(q)}, few)[1]
                    for q in grid
                ]
                k = int(np.nanargmin(misfits))
                constants[name] = float(grid[k])
                # the finer grid lies between the neighbours of the best
                low, high = grid[max(k - 1, 0)], grid[min(k + 1, count - 1)]
    return constants


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
    state, flat = _started(regression, process, observed, weight, settings, start)
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


def _started(
    regression: Regression,
    process: Process,
    observed: Array,
    weight: Array | None,
    settings: Settings,
    start: Start | None,
) -> tuple[Linearised, Linearised]:
    """Linearise the process at a first latent, and at the best constant one."""
    factors = starting_weight(observed, weight)
    columns = flexible_columns(regression)
    if start is None:
        generator = np.random.default_rng(settings.seed)
        rows = spread_rows(regression, START_ROWS, generator)
        constants = starting_constants(process, observed, factors, columns, rows)
        smooth, _ = smooth_latent(process, observed, factors, constants, columns)
        even = np.ones(len(observed))
        level, _ = smooth_latent(process, observed, even, constants, columns)
        if weight is None and _is_even(process, observed, smooth, level, constants):
            factors = even
            constants = starting_constants(process, observed, even, columns, rows)
            smooth, _ = smooth_latent(process, observed, even, constants, columns)
    else:
        smooth, constants = start.latent, dict(start.constants)
    shift, scale = float(smooth.mean()), float(smooth.std()) or 1.0
    state = Linearised.at(
        regression, process, observed, factors, smooth, constants, shift, scale
    )
    # the best constant latent, for the question whether features say anything
    flat = state.moved(np.full(len(smooth), shift), constants, factors)
    flat, _ = flat.refitted(Model())
    return (_smoothed(state, columns) if start is None else state), flat


def _is_even(
    process: Process,
    observed: Array,
    smooth: Array,
    level: Array,
    constants: Mapping[str, float],
) -> bool:
    """Whether flexible latents leave errors of one size rather than proportional ones.

    Args:
        smooth, level: (n,) latents fitted under proportional and under equal weights.
    """
    uneven, even = (process.evaluate(v, constants) for v in (smooth, level))
    gain = log_likelihood(observed - even, np.ones(len(even)))
    gain -= log_likelihood(observed - uneven, error_scale(uneven))
    return gain > CLEAR


def _smoothed(state: Linearised, columns: Array) -> Linearised:
    """Move constants and a flexible latent together for a few Gauss-Newton rounds."""
    n = len(columns)
    for _ in range(4):
        regression = state.regression
        linear = np.column_stack([np.ones(n), regression.nuisance])
        design = np.column_stack([linear, columns]) * regression.weight[:, None]
        gram = design.T @ design
        # the latent is smoothed, process constants are not
        damp = np.full(len(gram), 1e-3 * n)
        damp[: linear.shape[1]] = 1e-9 * n
        target = regression.y * regression.weight
        beta = np.linalg.solve(gram + np.diag(damp), design.T @ target)
        latent = columns @ beta[linear.shape[1] :] + beta[0]
        names = list(state.process.ranges)
        steps = dict(
            # at most 0.3 of the logarithm a round: the tangent is good near its point only
            zip(names, np.clip(beta[1 : 1 + len(names)], -0.3, 0.3), strict=True)
        )
        constants = state.process.moved(state.constants, steps)
        estimate = state.shift + state.scale * latent
        # overshot: the last place was better
        if state.misfit(estimate, constants) > 1.2 * state.misfit(
            state.estimate, state.constants
        ):
            break
        state = state.moved(estimate, constants, state.weight)
    return state


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
