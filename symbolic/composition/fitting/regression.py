"""The regression behind every search: rows, weights, what is projected out, the work.

    y = D + nuisance . beta + additive splines + (what a model says)    weights on the rows

Everything linear that no structure owns (the offset, columns of process constants, an
unknown additive part) is projected out, so that a node can be found in its presence.

Work is counted, not timed: the same call does the same steps and gives the same result
on a busy machine as on an idle one.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.interpolate import BSpline

from symbolic.composition.fitting.columns import Column, pole_gaps
from symbolic.families.harmonics import harmonics

Array = np.ndarray

STEP, CONSTANT = 1.8e-4, 5e-6
"""Seconds of one evaluation of a model whatever its size, and for each constant whatever the
rows: with them the work of searches among 4 to 10 features (16 to 37 constants) is within
7 % of their processor seconds."""

COLUMN, SQUARE, BESIDE = 4.5e-9, 7e-11, 1.3e-10
"""Seconds for each row and constant; pair of constants; constant and projected column."""

LINEAR = 2.5e-3
"""Seconds of a linear solution whatever its size: those of 150 rows take 2 to 5 ms."""

# Of a share of a budget: a small one is for the search all the same.
MOST_RESERVED = 0.3


@dataclass
class Work:
    """Work done so far, in seconds."""

    seconds: float = 0.0

    def add(self, rows: int, constants: int, projected: int) -> None:
        """Count one evaluation of a model with its normal equations."""
        # The curves and their slopes, the Gram matrix, and what is projected out.
        per_row = COLUMN + SQUARE * constants + BESIDE * projected
        self.seconds += STEP + constants * (CONSTANT + rows * per_row)

    def add_linear(self, rows: int, columns: int, cost: float) -> None:
        """Count linear algebra with columns of all rows, and its cost for each of their values."""
        self.seconds += LINEAR + rows * columns * cost


class Budget:
    """Limit of the work of a search.

    Args:
        seconds: limit; searches look at it between steps and may end a little later.
        work: counter that the limit is for; a new one counts nothing.
        start: what was counted when it began; None for now.
    """

    def __init__(
        self, seconds: float, work: Work | None = None, start: float | None = None
    ) -> None:
        self.work = work or Work()
        self.start = self.work.seconds if start is None else start
        self.seconds = seconds
        self.began = time.process_time()

    def part(self, share: float, reserve: float) -> "Budget":
        """Return the first share of it less a reserve, at most `MOST_RESERVED` of the share."""
        limit = share * self.seconds
        least = (1 - MOST_RESERVED) * limit
        return Budget(max(limit - reserve, least), self.work, self.start)

    @property
    def spent(self) -> float:
        """Seconds of work since the start."""
        return self.work.seconds - self.start

    @property
    def elapsed(self) -> float:
        """Processor seconds since the start, as they were on this machine."""
        return time.process_time() - self.began

    def over(self, share: float = 1.0) -> bool:
        """Whether a share of the budget is spent."""
        return self.spent > share * self.seconds


def spline_basis(z: Array, functions: int = 9) -> Array:
    """Cubic splines at z, centred and orthonormal: (n, m) with columns of unit variance.

    Knots are half quantiles, half equidistant, so that neither thin tails nor dense
    centres lose resolution. Features of few values get fewer functions.

    Args:
        z: (n,) one feature, any scale.
        functions: number of functions without the constant.
    """
    low, high = float(z.min()), float(z.max())
    share = np.linspace(0.0, 1.0, functions - 1)[1:-1]
    inner = 0.5 * np.quantile(z, share) + 0.5 * (low + share * (high - low))
    inner = np.unique(inner)
    # quantiles of features with few values coincide, also with the ends
    inner = inner[(inner > low) & (inner < high)]
    # four-fold end knots: the cubic splines end with the data
    knots = np.concatenate([[low] * 4, inner, [high] * 4])
    full = BSpline.design_matrix(np.clip(z, low, high), knots, 3).toarray()
    return orthonormal(full - full.mean(0), functions)


WAVES = 4  # of a free curve on a circle: eight columns, as many as of splines


def wave_basis(z: Array, period: float, count: int = WAVES) -> Array:
    """Waves on a circle at z, centred and orthonormal: (n, m) with columns of unit variance."""
    columns = harmonics(period, count).columns(z)
    return orthonormal(columns - columns.mean(0))


def orthonormal(columns: Array, limit: int | None = None) -> Array:
    """Orthonormal basis (n, m) of the columns with unit mean square."""
    if columns.shape[1] == 0:
        return columns
    # The eigenvectors of a small (m, m) matrix; squared singular values below 1e-9 of the
    # largest are below 3e-5 of the longest direction.
    gram = columns.T @ columns
    values, vectors = np.linalg.eigh(gram)
    # smooth functions have the largest values, so that a limit drops the wiggliest ones
    order = np.argsort(values)[::-1][:limit]
    order = order[values[order] > 1e-9 * max(values[order[0]], 1e-300)]
    basis = columns @ (vectors[:, order] / np.sqrt(values[order]))
    return np.asfortranarray(basis * np.sqrt(len(columns)))


def projector(columns: Array) -> Array:
    """Orthonormal columns Q (n, m) with Q'Q = 1, dependent ones left out."""
    size = np.linalg.norm(columns, axis=0)
    scaled = columns[:, size > 1e-12] / size[size > 1e-12]
    q, r = np.linalg.qr(scaled)
    # of more columns than rows the first ones already span everything
    # columns have unit length, so the diagonal of R
    # is what is left of each after those before it
    keep = np.abs(np.diag(r)) > 1e-9
    return q if keep.all() else np.linalg.qr(scaled[:, : len(keep)][:, keep])[0]


