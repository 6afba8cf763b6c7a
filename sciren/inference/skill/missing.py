"""Whether something is missing in a fitted model: do the columns predict its residual?

A flexible model fitted to the whole target hardly ever beats a right equation, and never
sees a missing product. Fitted to the residual it does: what it predicts for rows that it
has not seen is correlated with their residual only where a part is missing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciren.inference.relationship import LEVEL, one_sided_t
from sciren.inference.skill.flexible import REFERENCES, held_out_predictions

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Whiten = Callable[[Array], Array]
"""Rows (n, k) -> rows (n, k) divided by the noise's scale and freed of its memory."""

INFLATION = math.sqrt(2.0)
"""Of the standard error: every pair of rows enters twice, once with each of the two held
out, so block sums see half of the variance (measured: 8-18 % false alarms without it)."""


@dataclass(frozen=True)
class MissingPart:
    """What the columns still predict of a residual.

    Attributes:
        p: one-sided probability of such a correlation where nothing is missing.
        t: the correlation over its standard error.
        share: of the whitened residual's squares that the prediction explains.
        reference: which flexible model saw the most.
        blocks: behind the standard error.
    """

    p: float
    t: float
    share: float
    reference: str
    blocks: int

    @property
    def fires(self) -> bool:
        """Whether something is missing, at the level of 5 %."""
        return self.p < LEVEL


def missing_part(
    residual: Array,
    sensitivities: Array,
    inputs: Array,
    folds: Ids,
    blocks: Ids,
    whiten: Whiten | None = None,
    scale: Array | None = None,
) -> MissingPart:
    """Test whether features and forcings predict what a fitted model leaves.

        h = held-out prediction of the residual, whitened, made orthogonal to J
        z = sum r h,  standard error from sums over blocks, times sqrt(2)

    Orthogonal to J, because a fit has already taken out of the residual what its
    constants can change, and h must not be judged by that. Two references are asked, so
    the smaller probability counts twice.

    Args:
        residual: (n,) observed minus fitted, nan where not observed.
        sensitivities: J (n, p), of the fitted mean to every fitted coefficient.
        inputs: (n, d) features and forcings.
        folds, blocks: (n,) from `sciren.inference.blocks`.
        whiten: of the fit; default: none.
        scale: (n,) standard deviation of the noise up to a factor, for the references.
    """
    finite = np.isfinite(residual)
    scale = np.ones(len(residual)) if scale is None else scale
    # Rows that are not observed weigh nothing: residual, sensitivities and prediction
    # are zero there alike.
    filled = np.where(finite, residual, 0.0)
    left, design = (
        _whitened(whiten, filled[:, None])[:, 0],
        _whitened(whiten, np.where(finite[:, None], sensitivities, 0.0)),
    )
    tests = []
    for name, reference in REFERENCES.items():
        # References minimise plain squares, so they learn the residual in units of its
        # noise; the prediction goes back to the units of the residual.
        target = np.where(finite, residual / scale, np.nan)
        predicted = scale * held_out_predictions(inputs, target, folds, reference)
        predicted = np.where(finite, predicted, 0.0)
        h = _orthogonal(_whitened(whiten, predicted[:, None])[:, 0], design)
        tests.append(_correlation(left, h, blocks, name))
    best = min(tests, key=lambda test: test.p)
    # Bonferroni: the smallest of several probabilities.
    p = min(1.0, len(tests) * best.p)
    return MissingPart(p, best.t, best.share, best.reference, best.blocks)


def _whitened(whiten: Whiten | None, columns: Array) -> Array:
    return columns if whiten is None else whiten(columns)


def _orthogonal(h: Array, design: Array) -> Array:
    """Take out of h (n,) what the columns of a design (n, p) span."""
    size = np.sqrt((design**2).sum(0))
    # A column without any length has no direction: dividing by it would make one of
    # rounding.
    design = design[:, size > 1e-12 * max(1e-300, float(size.max(initial=0.0)))]
    if design.shape[1] == 0:
        return h
    # Columns of length one, so that a small singular value means that they repeat each
    # other and not that their unit is small.
    basis, values, _ = np.linalg.svd(
        design / np.sqrt((design**2).sum(0)), full_matrices=False
    )
    basis = basis[:, values > 1e-10 * values[0]]
    return h - basis @ (basis.T @ h)


def _correlation(left: Array, h: Array, blocks: Ids, name: str) -> MissingPart:
    count = int(blocks.max()) + 1
    # Residuals of one block are correlated, those of different blocks are not: only
    # sums over blocks say how much the correlation varies.
    sums = np.bincount(blocks, left * h, count).astype(float)
    power = float(h @ h) * float(left @ left)
    # A prediction of nearly nothing has no direction that could be judged.
    if h @ h <= 1e-20 * max(float(left @ left), 1e-300):
        return MissingPart(1.0, 0.0, 0.0, name, count)
    t, p = one_sided_t(sums, INFLATION)
    return MissingPart(p, t, float(left @ h) ** 2 / power, name, count)
