"""The regression behind every search: rows, weights, and what is projected out.

    y = D + nuisance . beta + rest splines + (what a model says)     weights on the rows

Everything linear that no structure owns (the offset, columns of process constants, an
unknown additive rest) is projected out, so that a node can be found in its presence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from symbolic.composition.budget import Work
from symbolic.composition.fitting.basis import projector, spline_basis
from symbolic.composition.fitting.edge_families import Column, pole_gaps

Array = np.ndarray


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
    """

    columns: tuple[Column, ...]
    y: Array
    weight: Array
    nuisance: Array
    extra: Array = field(default_factory=lambda: np.empty((0, 0)))
    work: Work = field(default_factory=Work)

    @classmethod
    def of(
        cls,
        z: Array,
        y: Array,
        weight: Array | None = None,
        nuisance: Array | None = None,
        functions: int = 9,
        origin: Array | None = None,
        work: Work | None = None,
    ) -> "Regression":
        """Build from scaled features (n, d); origin (d,) is where raw ones are zero."""
        zeros = np.zeros(z.shape[1]) if origin is None else origin
        columns = tuple(
            Column(
                np.ascontiguousarray(one),
                one * one,
                spline_basis(one, functions),
                float(one.min()),
                float(one.max()),
                float(zero),
                pole_gaps(one),
            )
            for one, zero in zip(z.T, zeros, strict=True)
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

    @cached_property
    def weighted(self) -> bool:
        """Whether the rows differ in weight."""
        return bool(np.ptp(self.weight) > 0)

    @cached_property
    def projected(self) -> Array:
        """Orthonormal columns (n, q) that are projected out of weighted rows."""
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
        columns = tuple(
            Column(
                np.ascontiguousarray(one.z[rows]),
                one.square[rows],
                np.asfortranarray(one.basis[rows]),
                one.low,
                one.high,
                one.origin,
                one.gaps,
            )
            for one in self.columns
        )
        return Regression(
            columns,
            self.y[rows],
            self.weight[rows],
            self.nuisance[rows],
            self.extra[rows],
            self.work,
        )

    def splines(self, features: Iterable[int]) -> Array:
        """Spline columns (n, m) of some features side by side."""
        found = [self.columns[i].basis for i in features]
        return np.hstack(found) if found else np.empty((len(self), 0))

    def beside(self, extra: Array) -> "Regression":
        """Return the regression with other columns projected out."""
        return replace(self, extra=extra)

    def beside_splines(self, features: Sequence[int]) -> "Regression":
        """Return the regression with splines of some features projected out."""
        return self.beside(self.splines(features))

    def with_weight(self, weight: Array) -> "Regression":
        """Return the regression with other weights."""
        return replace(self, weight=weight)

    @property
    def linear_size(self) -> int:
        """Constants of the offset and the nuisance."""
        return 1 + self.nuisance.shape[1]
