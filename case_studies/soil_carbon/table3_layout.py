"""Table 3 as Markdown and LaTeX."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from case_studies.layout import escaped, floating, grid, tabular

BESIDE = {"r2_obs": "R2 observed", "r2_latent": "R2 latent", "kl": "KL"}
ALONE = {
    "r2_four": "R2 latent, four",
    "r2_sensitive": "R2 latent, sensitive",
    "cpu_seconds": "CPU s",
}


def markdown(summary: pd.DataFrame, caption: str, notes: Sequence[str]) -> str:
    """Return a table that is readable as plain text, too."""
    heads = ["method", *BESIDE.values(), *ALONE.values()]
    rows = [_cells(line, "±") for line in summary.to_dict("records")]
    below = "\n".join(f"- {note}" for note in notes)
    return f"## {caption}\n\n{grid(heads, rows)}\n\n{below}\n"


def latex(summary: pd.DataFrame, caption: str, label: str, notes: Sequence[str]) -> str:
    """Return a booktabs table in a ``threeparttable``."""
    heads = ["method", *BESIDE.values(), *ALONE.values()]
    body = []
    for line in summary.to_dict("records"):
        name, *values = _cells(line, r"\pm")
        body.append([escaped(name), *map(_math, values)])
    title = caption.split(": ", 1)[1]
    content = tabular([escaped(head) for head in heads], body)
    return floating(title[0].upper() + title[1:], f"tab:soil-{label}", content, notes)


def _cells(line: dict[Any, Any], sign: str) -> list[str]:
    beside = [
        f"{_mean(line, name, sign)} ({_mean(line, name, sign, 'published_')})"
        for name in BESIDE
    ]
    return [line["method"], *beside, *(_mean(line, name, sign) for name in ALONE)]


def _mean(line: dict[Any, Any], name: str, sign: str, prefix: str = "") -> str:
    mean, sd = line[prefix + name], line.get(f"{prefix}{name}_sd", math.nan)
    if pd.isna(mean):
        return "-"
    digits = 1 if name == "cpu_seconds" else 3 if prefix else 5
    digits = min(digits, 3) if abs(mean) < 0.99 and name != "kl" else digits
    spread = "" if pd.isna(sd) else f" {sign} {sd:.{digits}f}"
    return f"{mean:.{digits}f}{spread}"


def _math(text: str) -> str:
    if text in ("-", "- (-)"):
        return "--"
    return f"${text.replace('(-)', '')}$"
