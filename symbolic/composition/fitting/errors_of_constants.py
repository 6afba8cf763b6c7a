"""Standard errors of raw constants: joint covariance and the delta method."""

from collections.abc import Callable

import numpy as np

from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Regression
from symbolic.terms.rebuild import RawConstant

Array = np.ndarray


def linear_part(regression: Regression, model: Model) -> Array:
    """Least-squares offset and nuisance coefficients beside a model (1 + c,)."""
    theta = model.pack()
    value = Evaluator(regression.columns, model).value_jacobian(theta)[0]
    columns = np.column_stack([np.ones(len(regression)), regression.nuisance])
    weight = regression.weight
    left = (regression.y - value) * weight
    return np.linalg.lstsq(columns * weight[:, None], left)[0]


def covariance(regression: Regression, model: Model, rss: float) -> Array:
    """Covariance of (offset, nuisance coefficients, constants of the model).

    Redundant directions (the shared scale of a product) have no error of their own.
    """
    theta = model.pack()
    jacobian = Evaluator(regression.columns, model).value_jacobian(theta)[1]
    whole = np.column_stack([np.ones(len(regression)), regression.nuisance, jacobian])
    whole = whole * regression.weight[:, None]
    free = max(len(regression) - model.size - regression.linear_size, 1)
    size = np.maximum(np.linalg.norm(whole, axis=0), 1e-300)
    normal = (whole / size).T @ (whole / size)
    inverse = np.linalg.pinv(normal, rcond=1e-14, hermitian=True)
    return rss / free * inverse / np.outer(size, size)


def errors_of(
    numbers: Callable[[float, Model], list[RawConstant]],
    offset: float,
    model: Model,
    spread: Array,
    nuisance: int,
) -> Array:
    """Standard errors of raw constants (m,) by central differences.

    Args:
        numbers: (offset, model) -> raw constants.
        spread: covariance of (offset, nuisance, constants).
        nuisance: number of nuisance columns, which the raw constants do not see.
    """
    theta = model.pack()
    base = np.array([one.value for one in numbers(offset, model)])
    keep = [0, *range(1 + nuisance, len(spread))]
    spread = spread[np.ix_(keep, keep)]
    jacobian = np.zeros((len(base), len(keep)))
    steps = np.sqrt(np.maximum(spread.diagonal(), 0.0))
    start = np.array([offset, *theta])
    for k in range(len(keep)):
        step = max(1e-3 * steps[k], 1e-7 * max(abs(start[k]), 1e-3))
        ends = []
        for side in (1.0, -1.0):
            moved = start.copy()
            moved[k] += side * step
            changed = numbers(float(moved[0]), model.unpack(moved[1:]))
            ends.append(np.array([one.value for one in changed]))
        if len(ends[0]) == len(ends[1]) == len(base):
            jacobian[:, k] = (ends[0] - ends[1]) / (2 * step)
    variance = np.einsum("ij,jk,ik->i", jacobian, spread, jacobian)
    return np.sqrt(np.maximum(variance, 0.0))
