"""Flexible references that know no process: boosted trees and a cubic ridge.

They say what the columns can predict at all. Trees see thresholds, local shapes and
strong interactions; the cubic ridge sees products of two and three columns that trees
need far more rows for.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Reference = Callable[[Array, Array, Array], Array]
"""(inputs, target, new inputs) -> predictions of the new rows."""

TREES, LEAVES, RATE, ROWS_A_LEAF = 60, 8, 0.08, 20  # measured to be never far from best
MOST_COLUMNS = 300  # monomials: cubic up to 10 inputs; beyond, a lower degree
CLIPPED = 3.0  # deviations; the cube of an outlier would decide the fit alone
RIDGES = np.logspace(-2, 8, 21)


def boosted_trees(inputs: Array, target: Array, new: Array) -> Array:
    """Fit gradient-boosted trees and predict new rows.

    Args:
        inputs: (n, d);  target: (n,);  new: (m, d).
    Reference: Ke et al. 2017; scikit-learn's HistGradientBoostingRegressor.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    no_stopping: Any = False  # the stubs know text alone
    trees = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        min_samples_leaf=ROWS_A_LEAF,
        early_stopping=no_stopping,
        random_state=0,
    )
    return trees.fit(inputs, target).predict(new)


def cubic_ridge(inputs: Array, target: Array, new: Array) -> Array:
    """Fit all products of up to three columns with a ridge, and predict new rows.

    The strength of the ridge minimises the generalised cross-validation of the rows.

    Args:
        inputs: (n, d);  target: (n,);  new: (m, d).
    Reference: Golub, Heath and Wahba 1979.
    """
    middle, spread = inputs.mean(0), inputs.std(0)
    moving = spread > 1e-12 * np.maximum(1.0, np.abs(middle))
    if not moving.any():
        return np.full(len(new), target.mean())

    def columns(x: Array) -> Array:
        scaled = (x[:, moving] - middle[moving]) / spread[moving]
        return _monomials(np.clip(scaled, -CLIPPED, CLIPPED))

    design, level = columns(inputs), target.mean()
    centre, size = design.mean(0), design.std(0)
    # A monomial may be constant on these rows; scaled by one it adds nothing.
    size[size < 1e-12] = 1.0
    scaled = (design - centre) / size
    # X'X = V diag(d) V' once; every ridge then costs a division: weights = V (V'X'y /
    # (d + ridge)).
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    values = np.maximum(values, 0.0)
    pull = vectors.T @ (scaled.T @ (target - level))
    best = min(RIDGES, key=lambda ridge: _gcv(values, pull, target - level, ridge))
    weights = vectors @ (pull / (values + best))
    return level + ((columns(new) - centre) / size) @ weights


def _gcv(values: Array, pull: Array, target: Array, ridge: float) -> float:
    """Generalised cross-validation of one ridge; values and pull by eigenvector."""
    safe = np.maximum(values, 1e-12)
    shrink = values / (values + ridge)
    # (u'y)^2 of every left singular vector u of X, as V'X'y = sqrt(d) u'y.
    explained = pull**2 / safe
    # Residual squares of the ridge fit, y'y - sum (u'y)^2 (2 s - s^2) with the
    # shrinkage s, without forming the fit.
    left = float(target @ target - (explained * (2 * shrink - shrink**2)).sum())
    rows = len(target)
    # The mean that was taken out of the target before is one more coefficient.
    return left / max(1e-12, 1 - (1 + shrink.sum()) / rows) ** 2


def _monomials(x: Array) -> Array:
    """All products of one to three columns (n, m); of fewer where these are too many."""
    from sklearn.preprocessing import PolynomialFeatures

    columns = x.shape[1]
    counts = {degree: math.comb(columns + degree, degree) - 1 for degree in (1, 2, 3)}
    degree = max((d for d, count in counts.items() if count <= MOST_COLUMNS), default=1)
    return PolynomialFeatures(degree, include_bias=False).fit_transform(x)


REFERENCES: dict[str, Reference] = {
    "boosted trees": boosted_trees,
    "cubic ridge": cubic_ridge,
}


def held_out_predictions(
    inputs: Array, target: Array, folds: Ids, reference: Reference
) -> Array:
    """Predict every row by a reference that was fitted to the other folds.

    Args:
        inputs: (n, d);  target: (n,), nan where it was not observed;  folds: (n,).
    Returns:
        (n,); the mean of the training rows where too few of them are observed.
    """
    result = np.zeros(len(target))
    finite = np.isfinite(target)
    for fold in np.unique(folds):
        inside, out = finite & (folds != fold), folds == fold
        # A tree could not split once.
        if inside.sum() < 2 * ROWS_A_LEAF:
            result[out] = target[inside].mean() if inside.any() else 0.0
            continue
        result[out] = reference(inputs[inside], target[inside], inputs[out])
    return result
