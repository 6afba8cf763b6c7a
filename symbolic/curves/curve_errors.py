"""What the data know about a learned curve: how far a closed form may be from it.

A trained spline is smoothed and its errors are neither equal nor independent, so its
look decides between families badly. Left without smoothing, its coefficients have a
known covariance, and a closed form f is judged by generalised least squares,

    chi2(f) = |target - root f|^2,

which for the true curve is a chi-square with as many degrees of freedom as ``root`` has
rows (less the constants that are fitted).

Reference: Aitken 1936 (generalised least squares).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from sciren.errors import DataError, ShapeError
from symbolic.families.forms import Array

CHANCE = 1e-3
"""How often a true family may look like a misfit: of ten edges in a run, one in a hundred
runs has one refused by chance."""


@dataclass(frozen=True, eq=False)
class CurveErrors:
    """Independent unit-variance combinations of a curve's values on a grid.

    Args:
        root: (r, m), rows that take the values of a closed form on the curve's grid to
            what was estimated; blind to a constant.
        target: (r,) the estimates.
        count: number of independent observations behind them.
        noise: variance of an observation, in units of the training loss.
    Raises:
        ShapeError: the arrays do not fit together.
        DataError: a number that is not finite, or no observation.
    """

    root: Array
    target: Array
    count: float
    noise: float = 1.0

    def __post_init__(self) -> None:
        root = np.asarray(self.root, dtype=np.float64)
        target = np.asarray(self.target, dtype=np.float64)
        if root.ndim != 2 or target.shape != (len(root),) or not len(root):
            raise ShapeError(
                "errors of a curve need root (r, m) and target (r,) with r > 0, got "
                f"{root.shape} and {target.shape}"
            )
        if not (np.isfinite(root).all() and np.isfinite(target).all()):
            raise DataError("errors of a curve hold a number that is not finite")
        if not self.count >= 1:
            raise DataError(f"errors of a curve from {self.count} observations")
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "target", target)

    @property
    def total(self) -> float:
        """Chi-square of a constant."""
        return float(self.target @ self.target)

    def criterion(self, share: float, constants: int) -> float:
        """Chi-square of a fit and BIC's penalty of its constants."""
        return share * self.total + constants * float(np.log(self.count))

    def missed(self, share: float, constants: int) -> float:
        """Share of the curve's own variance that a fit misses, zero within the noise.

        Args:
            share: chi-square of the fit over that of a constant.
            constants: their number, with the offset.
        """
        # the offset is among the constants, but `root` is blind to it and loses no row by it
        chi2, freedom = share * self.total, max(len(self.root) - constants + 1, 1)
        if chi2 <= float(chdtri(freedom, CHANCE)):
            return 0.0
        # what chance alone would give is no misfit: subtracted above and below
        return (chi2 - freedom) / max(self.total - len(self.root), chi2 - freedom)
