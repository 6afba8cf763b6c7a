"""What a user hands over, checked once: features with names, target, weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from sciren.errors import ConfigError, DataError, ShapeError, closest_names

Array = np.ndarray

FEWEST_ROWS = 60
"""Rows below which no structure can be told from another."""


@dataclass(frozen=True)
class Inputs:
    """Checked rows.

    Args:
        names: of the features;  raw: (n, d);  shift, scale: (d,) mean and deviation.
        target: (n,) observed;  weight: (n,) factors on residuals, mean square one.
        periods: (d,) lengths of the circles that features lie on, 0 for those on a line.
        places: (d,) of the features among the columns that were handed over, where they
            are fewer.
    """

    names: tuple[str, ...]
    raw: Array
    shift: Array
    scale: Array
    target: Array
    weight: Array
    periods: Array
    places: tuple[int, ...] | None = None

    @property
    def scaled(self) -> Array:
        """Features without mean, in deviations (n, d)."""
        return self.scale_of(self.raw)

    @property
    def origin(self) -> Array:
        """Scaled values of raw zeros (d,)."""
        return -self.shift / self.scale

    def only(self, places: Sequence[int]) -> "Inputs":
        """Return the rows with some of the features."""
        kept = list(places)
        return replace(
            self,
            names=tuple(self.names[i] for i in kept),
            raw=self.raw[:, kept],
            shift=self.shift[kept],
            scale=self.scale[kept],
            periods=self.periods[kept],
            places=tuple(kept),
        )

    def scale_of(self, raw: Array) -> Array:
        """Scale other rows as these."""
        return (raw - self.shift) / self.scale


MOST_SEARCHED = 24
"""Features of a search: the products of all pairs are 9 * 276 columns then, beyond which
their normal equations cost more than the whole search."""

ROWS_EACH = 5
"""Rows for each feature that is searched; with fewer, any target is a sum of curves."""


def narrowed(inputs: Inputs) -> Inputs:
    """Return the inputs with the features that a search can hold.

    Where there are more, lines, squares and products of two features are selected one
    after another by their correlation with what those before them leave (orthogonal
    matching pursuit: Pati, Rezaiifar and Krishnaprasad 1993).
    """
    count = len(inputs.names)
    most = max(4, min(MOST_SEARCHED, len(inputs.target) // ROWS_EACH))
    if count <= most:
        return inputs
    z = np.clip(inputs.scaled, -4.0, 4.0)  # a few far rows decide nothing
    # columns z_i, z_i^2 and z_i z_j; tuples with a repeated feature are squares
    pairs = [(i,) for i in range(count)] + [(i, i) for i in range(count)]
    pairs += list(combinations(range(count), 2))
    columns = np.stack([z[:, list(pair)].prod(axis=1) for pair in pairs], axis=1)
    # centred and of unit length: inner products with the rest are correlations
    columns -= columns.mean(0)
    columns /= np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    target = inputs.target - inputs.target.mean()
    left, selected, kept = target, [], set()
    while len(kept) < most and len(selected) < most:
        selected.append(int(np.argmax(np.abs(columns.T @ left))))
        # a product brings two features: the last one may not fit any more
        wider = kept | set(pairs[selected[-1]])
        if len(wider) > most:
            break
        kept = wider
        basis = columns[:, selected]
        # refit on all selected columns, then the next one (the "orthogonal" of the method)
        left = target - basis @ np.linalg.lstsq(basis, target, rcond=None)[0]
    return inputs.only(sorted(kept))


def feature_matrix(
    features: Any, names: Sequence[str] | None
) -> tuple[Array, tuple[str, ...]]:
    """Return features as an array (n, d) and their names.

    Args:
        features: DataFrame, mapping name -> (n,), or array (n, d).
    """
    # pandas is not imported for this
    if hasattr(features, "columns") and hasattr(features, "to_numpy"):
        chosen = [str(name) for name in (names or features.columns)]
        return np.asarray(features[list(chosen)], dtype=float), tuple(chosen)
    if isinstance(features, Mapping):
        chosen = [str(name) for name in (names or features)]
        columns = [np.asarray(features[name], dtype=float) for name in chosen]
        return np.stack(columns, axis=1), tuple(chosen)
    raw = np.asarray(features, dtype=float)
    if raw.ndim != 2:
        raise ShapeError(
            f"features need shape (rows, features), got {raw.shape}; "
            "a single feature is x[:, None]"
        )
    return raw, tuple(names or (f"x{i}" for i in range(raw.shape[1])))


def checked(
    features: Any,
    target: Any,
    names: Sequence[str] | None = None,
    weight: Any = None,
    periodic: Mapping[str, float] | None = None,
) -> Inputs:
    """Check and scale what was handed over.

    Raises:
        ConfigError: a period of no feature, or one that is no length.
        ShapeError: lengths differ.
        DataError: missing or infinite values, constant features, too few rows.
    """
    raw, chosen = feature_matrix(features, names)
    y = np.asarray(target, dtype=float).reshape(-1)
    if len(raw) != len(y) or raw.shape[1] != len(chosen):
        raise ShapeError(
            f"features {raw.shape} with {len(chosen)} names do not fit a target of "
            f"{len(y)} rows"
        )
    if len(y) < FEWEST_ROWS:
        raise DataError(
            f"{len(y)} rows are too few to tell one formula from another; "
            f"at least {FEWEST_ROWS} are needed"
        )
    for name, column in [*zip(chosen, raw.T, strict=True), ("the target", y)]:
        if not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise DataError(
                f"{name} is {column[row]} in row {row}; drop rows with missing values"
            )
        if np.ptp(column) == 0:
            raise DataError(
                f"{name} has the value {column[0]} in every row; leave it out"
            )
    # not zero: constant features were refused above
    scale = raw.std(0)
    periods = _periods(periodic or {}, chosen)
    return Inputs(chosen, raw, raw.mean(0), scale, y, _weights(weight, len(y)), periods)


def _periods(periodic: Mapping[str, float], names: Sequence[str]) -> Array:
    """Return the length of every feature's circle, 0 for a line."""
    for name, period in periodic.items():
        if name not in names:
            raise ConfigError(
                f"periodic names {name!r}, which is no feature. "
                f"{closest_names(name, names)}"
            )
        if not (np.isfinite(period) and period > 0):
            raise ConfigError(
                f"the period of {name!r} is {period}; use a positive number in the unit "
                "of the feature, such as 365.25 for days of the year"
            )
    return np.array([float(periodic.get(name, 0.0)) for name in names])


def _weights(weight: Any, count: int) -> Array:
    """Weights of squared residuals -> factors on residuals with mean square one."""
    if weight is None:
        return np.ones(count)
    weights = np.asarray(weight, dtype=float).reshape(-1)
    if len(weights) != count:
        raise ShapeError(f"{len(weights)} weights do not fit {count} rows")
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise DataError(
            "weights must be finite and not negative, and not all may be zero"
        )
    # squares are weighted, residuals take the root
    return np.sqrt(weights / weights.mean())
