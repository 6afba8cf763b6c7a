"""Whether new rows lie where the model was made.

A row is outside when one column lies beyond its range, or when the columns together lie
further from the middle than any training row did:

    (x - m)' C^-1 (x - m) > max over the training rows.

Columns that the equations do not use are watched too where they stood in for used ones
(|correlation| >= 0.7, or an exchange that the data cannot tell apart): when such a pair
parts, nothing says which of the two acted.

Reference: Mahalanobis 1936; Montgomery, Peck and Vining 2012, section 3.8 (hidden
extrapolation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sciren.data.kinds import Categorical, Kinds

Array = np.ndarray

STANDS_IN = 0.7
"""Correlation beyond which half of the variance of one column is that of the other."""

RIDGE = 1e-6  # of a unit variance: columns that repeat each other exactly
SLACK = 1e-9  # relative rounding of a stored limit


@dataclass(frozen=True, eq=False)
class Reach:
    """Where the training rows lie.

    Attributes:
        names: watched columns (c).
        low, high, mean: (c,) of the training rows.
        inverse: (c, c) of their covariance.
        farthest: largest squared distance of a training row.
        used: those of the names that the model uses; the others stood in for them.
        classes: feature -> numbers of its classes that had rows.
    """

    names: tuple[str, ...]
    low: Array
    high: Array
    mean: Array
    inverse: Array
    farthest: float
    used: tuple[str, ...]
    classes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Array],
        used: Sequence[str],
        exchangeable: Sequence[tuple[str, str]] = (),
        kinds: Kinds | None = None,
    ) -> "Reach":
        """Learn from training rows.

        Args:
            columns: name -> (n,) finite values of all offered features and forcings.
            used: names that the model uses.
            exchangeable: pairs that the data cannot tell apart.
            kinds: of features; a class has no distance, a circle has no end.
        """
        kinds = kinds or {}
        classes = {
            name: tuple(np.unique(columns[name]).tolist())
            for name in used
            if isinstance(kinds.get(name), Categorical)
        }
        count = len(next(iter(columns.values())))
        # Classes and circles have no distance from a middle.
        columns = {name: x for name, x in columns.items() if name not in kinds}
        names = watched(columns, used, exchangeable)
        x = np.array([columns[name] for name in names]).reshape(len(names), count).T
        mean = x.mean(0)
        centred = x - mean
        covariance = centred.T @ centred / max(len(x) - 1, 1)
        # The ridge goes on the correlations: on the covariance, the units would decide
        # which columns count as repeating each other.
        size = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        scaled = covariance / np.outer(size, size) + RIDGE * np.eye(len(names))
        inverse = np.linalg.inv(scaled) / np.outer(size, size)
        farthest = float(np.einsum("np,pq,nq->n", centred, inverse, centred).max())
        return cls(
            names, x.min(0), x.max(0), mean, inverse, farthest,
            tuple(name for name in names if name in set(used)), classes,
        )  # fmt: skip

    def outside(self, columns: Mapping[str, Array]) -> Array:
        """Return whether rows lie outside (n,) bool; nan counts as the mean.

        Args:
            columns: name -> (n,); watched columns that are missing are left out.
        """
        beyond = self.beyond(columns)
        flags = np.any(list(beyond.values()), axis=0) if beyond else np.zeros(0, bool)
        apart = self.apart(columns)
        return flags | apart if len(apart) else flags

    def beyond(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Return column -> whether rows (n,) lie beyond its range."""
        slack = SLACK * (self.high - self.low)
        unseen = {
            name: ~(np.isin(columns[name], labels) | np.isnan(columns[name]))
            for name, labels in self.classes.items()
            if name in columns
        }
        # nan is neither below nor above, so that a gap counts as inside.
        return unseen | {
            name: (columns[name] < low - margin) | (columns[name] > high + margin)
            for name, low, high, margin in zip(
                self.names, self.low, self.high, slack, strict=True
            )
            if name in columns
        }

    def apart(self, columns: Mapping[str, Array]) -> Array:
        """Return whether rows (n,) are jointly further out than any training row."""
        places = [k for k, name in enumerate(self.names) if name in columns]
        if not places:
            return np.zeros(0, dtype=bool)
        x = np.stack([columns[self.names[k]] for k in places], axis=1)
        centred = np.nan_to_num(x - self.mean[places], nan=0.0)
        inverse = self.inverse
        if len(places) < len(self.names):
            # The distance in some of the columns needs their covariance, not a part of
            # the inverse: the latter would hold the missing columns at their means.
            covariance = np.linalg.inv(inverse)
            inverse = np.linalg.inv(covariance[np.ix_(places, places)])
        distance = np.einsum("np,pq,nq->n", centred, inverse, centred)
        return np.asarray(distance > self.farthest * (1.0 + SLACK))

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and names."""
        return {
            "names": list(self.names),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "mean": self.mean.tolist(),
            "inverse": self.inverse.tolist(),
            "farthest": self.farthest,
            "used": list(self.used),
            "classes": {name: list(labels) for name, labels in self.classes.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Reach":
        """Read what `to_json` wrote."""
        low, high, mean, inverse = (
            np.array(stored[key], dtype=float)
            for key in ("low", "high", "mean", "inverse")
        )
        inverse = inverse.reshape(len(low), len(low))
        return cls(
            tuple(stored["names"]), low, high, mean, inverse,
            float(stored["farthest"]), tuple(stored["used"]),
            {name: tuple(values) for name, values in stored.get("classes", {}).items()},
        )  # fmt: skip


def watched(
    columns: Mapping[str, Array],
    used: Sequence[str],
    exchangeable: Sequence[tuple[str, str]] = (),
) -> tuple[str, ...]:
    """Return used columns and those that stood in for them, in the order of columns."""
    inside = {name for name in used if name in columns}
    partners = {
        other
        for pair in exchangeable
        for name, other in (pair, pair[::-1])
        if name in inside and other in columns
    }
    # Not only pairs that were tried against each other: what goes along with a used
    # column in these rows may be what acts.
    for name, values in columns.items():
        if name in inside or values.std() == 0:
            continue
        closest = max(
            (abs(_correlation(values, columns[partner])) for partner in inside),
            default=0.0,
        )
        if closest >= STANDS_IN:
            partners.add(name)
    return tuple(name for name in columns if name in inside | partners)


def _correlation(first: Array, second: Array) -> float:
    if second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
