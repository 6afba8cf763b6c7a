"""Is there anything to find? A permutation test of the features against a target.

The statistic is taken over the dictionary of relations: for each kind the largest squared
correlation and the sum of the three largest, each on the scale of its own permutations,
(T - median) / (95 % quantile - median); the largest of them decides. A minimum over the
p-values of the kinds would not do: ties put a floor under it.

Rows that may be exchanged are: all rows; rows inside a group and groups among each other,
where groups are given; and for a series, whose neighbours are alike, only its circular
shifts. Of residuals in rows that know nothing of each other, signs are exchanged instead: a
noise that grows with a feature is no relation. What is fitted in any case (an offset, the
constants of a process) is projected out of the columns and of the target first.

Reference: Freedman and Lane 1983 for permutations beside nuisance; Romano and Wolf 2005 for
the maximum over statistics; Wu 1986 and Liu 1988 for signs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sciren.errors import ShapeError
from sciren.inference.dictionary import dictionary, robust_scaled
from sciren.solvers.spans import orthonormal_span

Array = np.ndarray
Mode = Literal["rows", "groups", "shifts", "signs"]

LEVEL = 0.05
"""Of every single test: of an edge, of a relationship, of skill and of what is missing. One of
twenty tests of nothing accuses or claims (Fisher 1925); where many are asked at once they
share it (Bonferroni). What comes of it: ``python -m benchmarks.belief selection verdict``."""

PERMUTATIONS = 499  # p to 0.002; 999 change no decision of the measured cases
LARGEST_COUNT = 3  # correlations in the second statistic of a kind
MOST_ROWS = 5000  # beyond, rows are thinned: 0.05 of the variance is seen at 400 rows
NEGLIGIBLE = 1e-10  # share of a column left by the nuisance below which it is dropped


@dataclass(frozen=True)
class Relationship:
    """Result of the test.

    Attributes:
        p_value: share of exchanged data sets with a relation at least as strong.
        kind: kind of relation that is strongest, such as "line" or "triple".
        correlation: largest absolute correlation of the target with a column.
        mode: what was exchanged: "rows", "groups", "shifts" of a series or "signs".
        permutations: how many exchanged data sets were compared.
    """

    p_value: float
    kind: str
    correlation: float
    mode: Mode
    permutations: int

    @property
    def claimed(self) -> bool:
        """Whether there is a relation at the level of 5 %."""
        return self.p_value <= LEVEL

    def __str__(self) -> str:
        verdict = "a relation" if self.claimed else "no relation"
        return f"{verdict} (p = {self.p_value:.2g}, {self.mode} exchanged)"


def relationship(
    features: Array,
    target: Array,
    *,
    groups: Array | None = None,
    series: bool | None = None,
    nuisance: Array | None = None,
    slope: Array | None = None,
    residuals: bool = False,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Relationship:
    """Test whether a target depends on features in any way.

    Args:
        features: (n, d), finite.
        target: (n,) values, or residuals of what is fitted without features.
        groups: (n,) labels of rows that belong together.
        series: whether neighbouring rows are alike; None asks the data: the lag-1
            correlation of the target and of a feature above 3 / sqrt(n).
        nuisance: (n, k) sensitivities of the target to what is fitted in any case,
            beside an offset.
        slope: (n,) sensitivity of the target to the latent that the features act on.
        residuals: whether the target is what a formula leaves, whose size may depend on the
            features; single rows then exchange their signs, not their places.
        permutations: exchanged data sets.
        seed: of the exchanges.
    Raises:
        ShapeError: rows do not match, or there are fewer than eight.
    """
    target = np.asarray(target, dtype=float)
    features = np.atleast_2d(np.asarray(features, dtype=float).T).T
    if len(features) != len(target) or len(target) < 8:
        raise ShapeError(
            f"features have {len(features)} rows, the target {len(target)}; "
            "the test needs the same number, at least eight"
        )
    # Every k-th row of a series would have other neighbours; its beginning keeps them.
    rows = _thinned(len(target), series is True)
    # tanh of a quarter of the robust deviations: nearly straight for all rows but gross
    # outliers, which would decide every correlation.
    features, target = features[rows], np.tanh(robust_scaled(target[rows]) / 4.0)
    taken = (None if part is None else part[rows] for part in (groups, nuisance, slope))
    groups, nuisance, slope = taken
    columns = dictionary(features)
    if slope is not None:
        # A relation of the latent reaches the target by its sensitivity, row by row.
        columns = {kind: block * slope[:, None] for kind, block in columns.items()}
    mode = exchange_mode(features, target, groups, series)
    if residuals and mode == "rows":
        mode = "signs"
    return _tested(
        _Levels.of(columns, target, nuisance, groups if mode == "groups" else None),
        mode,
        permutations,
        np.random.default_rng(seed),
    )


def _thinned(count: int, series: bool) -> Array | slice:
    """At most `MOST_ROWS` rows: every k-th one, the first ones of a series."""
    if count <= MOST_ROWS:
        return slice(None)
    if series:
        return slice(MOST_ROWS)
    return np.linspace(0, count - 1, MOST_ROWS).astype(int)


def exchange_mode(
    features: Array,
    target: Array,
    groups: Array | None = None,
    series: bool | None = None,
) -> Mode:
    """What may be exchanged: rows, rows inside groups, or only shifts of a series.

    Args:
        features: (n, d);  target: (n,);  groups: (n,) labels or None.
        series: whether neighbouring rows are alike; None asks the data.
    """
    if groups is not None and 1 < len(np.unique(groups)) < len(target):
        return "groups"
    limit = 3 / np.sqrt(len(target))
    if series is None:
        alike = max(lag_correlation(column) for column in features.T)
        series = lag_correlation(target) > limit and alike > limit
    return "shifts" if series else "rows"


def lag_correlation(values: Array) -> float:
    """Correlation of neighbouring values, 0 for a constant."""
    centred = values - values.mean()
    square = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / square if square > 0 else 0.0


@dataclass(frozen=True)
class _Levels:
    """Columns and target of the levels at which they are compared.

    Rows without groups are one level. With groups there are two: deviations from the
    means of the groups, and these means; a random level of each site is no relation.
    """

    columns: tuple[dict[str, Array], ...]
    targets: tuple[Array, ...]
    labels: Array | None

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Array],
        target: Array,
        nuisance: Array | None,
        groups: Array | None,
    ) -> "_Levels":
        offset = np.ones((len(target), 1))
        removed = offset if nuisance is None else np.hstack((offset, nuisance))
        basis = orthonormal_span(removed, NEGLIGIBLE)
        # What is fitted in any case explains its part of the target first, so that only
        # what is left of both can be a relation (Freedman and Lane).
        target = target - basis @ (basis.T @ target)
        free = {k: block - basis @ (basis.T @ block) for k, block in columns.items()}
        if groups is None:
            return cls((_unit(free, columns),), (target,), None)
        _, labels = np.unique(groups, return_inverse=True)
        means = {k: _group_means(block, labels) for k, block in free.items()}
        within = {k: block - means[k][labels] for k, block in free.items()}
        target_means = _group_means(target[:, None], labels)[:, 0]
        between = {k: block - block.mean(0) for k, block in means.items()}
        return cls(
            (_unit(within, columns), _unit(between, columns)),
            (target - target_means[labels], target_means - target_means.mean()),
            labels,
        )


def _group_means(block: Array, labels: Array) -> Array:
    counts = np.bincount(labels)
    sums = np.zeros((len(counts), block.shape[1]))
    np.add.at(sums, labels, block)
    return sums / counts[:, None]


def _unit(free: Mapping[str, Array], columns: Mapping[str, Array]) -> dict[str, Array]:
    """Columns of length one; what the nuisance or the groups took away is zero."""
    result = {}
    for kind, block in free.items():
        size = np.linalg.norm(block, axis=0)
        whole = np.linalg.norm(columns[kind], axis=0)
        # The share is one of squares.
        kept = size > np.sqrt(NEGLIGIBLE) * np.where(whole > 0, whole, 1)
        result[kind] = np.where(kept, block / np.where(kept, size, 1), 0.0)
    return result


def _tested(
    levels: _Levels, mode: Mode, permutations: int, rng: np.random.Generator
) -> Relationship:
    parts: list[Array] = []
    kinds: list[str] = []
    largest = 0.0
    for columns, target in zip(levels.columns, levels.targets, strict=True):
        # Deviations change places inside their group only, means of groups with each
        # other.
        within = levels.labels is not None and len(target) == len(levels.labels)
        draws = _exchanged(target, mode, levels.labels if within else None,
                           permutations, rng)  # fmt: skip
        size = float(target @ target)
        for kind, block in columns.items():
            squares = (draws @ block) ** 2 / (size if size > 0 else 1.0)
            # Rising: the statistics are the last and the sum of the last three.
            squares.sort(axis=1)
            parts += [squares[:, -1], squares[:, -LARGEST_COUNT:].sum(1)]
            kinds += [kind, kind]
            largest = max(largest, float(squares[0, -1]))
    statistics = np.array(parts)
    # Column 0 is the data, the others are exchanged copies. Each statistic on the scale
    # of its own copies, or kinds with many columns would always be the largest.
    median = np.median(statistics, axis=1, keepdims=True)
    spread = np.quantile(statistics, 0.95, axis=1, keepdims=True) - median
    scaled = np.where(
        spread > 0, (statistics - median) / np.where(spread > 0, spread, 1), 0
    )
    strongest = scaled.max(0)
    # The data count among their own copies, so that p is never zero; ties speak against
    # a relation.
    p_value = float((strongest >= strongest[0] - 1e-12).mean())
    kind = kinds[int(scaled[:, 0].argmax())]
    return Relationship(
        p_value, kind, float(np.sqrt(largest)), mode, len(strongest) - 1
    )


def _exchanged(
    target: Array,
    mode: Mode,
    labels: Array | None,
    permutations: int,
    rng: np.random.Generator,
) -> Array:
    """The target and exchanged copies of it (1 + permutations, n)."""
    count = len(target)
    if mode == "shifts":
        # Every shift once where there are few of them; their number bounds the p-value.
        shifts = np.arange(1, count)
        if len(shifts) > 2 * permutations:
            shifts = rng.choice(shifts, permutations, replace=False)
        places = (np.arange(count) + shifts[:, None]) % count
        return np.vstack((target, target[places]))
    if mode == "signs":
        signs = rng.choice((-1.0, 1.0), size=(permutations, count))
        return np.vstack((target, target * signs))
    keys = rng.random((permutations, count))
    if labels is None:
        return np.vstack((target, target[keys.argsort(axis=1)]))
    # Sorting by label first lets the rows of a group change places only among themselves.
    home = np.argsort(labels, kind="stable")
    # A key below one added to a whole label: rows sort at random inside their group.
    drawn = np.argsort(keys + labels, axis=1)
    places = np.empty_like(drawn)
    places[:, home] = drawn
    return np.vstack((target, target[places]))


def one_sided_t(sums: Array, inflation: float = 1.0) -> tuple[float, float]:
    """Return t of the mean of block sums and its one-sided probability.

    Args:
        sums: (B,) one a block.
        inflation: factor on the standard error.
    """
    from scipy.stats import t as student

    count = len(sums)
    spread = float(np.std(sums, ddof=1)) if count > 1 else 0.0
    error = inflation * spread / math.sqrt(max(count, 1))
    mean = float(np.mean(sums)) if count else 0.0
    # Sums without any scatter leave no doubt about their sign.
    if error <= 0:
        return (math.inf, 0.0) if mean > 0 else (0.0, 1.0)
    t = mean / error
    return t, float(student.sf(t, count - 1))
