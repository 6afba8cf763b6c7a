"""Splits that a column of the table says."""

import warnings
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from discovery.tables.records import PARTS
from sciren.errors import DataError, DataWarning

if TYPE_CHECKING:
    from sciren.data import Split, Table


def split_by_label(table: "Table", labels: np.ndarray, column: str) -> "Split":
    """Return the rows whose label is train, valid and test.

    Rows with an empty label are not used; other words are counted in a warning.

    Args:
        table: n rows.
        labels: (n,) text, None = empty.
        column: where the labels stand, for messages.
    Raises:
        DataError: a part has no rows.
    """
    from sciren.data import Split

    unused = Counter(label for label in labels if label and label not in PARTS)
    parts = {name: labels == name for name in PARTS}
    for name, rows in parts.items():
        if not rows.any():
            words = sorted({label for label in labels if label})
            present = ", ".join(map(repr, words[:5])) or "nothing"
            raise DataError(
                f"{name} has no rows: column {column!r} holds {present}; it must say "
                "train, valid or test"
            )
    if unused:
        shown = ", ".join(f"{word!r} ({n})" for word, n in unused.most_common(5))
        warnings.warn(
            f"column {column!r}: {sum(unused.values()):,} rows are not used, because it "
            f"says {shown} there; rows in use say train, valid or test",
            DataWarning,
            stacklevel=4,
        )
    return Split(*(table.take(rows) for rows in parts.values()))
