"""What the estimator is given: targets, weights, forcings, columns; checked once."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from sciren.errors import ColumnError, ConfigError, DataError, closest_names

if TYPE_CHECKING:
    from sciren.data import Table
    from sciren.decoders import Decoder

Column = str | int

# scikit-learn's own annotations are too narrow for what this accepts
_check: Any = check_array

FROM_PIPELINES = (
    "Where a step before takes names or units away, give the forcings in their units as "
    "fit(..., forcings=...) and predict(..., forcings=...), or keep the names by "
    'set_output(transform="pandas")'
)


def checked_targets(y: Any, rows: int) -> np.ndarray:
    """Return y, (n,) or (n, t), float64; nan is allowed, infinities are not."""
    if y is None:
        raise ConfigError("requires y to be passed, but the target y is None")
    # Gaps are rows without an observation, infinities are mistakes.
    values = _check(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        input_name="y",
    )
    check_consistent_length(values, np.empty(rows))
    if values.ndim > 2:
        raise ConfigError(f"y has shape {values.shape}; give (n,) or (n, targets)")
    if np.isnan(values).all(axis=0).any():
        raise DataError("y has a column of nan only, so there is nothing to learn from")
    return values


def checked_weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Return weights of the rows (n,), finite and not negative, or None for equal ones."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, int | float):
        sample_weight = np.full(rows, float(sample_weight))
    weights = _check(
        sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if weights.shape != (rows,):
        raise DataError(
            f"sample_weight has shape {weights.shape}; Sample weights must be 1D array, "
            f"one a row, ({rows},)"
        )
    if (weights < 0).any():
        raise DataError(
            f"sample_weight is {weights.min():g} in row {int(weights.argmin())}; weights "
            "are not negative"
        )
    if not weights.any():
        raise DataError("all sample weights are zero; give one row a positive weight")
    return weights


def column_position(column: Column, names: Sequence[str], remedy: str = "") -> int:
    """Return the position of a column of X.

    Args:
        column: its name or position.
        names: of all columns.
        remedy: what to do where there is none.
    Raises:
        ColumnError: there is none.
    """
    if isinstance(column, str):
        if column not in names:
            near = closest_names(column, names)
            raise ColumnError(f"X has no column {column!r}. {near} {remedy}".rstrip())
        return list(names).index(column)
    if not -len(names) <= column < len(names):
        raise ColumnError(f"X has no column {column}, only {len(names)} columns")
    # Negative positions count from the end, as in Python.
    return int(column) % len(names)


def given_forcings(
    forcings: Any, decoder: "Decoder", rows: int
) -> dict[str, np.ndarray]:
    """Return forcings that were given beside X, process model's name -> (n, ...).

    Args:
        forcings: None; a mapping or table name -> values; or the values (n,) of the one
            forcing, (n, forcings) of several in the order of the process model.
        decoder: the process model.
        rows: number n of rows of X.
    Raises:
        ConfigError: a name that the process model does not know, or other sizes.
    """
    if forcings is None:
        return {}
    names = list(decoder.forcings)
    # With names they find their place, without they count in the order of the process
    # model.
    if hasattr(forcings, "columns") or isinstance(forcings, Mapping):
        given = {str(name): np.asarray(forcings[name], float) for name in forcings}
    else:
        values = np.asarray(forcings, dtype=float)
        table = values[:, None] if values.ndim == 1 else values
        if table.ndim != 2 or table.shape[1] != len(names):
            raise ConfigError(
                f"forcings have shape {values.shape}; process model {decoder.name!r} "
                f"reads {', '.join(names) or 'none'}: give one column each"
            )
        given = dict(zip(names, table.T, strict=True))
    for name, values in given.items():
        if name not in names:
            raise ConfigError(
                f"forcings: process model {decoder.name!r} knows no {name!r}. "
                f"{closest_names(name, names)}"
            )
        if len(values) != rows:
            raise ConfigError(f"forcing {name!r} has {len(values)} rows, X has {rows}")
        if np.isinf(values).any():
            raise DataError(f"forcing {name!r} contains infinity")
    return given


def held_out(table: "Table", share: float, seed: int) -> "tuple[Table, Table]":
    """Keep a share of the blocks, at least one, to choose by."""
    if not 0 < share < 1:
        raise ConfigError(f"validation_fraction={share}; use a share between 0 and 1")
    blocks = table.blocks.numpy()
    names = np.unique(blocks)
    if len(names) < 2:
        raise ConfigError("one group cannot be split; give at least two groups")
    # At least one block on each side.
    count = min(max(1, round(share * len(names))), len(names) - 1)
    chosen = np.random.default_rng(seed).permutation(names)[:count]
    held = np.isin(blocks, chosen)
    return table.take(~held), table.take(held)
