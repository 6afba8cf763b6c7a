"""A curve in place of one inside a node, with every constant of the node refitted.

Along the tangent of a steep outer function (a logarithm near its pole) a curve may seem to
fit better by ten units of BIC than it does.
"""

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from symbolic.composition.decision.outer_rivals import EVALUATIONS, beside
from symbolic.composition.decision.rival_families import RivalFamily, scaled_to_one
from symbolic.composition.fitting.model import (
    Model,
    Place,
    node_sum,
    outer,
    term_value,
)
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray


def refitted_inside(
    regression: Regression,
    model: Model,
    place: Place,
    family: RivalFamily,
    inner: Array,
) -> float:
    """Return the smallest sum of squares with a member of a family in a node.

    What stands beside the node follows along its tangent.

    Args:
        place: of a term in a sum inside a node, with another term beside it.
        inner: constants of the member to start from.
    """
    h, k = place
    node, columns = model.nodes[h], regression.columns
    basis, target = beside(regression, model, h)
    rest = Model(nodes=(replace(node, terms=node.terms[:k] + node.terms[k + 1 :]),))
    x = scaled_to_one(columns[node.terms[k].feature].z)
    parts = [len(inner), len(inner) + family.columns(x, inner).shape[1]]

    def shape(inner: Array) -> Array:
        values = family.columns(x, inner)
        return values - values.mean(0)

    def residual(theta: Array) -> Array:
        constants, amplitudes, others = np.split(theta, parts)
        changed = rest.unpack(others).nodes[0]
        total = node_sum(columns, changed) + shape(constants) @ amplitudes
        value = outer(node.kind, node.sign, changed.head[0], total)[0]
        free = regression.without(value * regression.weight)
        left = target - (free - basis @ (basis.T @ free))
        return left if np.isfinite(left).all() else target

    curve = term_value(columns, node.terms[k])
    with np.errstate(all="ignore"):
        amplitudes = np.linalg.lstsq(shape(inner), curve - curve.mean())[0]
        start = np.concatenate([inner, amplitudes, rest.pack()])
        result = least_squares(residual, start, x_scale="jac", max_nfev=EVALUATIONS)
    regression.work.add(len(target), len(start) * EVALUATIONS, basis.shape[1])
    return 2 * float(result.cost)  # scipy's cost is half the sum of squares
