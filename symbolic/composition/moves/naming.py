"""Which family a curve belongs to: variable projection of every family on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symbolic.composition.fitting.edge_families import EDGE_FAMILIES
from symbolic.composition.fitting.model import Term
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

ROWS = 400


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
        target = curve[self.rows]
        share = weight[self.rows]
        total = float(share.sum())
        if total <= 0:
            share, total = np.ones(len(target)), float(len(target))
        share = share / total
        target = target - share @ target
        found = [
            self._fitted(feature, name, target, share, total) for name in self.families
        ]
        return sorted(found, key=lambda one: one.misfit)

    def _fitted(
        self, feature: int, name: str, target: Array, share: Array, total: float
    ) -> Named:
        z = self.columns[feature].z[self.rows]
        if name in ("linear", "quadratic"):
            powers = [z] if name == "linear" else [z * z, z]
            columns = np.stack([one - share @ one for one in powers], axis=1)
            root = np.sqrt(share)
            beta = np.linalg.lstsq(columns * root[:, None], target * root)[0]
            left = float(share @ (target - columns @ beta) ** 2)
            constants = tuple(beta.tolist())
        else:
            inner, shapes, squares = self._grid(feature, name)
            mean = shapes @ share
            variance = np.maximum(squares @ share - mean * mean, 1e-300)
            covariance = shapes @ (share * target)
            explained = covariance * covariance / variance
            k = int(np.argmax(explained))
            left = max(float(share @ (target * target)) - float(explained[k]), 0.0)
            constants = (float(covariance[k] / variance[k]), float(inner[k]))
        return Named(Term(feature, name, constants), left * total * self.factor)

    def _grid(self, feature: int, name: str) -> tuple[Array, Array, Array]:
        key = (feature, name)
        if key not in self._shapes:
            family, column = EDGE_FAMILIES[name], self.columns[feature]
            assert family.grid is not None
            assert family.shape is not None
            inner = family.grid(column)
            shapes = family.shape(column.z[self.rows], inner)
            self._shapes[key] = inner, shapes, shapes * shapes
        return self._shapes[key]
