"""Constant or proportional error: which Gaussian likelihood the residuals prefer."""

import numpy as np

Array = np.ndarray

PROPORTIONAL_FLOOR = 0.02
"""Share of the median size below which a proportional error no longer shrinks."""

CLEAR = 10.0
"""Units of log likelihood by which the proportional law has to win."""


def error_scale(predicted: Array) -> Array:
    """Deviation of a proportional error, up to a factor (n,)."""
    size = np.abs(predicted)
    return np.maximum(size, PROPORTIONAL_FLOOR * float(np.median(size)) + 1e-300)


def log_likelihood(residual: Array, scale: Array) -> float:
    """Largest Gaussian log likelihood for errors proportional to a scale (n,)."""
    variance = max(float(np.mean((residual / scale) ** 2)), 1e-300)
    return float(-0.5 * len(residual) * np.log(variance) - np.sum(np.log(scale)))


def is_proportional(residual: Array, predicted: Array) -> bool:
    """Whether an error proportional to the prediction explains residuals better.

    Args:
        residual, predicted: (n,) in the unit of the observation.
    """
    constant = log_likelihood(residual, np.ones(len(residual)))
    return log_likelihood(residual, error_scale(predicted)) > constant + CLEAR


def proportional_weight(predicted: Array) -> Array:
    """Weights of residuals (n,) for a proportional error, mean square one."""
    return unit_mean_square(1.0 / error_scale(predicted))


def unit_mean_square(weight: Array) -> Array:
    """Scale weights to mean square one."""
    return weight / np.sqrt(np.mean(weight**2))
