"""Gauss-Newton for one vector of parameters that already stands near its minimum.

Steps are halved until the loss falls, which is enough there; from far away, and for many
members at once, `sciren.solvers.levenberg` damps instead.

Reference: Nocedal and Wright 2006, chapter 10.
"""

from collections.abc import Callable

import numpy as np

Array = np.ndarray

RIDGE = 1e-10  # share of the largest curvature, for parameters that the rows do not see
HALVINGS = 8  # a step 2^-8 of the full one that does not gain is rounding


def descend(
    theta: Array,
    squares: Callable[[Array], float],
    linearise: Callable[[Array], tuple[Array, Array]],
    steps: int,
    tolerance: float,
    free: Array | bool = True,
) -> Array:
    """Return theta (P,) after at most so many steps; its loss never exceeds the start's.

    Args:
        theta: (P,) start.
        squares: theta -> sum of squares, infinite where it cannot be computed.
        linearise: theta -> slopes (m, P) of the mean and residuals (m,).
        tolerance: a step that gains less than this share of the loss is the last.
        free: (P,) which parameters may move.
    """
    loss = squares(theta)
    for _ in range(steps):
        slopes, left = linearise(theta)
        # a held parameter must not take its share of the step from the others
        step = newton_step(np.where(free, slopes, 0.0), left)
        for _ in range(HALVINGS):
            if (other := squares(theta + step)) < loss:
                break
            step = step / 2
        else:
            break
        gain, theta, loss = loss - other, theta + step, other
        if gain < tolerance * loss:
            break
    return theta


def newton_step(slopes: Array, left: Array) -> Array:
    """Return the step (P,) that solves the normal equations J'J step = J' left.

    They are solved in units of their diagonal, so that parameters of unlike size are
    equally exact; parameters that no row sees stay where they are.

    Args:
        slopes: J (m, P).
        left: residuals (m,), observed minus mean.
    """
    size = np.sqrt((slopes**2).sum(0))
    # A column of zeros or without a number would make the system singular.
    determined = (size > 0) & np.isfinite(size)
    step = np.zeros(slopes.shape[1])
    scaled = slopes[:, determined] / size[determined]
    matrix = scaled.T @ scaled + RIDGE * np.eye(int(determined.sum()))
    step[determined] = np.linalg.solve(matrix, scaled.T @ left) / size[determined]
    return step


def finite_squares(left: Array) -> float:
    """Return the sum of squares of residuals, infinite where one is not finite."""
    value = float((left**2).sum())
    return value if np.isfinite(value) else np.inf
