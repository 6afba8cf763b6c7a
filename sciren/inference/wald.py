"""Wald tests of blocks of coefficients that do not believe in the noise law.

Independent observations: HC3. In time order: the long-run
variance of the scores from few equal-weighted cosines, whose tests are compared with
F(d, nu - d + 1); see `sandwich`.

Reference: MacKinnon and White 1985 (HC3); Sun 2013, Lazarus, Lewis, Stock and Watson
2018 (equal-weighted cosines); Kiefer and Vogelsang 2005, Lahiri 2003 for few of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from sciren.inference.elimination import GramModel
from sciren.inference.sandwich import (
    TEST_SHARE,
    cosine_count,
    cosine_meat,
    independent_meat,
)


@dataclass(frozen=True, eq=False)
class RobustTest:
    """Wald tests in linear models on whitened observations.

    Attributes:
        columns: (m, P) whitened;  response: (m,).
        model: its normal equations.
        rank: (m,) place in time of every observation's row, or None: independent.
    """

    columns: np.ndarray
    response: np.ndarray
    model: GramModel
    rank: np.ndarray | None

    def p_values(
        self, kept: Sequence[int], asked: Sequence[int] | None = None
    ) -> dict[int, float]:
        """Return the p-value of some (default: all) blocks in the model with kept ones."""
        if not kept:
            return {}
        fit = self.model.fit(kept)
        columns = self.columns[:, fit.positions]
        residual = self.response - columns @ fit.theta
        p_values = {}
        freedom: float = max(len(residual) - len(fit.positions), 1)
        leverage = np.empty(0)
        if self.rank is None:
            leverage = np.einsum("np,np->n", columns @ fit.inverse, columns)
        for block in kept if asked is None else asked:
            place = fit.places[block]
            # Row i of (X'X)^-1 X': what one observation adds to the coefficients of the
            # block. Its product with the residual is the score whose (long-run) variance
            # is that of theta.
            scores = columns @ fit.inverse[:, place] * residual[:, None]
            if self.rank is None:
                covariance = independent_meat(scores, leverage)
            else:
                covariance, freedom = long_run_covariance(scores, self.rank)
            p_values[block] = wald_p_value(
                fit.theta[place], covariance, freedom, self.rank is None
            )
        return p_values


def long_run_covariance(
    scores: np.ndarray, rank: np.ndarray, count: int | None = None
) -> tuple[np.ndarray, int]:
    """Return the covariance (P, P) of the sum of scores (m, P), and the cosines in it.

    Args:
        scores: of observations;  rank: (m,) place of their rows in time, 0 .. n - 1.
        count: number of cosines; default max(12, 0.4 n^(2/3)).
    """
    rows = int(rank.max()) + 1
    count = cosine_count(rows, TEST_SHARE) if count is None else count
    return cosine_meat(scores, count, rank=rank), count


def wald_p_value(
    theta: np.ndarray, covariance: np.ndarray, freedom: float, independent: bool
) -> float:
    """Return the p-value of theta = 0.

    Args:
        theta: (d,) estimates;  covariance: (d, d) of them.
        freedom: of the residual (independent rows) or number of cosines (time order).
        independent: whether rows are taken as independent.
    """
    size = len(theta)
    if size == 0:
        return 1.0
    distance = float(theta @ np.linalg.pinv(covariance, hermitian=True) @ theta)
    if independent:
        return float(f_distribution.sf(distance / size, size, freedom))
    # Hotelling's correction: the covariance itself has only so many cosines behind it.
    denominator_freedom = max(freedom - size + 1, 1)
    return float(
        f_distribution.sf(
            distance * denominator_freedom / (freedom * size), size, denominator_freedom
        )
    )
