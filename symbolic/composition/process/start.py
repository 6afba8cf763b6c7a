"""Where a search behind a process begins: a first latent, constants, and no relation at all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.fitting.linearised import (
    CLEAR,
    Linearised,
    error_scale,
    log_likelihood,
    unit_mean_square,
)
from symbolic.composition.fitting.model import Model
from symbolic.composition.fitting.regression import Regression, Work
from symbolic.composition.fitting.spline_models import spread_rows
from symbolic.composition.fitting.through_process import Process
from symbolic.composition.gate import flexible_columns
from symbolic.composition.settings import Settings
from symbolic.composition.starts import least_squares

Array = np.ndarray

GRID, FINER = 33, 9
"""Values of a constant over its range, then between the neighbours of the best: steps of 3 %,
then of 0.8 % of the range, from which Gauss-Newton goes on."""
START_ROWS = 900  # of the grid over constants, work limit under `benchmarks.recovery`
INVERSION, SMOOTHED = 55, 1.8e-8
"""Columns that the inversion of the process is worth, and seconds for each row and column of a
flexible latent: those of 900 to 5,000 rows and 54 to 270 columns, within a factor of 1.3."""


@dataclass(frozen=True)
class Start:
    """Estimate to begin with: a latent (n,) and constants of the process."""

    latent: Array
    constants: Mapping[str, float]


def starting_weight(values: Array, given: Array | None) -> Array:
    """Weights to search with: the user's, or those of an error proportional to values (n,)."""
    if given is not None:
        return given
    # weights of a proportional error are good enough to search with, and the noise law is
    # chosen later; the floor keeps small values from deciding
    size = np.abs(values)
    return unit_mean_square(
        1.0 / np.maximum(size, 0.1 * float(np.median(size)) + 1e-300)
    )


def smooth_latent(
    process: Process,
    observed: Array,
    weight: Array,
    constants: Mapping[str, float],
    columns: Array,
    work: Work,
) -> tuple[Array, float]:
    """Return a flexible latent (n,) and its weighted sum of squares in the observations.

    Args:
        observed: (n,);  weight: (n,) factors on residuals.
        constants: of the process;  columns: (n, m) of the features, unit variance.
        work: counter.
    """
    work.add_linear(len(columns), columns.shape[1] + INVERSION, SMOOTHED)
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
    process: Process,
    observed: Array,
    weight: Array,
    columns: Array,
    rows: Array,
    work: Work,
) -> dict[str, float]:
    """Return process constants with the smallest misfit on a grid, one after another.

    Args:
        columns: (n, m) of the features;  rows: positions that take part.
        work: counter.
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
                tried = [constants | {name: float(q)} for q in grid]
                misfits = [
                    smooth_latent(held, y, w, values, few, work)[1] for values in tried
                ]
                k = int(np.nanargmin(misfits))
                constants[name] = float(grid[k])
                # the finer grid lies between the neighbours of the best
                low, high = grid[max(k - 1, 0)], grid[min(k + 1, count - 1)]
    return constants


def started(
    regression: Regression,
    process: Process,
    observed: Array,
    weight: Array | None,
    settings: Settings,
    start: Start | None,
) -> tuple[Linearised, Linearised]:
    """Linearise the process at a first latent, and at the best constant one."""
    factors, work = starting_weight(observed, weight), regression.work
    columns = flexible_columns(regression)
    if start is None:
        generator = np.random.default_rng(settings.seed)
        rows = spread_rows(regression, START_ROWS, generator)

        def smoothed(weight: Array, constants: Mapping[str, float]) -> Array:
            return smooth_latent(process, observed, weight, constants, columns, work)[0]

        def begun(weight: Array) -> tuple[dict[str, float], Array]:
            constants = starting_constants(
                process, observed, weight, columns, rows, work
            )
            return constants, smoothed(weight, constants)

        constants, smooth = begun(factors)
        even = np.ones(len(observed))
        level = smoothed(even, constants)
        if weight is None and _is_even(process, observed, smooth, level, constants):
            factors = even
            constants, smooth = begun(even)
    else:
        smooth, constants = start.latent, dict(start.constants)
    shift, scale = float(smooth.mean()), float(smooth.std()) or 1.0
    state = Linearised.at(
        regression, process, observed, factors, smooth, constants, shift, scale
    )
    flat = _flat(state, free=weight is None and bool(np.ptp(factors) > 0))
    return (_smoothed(state, columns) if start is None else state), flat


def _flat(state: Linearised, free: bool) -> Linearised:
    """Linearise at the best constant latent, for the question whether features say anything.

    Args:
        free: whether errors are taken as proportional to what the constant predicts. To
            observed sizes they must not be: residuals of a process that is linear in its
            latent are a linear function of such weights, and go with the offset.
    """
    level = np.full(len(state.observed), state.shift)
    flat, _ = state.moved(level, state.constants, state.weight).refitted(Model())
    if not free:
        return flat
    predicted = state.process.evaluate(flat.estimate, flat.constants)
    weight = starting_weight(predicted, None)
    return flat.moved(flat.estimate, flat.constants, weight).refitted(Model())[0]


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
