"""Autoregressions of residuals in time order, fitted and applied segment by segment.

A model takes slow noise out of its own residual: with u the noise, M = I - Q Q' (Q an
orthonormal basis of its columns) and R the correlation of u,

    E e e' = s^2 M R M,   e = M u.

Autocovariances of residuals are therefore compared with those that M R M has, not with
those of R, and the autoregression is moved until both agree. Without this the memory of
AR(1) noise of 0.95 behind ten smooth columns is taken for 0.88.

Reference: Levinson 1947; Worsley et al. 2002, NeuroImage 15, for the bias of residuals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import matmul_toeplitz
from scipy.signal import lfilter, lfiltic

from sciren.solvers.spans import orthonormal_span

MOVES = 6  # of the autoregression towards the residual, at most
STAYS = 1e-3  # change of the correlations that ends them
MOST_SEGMENTS = 200  # beyond, each holds too little slow noise for it to matter


@dataclass(frozen=True, eq=False)
class Autoregression:
    """Predictors of all orders up to p, with the variance that each leaves.

    Attributes:
        coefficients: one (j,) array for each order j = 0 .. p.
        variances: (p + 1,) innovation variance over that of order p; falling to one.
    """

    coefficients: tuple[np.ndarray, ...]
    variances: np.ndarray

    @classmethod
    def none(cls) -> "Autoregression":
        """Independent noise."""
        return cls((np.zeros(0),), np.ones(1))

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers."""
        predictors = [predictor.tolist() for predictor in self.coefficients]
        return {"coefficients": predictors, "variances": self.variances.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Autoregression":
        """Read what `to_json` wrote.

        Raises:
            ValueError: predictors that are not of the orders 0, 1, ... one by one.
        """
        predictors = tuple(
            np.array(numbers, dtype=float) for numbers in stored["coefficients"]
        )
        variances = np.array(stored["variances"], dtype=float)
        orders = [len(predictor) for predictor in predictors]
        if orders != list(range(len(variances))):
            raise ValueError(
                f"an autoregression of order {len(variances) - 1} has predictors of "
                f"orders {orders}"
            )
        return cls(predictors, variances)

    @property
    def order(self) -> int:
        """Order p."""
        return len(self.coefficients) - 1

    def correlations(self, count: int) -> np.ndarray:
        """Autocorrelations (count,) of the noise at lags 0, 1, ... (Yule-Walker)."""
        first, left = [1.0], 1.0
        for order in range(1, self.order + 1):  # Levinson's steps, backwards
            shorter, reflection = (
                self.coefficients[order - 1],
                self.coefficients[order][-1],
            )
            first.append(float(reflection * left + shorter @ first[:0:-1]))
            left *= 1 - reflection**2
        # Beyond the order the correlations follow the recursion of the process itself:
        # a filter without input that begins with the first p of them.
        polynomial = np.append(1.0, -self.coefficients[-1])
        state = lfiltic([1.0], polynomial, first[::-1][: self.order])
        later = lfilter(
            [1.0], polynomial, np.zeros(max(count - len(first), 0)), zi=state
        )
        return np.concatenate((first, later[0]))[:count]


def fit_autoregression(
    values: np.ndarray,
    segments: np.ndarray,
    highest: int,
    columns: np.ndarray | None = None,
) -> Autoregression:
    """Fit by Yule-Walker; the order by BIC.

    Autocovariances are means over pairs inside segments, so that many short segments do
    not look like short memory; an order at which they are not positive definite ends the
    recursion.

    Args:
        values: (m,) in time order, mean about zero.
        segments: (m,) ids, consecutive and rising.
        highest: highest order tried.
        columns: (m, P) of the model that left these values behind; default none.
    """
    basis = None
    if columns is not None and segments[-1] - segments[0] < MOST_SEGMENTS:
        basis = orthonormal_span(columns)
        values = values - basis @ (basis.T @ values)
    # Residuals lie outside the span of the model's columns, and so must what is
    # compared with them.
    pairs = _pairs(segments, highest)
    observed = _lagged(values[:, None], values[:, None], segments, len(pairs)) / pairs
    if observed[0] <= 0:
        return Autoregression.none()
    wanted = observed / observed[0]
    law = _yule_walker(wanted, len(values))
    for _ in range(MOVES):
        if basis is None or law.order == 0:
            break
        true, left = _correlations(law, basis, segments, pairs)
        # left = lagged products that M R M has, true = those of R. What the model took
        # away, true - left, is added to what was observed, on its own scale.
        moved = observed * left[0] / observed[0] + true - left
        change, wanted = np.abs(moved - wanted).max(), moved
        law = _yule_walker(wanted, len(values))
        if change < STAYS:
            break
    return law


def _yule_walker(correlations: np.ndarray, count: int) -> Autoregression:
    """Return the autoregression of the order that BIC wants."""
    predictors, left = _levinson(correlations)
    orders = np.arange(len(left))
    # left[p] is the innovation variance over that of the values: BIC of order p.
    best = int((count * np.log(left) + orders * np.log(count)).argmin())
    return Autoregression(tuple(predictors[: best + 1]), left[: best + 1] / left[best])


def _pairs(segments: np.ndarray, highest: int) -> np.ndarray:
    """Number of pairs inside segments at lag 0, 1, ..., as far as there are enough."""
    count = len(segments)
    counts = [count]
    for lag in range(1, min(highest, count // 10) + 1):
        pairs = int((segments[lag:] == segments[:-lag]).sum())
        # Ten pairs a lag, or the autocovariance at that lag is mostly chance.
        if pairs < max(10 * lag, 20):
            break
        counts.append(pairs)
    return np.array(counts)


def _lagged(
    first: np.ndarray, second: np.ndarray, segments: np.ndarray, lags: int
) -> np.ndarray:
    """Sums (lags,) of first[t + k] second[t] over columns and pairs inside segments."""
    sums = [np.einsum("mp,mp->", first, second)]
    for lag in range(1, lags):
        same = (segments[lag:] == segments[:-lag]).astype(float)
        sums.append(np.einsum("mp,mp,m->", first[lag:], second[:-lag], same))
    return np.array(sums)


def _correlations(
    law: Autoregression,
    basis: np.ndarray,
    segments: np.ndarray,
    pairs: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (lags,) of the noise, and mean lagged products of M R M.

    M R M = R - Q (R Q)' - (R Q) Q' + Q (Q' R Q) Q'
    """
    true = law.correlations(len(segments))
    starts = np.flatnonzero(np.diff(segments)) + 1
    # R Q: R is one Toeplitz block a segment, so no (m, m) matrix is made.
    moved = np.concatenate(
        [matmul_toeplitz(true[: len(part)], part) for part in np.split(basis, starts)]
    )
    lags = len(pairs)
    # Q (Q' R Q), whose products with Q belong to the last term.
    inner = basis @ (basis.T @ moved)
    taken = _lagged(basis, moved, segments, lags) + _lagged(
        moved, basis, segments, lags
    )
    both = _lagged(inner, basis, segments, lags)
    return true[:lags], true[:lags] - (taken - both) / pairs


def _levinson(correlations: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return best predictors of all orders and the variance that each leaves."""
    predictors, left = [np.zeros(0)], [1.0]
    for order in range(1, len(correlations)):
        last = predictors[-1]
        unexplained = correlations[order] - last @ correlations[order - 1 : 0 : -1]
        reflection = unexplained / left[-1]
        # A reflection of one leaves no variance: the sequence is not positive definite.
        if not abs(reflection) < 0.9999:
            break
        predictors.append(np.append(last - reflection * last[::-1], reflection))
        left.append(left[-1] * (1 - reflection**2))
    return predictors, np.array(left)


def place_in_segment(segments: np.ndarray, order: int) -> np.ndarray:
    """Return how many rows (m,) stand before each one in its segment, up to the order.

    Args:
        segments: (m,) ids, consecutive and rising.
    """
    rows = np.arange(len(segments))
    starts = np.concatenate(([True], np.diff(segments) != 0))
    return np.minimum(rows - np.maximum.accumulate(np.where(starts, rows, 0)), order)


def filtered(
    autoregression: Autoregression, columns: np.ndarray, segments: np.ndarray
) -> np.ndarray:
    """Subtract from every row its prediction by the rows before it in its segment.

    The first rows of a segment, which have fewer rows before them, are predicted by the
    lower orders and brought to the same variance: the result is the exact inverse square
    root of the Toeplitz covariance.

    Args:
        columns: (m, c);  segments: (m,) ids, consecutive and rising.
    """
    order = autoregression.order
    place = place_in_segment(segments, order)
    # Row k of the table holds the predictor of that length, filled with zeros.
    table = np.zeros((order + 1, order))
    for j, predictor in enumerate(autoregression.coefficients):
        table[j, :j] = predictor
    white = columns.copy()
    for lag in range(1, min(order, len(columns) - 1) + 1):
        weight = table[place[lag:], lag - 1]
        white[lag:] -= weight[:, None] * columns[:-lag]
    return white / np.sqrt(autoregression.variances[place])[:, None]
