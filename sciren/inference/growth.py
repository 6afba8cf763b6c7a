"""How the noise of one target grows with its mean.

    sigma = max(|mean|, floor)^power
    sigma = sqrt(max(mean (1 - mean / c), floor))    of outcomes that are 0 or c

The variance of an outcome of two values follows from its mean, so nothing of it is estimated.
Weights 1 / sigma^2 of the mean make least squares a quasi-likelihood: of counts at power 1/2,
where glm(family = quasipoisson) of R has it, and of outcomes that of glm(family = binomial).

Reference: Davidian and Carroll 1987 for the power of the mean; McCullagh and Nelder 1989,
chapter 9, for quasi-likelihood.
"""

from dataclasses import dataclass

import numpy as np

LARGEST_POWER = 1.5  # a gamma law has 1; beyond 1.5 few small values decide all
CERTAIN = 2.6  # t of the slope below which the noise is taken as equal (two-sided 1 %)
POSITIVE = 0.98  # share of rows whose mean must be above zero for a power of the mean
FLOOR = 0.05  # quantile of |mean| below which the noise grows no smaller
# of the larger outcome: where it is as good as certain a row weighs 25 times one of even odds
# at most, or single rows that go against all odds would decide
RAREST = 0.01
LOWEST_LOGS = 0.02  # share of the smallest squared residuals that is winsorised


@dataclass(frozen=True)
class Growth:
    """The law of one target.

    Attributes:
        power: of the size in the deviation, 0 for noise of one size.
        floor: size below which the noise grows no smaller.
        ceiling: c of outcomes that are 0 or c; else 0.
    """

    power: float = 0.0
    floor: float = 0.0
    ceiling: float = 0.0

    def sigma(self, mean: np.ndarray) -> np.ndarray:
        """Return the deviation (n,) of observations with that mean, up to a factor."""
        if self.power <= 0:
            return np.ones_like(mean)
        size = mean * (1 - mean / self.ceiling) if self.ceiling else np.abs(mean)
        return np.maximum(size, max(self.floor, 1e-12)) ** self.power

    @property
    def of_observations(self) -> tuple[float, float]:
        """Power and floor by which intervals of observations widen with the mean.

        Outcomes of two values lie no number of deviations apart from their mean.
        """
        return (0.0 if self.ceiling else self.power), self.floor


def estimated_growth(
    residual: np.ndarray,
    mean: np.ndarray,
    values: np.ndarray,
    power: float | None = None,
) -> Growth:
    """Return the law of a target.

    Args:
        residual: (n,) of a large model;  mean: (n,) of the selected one.
        values: (n,) observations.
        power: where the user knows it.
    """
    if len(mean) < 3:
        return Growth()
    floor = float(np.quantile(np.abs(mean), FLOOR))
    if power is not None:
        return Growth(power, floor)
    top = _larger_outcome(values)
    # A mean beyond 0 and c, as straight lines have, is no share of the outcomes.
    if top and np.mean((mean > 0) & (mean < top)) > POSITIVE:
        return Growth(0.5, RAREST * top, top)
    if np.mean(mean > 0) <= POSITIVE or floor <= 0:
        return Growth(0.0, floor)
    return Growth(_power(residual, np.maximum(np.abs(mean), floor)), floor)


def _larger_outcome(values: np.ndarray) -> float:
    """Return c where all values are 0 or c, else 0."""
    different = np.unique(values)
    return float(different[1]) if len(different) == 2 and different[0] == 0 else 0.0


def _power(residual: np.ndarray, size: np.ndarray) -> float:
    """Return the power of the size in the deviation of the residuals, 0 where none shows."""
    # log e^2 = 2 power log |mean| + const: the slope is twice the power. A squared
    # residual near zero has a logarithm far below all others and is held at a low
    # quantile.
    x = np.log(size)
    squares = residual**2
    if not squares.any() or x.std() < 1e-6:
        return 0.0
    lowest = np.quantile(squares, LOWEST_LOGS)
    y = np.log(np.maximum(squares, max(lowest, 1e-300)))
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    unexplained = y - slope * x
    error = float(np.sqrt(unexplained @ unexplained / (len(x) - 2) / (x @ x)))
    return min(slope / 2, LARGEST_POWER) if slope > CERTAIN * error else 0.0
