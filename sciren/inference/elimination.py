"""Backward elimination of blocks of columns on a Gram matrix.

All models with subsets of the blocks live in one matrix [J, y]'[J, y]: dropping a block
b from a least-squares fit with inverse Gram A raises the residual sum of squares by

    theta_b' (A_bb)^-1 theta_b,

and the smaller inverse is A - A_.b A_bb^-1 A_b. .

Reference: Schwarz 1978 for the price log(n) a column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import get_lapack_funcs

RIDGE = 1e-9
"""On the scaled diagonal: two blocks that repeat each other exactly stay solvable, and
the one dropped first costs nothing."""

# Blocks have a few columns and there are thousands of them: LAPACK's own Cholesky driver,
# because `cho_factor` and `cho_solve` take twenty times as long for them.
(_POSV,) = get_lapack_funcs(("posv",), dtype=np.float64)

UNSEEN = 1e-8
"""Share of the largest norm below which a column does not act on any observation."""


def largest_of_unit(sizes: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return for every parameter (P,) the largest size among those of its unit.

    Args:
        sizes: (P,) at least zero;  units: (P,) small whole numbers, equal for one unit.
    """
    largest = np.full(int(units.max(initial=-1)) + 1, 1e-300)
    np.maximum.at(largest, units, sizes)
    return largest[units]


@dataclass(frozen=True, eq=False)
class GramModel:
    """A linear model through its normal equations.

    Attributes:
        matrix: (P, P) J'J;  right: (P,) J'y;  total: y'y.
        always: columns that are never dropped (levels, constants).
        blocks: name of a block -> its columns.
        units: (P,) numbers that are equal where parameters have one unit; default all.
    """

    matrix: np.ndarray
    right: np.ndarray
    total: float
    always: np.ndarray
    blocks: Mapping[int, np.ndarray] = field(default_factory=dict)
    units: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        columns: np.ndarray,
        response: np.ndarray,
        always: np.ndarray,
        blocks: Mapping[int, np.ndarray],
        units: np.ndarray | None = None,
    ) -> "GramModel":
        """Sum up columns (m, P) and response (m,)."""
        total = float(response @ response)
        gram, right = columns.T @ columns, columns.T @ response
        return cls(gram, right, total, always, blocks, units)

    def fit(self, kept: Sequence[int]) -> "SubsetFit":
        """Fit levels, constants and some of the blocks."""
        positions = np.concatenate(
            (self.always, *(self.blocks[block] for block in kept))
        ).astype(int)
        part = self.matrix[np.ix_(positions, positions)]
        # Columns of unit length: the ridge then means the same for all of them.
        scale = np.sqrt(np.diagonal(part))
        # A column that no observation sees gets the coefficient zero.
        units = np.zeros(len(self.right), int) if self.units is None else self.units
        determined = scale > UNSEEN * largest_of_unit(scale, units[positions])
        scale = np.where(determined, scale, 1.0)
        scaled = np.where(np.outer(determined, determined), part, 0.0) / np.outer(
            scale, scale
        )
        scaled[np.diag_indices_from(scaled)] += np.where(determined, RIDGE, 1.0)
        inverse = _inverse(scaled) / np.outer(scale, scale)
        places, first = {}, len(self.always)
        for block in kept:
            places[block] = slice(first, first + len(self.blocks[block]))
            first = places[block].stop
        inverse[~determined] = 0.0
        theta = inverse @ self.right[positions]
        rss = max(self.total - float(theta @ self.right[positions]), 0.0)
        return SubsetFit(positions, places, inverse, theta, rss)

    def rss(self, kept: Sequence[int]) -> float:
        """Return the residual sum of squares with some of the blocks."""
        return self.fit(kept).rss


@dataclass(frozen=True, eq=False)
class SubsetFit:
    """A fit of some blocks.

    Attributes:
        positions: (Q,) columns in it;  places: block -> where in these.
        inverse: (Q, Q) of the Gram matrix;  theta: (Q,);  rss: residual sum.
    """

    positions: np.ndarray
    places: Mapping[int, slice]
    inverse: np.ndarray
    theta: np.ndarray
    rss: float

    def rise(self, block: int) -> float:
        """Return by how much the residual sum rises without a block."""
        place = self.places[block]
        return float(_form(self.inverse[place, place], self.theta[place]))

    def without(self, block: int) -> "SubsetFit":
        """Return the fit without a block."""
        place = self.places[block]
        inner = self.inverse[place, place]
        # Inverse and coefficients without a block by its Schur complement: with the
        # inverse [[A, s], [s', d]] the smaller one is A - s d^-1 s', theta_A - s d^-1
        # theta_d. No new factorisation a step, so that a walk over all blocks costs P^3
        # once.
        side = np.delete(self.inverse[:, place], place, axis=0)
        moved = _solve(inner, np.column_stack((side.T, self.theta[place])))
        remaining = np.delete(np.delete(self.inverse, place, 0), place, 1)
        rise = float(self.theta[place] @ moved[:, -1])
        size = place.stop - place.start
        places = {
            other: where
            if where.start < place.start
            else slice(where.start - size, where.stop - size)
            for other, where in self.places.items()
            if other != block
        }
        return SubsetFit(
            np.delete(self.positions, place),
            places,
            remaining - side @ moved[:, :-1],
            np.delete(self.theta, place) - side @ moved[:, -1],
            self.rss + max(rise, 0.0),
        )


def backward(
    model: GramModel, offered: Sequence[int], variance: float, penalty: float
) -> list[int]:
    """Drop blocks one by one, the cheapest first, and keep the subset of lowest BIC.

    The path goes on to the end, because of blocks that stand in for each other no single
    drop may pay while that of all of them does.

    Args:
        model: normal equations of all blocks.
        offered: blocks to begin with.
        variance: of the noise.
        penalty: of one column, in units of the variance (log of the observations: BIC).
    Returns:
        The blocks that stay, in the order of offered.
    """
    fit = model.fit(offered)
    kept, criterion, lowest = fit, 0.0, 0.0
    while fit.places:
        # Price per column of what a block explains; above zero it is worth its columns.
        excess = {
            block: fit.rise(block) / variance - penalty * (place.stop - place.start)
            for block, place in fit.places.items()
        }
        cheapest = min(excess, key=lambda block: excess[block])
        criterion += excess[cheapest]
        fit = fit.without(cheapest)
        if criterion <= lowest:
            kept, lowest = fit, criterion
    return [block for block in offered if block in kept.places]


def _inverse(matrix: np.ndarray) -> np.ndarray:
    if not len(matrix):
        return matrix  # neither levels nor constants, and no block: nothing is fitted
    _, inverse, failed = _POSV(matrix, np.eye(len(matrix)))
    if failed:
        return np.linalg.pinv(matrix, rcond=1e-10, hermitian=True)
    return inverse


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    if not len(matrix):
        return right  # a feature of one value has no columns
    _, solution, failed = _POSV(matrix, right)
    if failed:
        return np.linalg.lstsq(matrix, right, rcond=1e-10)[0]
    return solution


def _form(matrix: np.ndarray, vector: np.ndarray) -> float:
    return max(float(vector @ _solve(matrix, vector)), 0.0)