def polynomials(z: Array, degree: int = 3, clipped_share: float = 0.005) -> Array:
    """Centred orthonormal polynomials (n, degree) of z, clipped at either end.

    A feature of k values has k - 1 of them; the others are columns of zeros.
    """
    # one far row would own the cube
    clipped = np.clip(z, *np.quantile(z, [clipped_share, 1.0 - clipped_share]))
    powers = np.stack([clipped**k for k in range(1, degree + 1)], axis=1)
    own = orthonormal(powers - powers.mean(0))
    return np.hstack([own, np.zeros((len(z), degree - own.shape[1]))])


def pair_products(left: Array, right: Array) -> Array:
    """All products of the columns of two bases, (n, m1 m2)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


@dataclass(frozen=True)
class Regression:
    """Rows of a latent (or of an output) with scaled features.

    Args:
        columns: one for each feature.
        y: (n,) values in units of their deviation.
        weight: (n,) factors on residuals, of mean square one.
        nuisance: (n, c) linear columns that belong to no structure.
        extra: (n, m) columns projected out beside the nuisance.
        work: counter shared by all regressions made from one another.
        memory: rows that count as one when forms are compared: those of a series whose
            errors remember the rows before.
    """

    columns: tuple[Column, ...]
    y: Array
    weight: Array
    nuisance: Array
    extra: Array = field(default_factory=lambda: np.empty((0, 0)))
    work: Work = field(default_factory=Work)
    memory: float = 1.0

    @classmethod
    def of(
        cls,
        z: Array,
        y: Array,
        weight: Array | None = None,
        nuisance: Array | None = None,
        functions: int = 9,
        origin: Array | None = None,
        scale: Array | None = None,
        work: Work | None = None,
        periods: Array | None = None,
    ) -> "Regression":
        """Build from arrays.

        Args:
            z: (n, d) scaled features, origin + raw / scale;  y: (n,) in its deviations.
            weight: (n,) factors on residuals;  nuisance: (n, c) linear columns.
            functions: splines of each feature.
            origin, scale: (d,) scaled values of raw zeros, and raw deviations.
            work: counter to share.
            periods: (d,) lengths of circles in scaled units, 0 for features on a line.
        """
        zeros = np.zeros(z.shape[1]) if origin is None else origin
        scales = np.ones(z.shape[1]) if scale is None else scale
        circles = np.zeros(z.shape[1]) if periods is None else periods
        columns = tuple(
            Column(
                np.ascontiguousarray(column),
                column * column,
                wave_basis(column, period)
                if period
                else spline_basis(column, functions),
                float(column.min()),
                float(column.max()),
                float(zero),
                pole_gaps(column),
                float(size),
                float(period),
            )
            for column, zero, size, period in zip(
                z.T, zeros, scales, circles, strict=True
            )
        )
        n = len(y)
        return cls(
            columns,
            y,
            np.ones(n) if weight is None else weight,
            np.empty((n, 0)) if nuisance is None else nuisance,
            np.empty((n, 0)),
            work or Work(),
        )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def information(self) -> float:
        """Rows that know nothing of each other."""
        return len(self) / self.memory

    @cached_property
    def weighted(self) -> bool:
        """Whether the rows differ in weight."""
        return bool(np.ptp(self.weight) > 0)

    @cached_property
    def projected(self) -> Array:
        """Orthonormal columns (n, q) that are projected out of weighted rows."""
        # the offset is projected out of all models
        linear = np.column_stack([np.ones(len(self)), self.nuisance, self.extra])
        return projector(linear * self.weight[:, None])

    @cached_property
    def target(self) -> Array:
        """Weighted y with the projected columns removed."""
        return self.without(self.y * self.weight)

    def without(self, weighted: Array) -> Array:
        """Remove the projected columns from weighted rows (n,) or (n, k)."""
        q = self.projected
        return weighted - q @ (q.T @ weighted)

    def take(self, rows: Array) -> "Regression":
        """Return some of the rows; ranges of the features stay those of all."""
        return Regression(
            tuple(column.take(rows) for column in self.columns),
            self.y[rows],
            self.weight[rows],
            self.nuisance[rows],
            self.extra[rows],
            self.work,
            self.memory,
        )

    def splines(self, features: Iterable[int]) -> Array:
        """Spline columns (n, m) of some features side by side."""
        blocks = [self.columns[i].basis for i in features]
        return np.hstack(blocks) if blocks else np.empty((len(self), 0))

    def beside(self, extra: Array) -> "Regression":
        """Return the regression with other columns projected out."""
        return replace(self, extra=extra)

    def with_weight(self, weight: Array) -> "Regression":
        """Return the regression with other weights."""
        return replace(self, weight=weight)

    @property
    def linear_size(self) -> int:
        """Constants of the offset and the nuisance."""
        return 1 + self.nuisance.shape[1]
