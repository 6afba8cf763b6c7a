"""Standard errors of the constants of one curve's closed form."""

import numpy as np

from symbolic.curves.points import Points
from symbolic.families.forms import Array, Form


def standard_errors(form: Form, c: Array, points: Points, count: float) -> Array:
    """Return the standard errors (k,) of fitted constants.

    By the errors of the curve where these are known, else by the residuals.

    Args:
        form, c: closed form with constants (k,).
        points: of the curve, in the units of the constants.
        count: number of independent points.
    """
    if points.errors is not None:
        return _by_errors(form, c, points)
    slopes = form.by_constants(points.x, c) * np.sqrt(points.weight)[:, None]
    # columns of unit length: constants of any unit are inverted alike
    size = np.linalg.norm(slopes, axis=0)
    size[size == 0] = 1.0
    loss = points.mean((points.y - form.value(points.x, c)) ** 2)
    # residuals of a spline are smooth: independent points count, not points
    freedom = max(count - len(c), 1.0)
    inverse = np.linalg.pinv((slopes / size).T @ (slopes / size), rcond=1e-15)
    return np.sqrt(np.maximum(np.diag(inverse), 0.0) * loss / freedom) / size


def _by_errors(form: Form, c: Array, points: Points) -> Array:
    """By generalised least squares; the offset keeps the mean of the curve."""
    # centred values do not see the offset, which is the last column
    slopes = form.by_constants(points.x, c)[:, :-1]
    directions = points.centred(slopes.T).T
    size = np.linalg.norm(directions, axis=0)
    size[size == 0] = 1.0
    inverse = np.linalg.pinv((directions / size).T @ (directions / size), rcond=1e-15)
    mean = points.mean(slopes.T) / size
    # the offset is the mean of y less that of the form, so it has the variance of the latter
    variances = [*np.diag(inverse) / size**2, mean @ inverse @ mean]
    return np.sqrt(np.maximum(variances, 0.0))
