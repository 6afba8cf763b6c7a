"""Exponential and logarithm that stay finite for any trial step of a fit.

Beyond their limit both continue on their tangent, so that values and derivatives stay
continuous and a refused step has a finite sum of squares. Every evaluator of formulas
(edges, hidden nodes, compositions) uses these; within the limits they are exact.
"""

import numpy as np

Array = np.ndarray

EXPONENT_LIMIT = 200.0
"""Exponents above this grow linearly: exp(200)^2 times any number of rows is still a
double, and b * x of raw units (kelvin, hectopascal) stays below it."""

LOG_FLOOR = 1e-15
"""Arguments of log below this continue on the tangent: the rounding of a sum near one."""


def guarded_exp(t: Array) -> Array:
    """Exponential that continues on its tangent above ``EXPONENT_LIMIT``."""
    inside = np.minimum(t, EXPONENT_LIMIT)
    return np.exp(inside) * (1.0 + (t - inside))


def guarded_exp_slope(t: Array) -> Array:
    """Exact derivative of ``guarded_exp``."""
    return np.exp(np.minimum(t, EXPONENT_LIMIT))


def guarded_log(t: Array) -> Array:
    """Logarithm that continues on its tangent below ``LOG_FLOOR``."""
    inside = np.maximum(t, LOG_FLOOR)
    return np.log(inside) + (t - inside) / LOG_FLOOR


def guarded_log_slope(t: Array) -> Array:
    """Exact derivative of ``guarded_log``."""
    return 1.0 / np.maximum(t, LOG_FLOOR)
