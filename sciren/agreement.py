"""How well predictions agree with observations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LOG_FLOOR = 1e-3
"""Share of the offset below which the log of a comparison has no more room: the training goes
on along its tangent there, so that trial steps below zero keep a loss and a slope."""


@dataclass(frozen=True)
class Agreement:
    """Scores of predictions over the rows that were observed.

        r2 = 1 - sum w (y - p)^2 / sum w (y - mean)^2,  bias = mean of p - y

    Args:
        rows: rows with an observation and a weight above zero.
        r2: coefficient of determination, negative where the mean of the observations
            predicts better; nan where they do not vary.
        rmse: root of the mean squared difference, unit of the observations.
        bias: mean of prediction minus observation, same unit.
    """

    rows: int
    r2: float
    rmse: float
    bias: float

    @classmethod
    def of(
        cls,
        observed: ArrayLike,
        predicted: ArrayLike,
        weights: ArrayLike | None = None,
    ) -> "Agreement":
        """Compare predictions with observations.

        Args:
            observed: (n,), nan = not observed.
            predicted: (n,).
            weights: (n,) of the rows, >= 0; default equal.
        """
        y, p = np.asarray(observed, dtype=float), np.asarray(predicted, dtype=float)
        w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
        # A missing prediction is kept, and makes the scores nan: leaving it out would
        # praise a model for its silence.
        counted = ~np.isnan(y) & (w > 0)
        y, p, w = y[counted], p[counted], w[counted]
        if not len(y):
            return cls(0, np.nan, np.nan, np.nan)
        size = power_of_two(y)
        y, p = y / size, p / size
        with np.errstate(over="ignore"):  # a prediction may be far off: r2 = -inf
            squares = np.average((y - p) ** 2, weights=w)
            variance = np.average((y - np.average(y, weights=w)) ** 2, weights=w)
            return cls(
                rows=len(y),
                r2=float(1 - squares / variance) if variance > 0 else np.nan,
                rmse=float(np.sqrt(squares) * size),
                bias=float(np.average(p - y, weights=w) * size),
            )


def r2(
    observed: ArrayLike,
    predicted: ArrayLike,
    weights: ArrayLike | None = None,
    parts: ArrayLike | None = None,
) -> float:
    """Return the coefficient of determination; negative where the mean predicts better.

    Args:
        observed, predicted, weights: as `Agreement.of`.
        parts: (n,) what each value belongs to, such as its target: squares of several
            parts are added up, those of the variance about the mean of each part.
    Returns:
        nan where the observations do not vary, or a prediction is missing.
    """
    if parts is None:
        return Agreement.of(observed, predicted, weights).r2
    y, p, part = np.asarray(observed, float), np.asarray(predicted), np.asarray(parts)
    size = power_of_two(y)
    y, p = y / size, p / size
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    left = total = 0.0
    for name in np.unique(part):
        counted = (part == name) & ~np.isnan(y) & (w > 0)
        if counted.any():
            # Each part about its own mean: targets of different level would explain
            # each other.
            middle = np.average(y[counted], weights=w[counted])
            left += float(w[counted] @ (y[counted] - p[counted]) ** 2)
            total += float(w[counted] @ (y[counted] - middle) ** 2)
    return 1 - left / total if total > 0 else np.nan


def power_of_two(values: np.ndarray) -> float:
    """Return the power of two of the largest finite size, 1 where all are zero.

    Divided by it, values of any unit have squares, and keep all their digits.
    """
    largest = float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))
    # Down to the smallest normal number: below it, the inverse would overflow.
    return 2.0 ** max(int(np.frexp(largest)[1]) - 1, -1021) if largest > 0 else 1.0
