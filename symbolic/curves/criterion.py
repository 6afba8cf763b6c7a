"""When a closed form is believed: penalty of constants, noise, lack of fit.

    criterion = n_eff * log(share + floor**2) + k * log(n_eff) + margin [curved] + ...

``share`` is the unexplained share of the weighted variance, k the number of constants.
The error of a trained spline is smooth, so its points are not independent: ``n_eff`` is
about its degrees of freedom. For scattered raw points the residuals jump from neighbour
to neighbour, which raises ``n_eff`` towards the number of points.

Reference: Schwarz 1978 (BIC); von Neumann 1941 (ratio of successive differences).
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from symbolic.curves.points import Points
from symbolic.families.forms import Array

EQUAL_WITHIN = 5.0
"""Units of the criterion within which families are named as equals: the likelihood prefers
none more than exp(5 / 2) = 12 to 1, which is positive evidence, not strong (Raftery 1995)."""

REFERENCE_DEGREE = 12
"""Degree of the polynomial that stands for any smooth curve: it has 13 coefficients, as
many as a curve of the default encoder (cubic, ten intervals)."""

SIGNIFICANT = 3.5
"""Standard errors of the noise above which a misfit counts: about once in 4,000 by chance."""


@dataclass(frozen=True)
class Evidence:
    """How many independent points there are, and how much of y is plain scatter.

    Args:
        count: effective number of points n_eff.
        noise: share of the variance of y that no smooth curve explains.
        resolution: relative error with which the noise is known.
        floor: share of sd(y) that counts as rounding.
    """

    count: float
    noise: float
    resolution: float
    floor: float = 0.0

    def criterion(self, share: float, constants: int) -> float:
        """Return BIC of a fit, up to a constant and before surcharges; lowest is best.

        Args:
            share: unexplained share of the weighted variance.
            constants: their number.
        """
        n = self.count
        return float(n * np.log(share + self.floor**2) + constants * np.log(n))

    def missed(self, share: float, constants: int) -> float:
        """Share of the explainable variance that a fit misses, zero within the noise.

        The number of constants is small beside that of the points and does not matter.
        """
        missed = share - self.noise
        if share <= 0 or missed / share < SIGNIFICANT * self.resolution:
            return 0.0
        return missed / max(1.0 - self.noise, missed)


def jumpiness(residual: Array, weight: Array) -> float:
    """Half the mean squared step between neighbours over the mean square, in [0, 1].

    About one for independent errors, about zero for a smooth curve.
    """
    size = float(residual**2 @ weight)
    if size <= 0 or len(residual) < 2:
        return 0.0
    # E (e2 - e1)^2 = 2 E e^2 for independent errors, hence the half
    pair = 0.5 * (weight[1:] + weight[:-1])
    step = float(np.diff(residual) ** 2 @ (pair / pair.sum()))
    return min(1.0, 0.5 * step / size)


def reference_share(points: Points) -> float:
    """Share of the variance left by a polynomial of degree 12, per degree of freedom."""
    n = points.independent()
    # three points a coefficient, or the polynomial would follow the noise
    degree = min(REFERENCE_DEGREE, int(n / 3) - 1)
    if degree < 1 or points.x[0] == points.x[-1]:
        return 0.0
    middle, half = _middle_and_half(points.x)
    basis = chebyshev.chebvander((points.x - middle) / half, degree)
    root = np.sqrt(points.weight)
    coefficients = np.linalg.lstsq(basis * root[:, None], points.y * root, rcond=1e-10)[
        0
    ]
    left = points.mean((points.y - basis @ coefficients) ** 2)
    total = points.mean((points.y - points.mean(points.y)) ** 2)
    return float(left / total * n / (n - degree - 1)) if total > 0 else 0.0


def weigh_evidence(
    points: Points, residual: Array, least: float, floor: float
) -> Evidence:
    """Read the effective number of points and the noise off the best residual.

    Args:
        residual: (n,) of the best family, in the order of the points.
        least: effective number of points of a smooth curve.
        floor: residuals below this share of sd(y) are rounding, not noise.
    """
    n = points.independent()
    total = float(points.mean((points.y - points.mean(points.y)) ** 2))
    share = float(points.mean(residual**2)) / total if total > 0 else 0.0
    if share <= floor**2:
        return Evidence(min(least, n), 0.0, 0.0, floor)
    jump = jumpiness(residual, points.weight)
    # n (1 - r) / (1 + r) of an autocorrelated series, whose jumpiness is 1 - r
    effective = max(min(least, n), n * jump / (2.0 - jump))
    # both are upper estimates of the noise where a family does not fit
    noise = min(jump * share, reference_share(points))
    return Evidence(effective, noise, 1.0 / np.sqrt(n), floor)


def _middle_and_half(x: Array) -> tuple[float, float]:
    low, high = float(x[0]), float(x[-1])
    return 0.5 * (low + high), 0.5 * (high - low)
