"""Covariance of least-squares estimates that does not believe in the noise law.

With the scores s_i = J_i (y_i - f_i) of the observations, A = J'J + P (P a penalty) and
the residual variance s^2,

    V = A^-1 (M + s^2 P) A^-1.

M is the covariance of the sum of the scores:

    independent rows  sum of s_i s_i' / (1 - h_i)^2, h_i the leverage (HC3)
    blocks            the same with the scores summed inside a block first
    time order        n / nu * sum over j = 1..nu of c_j c_j', c_j the j-th cosine
                      coefficient of the scores, divided by (1 - edf/n)^2

The term s^2 P counts the bias of smoothing like variance, so that intervals of curves hold
on average over the rows.

Reference: MacKinnon and White 1985 (HC3); Liang and Zeger 1986 (blocks); Lazarus, Lewis,
Stock and Watson 2018 (equal-weighted cosines, Student's t with nu degrees of freedom);
Nychka 1988 and Marra and Wood 2012 (smoothing bias inside the interval).
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct

from sciren.inference.intervals.quantiles import t_quantile

Array = np.ndarray
Labels = np.ndarray

LEAST_BLOCKS = 20
"""Fewer blocks say little about their own scatter: rows are taken one by one."""

MOST_LEVERAGE = 0.9  # HC3 divides by (1 - h)^2: a row alone with its column would burst
LEAST_COSINES = 12  # t quantile 2.18; with fewer it grows fast (Lazarus et al. 2018)
INTERVAL_SHARE = 0.1
"""nu = max(12, 0.1 n^(2/3)) for intervals: more cosines undercover the level of
autocorrelated rows (93 % with 12, 92 % with 20, 88 % with 200 of 95 %, 80 records)."""

TEST_SHARE = 0.4
"""nu = max(12, 0.4 n^(2/3)) for tests of single features, which need more power."""


@dataclass(frozen=True)
class Covariance:
    """Covariance of the estimates and the degrees of freedom of its quantiles.

    Attributes:
        matrix: (P, P).
        freedom: of Student's t; infinite for many independent rows.
    """

    matrix: Array
    freedom: float

    def quantile(self, level: float = 0.95) -> float:
        """Return the two-sided quantile of Student's t."""
        return t_quantile(level, self.freedom)

    def error(self, directions: Array) -> Array:
        """Return standard errors (m,) of the combinations directions (m, P)."""
        variance = np.einsum(
            "mp,pq,mq->m", directions, self.matrix, directions, optimize=True
        )
        return np.sqrt(np.maximum(variance, 0.0))


def cosine_count(rows: int, share: float = INTERVAL_SHARE) -> int:
    """Return nu = max(12, share * rows^(2/3)), at most half the rows."""
    wished = max(LEAST_COSINES, round(share * rows ** (2.0 / 3.0)))
    return max(1, min(wished, rows // 2))


def independent_meat(scores: Array, leverage: Array) -> Array:
    """Return sum of s s' / (1 - h)^2 over independent rows (HC3).

    Args:
        scores: (n, P).
        leverage: (n,), held below 0.9.
    """
    scaled = scores / _kept(leverage)[:, None]
    return scaled.T @ scaled


def block_meat(
    scores: Array, leverage: Array, blocks: Labels, least: int = LEAST_BLOCKS
) -> tuple[Array, int]:
    """Return the meat of rows that depend on each other inside blocks, and their number.

    With fewer than the least blocks, or a block a row, rows count one by one (number 0).

    Args:
        scores: (n, P).
        leverage: (n,).
        blocks: (n,) labels.
        least: number of blocks.
    """
    labels, places = np.unique(blocks, return_inverse=True)
    count = len(labels)
    if not least <= count < len(scores):
        return independent_meat(scores, leverage), 0
    # Scores are added inside a block before they are squared: what its rows share
    # counts.
    sums = np.zeros((count, scores.shape[1]))
    np.add.at(sums, places, scores / _kept(leverage)[:, None])
    # B / (B - 1), as the sums scatter around zero only on average (Liang and Zeger).
    return count / (count - 1.0) * (sums.T @ sums), count


def cosine_meat(
    scores: Array, count: int, edf: float = 0.0, rank: Array | None = None
) -> Array:
    """Return the long-run covariance of the sum of scores in time order.

    Args:
        scores: (m, P) of observations.
        count: number nu of cosines.
        edf: effective degrees of freedom that the fit spent.
        rank: (m,) place in time of the row of every observation, 0 .. n - 1; default:
            one observation a row, in time order.
    """
    in_time = scores
    if rank is not None:
        in_time = np.zeros((int(rank.max()) + 1, scores.shape[1]))
        if np.bincount(rank).max(initial=0) <= 1:  # nothing to add up, and much faster
            in_time[rank] = scores
        else:
            np.add.at(in_time, rank, scores)
    # sqrt(2) sum_i cos(pi j (i + 1/2) / n) s_i for all j at once
    coefficients = dct(in_time, type=2, axis=0)[1 : count + 1] / np.sqrt(2.0)
    # What HC3 does row by row is done here on average: leverage is edf / m.
    spent = min(edf / len(scores), MOST_LEVERAGE)
    return coefficients.T @ coefficients / count / (1.0 - spent) ** 2


def bayesian_sandwich(
    inverse: Array, meat: Array, penalty: Array | None = None, variance: float = 0.0
) -> Array:
    """Return A^-1 (M + s^2 P) A^-1.

    Args:
        inverse: (P, P) of A = J'J + penalty.
        meat: (P, P) covariance of the sum of scores.
        penalty: (P, P), or its diagonal (P,); None for no penalty.
        variance: s^2 of the residuals.
    """
    filling = meat
    if penalty is not None:
        wide = np.diag(penalty) if penalty.ndim == 1 else penalty
        filling = meat + variance * wide
    return inverse @ filling @ inverse


def leverages(design: Array, inverse: Array) -> Array:
    """Return the share (n,) of each row in its own prediction, J A^-1 J'."""
    return np.einsum("np,pq,nq->n", design, inverse, design, optimize=True)


def _kept(leverage: Array) -> Array:
    return 1.0 - np.clip(leverage, 0.0, MOST_LEVERAGE)
