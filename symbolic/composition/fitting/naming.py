"""Families ranked on a curve that is given at the rows of a regression."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symbolic.composition.fitting.edge_families import (
    CIRCULAR,
    LINEAR_IN_CONSTANTS,
    edge_family,
    linear_columns,
)
from symbolic.composition.fitting.model import Term
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

ROWS = 400  # evenly spaced, on which families are ranked before they are refitted


FLAT = 1e-12  # variance of a shape, in its mean square, that is rounding
LARGEST = 1e100  # value of a curve that ran away; squares of larger ones overflow


@dataclass(frozen=True)
class Named:
    """A family fitted to a curve.

    Args:
        term: with constants.
        misfit: weighted sum of squares that is left, scaled to all rows.
    """

    term: Term
    misfit: float


class Namer:
    """Ranks families on curves given at the rows of a regression.

    Args:
        regression: rows;  families: names that may be used.
    """

    def __init__(self, regression: Regression, families: Sequence[str]) -> None:
        n = len(regression)
        self.rows = np.unique(np.linspace(0, n - 1, min(n, ROWS)).astype(int))
        self.factor = n / len(self.rows)
        self.families = tuple(families)
        self.columns = regression.columns
        self._shapes: dict[tuple[int, str], tuple[Array, Array, Array]] = {}

    def rank(self, feature: int, curve: Array, weight: Array) -> list[Named]:
        """Return every family fitted to a curve, best first.

        Args:
            curve: (n,) values at the rows;  weight: (n,) weights of their squares.
        """
        target = np.clip(curve[self.rows], -LARGEST, LARGEST)
        share = weight[self.rows]
        total = float(share.sum())
        if total <= 0:
            share, total = np.ones(len(target)), float(len(target))
        share = share / total
        # curves have no offset of their own: everything is compared about its weighted mean
        target = target - share @ target
        namings = [
            self._fitted(feature, name, target, share, total)
            for name in self._families_of(feature)
        ]
        return sorted(namings, key=lambda naming: naming.misfit)

    def _families_of(self, feature: int) -> tuple[str, ...]:
        """Families of a feature: on two values every curve is a line, on a circle a wave."""
        if self.columns[feature].period:
            return CIRCULAR
        two_values = self.columns[feature].basis.shape[1] == 1
        return (
            ("linear",) if two_values and "linear" in self.families else self.families
        )

    def _fitted(
        self, feature: int, name: str, target: Array, share: Array, total: float
    ) -> Named:
        if name in LINEAR_IN_CONSTANTS:
            # linear in its constants: solved at once
            powers = linear_columns(self.columns[feature], name)[self.rows].T
            columns = np.stack([power - share @ power for power in powers], axis=1)
            root = np.sqrt(share)
            beta = np.linalg.lstsq(columns * root[:, None], target * root)[0]
            left = float(share @ (target - columns @ beta) ** 2)
            constants = tuple(beta.tolist())
        else:
            # One inner constant: for each place on its grid the amplitude follows in closed
            # form, cov(shape, curve) / var(shape), and explains cov^2 / var.
            inner, shapes, squares = self._grid(feature, name)
            mean = shapes @ share
            second = squares @ share
            variance = second - mean * mean
            # where one row has all the weight every shape is flat, and explains nothing
            flat = variance <= FLAT * second
            variance = np.where(flat, 1.0, variance)
            covariance = np.where(flat, 0.0, shapes @ (share * target))
            explained = covariance * covariance / variance
            k = int(np.argmax(explained))
            left = max(float(share @ (target * target)) - float(explained[k]), 0.0)
            constants = (float(covariance[k] / variance[k]), *inner[k].tolist())
        # from the mean over few rows back to the sum over all
        return Named(Term(feature, name, constants), left * total * self.factor)

    def _grid(self, feature: int, name: str) -> tuple[Array, Array, Array]:
        key = (feature, name)
        # grids do not depend on the curve: made once for each feature and family
        if key not in self._shapes:
            family, column = edge_family(name), self.columns[feature]
            assert family.grid is not None
            assert family.shapes is not None
            inner = family.grid(column)
            shapes = family.shapes(column, self.rows, inner)
            self._shapes[key] = inner, shapes, shapes * shapes
        return self._shapes[key]
