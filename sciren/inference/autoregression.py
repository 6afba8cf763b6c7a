"""Autoregressions of residuals in time order, fitted and applied segment by segment."""

from dataclasses import dataclass

import numpy as np


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

    @property
    def order(self) -> int:
        """Order p."""
        return len(self.coefficients) - 1


def fit_autoregression(
    values: np.ndarray, segments: np.ndarray, highest: int
) -> Autoregression:
    """Fit by Yule-Walker; the order by BIC.

    Autocovariances are means over pairs inside segments, so that many short segments do
    not look like short memory; an order at which they are not positive definite ends the
    recursion.

    Args:
        values: (m,) in time order, mean about zero.
        segments: (m,) ids, consecutive and rising.
        highest: highest order tried.
    """
    count = len(values)
    variance = float(values @ values) / count
    if variance <= 0:
        return Autoregression.none()
    correlations = [1.0]
    for lag in range(1, min(highest, count // 10) + 1):
        same = segments[lag:] == segments[:-lag]
        pairs = int(same.sum())
        if pairs < max(10 * lag, 20):
            break
        product = (values[lag:] * values[:-lag])[same]
        correlations.append(float(product.sum()) / pairs / variance)
    predictors, left = _levinson(np.array(correlations))
    orders = np.arange(len(left))
    criterion = count * np.log(left) + orders * np.log(count)
    best = int(criterion.argmin())
    return Autoregression(tuple(predictors[: best + 1]), left[: best + 1] / left[best])


def _levinson(correlations: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return best predictors of all orders and the variance that each leaves."""
    predictors, left = [np.zeros(0)], [1.0]
    for order in range(1, len(correlations)):
        last = predictors[-1]
        rest = correlations[order] - last @ correlations[order - 1 : 0 : -1]
        reflection = rest / left[-1]
        if not abs(reflection) < 0.9999:
            break
        predictors.append(np.append(last - reflection * last[::-1], reflection))
        left.append(left[-1] * (1 - reflection**2))
    return predictors, np.array(left)


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
    starts = np.concatenate(([True], np.diff(segments) != 0))
    first = np.maximum.accumulate(np.where(starts, np.arange(len(columns)), 0))
    place = np.minimum(np.arange(len(columns)) - first, order)
    table = np.zeros((order + 1, order))
    for j, predictor in enumerate(autoregression.coefficients):
        table[j, :j] = predictor
    white = columns.copy()
    for lag in range(1, min(order, len(columns) - 1) + 1):
        weight = table[place[lag:], lag - 1]
        white[lag:] -= weight[:, None] * columns[:-lag]
    return white / np.sqrt(autoregression.variances[place])[:, None]
