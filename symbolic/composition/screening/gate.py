"""Accept or refuse: can anything outside the class predict the residual?

The references are additive splines with all pairwise products under a ridge, and boosted
trees; both are judged by four-fold cross-validation, so that fitting noise earns nothing.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symbolic.composition.fitting.basis import polynomials
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.screening.leftover import Leftover, LeftoverTest

Array = np.ndarray

ACCEPT_BELOW = 0.01
"""Share of the residual's variance that a reference may predict."""

ERRORS = 2.0
"""Standard errors above zero from which a share counts as predicted (one-sided 2.5 %)."""

ROUNDING = 1e-5
"""Residual deviation, in those of the target, that counts as rounding."""

MOST_CANCELLING = 8.0
"""Deviation of a part, in those of the target, above which parts only undo each other:
a square of a large sum less its own parabola imitates a product."""

EXACT_CANCELLING = 30.0
"""The same where the residual is at rounding, which no imitation reaches."""

FOLDS = 4
PENALTIES = (0.03, 0.3, 1.0, 3.0)  # of the rows, for columns of unit variance
MOST_COLUMNS = 320
TREES = 60


@dataclass(frozen=True)
class Gate:
    """Verdict on a residual.

    Args:
        value: largest cross-validated R2 of a reference on the residual.
        ridge, trees: R2 of each, nan where it was not needed.
        residual: deviation of the residual in those of the target.
        cancelling: largest deviation of a part of the formula in those of the target.
        missing: strongest trace of a term that is left out, None where not looked for.
        accepted: value below the limit and no such trace, or residual at rounding.
    """

    value: float
    ridge: float
    trees: float
    residual: float
    cancelling: float
    missing: Leftover | None
    accepted: bool


def folds(count: int, seed: int, blocks: Array | None = None) -> Array:
    """Fold of every row, balanced and seeded; rows of a block stay together."""
    if blocks is not None:
        _, ids = np.unique(blocks, return_inverse=True)
        return folds(int(ids.max()) + 1, seed)[ids.reshape(-1)]
    order = np.random.default_rng(seed).permutation(count)
    found = np.empty(count, dtype=int)
    found[order] = np.arange(count) % FOLDS
    return found


def flexible_columns(regression: Regression) -> Array:
    """Additive splines and products of polynomials of all pairs, unit variance."""
    count = len(regression.columns)
    pairs = [(i, j) for i in range(count) for j in range(i)]
    degree = 3 if 9 * len(pairs) + 9 * count <= MOST_COLUMNS else 2
    poly = [polynomials(one.z, degree) for one in regression.columns]
    parts = [regression.splines(range(count))]
    parts += [
        (poly[i][:, :, None] * poly[j][:, None, :]).reshape(len(regression), -1)
        for i, j in pairs
    ]
    columns = np.hstack(parts)
    columns = columns - columns.mean(0)
    return columns / np.maximum(columns.std(0), 1e-12)


def ridge_prediction(columns: Array, residual: Array, fold: Array) -> Array:
    """Cross-validated prediction of a ridge regression, the best of a few penalties."""
    whole, moment = columns.T @ columns, columns.T @ residual
    predicted = np.zeros((len(PENALTIES), len(residual)))
    for k in range(FOLDS):
        held = fold == k
        out = columns[held]
        matrix = whole - out.T @ out
        right = moment - out.T @ residual[held]
        for row, penalty in enumerate(PENALTIES):
            damped = matrix + penalty * len(residual) * np.eye(len(matrix))
            beta = np.linalg.solve(damped, right)
            predicted[row, held] = out @ beta
    return max(predicted, key=lambda one: r2(residual, one))


