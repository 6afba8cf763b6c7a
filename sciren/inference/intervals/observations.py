"""How new observations scatter, from rows that had no part in selection or fit.

Selection and smoothing are done again without every fold, because features chosen on all
rows know the rows that are left out.

Reference: `sciren.inference.conformal`; coverage: `python -m benchmarks.belief prediction`.
"""

import numpy as np

from sciren.inference.conformal import FOLDS, ObservationLaw
from sciren.inference.design import Edge
from sciren.inference.intervals.smooth_fit import fit_smooth
from sciren.inference.observed import ObservedProcess
from sciren.inference.selection import Selection, select
from sciren.inference.skill.held_out import (
    HeldOut,
    memory_in_rows,
    out_of_fold,
    predicted_mean,
)

Array = np.ndarray


def observation_laws(
    selection: Selection, also: tuple[Edge, ...] = (), folds: int = FOLDS
) -> tuple[ObservationLaw, ...]:
    """Return the law of new observations of every target, scale of the comparison.

    Args:
        selection: on all rows; its noise says how long the blocks have to be.
        also: edges that count as selected whatever the fold says (those of equations).
        folds: their number.
    """
    process, law = selection.fit.process, selection.law
    scaled = selection.fit.residual / law.sigma(process, selection.fit.mean)
    held = HeldOut.of(process, scaled, folds)
    tau = memory_in_rows(process, scaled)
    mean = out_of_fold(process, held, _Pipeline(selection, also))
    residual = np.sqrt(process.weights) * (process.values - mean)
    laws = []
    for target in range(len(process.target_names)):
        mine = process.targets == target
        laws.append(
            ObservationLaw.of(
                residual[mine], mean[mine], law.power[target], law.floor[target], tau
            )
        )
    return tuple(laws)


class _Pipeline:
    """Selection and smoothing on some rows, the mean of others."""

    def __init__(self, selection: Selection, also: tuple[Edge, ...]) -> None:
        process, fit = selection.fit.process, selection.fit
        self.also = also
        self.offered = np.zeros((len(process.feature_names), process.n_latents), bool)
        for edge in (*selection.status, *also):
            self.offered[edge] = True
        self.start = np.concatenate((fit.theta[: process.n_latents], fit.constants))

    def __call__(self, train: ObservedProcess, new: ObservedProcess) -> Array:
        """Return the mean (m,) of new rows."""
        selection = select(train, self.offered, start=self.start)
        edges = tuple(dict.fromkeys((*selection.kept, *self.also)))
        found = fit_smooth(train, selection.whitening, edges, (), self.start)
        return predicted_mean(found.fit, new)
