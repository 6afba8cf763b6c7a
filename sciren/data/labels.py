"""Labels of rows that are no numbers: sites, groups, parts of a split, coordinates.

A missing cell in any of these roles is refused here, in one way, with column and row.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from sciren.errors import DataError

ROLES = {
    "group": "give every row a group",
    "split": "say for every row where it belongs",
    "coordinate": "give every row its place",
    "time": "give every row a time stamp",
}


def row_name(index: pd.Index, position: int) -> str:
    """Return how a message calls one row: by its label in the frame's index."""
    label = index[position]
    if isinstance(label, (int, np.integer)):
        return f"row {label} (the first row is 0)"
    return f"row {label}"


def stamp_text(stamp: np.generic) -> str:
    """Return a time stamp without zeros of smaller units, or a number."""
    if isinstance(stamp, np.datetime64):
        return pd.Timestamp(stamp).isoformat().removesuffix("T00:00:00")
    return str(stamp)


def refuse_missing(missing: np.ndarray, index: pd.Index, name: str, role: str) -> None:
    """Refuse missing cells of a column that every row needs.

    Args:
        missing: (n,) where a cell is empty.
        index: labels of the rows.
        name: of the column, for the message.
        role: key of `ROLES`.
    Raises:
        DataError: with column, first such row and their number.
    """
    if missing.any():
        where = row_name(index, int(missing.argmax()))
        raise DataError(
            f"{name} has no value in {where} ({int(missing.sum())} of {len(missing)} "
            f"rows); {ROLES[role]}, or leave these rows out"
        )


def id_text(values: Any) -> pd.Series:
    """Return labels as text, as written; whole numbers without a decimal point.

    ``001`` stays ``001``, and ``NA`` is a site; only empty cells are missing.
    """
    series = pd.Series(values)
    missing = series.isna().to_numpy()
    if pd.api.types.is_float_dtype(series):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        # A column of whole ids with one empty cell arrives as floats: 7.0 is the site
        # 7.
        texts = pd.Series([f"{v:.15g}" for v in numbers], index=series.index)
    else:
        texts = series.astype(object).astype(str)
    return texts.astype(object).where(~missing, None)


def label_codes(
    values: Any, index: pd.Index, name: str, role: str = "group"
) -> tuple[np.ndarray, list[str]]:
    """Return (n,) int64 codes of labels and the labels, numbers in their order.

    Args:
        values: (n,) labels; text is compared as it is written.
        index: labels of the rows, for messages.
        name: of the column, for messages.
        role: key of `ROLES`.
    Raises:
        DataError: a label is missing.
    """
    # Text is made of the distinct labels only: a million rows often have few sites.
    codes, distinct = pd.factorize(pd.Series(values).reset_index(drop=True))
    refuse_missing(codes < 0, index, name, role)
    texts = id_text(pd.Series(distinct)).tolist()
    labels = sorted_labels(texts)
    number = {label: k for k, label in enumerate(labels)}
    return np.array([number[text] for text in texts], dtype=np.int64)[codes], labels


def sorted_labels(texts: Iterable[str]) -> list[str]:
    """Return the different labels, numbers in their order before text."""
    return sorted(set(texts), key=_order)


def _order(label: str) -> tuple[int, float, str]:
    """Whole numbers by value before text by letters, so that 2 comes before 10."""
    digits = label.removeprefix("-")
    if digits.isdecimal() and len(digits) < 16:
        return (0, float(label), label)
    return (1, 0.0, label)