def trees_prediction(z: Array, residual: Array, fold: Array, seed: int) -> Array:
    """Cross-validated prediction of boosted trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    predicted = np.zeros(len(residual))
    for k in range(FOLDS):
        held = fold == k
        options: dict[str, Any] = {"early_stopping": False}  # also typed as text only
        model = HistGradientBoostingRegressor(
            max_iter=TREES,
            learning_rate=0.08,
            max_leaf_nodes=8,
            min_samples_leaf=15,
            l2_regularization=1.0,
            max_bins=64,
            random_state=seed,
            **options,
        )
        model.fit(z[~held], residual[~held])
        predicted[held] = model.predict(z[held])
    return predicted


def r2(observed: Array, predicted: Array) -> float:
    """Share of the variance that is predicted; negative when worse than the mean."""
    spread = float(np.sum((observed - observed.mean()) ** 2))
    if spread <= 0:
        return 0.0
    return 1.0 - float(np.sum((observed - predicted) ** 2)) / spread


def is_predicted(observed: Array, predicted: Array, limit: float) -> bool:
    """Whether more than a share is predicted, beyond the error of that share.

    A few hundred rows of pure noise are "predicted" by several per cent by chance.
    """
    gain = (observed - observed.mean()) ** 2 - (observed - predicted) ** 2
    error = float(gain.std()) / np.sqrt(len(gain))
    return r2(observed, predicted) > limit and float(gain.mean()) > ERRORS * error


def cancellation(regression: Regression, model: Model) -> float:
    """Largest deviation of a node or a term of the rest, in those of the target."""
    parts = [Model(nodes=(node,)) for node in model.nodes]
    parts += [Model(rest=(term,)) for term in model.rest]
    if len(parts) < 2:
        return 1.0
    size = max(float(np.std(regression.y)), 1e-300)
    return max(float(np.std(model_value(regression, one))) for one in parts) / size


class Judge:
    """Judges models of one regression; what does not depend on them is kept.

    Args:
        regression: rows with their features.
        limit: share of the residual's variance that a reference may predict.
        seed: of folds and trees.
        blocks: (n,) groups of rows that stay together in the folds.
    """

    def __init__(
        self,
        regression: Regression,
        limit: float = ACCEPT_BELOW,
        seed: int = 0,
        blocks: Array | None = None,
    ) -> None:
        self.regression, self.limit, self.seed = regression, limit, seed
        self.fold = folds(len(regression), seed, blocks)
        self.tests = LeftoverTest(regression)
        self._known: dict[Model, Gate] = {}

    @cached_property
    def flexible(self) -> Array:
        """Columns of the ridge reference."""
        return flexible_columns(self.regression)

    def __call__(self, model: Model) -> Gate:
        """Ask the references and tests about the residual of a model."""
        if model not in self._known:
            self._known[model] = self._judged(model)
        return self._known[model]

    def _judged(self, model: Model) -> Gate:
        regression = self.regression
        evaluator = Evaluator(regression.columns, model)
        value, tangent = evaluator.value_jacobian(model.pack())
        weight = regression.weight
        residual = regression.target - regression.without(value * weight)
        size = float(np.sqrt(np.mean(residual**2)))
        parts = cancellation(regression, model)
        if parts > (EXACT_CANCELLING if size <= ROUNDING else MOST_CANCELLING):
            return Gate(0.0, np.nan, np.nan, size, parts, None, False)
        if size <= ROUNDING:
            return Gate(0.0, np.nan, np.nan, size, parts, None, True)
        by_ridge = ridge_prediction(self.flexible, residual, self.fold)
        ridge = r2(residual, by_ridge)
        if is_predicted(residual, by_ridge, self.limit):
            return Gate(ridge, ridge, np.nan, size, parts, None, False)
        missing = self.tests.strongest(residual, tangent * weight[:, None])
        if missing.significant:
            return Gate(max(ridge, 0.0), ridge, np.nan, size, parts, missing, False)
        z = np.stack([one.z for one in regression.columns], axis=1)
        by_trees = trees_prediction(z, residual, self.fold, self.seed)
        trees = r2(residual, by_trees)
        value_of = max(ridge, trees, 0.0)
        accepted = not is_predicted(residual, by_trees, self.limit)
        return Gate(value_of, ridge, trees, size, parts, missing, accepted)
