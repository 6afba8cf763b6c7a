"""How new observations scatter, from rows that had no part in selection or fit.

Selection and smoothing are done again without every fold, because features chosen on all
rows know the rows that are left out.

Reference: `sciren.inference.conformal`; coverage: `python -m benchmarks.belief prediction`.
"""

from dataclasses import dataclass

import numpy as np

from sciren.inference.conformal import FOLDS, ObservationLaw
from sciren.inference.design import Edge
from sciren.inference.selection import Selection
from sciren.inference.skill.held_out import (
    HeldOut,
    memory_in_rows,
    out_of_fold,
    selected_mean,
)

Array = np.ndarray

WORSE = 1.02  # in root mean square; smoothing and rounding differ by less
MOST_ROWS = 10_000
"""Rows that a fold learns from, in stretches: a mean from 10,000 is off by less than 1 %
of the noise, which only widens the law."""


@dataclass(frozen=True, eq=False)
class HeldOutMean:
    """Out-of-fold means of the observations.

    Attributes:
        selection: on all rows.
        mean: (m,) scale of the comparison; nan where a fold failed.
        tau: autocorrelation time of the scaled residuals, rows.
    """

    selection: Selection
    mean: Array
    tau: float


def hold_out(
    selection: Selection, also: tuple[Edge, ...] = (), folds: int = FOLDS
) -> HeldOutMean:
    """Predict every observation from the other folds, the whole pipeline in each.

    Args:
        selection: on all rows; its noise says how long the blocks have to be.
        also: edges that count as selected whatever the fold says (those of equations).
        folds: their number.
    """
    process = selection.fit.process
    # Scaled by the noise: unscaled, the few largest values would set the length of the
    # blocks.
    scaled = selection.fit.residual / selection.law.sigma(process, selection.fit.mean)
    held = HeldOut.of(process, scaled, folds)
    predict = selected_mean(selection, also, smooth=True, most=MOST_ROWS)
    mean = out_of_fold(process, held, predict)
    return HeldOutMean(selection, mean, memory_in_rows(process, scaled))


def observation_laws(
    held: HeldOutMean, predicted: Array | None = None
) -> tuple[ObservationLaw, ...]:
    """Return the law of new observations of every target, scale of the comparison.

    Scores are out of fold. Where the model that predicts is worse than what the folds
    fitted (a feature lost, a form too stiff), they are its own residuals instead, widened
    by what the folds lose on rows that they have not seen.

    Args:
        held: out-of-fold means.
        predicted: (m,) means of the model that predicts, of the rows that it was fitted to.
    """
    selection, mean = held.selection, held.mean
    process, law = selection.fit.process, selection.law
    # A row of weight w has noise of deviation 1 / sqrt(w): the law is that of weight
    # one.
    root = np.sqrt(process.weights)
    laws = []
    for target in range(len(process.target_names)):
        mine = np.flatnonzero((process.targets == target) & np.isfinite(mean))
        middle, residual = mean[mine], root[mine] * (process.values - mean)[mine]
        inside = _size(root[mine] * selection.fit.residual[mine])
        # Residuals of fitted rows are smaller than those of new rows by this factor.
        widening = max(_size(residual) / inside, 1.0) if inside > 0 else 1.0
        if predicted is not None:
            own = widening * root[mine] * (process.values - predicted)[mine]
            if _size(own) > WORSE * _size(residual):
                middle, residual = predicted[mine], own
        power, floor = law.growth(target).of_observations
        laws.append(ObservationLaw.of(residual, middle, power, floor, held.tau))
    return tuple(laws)


def _size(residual: Array) -> float:
    finite = residual[np.isfinite(residual)]
    return float(np.sqrt(np.mean(finite**2))) if len(finite) else 0.0
