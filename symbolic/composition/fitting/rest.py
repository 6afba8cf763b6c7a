"""Columns of an unknown additive rest: fine splines, and kinks where the data show one."""

from collections.abc import Sequence

import numpy as np

from symbolic.composition.fitting.basis import pair_products, polynomials, spline_basis
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.screening.interactions import Screen

Array = np.ndarray

FUNCTIONS = 14
"""Splines of the rest are finer than those inside nodes: they take what is left."""

KINKS = 40
"""Places of a kink that are tried between the ends of a feature."""

CLEAR = 0.05
"""Share of the sum of squares by which a kink must lower it."""


class Rest:
    """Columns of an additive rest.

    Args:
        regression: rows.
        screened: pairs beside which kinks are looked for; None for splines alone.
    """

    def __init__(self, regression: Regression, screened: Screen | None = None) -> None:
        self.regression = regression
        self._fine: dict[int, Array] = {}
        if screened is not None:
            self._add_kinks(screened)

    def columns(self, features: Sequence[int]) -> Array:
        """Columns of some features side by side (n, m)."""
        for i in features:
            if i not in self._fine:
                self._fine[i] = spline_basis(self.regression.columns[i].z, FUNCTIONS)
        parts = [self._fine[i] for i in features]
        return np.hstack(parts) if parts else np.empty((len(self.regression), 0))

    def beside(self, features: Sequence[int]) -> Regression:
        """Return the regression with a rest on some features projected out."""
        return self.regression.beside(self.columns(features))

    def _add_kinks(self, screened: Screen) -> None:
        """Add two folds on either side of the clearest kink of a feature, and again.

        Cubic splines miss a kink by some per cent, under which small terms and the
        kinds of nodes cannot be told apart.
        """
        live = screened.live
        z = [one.z for one in self.regression.columns]
        products = [
            pair_products(polynomials(z[i]), polynomials(z[j]))
            for i, j in screened.pairs
        ]
        for _ in range(len(live)):
            flexible = np.hstack([self.columns(live), *products])
            beside = self.regression.beside(flexible)
            total = float(beside.target @ beside.target)
            found = [(*_clearest(beside, i), i) for i in live]
            gain, place, step, feature = max(found, default=(0.0, 0.0, 0.0, -1))
            if gain < CLEAR * total:
                break
            folds = [np.abs(z[feature] - place - side * step) for side in (-1, 1)]
            added = np.stack([one - one.mean() for one in folds], axis=1)
            self._fine[feature] = np.hstack([self._fine[feature], added])


def _clearest(regression: Regression, feature: int) -> tuple[float, float, float]:
    """Squares that the best kink of a feature explains, its place and half a step."""
    column = regression.columns[feature]
    places = np.linspace(column.low, column.high, KINKS + 2)[1:-1]
    folds = np.abs(column.z[:, None] - places) * regression.weight[:, None]
    folds = regression.without(folds)
    size = np.maximum((folds**2).sum(0), 1e-9 * len(regression))
    gains = (folds.T @ regression.target) ** 2 / size
    best = int(np.argmax(gains))
    return float(gains[best]), float(places[best]), 0.5 * float(places[1] - places[0])
