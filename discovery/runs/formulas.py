"""Text cells that a spreadsheet would run as formulas, made harmless in files and back.

An apostrophe in front makes any cell a text: OWASP, "CSV Injection".
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FIRST = ("=", "+", "-", "@", "\t", "\r")  # what such a cell begins with


def without_formulas(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table in which no text, and no name of a column, is run as a formula."""
    return _changed(frame, lambda text: f"'{text}" if _runs(text) else text)


def with_formulas(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return what `without_formulas` was given."""
    return _changed(
        frame, lambda text: text[1:] if text.startswith("'") and _runs(text) else text
    )


def _runs(text: str) -> bool:
    """Whether a text is a formula, or one that was made harmless before."""
    return text.lstrip("'").startswith(_FIRST)


def _changed(frame: "pd.DataFrame", change: Callable[[str], str]) -> "pd.DataFrame":
    import pandas as pd

    def cell(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    # Numbers and dates run nothing; only columns that can hold text are looked at.
    texts = [
        name
        for name in frame
        if not pd.api.types.is_numeric_dtype(frame[name])
        and frame[name].dtype.kind not in "mM"
    ]
    return frame.assign(**{n: frame[n].map(cell) for n in texts}).rename(columns=cell)
