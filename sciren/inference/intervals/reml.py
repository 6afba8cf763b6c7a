"""Smoothness of penalised curves by restricted maximum likelihood (REML).

Columns are arranged so that every penalty is a multiple of the identity on a group of
columns: strengths lambda_j on the groups, minimise |y - J b|^2 + sum lambda_j |b_j|^2. The
generalised Fellner-Schall step

    lambda_j <- s^2 (size_j - lambda_j tr (A^-1)_jj) / |b_j|^2,   A = J'J + diag(lambda),

raises the restricted likelihood, and needs the Gram matrices J'J, J'y and y'y alone.

Reference: Wood and Fasiolo 2017, A generalized Fellner-Schall method for smoothing
parameter optimization; Wahba 1983 for the priors behind the penalties.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

VANISHING = 1e-140  # root of a curvature whose inverse is no double any more


MOST_STEPS = 25  # at most; `SETTLED` ends most fits
SETTLED = 0.05  # |change of log lambda| below which the steps end: 5 % change no width
STRONGEST = 1e8  # lambda over the mean curvature of its columns: a straight line
WEAKEST = 1e-8  # the reverse: no penalty
RIDGE = 1e-9  # share of a curvature: what nothing determines stays at zero


@dataclass(frozen=True)
class PenaltyGroup:
    """Columns that share one strength.

    Args:
        columns: their places.
        capped: whether the prior deviation s / sqrt(lambda) of each column stays at least
            one standard error of its unpenalised estimate, so that a curve without a
            visible effect keeps a width.
    """

    columns: Array
    capped: bool = False


@dataclass(frozen=True)
class Smoothing:
    """A penalised fit with its strengths.

    Attributes:
        coefficients: (P,).
        penalty: (P,) diagonal.
        inverse: (P, P) of J'J + penalty.
        variance: s^2 = residual sum of squares / (rows - edf).
        edf: effective degrees of freedom, tr (A^-1 J'J).
    """

    coefficients: Array
    penalty: Array
    inverse: Array
    variance: float
    edf: float


def smooth(
    gram: Array,
    right: Array,
    square: float,
    rows: int,
    groups: Sequence[PenaltyGroup],
    start: Array | None = None,
) -> Smoothing:
    """Return the penalised fit whose strengths have settled.

    Args:
        gram: (P, P) J'J.
        right: (P,) J'y.
        square: y'y.
        rows: number n of observations.
        groups: of penalised columns, disjoint; other columns are free.
        start: (P,) penalty to start from.
    """
    typical = _typical(gram, groups)
    strengths = np.array(
        [1.0 if start is None else start[g.columns[0]] / unit
         for g, unit in zip(groups, typical, strict=True)]
    )  # fmt: skip
    smoothing = penalised(
        gram, right, square, rows, _diagonal(groups, strengths * typical, gram)
    )
    for _ in range(MOST_STEPS):
        moved = np.array(
            [_moved(smoothing, g, lam * unit) / unit
             for g, lam, unit in zip(groups, strengths, typical, strict=True)]
        )  # fmt: skip
        # Strengths in units of the mean curvature: beyond these limits nothing changes,
        # and the inverse loses its digits.
        moved = np.clip(moved, WEAKEST, STRONGEST)
        change = np.abs(np.log(moved / strengths)).max(initial=0.0)
        strengths = moved
        penalty = _diagonal(groups, strengths * typical, gram)
        smoothing = penalised(gram, right, square, rows, penalty)
        if change < SETTLED:
            break
    return smoothing


def penalised(
    gram: Array, right: Array, square: float, rows: int, penalty: Array
) -> Smoothing:
    """Return the fit with a given diagonal penalty (P,)."""
    # Of each column's own curvature: parameters have unlike units.
    own = np.diag(gram)
    floor = RIDGE * np.where(own > 0, own, 1.0)
    matrix = gram + np.diag(penalty + floor)
    inverse = _inverse(matrix)
    coefficients = inverse @ right
    # The trace alone, without the product of two (P, P) matrices.
    edf = float(np.einsum("pq,qp->", inverse, gram))
    # |y - J b|^2 from the Gram matrices. Where the fit is nearly exact its terms
    # cancel, and rounding may leave it below zero.
    left = square - 2.0 * coefficients @ right + coefficients @ gram @ coefficients
    freedom = max(rows - edf, 1.0)
    variance = max(float(left), 0.0) / freedom
    return Smoothing(coefficients, penalty, inverse, variance, edf)


def _moved(smoothing: Smoothing, group: PenaltyGroup, strength: float) -> float:
    """Return the Fellner-Schall update of one strength, capped where that is asked."""
    places = group.columns
    spread = np.diag(smoothing.inverse)[places]
    # Degrees of freedom of the group; rounding must not make them negative, as a
    # strength of zero could not move any more.
    spent = max(len(places) - strength * float(spread.sum()), 1e-12)
    size = max(float(np.sum(smoothing.coefficients[places] ** 2)), 1e-300)
    moved = smoothing.variance * spent / size
    if group.capped:
        # 1/(A^-1)_jj - lambda is the curvature of the column with all others refitted
        information = np.maximum(1.0 / spread - strength, 1e-300)
        moved = min(moved, float(information.min()))
    return moved


def _typical(gram: Array, groups: Sequence[PenaltyGroup]) -> Array:
    """Return the mean curvature of the columns of each group, the unit of its lambda."""
    curvature = np.diag(gram)
    # Columns that no observation sees have none, and any strength leaves them at zero.
    return np.array([float(curvature[g.columns].mean()) or 1.0 for g in groups])


def _diagonal(groups: Sequence[PenaltyGroup], strengths: Array, gram: Array) -> Array:
    penalty = np.zeros(len(gram))
    for group, strength in zip(groups, strengths, strict=True):
        penalty[group.columns] = strength
    return penalty


def _inverse(matrix: Array) -> Array:
    """Return the inverse of a positive definite matrix, scaled to unit diagonal first."""
    size = np.sqrt(np.diag(matrix))
    if not size.min(initial=1.0) > VANISHING:
        raise np.linalg.LinAlgError("a direction has no curvature at all")
    scaled = matrix / np.outer(size, size)
    return np.linalg.inv(scaled) / np.outer(size, size)
