"""Accept or refuse: what a structure leaves behind, and whether it can be predicted.

The references are additive splines with all pairwise products under a ridge, and boosted
trees; both are judged by four-fold cross-validation, so that fitting noise earns nothing.
A small term below the noise predicts little and is still visible to a test of its own, of
single features and of pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import chi2

from sciren.agreement import r2
from sciren.solvers.spans import orthonormal_span
from symbolic.composition.blocks import block_sums, independent_blocks
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Regression, orthonormal, polynomials

Array = np.ndarray

MISSING_LEVEL = 1e-4
"""Chance, over all tests of one residual, that a right structure is called wrong."""

SEEN_BY_MODEL = 0.05
"""Square of a direction of unit length that the model's own tangent leaves, below which it
carries no test: its moment would be a small difference of numbers twenty times as large."""

DEGREE = 3  # of polynomials of each feature in products of pairs


BLOCKS_EACH = 2
"""Independent blocks for each direction of a test: with fewer their spread is that of a
handful of numbers, and its inverse has no law."""


@dataclass(frozen=True)
class MissingTerm:
    """Strongest trace of a missing term.

    Args:
        features: one or two columns;  statistic: squared moments over their variance.
        threshold: of the statistic at the level, for so many tests.
    """

    features: tuple[int, ...]
    statistic: float
    threshold: float

    @property
    def significant(self) -> bool:
        """Whether a term is missing."""
        return self.statistic > self.threshold

    @property
    def excess(self) -> float:
        """Statistic over threshold."""
        return self.statistic / self.threshold


class MissingTermTest:
    """Tests of residuals against splines of features and products of pairs.

    Args:
        regression: rows; its weights are those of the residuals.
    """

    def __init__(self, regression: Regression) -> None:
        self.regression = regression

    @cached_property
    def blocks(self) -> list[tuple[tuple[int, ...], Array]]:
        """Orthonormal columns of every test, free of the offset and the nuisance."""
        regression = self.regression
        count = len(regression.columns)
        poly = [polynomials(column.z, DEGREE) for column in regression.columns]
        parts: list[tuple[tuple[int, ...], Array]] = [
            # one test for each feature, and one for each pair
            ((i,), column.basis)
            for i, column in enumerate(regression.columns)
        ]
        for i in range(count):
            for j in range(i):
                products = poly[i][:, :, None] * poly[j][:, None, :]
                parts.append(((j, i), products.reshape(len(regression), -1)))
        blocks = []
        for features, columns in parts:
            bare = regression.without(columns * regression.weight[:, None])
            blocks.append((features, orthonormal(bare) / np.sqrt(len(regression))))
        return blocks

    def strongest(self, residual: Array, tangent: Array, groups: Array) -> MissingTerm:
        """Return the test that fails most clearly, or comes nearest to it.

        Args:
            residual: (n,) weighted;  groups: (n,) blocks that are independent.
            tangent: (n, k) weighted derivatives of the model by its constants, along
                which a fitted residual cannot move.
        """
        # A least-squares fit has no residual along its own tangent, so moments there are zero
        # by construction and would make every test look passed.
        q = orthonormal_span(self.regression.without(tangent))
        best = None
        for features, block in self.blocks:
            free = block - q @ (q.T @ block) if q.shape[1] else block
            # directions that the model itself can follow carry no test
            values, vectors = np.linalg.eigh(free.T @ free)
            keep = values > SEEN_BY_MODEL
            if not keep.any():
                continue
            free = free @ vectors[:, keep]
            # the spread of the moments as it is, whatever the noise law
            sums = block_sums(free * residual[:, None], groups)
            count, size = sums.shape
            if count < BLOCKS_EACH * size:
                # fewer blocks than that: no test instead of a wrong one
                continue
            # score test: m' (sum s_b s_b')^-1 m is about chi-square with `size` degrees of
            # freedom, whatever the noise of the blocks (White 1982)
            moment, spread = sums.sum(0), sums.T @ sums
            statistic = float(moment @ np.linalg.solve(spread, moment))
            # Bonferroni: the level is shared out over all tests of the residual
            threshold = float(chi2.isf(MISSING_LEVEL / len(self.blocks), size))
            term = MissingTerm(features, statistic, threshold)
            if best is None or term.excess > best.excess:
                best = term
        return best or MissingTerm((), 0.0, 1.0)


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

FOLDS = 4  # three quarters of the rows to learn from, at the cost of four fits
PENALTIES = (0.03, 0.3, 1.0, 3.0)  # of the rows, for columns of unit variance
MOST_COLUMNS = 320  # beyond, products are quadratic: the ridge costs the cube of it
TREES = 60  # of eight leaves; other counts were not compared

REFERENCE = 6e-8
"""Seconds of the ridge with its folds and of the tests, for each row and column: those of 900
to 5,000 rows and 54 to 270 columns, within a factor of 1.5."""

TREES_BASE, TREES_ROW = 0.11, 6e-6
"""Seconds of the trees' fits, whatever the rows, and for each row: a line through those of
200 to 20,000 rows of three to ten features (0.11 to 0.32 s)."""


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
    missing: MissingTerm | None
    accepted: bool


def folds(count: int, seed: int, blocks: Array | None = None) -> Array:
    """Fold (count,) of every row, balanced and seeded; rows of a block stay together."""
    if blocks is not None:
        _, ids = np.unique(blocks, return_inverse=True)
        # folds of blocks, handed on to their rows
        return folds(int(ids.max()) + 1, seed)[ids.reshape(-1)]
    order = np.random.default_rng(seed).permutation(count)
    result = np.empty(count, dtype=int)
    result[order] = np.arange(count) % FOLDS
    return result


def flexible_columns(regression: Regression) -> Array:
    """Additive splines and products of polynomials of all pairs, unit variance."""
    count = len(regression.columns)
    pairs = [(i, j) for i in range(count) for j in range(i)]
    # as fine as the number of products allows
    degree = 3 if 9 * len(pairs) + 9 * count <= MOST_COLUMNS else 2
    poly = [polynomials(column.z, degree) for column in regression.columns]
    parts = [regression.splines(range(count))]
    parts += [
        (poly[i][:, :, None] * poly[j][:, None, :]).reshape(len(regression), -1)
        for i, j in pairs
    ]
    columns = np.hstack(parts)
    columns = columns - columns.mean(0)
    return columns / np.maximum(columns.std(0), 1e-12)


def ridge_prediction(columns: Array, residual: Array, fold: Array) -> Array:
    """Predict a residual by ridge regression, each fold from the others.

        beta = (X'X + penalty N 1)^-1 X'r, the penalty that predicts best

    Args:
        columns: (n, m) of unit variance;  residual: (n,);  fold: (n,).
    """
    # Normal equations of the training rows are those of all rows less those of the held ones:
    # one product for all folds.
    gram, moment = columns.T @ columns, columns.T @ residual
    predicted = np.zeros((len(PENALTIES), len(residual)))
    for k in range(FOLDS):
        held = fold == k
        out = columns[held]
        matrix = gram - out.T @ out
        right = moment - out.T @ residual[held]
        for row, penalty in enumerate(PENALTIES):
            damped = matrix + penalty * len(residual) * np.eye(len(matrix))
            beta = np.linalg.solve(damped, right)
            predicted[row, held] = out @ beta
    # the best penalty of four makes the reference a little too able, never too weak
    return max(predicted, key=lambda prediction: r2(residual, prediction))


def trees_prediction(z: Array, residual: Array, fold: Array, seed: int) -> Array:
    """Predict a residual (n,) by boosted trees of features (n, d), each fold from the others."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    predicted = np.zeros(len(residual))
    for k in np.unique(fold):  # with fewer blocks than folds some folds are empty
        held = fold == k
        if held.all():
            break  # nothing to learn from: the prediction stays zero
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


def is_predicted(
    observed: Array, predicted: Array, limit: float, groups: Array
) -> bool:
    """Whether more than a share is predicted, beyond the error of that share.

    A few hundred rows of pure noise are "predicted" by several per cent by chance.

    Args:
        groups: (n,) blocks that are independent.
    """
    # squared errors that the prediction saves, block by block
    gain = (observed - observed.mean()) ** 2 - (observed - predicted) ** 2
    gain = block_sums(gain[:, None], groups)[:, 0]
    error = float(gain.std()) / np.sqrt(len(gain))
    return r2(observed, predicted) > limit and float(gain.mean()) > ERRORS * error


def cancellation(regression: Regression, model: Model) -> float:
    """Largest deviation of a node or an additive term, in those of the target."""
    parts = [Model(nodes=(node,)) for node in model.nodes]
    parts += [Model(additive=(term,)) for term in model.additive]
    if len(parts) < 2:
        return 1.0
    size = max(float(np.std(regression.y)), 1e-300)
    return max(float(np.std(model_value(regression, part))) for part in parts) / size


class Judge:
    """Judges models of one regression; what does not depend on them is kept.

    Args:
        regression: rows with their features.
        limit: share of the residual's variance that a reference may predict.
        seed: of folds and trees.
        blocks: (n,) groups of rows that stay together in the folds; None asks the
            residual, whether it is that of a series.
    """

    def __init__(
        self,
        regression: Regression,
        limit: float = ACCEPT_BELOW,
        seed: int = 0,
        blocks: Array | None = None,
    ) -> None:
        self.regression, self.limit, self.seed = regression, limit, seed
        self.groups = blocks
        self.tests = MissingTermTest(regression)
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
        # 1. Parts that undo each other: refused whatever the residual.
        parts = cancellation(regression, model)
        if parts > (EXACT_CANCELLING if size <= ROUNDING else MOST_CANCELLING):
            return Gate(0.0, np.nan, np.nan, size, parts, None, False)
        # 2. Exact: nothing is left to predict.
        if size <= ROUNDING:
            return Gate(0.0, np.nan, np.nan, size, parts, None, True)
        # 3. Splines and products of pairs, cheap, before the trees.
        groups = independent_blocks(regression, residual, self.groups)
        fold = folds(len(residual), self.seed, groups)
        rows, columns = self.flexible.shape
        regression.work.add_linear(rows, columns, REFERENCE)
        by_ridge = ridge_prediction(self.flexible, residual, fold)
        ridge = r2(residual, by_ridge)
        if is_predicted(residual, by_ridge, self.limit, groups):
            return Gate(ridge, ridge, np.nan, size, parts, None, False)
        # 4. A term too faint for cross-validation may still be seen by its own test.
        missing = self.tests.strongest(residual, tangent * weight[:, None], groups)
        if missing.significant:
            return Gate(max(ridge, 0.0), ridge, np.nan, size, parts, missing, False)
        # 5. Trees, which see jumps and higher interactions; the dearest question comes last.
        z = np.stack([column.z for column in regression.columns], axis=1)
        by_trees = trees_prediction(z, residual, fold, self.seed)
        regression.work.seconds += TREES_BASE + TREES_ROW * len(residual)
        trees = r2(residual, by_trees)
        value_of = max(ridge, trees, 0.0)
        accepted = not is_predicted(residual, by_trees, self.limit, groups)
        return Gate(value_of, ridge, trees, size, parts, missing, accepted)
