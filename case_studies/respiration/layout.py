"""Tables as Markdown and LaTeX."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from case_studies.layout import escaped, floating, grid, tabular

SPENT = ("cpu_seconds", "wall_seconds")
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


def markdown(summary: pd.DataFrame, caption: str, notes: Sequence[str]) -> str:
    """Return a table that is readable as plain text, too."""
    heads = ["method", *SHOWN.values(), *MORE.values(), *TEXTS.values()]
    lines = [
        [
            line["method"],
            *(_beside(line, name, "±") for name in SHOWN),
            *(_mean(line, name, "±") for name in MORE),
            *(line[name] for name in TEXTS),
        ]
        for line in summary.to_dict("records")
    ]
    below = "\n".join(f"- {note}" for note in notes)
    return f"## {caption}\n\n{grid(heads, lines)}\n\n{below}\n"


def latex(summary: pd.DataFrame, caption: str, label: str, notes: Sequence[str]) -> str:
    """Return two booktabs tables in a ``threeparttable``: beside the published, and more.

    They fit between the margins of an A4 page with 2.5 cm on each side.
    """
    lines = summary.to_dict("records")
    return floating(
        caption.split(": ", 1)[1],
        f"tab:respiration-{label}",
        [*_beside_published(lines), r"\par\medskip", *_further(lines)],
        notes,
        r"\scriptsize\setlength{\tabcolsep}{2.5pt}",
        r"\scriptsize",
    )


def _beside_published(lines: Sequence[dict[Any, Any]]) -> list[str]:
    """Columns of the paper, ours and published."""
    heads = [rf"\multicolumn{{2}}{{c}}{{{escaped(name)}}}" for name in SHOWN.values()]
    rules = [rf"\cmidrule(lr){{{k}-{k + 1}}}" for k in range(2, 2 * len(SHOWN) + 1, 2)]
    body = [
        [
            escaped(line["method"]),
            *(
                _math(_mean(line, name, r"\pm", prefix))
                for name in SHOWN
                for prefix in ("", "published_")
            ),
        ]
        for line in lines
    ]
    again = ["method", *["here", "published"] * len(SHOWN)]
    above = [" & ".join(["", *heads]) + r" \\", "".join(rules)]
    return tabular(again, body, above)


def _further(lines: Sequence[dict[Any, Any]]) -> list[str]:
    """Columns that the paper does not have."""
    body = [
        [
            escaped(line["method"]),
            *(_math(_mean(line, name, r"\pm")) for name in MORE),
            *(escaped(line[name]) for name in TEXTS),
        ]
        for line in lines
    ]
    short = ["KL$_{48}$", "$R^2$ clean", "$R^2$ hot", "clean, hot", "$Q_{10}$", "CPU s"]
    return tabular(["method", *short, "nodes", "dropped"], body)


def _mean(line: dict[Any, Any], name: str, sign: str, prefix: str = "") -> str:
    """Mean and deviation; a single published run has no deviation."""
    mean, sd = line[prefix + name], line.get(f"{prefix}{name}_sd", math.nan)
    if pd.isna(mean):
        return "-"
    digits = 1 if name in SPENT else 3 if abs(mean) < 100 else 0
    digits = 4 if line["table"] == 9 and name in SHOWN else digits
    spread = "" if pd.isna(sd) else f" {sign} {sd:.{digits}f}"
    return f"{mean:.{digits}f}{spread}"


def _beside(line: dict[Any, Any], name: str, sign: str) -> str:
    known = _mean(line, name, sign, "published_")
    return f"{_mean(line, name, sign)} ({known})"


def _math(text: str) -> str:
    return "--" if text == "-" else f"${text}$"
