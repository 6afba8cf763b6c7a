"""Constants of the process beside a formula, with errors that know of a missing form.

Where the form is accepted, their errors are those of the joint refit. Where it is not, the
part of the latent that the form misses may go with the forcings, and then it moves the
constants by more than those errors. What a latent of any form would say shows by how much,

    Delta = (R'R)^-1 R' e,    error^2 = Delta^2 + var(Delta),

with R what a flexible regression on the features leaves of the weighted derivatives by the
constants, beside what the form explains, and e what it leaves of the residual: the partially
linear model of Robinson (1988), cross-fitted as in Chernozhukov et al. (2018).
"""

import numpy as np

from sciren.solvers.spans import orthonormal_span
from symbolic.composition.blocks import independent_blocks
from symbolic.composition.finding import Finding
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.linearised import Linearised
from symbolic.composition.fitting.model import Evaluator
from symbolic.composition.fitting.spread import spread_of
from symbolic.composition.fitting.written_out import covariance
from symbolic.composition.gate import flexible_columns, folds, ridge_prediction
from symbolic.composition.record import Constant

Array = np.ndarray

ROWS_EACH = 5
"""Rows for each column that is taken out as it is: a ridge, chosen on few rows, shrinks a
parabola of a feature away, and with it what a forcing that follows the feature hides."""


def constants_of(
    finding: Finding, state: Linearised, accepted: bool, seed: int, groups: Array | None
) -> dict[str, Constant]:
    """Return name -> constant of the process, with its standard error.

    Args:
        finding: on the regression of `state`, with the memory of a series.
        accepted: whether the form is the whole answer.
        seed: of the folds;  groups: (n,) labels of rows that stay together, or None.
    """
    process = state.process
    if not process.ranges:
        return {}
    _, values = state.latent(finding.best.model)
    # rows of the covariance: offset, constants of the process, constants of the form
    spread = covariance(finding.regression, finding.best.model).diagonal()
    errors = np.sqrt(spread[1 : 1 + len(process.ranges)])
    if not accepted:
        errors = np.maximum(errors, errors_of_any_form(finding, seed, groups))
    # a constant that is varied by its logarithm has a relative error
    sizes = [values[n] if r.in_logs else 1.0 for n, r in process.ranges.items()]
    return {
        name: Constant(name, "constant of the process", values[name], float(e) * size)
        for name, e, size in zip(process.ranges, errors, sizes, strict=True)
    }


def errors_of_any_form(finding: Finding, seed: int, groups: Array | None) -> Array:
    """Return errors of the nuisance coefficients (c,) where the latent may have any form."""
    regression = finding.regression
    weight = regression.weight[:, None]
    span = _explained(finding)
    # 1. Residual and derivatives without what the form and straight features explain.
    derivatives = _without(span, regression.nuisance * weight)
    residual = _without(span, _residual(finding)[:, None])
    # 2. The same without what a flexible regression predicts of them from other rows; rows
    # count by their weight, so columns of a latent do as well.
    columns = flexible_columns(regression) * weight
    columns = columns / np.maximum(columns.std(0), 1e-12)
    blocks = independent_blocks(regression, residual[:, 0], groups)
    fold = folds(len(columns), seed, blocks)
    both = np.hstack([derivatives, residual])
    left = [column - ridge_prediction(columns, column, fold) for column in both.T]
    slopes, unexplained = np.stack(left[:-1], axis=1), left[-1]
    # 3. The step of the constants that remains, and its error.
    moved = np.linalg.lstsq(slopes, unexplained)[0]
    spread = spread_of(slopes, unexplained - slopes @ moved, regression.memory)
    return np.sqrt(moved**2 + spread.diagonal())


def _residual(finding: Finding) -> Array:
    """Weighted residual (n,) of the form of a finding."""
    regression = finding.regression
    value = model_value(regression, finding.best.model)
    return regression.target - regression.without(value * regression.weight)


def _explained(finding: Finding) -> Array:
    """Orthonormal columns that the form spans, and where rows allow it a parabola of each."""
    regression, model = finding.regression, finding.best.model
    columns = [np.ones((len(regression), 1))]
    columns += [Evaluator(regression.columns, model).value_jacobian(model.pack())[1]]
    powers = [p for column in regression.columns for p in (column.z, column.square)]
    if ROWS_EACH * len(powers) <= len(regression):
        columns += [np.stack(powers, axis=1)]
    return orthonormal_span(np.hstack(columns) * regression.weight[:, None])


def _without(span: Array, columns: Array) -> Array:
    return columns - span @ (span.T @ columns)
