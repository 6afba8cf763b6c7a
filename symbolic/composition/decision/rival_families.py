"""Curves that no list of families holds, and how well the best of each does in a place.

Each is linear in its amplitudes; its one or two inner constants are searched on a grid and
refined. Everything beside it may move along its tangent meanwhile. A curve is evaluated at
knots and read between them in straight lines, so that a trial costs the same whatever the
rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from symbolic.families.forms import grid_of

Array = np.ndarray
Shape = Callable[[Array, Array], Array]

REFINED = 2  # starts from the grid that are refined


@dataclass(frozen=True)
class RivalFamily:
    """A curve of x scaled to -1..1: columns that are linear in their amplitudes.

    Attributes:
        name: as it is shown.  columns: (x, inner constants) -> (n, amplitudes).
        grid: inner constants (m, c) to start from.  size: number of constants.
        holds: families of the library that are members of it, or limits, as a step is of
            sigmoids.
    """

    name: str
    columns: Shape
    grid: Array
    size: int
    holds: tuple[str, ...] = ()


# Grids for x between -1 and 1: centres inside, poles and origins of powers outside.
_CENTRES = np.linspace(-0.8, 0.8, 9)
_POLES = np.concatenate([-1 - np.geomspace(0.05, 6, 12), 1 + np.geomspace(0.05, 6, 12)])
_BELOW = -1 - np.geomspace(0.02, 4, 8)
_SIGMOIDS = grid_of(_CENTRES, np.geomspace(0.04, 0.8, 6))
_POWERS = np.array([-2.0, -0.5, 0.25, 0.5, 1.5, 3.0])


def _column(values: Array) -> Array:
    return values[:, None]


def _power(x: Array, inner: Array) -> Array:
    return _column(np.maximum(x - inner[0], 1e-9) ** np.clip(inner[1], -6, 6))


RIVAL_FAMILIES = (
    RivalFamily(
        "cubic",
        lambda x, _: np.stack([x, x * x, x**3], axis=1),
        np.zeros((1, 0)),
        3,
        ("cube",),
    ),
    RivalFamily(
        "reciprocal",
        lambda x, c: _column(1 / _away(x - c[0])),
        _POLES[:, None],
        2,
        ("reciprocal", "michaelis_menten"),
    ),
    RivalFamily(
        "logistic",
        lambda x, c: _column(1 / (1 + np.exp(-np.clip((x - c[0]) / c[1], -50, 50)))),
        _SIGMOIDS,
        3,
        ("logistic", "tanh", "threshold"),
    ),
    RivalFamily(
        "arctangent",
        lambda x, c: _column(np.arctan((x - c[0]) / c[1])),
        _SIGMOIDS,
        3,
        ("threshold",),
    ),
    RivalFamily(
        "sine",
        lambda x, c: np.stack([np.sin(c[0] * x), np.cos(c[0] * x)], axis=1),
        np.linspace(1.0, 14.0, 40)[:, None],
        3,
        ("sine",),
    ),
    RivalFamily(
        "bell",
        lambda x, c: _column(np.exp(-(((x - c[0]) / c[1]) ** 2))),
        grid_of(_CENTRES, np.geomspace(0.1, 1.2, 6)),
        3,
        ("gaussian",),
    ),
    RivalFamily(
        "power 3/2",
        lambda x, c: _column(np.abs(x - c[0]) ** 1.5),
        _POLES[:, None],
        2,
    ),
    RivalFamily(
        "power", _power, grid_of(_BELOW, _POWERS), 3, ("power", "sqrt", "threshold")
    ),
    RivalFamily(
        "exp of reciprocal",
        lambda x, c: _column(np.exp(np.clip(c[1] / (x - c[0]), -50, 50))),
        grid_of(_BELOW, np.array([-4.0, -1.5, -0.5, 0.5, 1.5])),
        3,
        ("arrhenius",),
    ),
)


def _away(distance: Array) -> Array:
    return np.where(np.abs(distance) < 1e-6, 1e-6, distance)


KNOTS = 401
"""Places at which a curve is evaluated where rows have more values than that: half a step to
the nearest is 0.0025 of the half range, in which the steepest sigmoid of the grid (width 0.04)
departs from its chord by 2e-4 of its rise."""

SPANNED = 1e-10
"""Share of its square that a column keeps beside the rest of the formula, below which it has
no part of its own: products of doubles are good to 1e-16 a row."""

LEAST_LEFT = 1e-9  # share of its square that a target keeps, a margin above `SPANNED`


@dataclass(frozen=True)
class Moments:
    """Sums over the rows that give the fit of any curve through its values at knots.

    Attributes:
        knots: (K,) places.  mean: (K,) weights of the mean over the rows.
        square: (K, K) W'W;  beside: (q, K) Q'W;  target: (K,) W'y, with W the weighted
            straight lines between the knots and Q the basis of everything beside the curve.
    """

    knots: Array
    mean: Array
    square: csr_matrix
    beside: Array
    target: Array


@dataclass(frozen=True)
class Place:
    """A place in a formula for a curve of one feature.

    Attributes:
        x: (n,) the feature, scaled to -1..1.
        weight: (n,) slope of the weighted observations by the curve.
        target: (n,) what curve and residual are together, free of the basis.
        basis: (n, q) orthonormal directions of everything beside the curve.
    """

    x: Array
    weight: Array
    target: Array
    basis: Array

    @cached_property
    def moments(self) -> Moments:
        """Sums over the rows, taken once for all curves."""
        knots = np.unique(self.x)
        if not 2 <= len(knots) <= KNOTS:
            knots = np.linspace(-1.0, 1.0, KNOTS)
        rows, count = len(self.x), len(knots)
        left = np.clip(np.searchsorted(knots, self.x, "right") - 1, 0, count - 2)
        share = (self.x - knots[left]) / (knots[left + 1] - knots[left])
        lines = csr_matrix(
            (
                np.concatenate([1.0 - share, share]),
                (np.tile(np.arange(rows), 2), np.concatenate([left, left + 1])),
            ),
            shape=(rows, count),
        )
        weighted = lines.multiply(self.weight[:, None]).tocsr()
        return Moments(
            knots,
            lines.T @ np.full(rows, 1.0 / rows),
            (weighted.T @ weighted).tocsr(),
            (weighted.T @ self.basis).T,
            weighted.T @ self.target,
        )

    @cached_property
    def size(self) -> float:
        """Sum of squares that no curve at all leaves."""
        return float(self.target @ self.target)

    def left(self, family: RivalFamily, inner: Array) -> float:
        """Return the sum of squares that a member leaves, its amplitudes free.

        Sums inside nodes have no mean, and an offset is part of the rest: so is the curve's.
        """
        sums = self.moments
        columns = family.columns(sums.knots, inner)
        columns = columns - sums.mean @ columns
        # amplitudes are free, so columns may have any size; of size one their rank can be judged
        columns = columns / np.maximum(np.abs(columns).max(0), 1e-300)
        beside = sums.beside @ columns
        whole = columns.T @ (sums.square @ columns)
        size = np.sqrt(np.maximum(whole.diagonal(), 1e-300))
        own = (whole - beside.T @ beside) / np.outer(size, size)
        moment = columns.T @ sums.target / size
        values, vectors = np.linalg.eigh(own)
        # columns that the rest of the formula spans explain nothing of their own
        keep = values > SPANNED
        explained = float(np.sum((vectors.T @ moment)[keep] ** 2 / values[keep]))
        return max(self.size - explained, LEAST_LEFT * self.size)

    def smallest(self, family: RivalFamily) -> float:
        """Return the smallest sum of squares of a family."""
        return self.best_member(family)[0]

    def best_member(self, family: RivalFamily) -> tuple[float, Array]:
        """Return the smallest sum of squares of a family and its inner constants there.

        They are sought on the grid, then refined.
        """
        with np.errstate(all="ignore"):
            # 1. Every inner constant on the grid, amplitudes in closed form.
            starts = sorted(
                (self.left(family, inner), k) for k, inner in enumerate(family.grid)
            )
            best, at = starts[0][0], family.grid[starts[0][1]]
            # 2. Nelder-Mead from the best: two constants at most, and kinks do not trouble it.
            if family.grid.shape[1] == 0:
                return best, at
            for _, k in starts[:REFINED]:
                result = minimize(
                    lambda inner: self.left(family, inner), family.grid[k],
                    method="Nelder-Mead",
                    options={"maxfev": 60, "xatol": 1e-3, "fatol": 1e-4 * best},
                )  # fmt: skip
                if result.fun < best:
                    best, at = float(result.fun), np.asarray(result.x)
        return best, at


def scaled_to_one(z: Array) -> Array:
    """Return a feature (n,) scaled to -1..1."""
    return 2 * (z - z.min()) / max(float(np.ptp(z)), 1e-300) - 1
