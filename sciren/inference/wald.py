"""Wald tests of blocks of coefficients that do not believe in the noise law.

Independent observations: HC3, or HC2 with its own degrees of freedom nu where they are few.
In time order: the long-run variance of the scores from nu equal-weighted cosines; see
`sandwich`. Where nu is small, tests are compared with F(d, nu - d + 1).

Reference: MacKinnon and White 1985 (HC2, HC3); Bell and McCaffrey 2002, Tipton and
Pustejovsky 2015 (few observations); Sun 2013, Lazarus, Lewis, Stock and Watson 2018
(equal-weighted cosines); Kiefer and Vogelsang 2005, Lahiri 2003 for few of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from sciren.inference.elimination import GramModel
from sciren.inference.sandwich import (
    MOST_LEVERAGE,
    TEST_SHARE,
    cosine_count,
    cosine_meat,
    independent_meat,
)

FEW = 30
"""Observations up to which a variance has a freedom of its own. Of pure noise HC3 keeps a curve
in 8 to 11 % of tables of 12 to 20 rows and four features, this at most 3 %; from 45 rows on both
keep 2 %. Ten groups: 4 % instead of 7 (`python -m benchmarks.dynamics few_groups`)."""


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
        blocks = kept if asked is None else asked
        places = [fit.places[block] for block in blocks]
        if self.rank is None:
            known = independent_p_values(
                fit.theta, columns, fit.inverse, places, residual
            )
            return dict(zip(blocks, known, strict=True))
        p_values = {}
        for block, place in zip(blocks, places, strict=True):
            # Row i of (X'X)^-1 X': what one observation adds to the coefficients of the
            # block. Its product with the residual is the score whose long-run variance
            # is that of theta.
            scores = columns @ fit.inverse[:, place] * residual[:, None]
            covariance, freedom = long_run_covariance(scores, self.rank)
            p_values[block] = wald_p_value(
                fit.theta[place], covariance, freedom, known=False
            )
        return p_values


def independent_p_values(
    theta: np.ndarray,
    columns: np.ndarray,
    inverse: np.ndarray,
    places: Sequence[slice],
    residual: np.ndarray,
) -> list[float]:
    """Return the p-value of every block of coefficients; observations are independent.

    Args:
        theta: (P,);  columns: (m, P) whitened;  inverse: (P, P) of X'X.
        places: of the blocks among the columns;  residual: (m,).
    """
    if len(residual) <= FEW:
        few = [few_rows_covariance(columns, inverse, p, residual) for p in places]
        return [
            wald_p_value(theta[place], *law, known=False)
            for place, law in zip(places, few, strict=True)
        ]
    leverage = np.einsum("np,np->n", columns @ inverse, columns)
    freedom = max(len(residual) - columns.shape[1], 1)
    p_values = []
    for place in places:
        scores = columns @ inverse[:, place] * residual[:, None]
        covariance = independent_meat(scores, leverage)
        p_values.append(wald_p_value(theta[place], covariance, freedom, known=True))
    return p_values


def few_rows_covariance(
    columns: np.ndarray, inverse: np.ndarray, place: slice, residual: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the covariance of some coefficients (HC2), and the freedom behind it.

    With a_i what observation i adds to the coefficients, h_i its leverage, and M the matrix
    of residuals: sum of a_i a_i' e_i^2 / (1 - h_i), which is right on average where the noise
    is even; with D = diag(|a_i|^2 / (1 - h_i)) its freedom is (tr MD)^2 / tr MDMD. A
    variance that a few rows of much leverage bring has less of it than m - P.
    Reference: Bell and McCaffrey 2002; Imbens and Kolesar 2016, equations 8 and 20.

    Args:
        columns: (m, P) whitened;  inverse: (P, P) of X'X;  place: of the coefficients.
        residual: (m,).
    """
    added = columns @ inverse[:, place]
    left = np.eye(len(columns)) - columns @ inverse @ columns.T  # M
    share = np.maximum(np.diagonal(left), 1.0 - MOST_LEVERAGE)
    scores = added * (residual / np.sqrt(share))[:, None]
    # Coefficients have units of their own: each counts by its own size.
    size = np.maximum((added**2).sum(0), np.finfo(float).tiny)
    weight = (added**2 / size).sum(1) / share
    first = float(np.diagonal(left) @ weight)
    second = float(weight @ left**2 @ weight)
    most = max(len(columns) - columns.shape[1], 1)
    freedom = min(max(first**2 / second, 1.0), most) if second > 0 else 1.0
    return scores.T @ scores, freedom


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
    theta: np.ndarray, covariance: np.ndarray, freedom: float, known: bool
) -> float:
    """Return the p-value of theta = 0.

    Args:
        theta: (d,) estimates;  covariance: (d, d) of them.
        freedom: of the residual, of the covariance or the number of its cosines.
        known: whether enough rows stand behind the covariance to take it as known but for
            its scale.
    """
    size = len(theta)
    if size == 0:
        return 1.0
    distance = float(theta @ np.linalg.pinv(covariance, hermitian=True) @ theta)
    if known:
        return float(f_distribution.sf(distance / size, size, freedom))
    # Hotelling's correction: the covariance itself has no more freedom than that behind it.
    denominator_freedom = max(freedom - size + 1, 1)
    return float(
        f_distribution.sf(
            distance * denominator_freedom / (freedom * size), size, denominator_freedom
        )
    )
