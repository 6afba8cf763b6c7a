"""Columns of X for the estimator: words and named classes as numbers, circles as they are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.data.kinds import FeatureKind, encoded_frame, kinds_of
from sciren.errors import ColumnError

if TYPE_CHECKING:
    import pandas as pd


def with_kinds(
    X: Any,
    categorical: Sequence[str | int],
    periodic: Mapping[str | int, float],
    known: Mapping[str, FeatureKind] | None = None,
) -> tuple[Any, dict[str, FeatureKind]]:
    """Return X with classes as numbers, and the kinds of its columns.

    Args:
        X: a table; or an array (n, columns), whose columns are called x0, x1, ...
        categorical, periodic: columns by name or position.
        known: kinds that an earlier call found, for further rows.
    Raises:
        ColumnError: a column that X does not have.
        DataError: too many classes.
    """
    table = _is_table(X)
    if not (table or categorical or periodic or known):
        return X, {}
    frame = named_frame(X)
    if frame is None:
        return X, {}
    columns = list(frame.columns)
    if known is None:
        classes = [_name(column, columns) for column in categorical]
        circles = {_name(c, columns): float(p) for c, p in periodic.items()}
        known = kinds_of(frame, columns, classes, circles)
    if not known:
        return X, {}
    encoded = encoded_frame(frame, known)
    return (encoded if table else encoded.to_numpy(dtype=float)), dict(known)


def _is_table(X: Any) -> bool:
    # pandas has columns, polars and pyarrow speak the Arrow stream interface; no import
    # needed to tell a table.
    return hasattr(X, "columns") or hasattr(X, "__arrow_c_stream__")


def named_frame(X: Any) -> "pd.DataFrame | None":
    """Return X with names of its columns, cells as they are; None for another shape."""
    import pandas as pd

    if _is_table(X):
        from sciren.data.conversion import as_frame

        return as_frame(X)
    values = np.asarray(X)
    if values.ndim != 2:
        return None
    names = [f"x{k}" for k in range(values.shape[1])]
    # An array of objects may hold numbers in some columns and words in others.
    return pd.DataFrame(values, columns=names).infer_objects()


def _name(column: str | int, columns: Sequence[Any]) -> Any:
    # A name goes before a position: frames may have numbers as names of columns.
    if isinstance(column, str) or column in columns:
        return column
    if not -len(columns) <= column < len(columns):
        raise ColumnError(f"X has no column {column}, only {len(columns)} columns")
    return columns[column]
