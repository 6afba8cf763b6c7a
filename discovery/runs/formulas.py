"""Text cells that a spreadsheet would run as formulas, made harmless in files and back.

An apostrophe in front makes any cell a text: OWASP, "CSV Injection".
"""

from collections.abc import Callable, Iterable
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
        for name, kind in frame.dtypes.items()
        if not pd.api.types.is_numeric_dtype(kind) and kind.kind not in "mM"
    ]
    # Few tables hold such a cell: a table is made again only where one does.
    changed = {
        name: frame[name].map(cell) for name in texts if _differs(frame[name], cell)
    }
    if not changed and all(cell(name) == name for name in frame.columns):
        return frame
    return frame.assign(**changed).rename(columns=cell)


def _differs(values: Iterable[Any], change: Callable[[Any], Any]) -> bool:
    """Whether a change would alter any text."""
    return any(isinstance(v, str) and change(v) != v for v in values)
