"""What the residual of equations still owes to the features.

Equations can be as good as the network that they came from and both miss the same thing,
such as an interaction that no sum of curves holds. So the residual is asked of references
outside the class, by cross-validation over blocks (`symbolic.composition.gate`).
"""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sciren.agreement import r2
from symbolic.composition.blocks import independent_blocks
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.gate import (
    ACCEPT_BELOW,
    ROUNDING,
    flexible_columns,
    folds,
    ridge_prediction,
    trees_prediction,
)
from symbolic.composition.plain_terms import SIGNIFICANT
from symbolic.search.observations import rows_for_search
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.solvers.process_term import ProcessTerm

LIMIT = ACCEPT_BELOW
"""Share of the residual's variance above which something is missing."""

ROWS = 2000  # of the references: as many as the cases that set the limit have
ROWS_EACH = 5
"""Rows for each product of three; with fewer their ridge says nothing."""

FARTHEST = 4.0
"""Deviations at which features are held in products of three: a far row decides nothing."""

FEWEST = 40
"""Observations below which no fold says anything."""


def still_predictable(
    term: "ProcessTerm",
    scaled: "Tensor",
    structures: Sequence[LatentStructure],
    constants: "Tensor",
    seed: int = 0,
) -> float:
    """Return the largest share of a target's residual that the features predict.

    Args:
        term: observed loss;  scaled: (n, d) scaled features of its rows.
        structures, constants: closed forms and raw process constants (K,).
        seed: of rows, folds and trees.
    Returns:
        Cross-validated R2 of the best reference; 0 where the residual is rounding.
    """
    rows = rows_for_search(len(scaled), ROWS, seed)
    part, z = term.take(rows), scaled[rows].cpu().numpy()
    # (n, L) raw latents, then residuals (n, T) times the root of their weights, as the loss
    # counts them: the references below are ordinary least squares.
    raw = np.stack([structure.value(z) for structure in structures], axis=1)
    gaps = part.residual(scaled.new_tensor(raw)[None], constants.detach()[None])[0]
    weights = part.observations.weights.cpu().numpy()
    left = gaps.detach().cpu().numpy() * np.sqrt(weights)
    blocks = part.observations.blocks.cpu().numpy()
    shares = [
        _share(z[observed], left[observed, t], blocks[observed], seed)
        for t in range(left.shape[1])
        # rows without an observation have weight zero
        if (observed := weights[:, t] > 0).sum() >= FEWEST
    ]
    return max(shares, default=0.0)


def _share(z: np.ndarray, residual: np.ndarray, blocks: np.ndarray, seed: int) -> float:
    # what is left of exact data is rounding, which may well be smooth in the features
    if not np.isfinite(residual).all() or np.std(residual) <= ROUNDING:
        return 0.0
    moving = np.ptp(z, axis=0) > 0
    if not moving.any():
        return 0.0
    regression = Regression.of(z[:, moving], residual)
    # Rows that remember each other stay in one fold, else a neighbour's error predicts them.
    fold = folds(len(z), seed, independent_blocks(regression, residual, blocks))
    # Two references with different faults: splines with
    # products of pairs miss jumps, trees miss gentle slopes.
    by_ridge = ridge_prediction(flexible_columns(regression), residual, fold)
    by_trees = trees_prediction(z[:, moving], residual, fold, seed)
    by_curves = max(r2(residual, by_ridge), r2(residual, by_trees))
    return float(max(by_curves, _share_of_triples(z[:, moving], residual, fold), 0.0))


def _share_of_triples(z: np.ndarray, residual: np.ndarray, fold: np.ndarray) -> float:
    """Share that products of three predict, zero where chance could do it as well."""
    products = _products_of_three(z)
    rows, count = len(z), products.shape[1]
    if not 0 < count * ROWS_EACH <= rows:
        return 0.0
    # N R2 is about the deviance that is gained; every product tried raises what chance can
    # reach by 2 log of their number.
    share = r2(residual, ridge_prediction(products, residual, fold))
    return share if share * rows > SIGNIFICANT + 2 * np.log(count) else 0.0


def _products_of_three(z: np.ndarray) -> np.ndarray:
    """Products of three features (n, m), which neither pairs nor trees of 400 rows see."""
    held = np.clip(z, -FARTHEST, FARTHEST)
    triples = combinations(range(z.shape[1]), 3)
    columns = [held[:, list(triple)].prod(axis=1) for triple in triples]
    return np.column_stack([np.empty((len(z), 0)), *columns])
