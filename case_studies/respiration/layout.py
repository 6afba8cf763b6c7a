"""Tables 1, 2 and 9 as Markdown and LaTeX."""

from collections.abc import Sequence

import pandas as pd

from case_studies.cells import SPENT
from case_studies.layout import (
    Columns,
    Line,
    escaped,
    floating,
    in_math,
    tabular,
    titled,
)

SHOWN = {"r2_obs": "R2 observed", "r2_latent": "R2 latent", "kl": "KL"}
MORE = {
    "kl_48": "KL, 48 rows",
    "r2_clean": "R2 noise-free",
    "r2_obs_hot": "R2 observed, hot",
    "r2_clean_hot": "R2 noise-free, hot",
    "q10": "Q10",
    "cpu_seconds": "CPU s",
}
TEXTS = {"hidden_nodes": "hidden nodes", "dropped": "dropped"}


def columns_of(summary: pd.DataFrame) -> Columns:
    """Return the columns of a table; the rows of Table 9 differ in the fourth digit."""
    fine = SHOWN if 9 in set(summary["table"]) else {}

    def digits(name: str, mean: float, published: bool) -> int:
        if name in SPENT:
            return 1
        return 4 if name in fine else 3 if abs(mean) < 100 else 0

    return Columns(SHOWN, MORE, digits, TEXTS)


def markdown(summary: pd.DataFrame, caption: str, notes: Sequence[str]) -> str:
    """Return a table that is readable as plain text, too."""
    return titled(caption, columns_of(summary).grid(summary), notes)


def latex(summary: pd.DataFrame, caption: str, label: str, notes: Sequence[str]) -> str:
    """Return two booktabs tables in a ``threeparttable``: beside the published, and more.

    They fit between the margins of an A4 page with 2.5 cm on each side.
    """
    columns, lines = columns_of(summary), summary.to_dict("records")
    return floating(
        caption.split(": ", 1)[1],
        f"tab:respiration-{label}",
        [
            *_beside_published(columns, lines),
            r"\par\medskip",
            *_further(columns, lines),
        ],
        notes,
        r"\scriptsize\setlength{\tabcolsep}{2.5pt}",
        r"\scriptsize",
    )


def _beside_published(columns: Columns, lines: Sequence[Line]) -> list[str]:
    """Columns of the paper, ours and published."""
    heads = [rf"\multicolumn{{2}}{{c}}{{{escaped(name)}}}" for name in SHOWN.values()]
    rules = [rf"\cmidrule(lr){{{k}-{k + 1}}}" for k in range(2, 2 * len(SHOWN) + 1, 2)]
    body = [
        [
            escaped(line["method"]),
            *(
                in_math(columns.mean(line, name, r"\pm", published))
                for name in SHOWN
                for published in (False, True)
            ),
        ]
        for line in lines
    ]
    again = ["method", *["here", "published"] * len(SHOWN)]
    above = [" & ".join(["", *heads]) + r" \\", "".join(rules)]
    return tabular(again, body, above)


def _further(columns: Columns, lines: Sequence[Line]) -> list[str]:
    """Columns that the paper does not have."""
    body = [
        [
            escaped(line["method"]),
            *(in_math(columns.mean(line, name, r"\pm")) for name in MORE),
            *(escaped(line[name]) for name in TEXTS),
        ]
        for line in lines
    ]
    short = ["KL$_{48}$", "$R^2$ clean", "$R^2$ hot", "clean, hot", "$Q_{10}$", "CPU s"]
    return tabular(["method", *short, "nodes", "dropped"], body)
