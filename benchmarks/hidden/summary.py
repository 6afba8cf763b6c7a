"""The table of a run: shares with their errors, by method and stratum."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

HEAD = (
    "| method | cases of | cases | right form | in a set of three | exact | "
    "wrong and accepted | relation where there is none | constants held | fresh R2 | CPU s |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|\n"
)


def summary(rows: pd.DataFrame) -> str:
    """Return a Markdown table; shares in per cent with one binomial standard error.

    Right form, set and exact count cases inside the class; wrong and accepted counts all;
    constants held is the share of 95 % intervals that hold the constant, where the process
    is the true one; fresh R2 and seconds are medians.
    """
    lines = []
    methods: Any = rows.groupby("method", sort=False)
    for method, own in methods:
        lines += [_line(str(method), name, part) for name, part in _parts(own)]
    return HEAD + "\n".join(lines) + "\n"


def _parts(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for column in ("kind", "condition", "noise"):
        groups: Any = rows.groupby(column)
        for value, part in groups:
            if len(part) < len(rows):
                yield f"{column} {value}", part
    yield "all", rows


def _line(method: str, name: str, rows: Any) -> str:
    inside, none = rows[rows["kind"] == "inside"], rows[rows["kind"] == "none"]
    cells = [method, name, str(len(rows))]
    cells += [_share(inside[column]) for column in ("form", "in_set", "exact")]
    cells += [_share(rows["wrong"]), _share(none["wrong"])]
    right_process = rows[rows["condition"] != "misspecified"]
    cells += [_share(right_process["covered"].dropna())]
    cells += [f"{rows[column].median():.2f}" for column in ("r2", "seconds")]
    return "| " + " | ".join(cells) + " |"


def _share(values: Any) -> str:
    """Share in per cent with its binomial standard error, "" of no cases."""
    count = len(values)
    if count == 0:
        return ""
    share = float(np.mean(values.astype(float)))
    error = float(np.sqrt(max(share * (1 - share), 0.25 / count) / count))
    return f"{100 * share:.0f} +- {100 * error:.0f}"
