"""Table 4 as CSV, Markdown and LaTeX: methods, and their differences on the same folds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from case_studies import cells
from case_studies.layout import (
    Columns,
    floating,
    grid,
    means,
    plain_grid,
    published,
    titled,
    write_tables,
)
from case_studies.soil_carbon.table4_cells import Cell, held_scores
from case_studies.soil_carbon.table4_methods import (
    BLACK_BOXES,
    METHODS,
    ONE_LAYER,
    PURE,
    TWO_LAYERS,
)

FREE = "r2_free"


def _digits(name: str, mean: float, published: bool) -> int:
    """Digits of a mean: carbon in whole gC m-3, seconds to a tenth, shares to a permille."""
    return 0 if name == "mae" else 1 if name == "cpu_seconds" else 3


COLUMNS = Columns(
    {"r2": "R2", "mae": "MAE (gC m-3)", "pearson": "Pearson"},
    {
        FREE: "R2 not held",
        "r2_train": "R2 train",
        "r2_log": "R2 of logs",
        "cpu_seconds": "CPU s",
    },
    _digits,
)
BESIDE = replace(COLUMNS, alone={})
BETTER = {"r2": 1, "mae": -1, "pearson": 1, FREE: 1}


def runs_frame(group: Sequence[Cell], results: Sequence[cells.Result]) -> pd.DataFrame:
    """Return one row a model; the figures of failed ones are missing.

    Figures on the test blocks are those with every parameter held to its range at the
    training sites, see `held_scores`; ``r2_free`` is that of the model as trained.
    """
    runs = cells.runs_frame(group, results, list(COLUMNS.beside))
    runs[FREE] = runs["r2"]
    for row, cell in enumerate(group):
        for name, value in held_scores(cell).items():
            runs.loc[row, name] = value
    return runs


def summary_frame(runs: Any) -> pd.DataFrame:
    """Return mean and deviation (ddof 0) over the splits beside the published values."""
    rows = []
    for method in METHODS:
        mine = runs[runs["method"] == method.name]
        known = {name: getattr(method, name) for name in COLUMNS.beside}
        rows.append(
            {"method": method.name, "splits": len(mine)}
            | means(mine, (*COLUMNS.beside, *COLUMNS.alone))
            | published(known)
            | {"failed": int((mine["failed"] != "").sum())}
        )
    return pd.DataFrame(rows)


def pairs_frame(runs: Any) -> pd.DataFrame:
    """Return the differences between all methods on the same folds.

    Returns:
        One row a pair and figure: method, other, figure, difference (method minus
        other, mean over the splits), error (its standard error, deviation with ddof 1
        over the root of the splits), errors (difference over error, positive where the
        method is better) and won (splits in which it is better).
    """
    rows = []
    names = [method.name for method in METHODS if (runs["method"] == method.name).any()]
    for figure, sign in BETTER.items():
        wide = runs.pivot_table(index="split", columns="method", values=figure)
        for name in names:
            for other in names:
                if name == other or name not in wide or other not in wide:
                    continue
                difference = (wide[name] - wide[other]).dropna()
                mean, error = standard_error(difference.to_numpy())
                rows.append(
                    {
                        "method": name,
                        "other": other,
                        "figure": figure,
                        "difference": mean,
                        "error": error,
                        "errors": sign * mean / error if error > 0 else math.nan,
                        "won": int((sign * difference > 0).sum()),
                        "splits": len(difference),
                    }
                )
    columns = ["method", "other", "figure", "difference", "error", "errors", "won"]
    return pd.DataFrame(rows, columns=[*columns, "splits"])


def standard_error(gaps: np.ndarray) -> tuple[float, float]:
    """Mean of differences and its standard error, nan for fewer than two."""
    if len(gaps) < 2:
        return (float(gaps.mean()) if len(gaps) else math.nan), math.nan
    return float(gaps.mean()), float(gaps.std(ddof=1) / math.sqrt(len(gaps)))


def verdict(summary: Any, pairs: Any, figure: str = "r2") -> list[str]:
    """Say for either ScIReN whether it holds against the best black box and Pure-NN."""
    means = summary.set_index("method")[figure]
    said = "R2" if figure == "r2" else "R2 of the models as trained"
    known = means[[name for name in BLACK_BOXES if name in means]].dropna()
    if known.empty:
        return ["No black box was trained, so there is nothing to compare with."]
    best = str(known.idxmax())
    texts = []
    for name in (ONE_LAYER, TWO_LAYERS):
        mine = pairs[(pairs["method"] == name) & (pairs["figure"] == figure)]
        mine = mine.set_index("other")
        if best not in mine.index or PURE not in mine.index:
            continue
        difference, error = mine.loc[best, ["difference", "error"]].astype(float)
        holds = (
            "not significantly below"
            if difference >= -2 * error
            else "SIGNIFICANTLY BELOW"
        )
        over = float(mine.loc[PURE, "difference"])
        texts.append(
            f"{name}: {holds} {best} in {said} ({difference:+.3f} ± {error:.3f}), "
            f"{'above' if over > 0 else 'BELOW'} {PURE} in the mean ({over:+.3f} ± "
            f"{float(mine.loc[PURE, 'error']):.3f})."
        )
    return texts


def write_report(
    out: Path,
    stem: str,
    runs: pd.DataFrame,
    notes: Sequence[str],
    extra: Mapping[str, pd.DataFrame],
) -> str:
    """Write all tables of a data set and return the Markdown.

    Args:
        out: folder.
        stem: start of the names of the files.
        runs: see `runs_frame`.
        notes: sentences below the table.
        extra: title -> further table.
    """
    summary, pairs = summary_frame(runs), pairs_frame(runs)
    said = [*verdict(summary, pairs), *verdict(summary, pairs, FREE), *notes]
    return write_tables(
        out,
        stem,
        {"_runs": runs, "": summary, "_pairs": pairs},
        markdown(stem, summary, pairs, said, extra),
        latex(stem, summary, said),
    )


# -- text -------------------------------------------------------------------------------
def markdown(
    title: str,
    summary: pd.DataFrame,
    pairs: pd.DataFrame,
    notes: Sequence[str],
    extra: Mapping[str, pd.DataFrame],
) -> str:
    """Return the tables as plain text that Markdown shows as tables."""
    parts = [titled(title, COLUMNS.grid(summary), notes).rstrip()]
    if len(pairs):
        parts += ["### Differences of R2 on the same folds (row minus column)"]
        parts.append(_pair_grid(pairs))
    for name, table in extra.items():
        parts += [f"### {name}", plain_grid(table)]
    return "\n\n".join(parts) + "\n"


def _pair_grid(pairs: Any) -> str:
    mine = pairs[pairs["figure"] == "r2"]
    names = list(dict.fromkeys(mine["method"]))
    known = {(p["method"], p["other"]): p for p in mine.to_dict("records")}
    lines = []
    for name in names:
        line = [name]
        for other in names:
            pair = known.get((name, other))
            text = (
                ""
                if pair is None
                else f"{pair['difference']:+.3f} ± {pair['error']:.3f}"
            )
            line.append(text)
        lines.append(line)
    return grid(["", *names], lines)


def latex(title: str, summary: pd.DataFrame, notes: Sequence[str]) -> str:
    """Return a booktabs table in a ``threeparttable``."""
    caption = (
        f"Measured carbon profiles, {title}: mean and standard deviation over five "
        "splits of held-out blocks; published values, which belong to other data, in "
        "brackets"
    )
    label = f"tab:soil-carbon-{title.replace('_', '-')}"
    return floating(caption, label, BESIDE.tabular(summary), notes)
