"""The equation of a composition without an offset that is zero within its error."""

from typing import Any

import numpy as np
from scipy.optimize import least_squares

from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.spread import spread_of
from symbolic.composition.inputs import Inputs
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure
from symbolic.terms.without_offset import without_offset, worth_no_constant

Array = np.ndarray

STEPS = 40  # of a refit that begins at the minimum with an offset


def plainly_written(
    form: LatentStructure, units: Units, rows: Inputs, regression: Regression
) -> tuple[LatentStructure, Array] | None:
    """Return the refitted form without its offset and the errors of its raw constants.

    None where the rows hold an offset, or the form has none.

    Args:
        regression: with the factors on residuals and the memory of a series.
    """
    weight = regression.weight
    bare = without_offset(form, units, rows.scaled)
    if bare is None or not any(bare.free):
        return None
    if not np.any(bare.by_constants(rows.scaled), axis=0).all():
        return None  # the place of a step has no slope to refit it by
    before = float(np.sum(((rows.target - form.value(rows.scaled)) * weight) ** 2))
    refitted = _refitted(bare, rows, weight)
    residual = (rows.target - refitted.value(rows.scaled)) * weight
    rss, count = float(residual @ residual), len(residual)
    # on exact data both sums are rounding, and their ratio means nothing
    smallest = 1e-24 * float(np.sum((rows.target * weight) ** 2))
    deviance = count * float(np.log((rss + smallest) / (before + smallest)))
    if not worth_no_constant(deviance, count):
        return None
    return refitted, _errors(refitted, units, rows, regression)


def _refitted(form: LatentStructure, rows: Inputs, weight: Array) -> LatentStructure:
    free, start = np.array(form.free), form.pack()

    def at(theta: Array) -> LatentStructure:
        # held constants (the offset, scales of factors) stay where they are
        constants = start.copy()
        constants[free] = theta
        return form.unpack(constants)

    def residual(theta: Array) -> Array:
        return (at(theta).value(rows.scaled) - rows.target) * weight

    def slopes(theta: Array) -> Array:
        return at(theta).by_constants(rows.scaled)[:, free] * weight[:, None]

    jacobian: Any = slopes  # SciPy's annotation knows texts only
    solution = least_squares(
        residual, start[free], jacobian, x_scale="jac", max_nfev=STEPS,
        xtol=1e-12, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    return at(solution.x)


def _errors(
    form: LatentStructure, units: Units, rows: Inputs, regression: Regression
) -> Array:
    """Standard errors of the raw constants, by the delta method."""
    free, start = np.array(form.free), form.pack()
    residual = (rows.target - form.value(rows.scaled)) * regression.weight
    slopes = form.by_constants(rows.scaled)[:, free] * regression.weight[:, None]
    spread = spread_of(slopes, residual, regression.memory)

    def numbers(theta: Array) -> Array:
        constants = start.copy()
        constants[free] = theta
        listed = raw_constants([form.unpack(constants)], units)
        return np.array([constant.value for constant in listed])

    columns = []
    for k, value in enumerate(start[free]):
        step = np.zeros(len(spread))
        # a thousandth of its own error, on which scale the conversion to raw units is straight
        step[k] = max(1e-3 * float(np.sqrt(spread[k, k])), 1e-7 * max(abs(value), 1e-3))
        ends = numbers(start[free] + step), numbers(start[free] - step)
        columns.append((ends[0] - ends[1]) / (2 * step[k]))
    jacobian = np.stack(columns, axis=1)
    variance = np.einsum("ij,jk,ik->i", jacobian, spread, jacobian)
    return np.sqrt(np.maximum(variance, 0.0))
