"""What a structure leaves behind: tests of single features and of pairs.

The gate's references judge how much of the residual can be predicted; a small term
below the noise predicts little and is still visible to a test of its own.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import chi2

from symbolic.composition.decision.spans import orthonormal_span
from symbolic.composition.fitting.basis import orthonormal, polynomials
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

LEVEL = 1e-4
"""Chance, over all tests of one residual, that a right structure is called wrong."""

DEGREE = 3


@dataclass(frozen=True)
class Leftover:
    """Strongest trace of a missing term.

    Args:
        features: one or two columns;  statistic: squared moments over their variance.
        threshold: of the statistic at the level, for so many tests.
    """

    features: tuple[int, ...]
    statistic: float
    threshold: float

    @property
    def significant(self) -> bool:
        """Whether a term is missing."""
        return self.statistic > self.threshold

    @property
    def excess(self) -> float:
        """Statistic over threshold."""
        return self.statistic / self.threshold


class LeftoverTest:
    """Tests of residuals against splines of features and products of pairs.

    Args:
        regression: rows; its weights are those of the residuals.
    """

    def __init__(self, regression: Regression) -> None:
        self.regression = regression

    @cached_property
    def blocks(self) -> list[tuple[tuple[int, ...], Array]]:
        """Orthonormal columns of every test, free of the offset and the nuisance."""
        regression = self.regression
        count = len(regression.columns)
        poly = [polynomials(one.z, DEGREE) for one in regression.columns]
        parts: list[tuple[tuple[int, ...], Array]] = [
            ((i,), one.basis) for i, one in enumerate(regression.columns)
        ]
        for i in range(count):
            for j in range(i):
                products = poly[i][:, :, None] * poly[j][:, None, :]
                parts.append(((j, i), products.reshape(len(regression), -1)))
        found = []
        for features, columns in parts:
            bare = regression.without(columns * regression.weight[:, None])
            found.append((features, orthonormal(bare) / np.sqrt(len(regression))))
        return found

    def strongest(self, residual: Array, tangent: Array) -> Leftover:
        """Return the test that fails most clearly, or comes nearest to it.

        Args:
            residual: (n,) weighted.
            tangent: (n, k) weighted derivatives of the model by its constants, along
                which a fitted residual cannot move.
        """
        squares = residual**2
        q = orthonormal_span(self.regression.without(tangent))
        best = None
        for features, block in self.blocks:
            free = block - q @ (q.T @ block) if q.shape[1] else block
            # directions that the model itself can follow carry no test
            values, vectors = np.linalg.eigh(free.T @ free)
            keep = values > 0.05
            if not keep.any():
                continue
            free = free @ vectors[:, keep]
            moment = free.T @ residual
            # the spread of the moments as it is, whatever the noise law
            spread = free.T @ (free * squares[:, None])
            statistic = float(moment @ np.linalg.solve(spread, moment))
            threshold = float(chi2.isf(LEVEL / len(self.blocks), int(keep.sum())))
            one = Leftover(features, statistic, threshold)
            if best is None or one.excess > best.excess:
                best = one
        return best or Leftover((), 0.0, 1.0)
