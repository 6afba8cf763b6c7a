"""fit on series whose groups deviate: curves, modes and spreads in turn.

1. one number for all groups, deviations, noise and floor, by EM
2. the loss about the modes with deviations integrated out, as rows; curves solved on them
3. modes, spreads and noise about the curves; again from 2 until spreads and edges stay

References: see `sciren.dynamics.groups.mode_fit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from sciren.data.series import SeriesTable
from sciren.data.table import Table
from sciren.dynamics.groups.deviations import Deviations, modes
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.groups.mode_fit import ModeFits, fit_modes, group_modes
from sciren.dynamics.linearised import Linearisation

ROUNDS = 5  # of curves and modes in turn; edges stay from the second or third on
STEADY = 0.05  # change of logs of spreads between rounds: half of what is known of them


@dataclass(frozen=True)
class GroupDeviations:
    """Deviations of the groups of a fit.

    Attributes:
        law: names, scale and spread of the deviations.
        groups: labels;  u: (G, Q) modes;  variance: (G, Q, Q) given the series.
        shrinkage: (Q,) one minus the deviation of u in spreads: near one where the series
            of a group say little of its own number, so that plots of u against features
            show little.
    """

    law: Deviations
    groups: tuple[str, ...]
    u: np.ndarray
    variance: np.ndarray
    shrinkage: np.ndarray

    @classmethod
    def of(cls, fits: ModeFits) -> "GroupDeviations":
        """Return the deviations of fitted groups."""
        law = fits.problem.law
        _, variance = modes(fits.losses, law, fits.predicted)
        groups = fits.problem.process.table.groups
        return cls(law, groups, fits.t - fits.predicted, variance, fits.shrinkage)

    def summary(self) -> pd.DataFrame:
        """Return one row a deviating number: law, spread, shrinkage."""
        own = np.flatnonzero(self.law.sd > 0)
        return pd.DataFrame(
            {
                "latent": [self.law.names[k] for k in own],
                "law": ["lognormal" if self.law.logs[k] else "normal" for k in own],
                "spread": self.law.sd[own],
                "shrinkage": self.shrinkage[own],
            }
        )

    def moved(self, numbers: np.ndarray, groups: Sequence[str]) -> np.ndarray:
        """Return numbers (G, Q) by features with the modes of the groups that are known."""
        row_of = {label: row for row, label in enumerate(self.groups)}
        # A group that the fit has not seen deviates by zero, its most probable value.
        u = np.array(
            [
                self.u[row_of[g]] if g in row_of else np.zeros_like(self.law.sd)
                for g in groups
            ]
        )
        return self.law.backward(self.law.forward(numbers) + u)

    def drawn(
        self, numbers: np.ndarray, groups: Sequence[str], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw numbers (G, Q): unknown groups from the spread, known ones about their mode."""
        row_of = {label: row for row, label in enumerate(self.groups)}
        t = self.law.forward(numbers)
        for place, group in enumerate(groups):
            if group in row_of:
                # "eigh" takes variances that are singular: numbers without deviation
                # have none.
                row = row_of[group]
                t[place] += rng.multivariate_normal(
                    self.u[row], self.variance[row], method="eigh"
                )
            else:
                t[place] += self.law.sd * rng.standard_normal(t.shape[1])
        return self.law.backward(t)


def first_modes(problem: GroupProblem) -> ModeFits:
    """Fit one number for all groups, and what they deviate from it."""
    scale = problem.scale
    start = scale.physical(scale.start(len(problem.process.table))).numpy()
    t = problem.law.forward(start)
    return fit_modes(problem, t, np.ones(t.shape[1]), common=True)


def about_features(
    fits: ModeFits, physical: np.ndarray, edges: Sequence[Mapping[str, object]]
) -> ModeFits:
    """Fit modes, spreads and noise about what features say, (G, Q) physical."""
    law = fits.problem.law
    # One for the mean and one for every kept edge: a curve is counted as one
    # coefficient, which for smooth curves is near their effective number.
    used = np.ones(len(law.names))
    for edge in edges:
        if edge["status"] == "kept":
            used[law.names.index(str(edge["latent"]))] += 1
    return fit_modes(fits.problem, law.forward(physical), used, fits.t)


def unseen_modes(
    fits: ModeFits, problem: GroupProblem, physical: np.ndarray
) -> ModeFits:
    """Fit the modes of other groups under the law and the noise that are known."""
    law = problem.law
    predicted = law.forward(physical)
    # Only modes move: law and noise belong to the training.
    t = group_modes(problem, predicted)
    losses = problem.losses_near(law.backward(t))
    return replace(fits, t=t, predicted=predicted, losses=losses, problem=problem)


def rows_of(fits: ModeFits, centre: np.ndarray, series: SeriesTable) -> Table:
    """Return the rows of a row-wise process, deviations integrated out."""
    marginal = fits.losses.without(fits.problem.law)
    return Linearisation.at(marginal, centre).table(series)


@dataclass(frozen=True)
class Round:
    """What a round found: groups about their features, edges, weights of the model."""

    fits: ModeFits
    edges: list[dict[str, Any]]
    weights: dict[str, Tensor]


def kept_edges(edges: Sequence[Mapping[str, object]]) -> set[tuple[object, object]]:
    """Return feature and latent of the edges that were kept."""
    return {(e["feature"], e["latent"]) for e in edges if e["status"] == "kept"}


def steady(before: ModeFits, after: ModeFits) -> bool:
    """Whether spreads stayed from one round to the next."""
    own = after.problem.law.sd > 0
    change = np.log(after.problem.law.sd[own] / before.problem.law.sd[own])
    return bool((np.abs(change) < STEADY).all())
