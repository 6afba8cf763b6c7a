"""Tables 1, 2 and 9 beside the published ones, as CSV, Markdown and LaTeX."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from case_studies.respiration import layout, published, training
from case_studies.respiration.cells import Cell
from case_studies.respiration.metrics import METRICS
from case_studies.respiration.published import Row
from case_studies.respiration.record import Record

SPENT = layout.SPENT
TITLES = {
    1: "Linear base respiration",
    2: "Base respiration as an absolute value",
    9: "What each penalty of the two-layer encoder is good for",
}
MODES = {
    "ours": "our settings",
    "paper": "settings of the published code",
    "nominal": "nominal learning rates, which had no effect in the published code",
}


def records(record: Record) -> list[Record]:
    """Return the record; beside the published settings also their nominal rates."""
    if record.mode != "paper":
        return [record]
    return [record, replace(record, mode="nominal")]


def wanted(table: int, seeds: Sequence[int], record: Record) -> list[Cell]:
    """Return every cell of a table."""
    return [
        Cell(row, seed, one)
        for one in records(record)
        for seed in seeds
        for row in published.rows(table)
    ]


def write_table(
    table: int, seeds: Sequence[int], record: Record, workers: int = 1
) -> str:
    """Compute what is missing, write the files of a table, return it as Markdown.

    Writes ``table<N>.csv`` (means, deviations, published), ``.md``, ``.tex`` and
    ``table<N>_seeds.csv`` with every single run; with the published settings the names
    end in ``_paper``, and in ``_nominal`` for their nominal learning rates.
    """
    training.run(wanted(table, seeds, record), workers)
    record.out.mkdir(parents=True, exist_ok=True)
    return "\n".join(_write_one(table, seeds, one) for one in records(record))


def _write_one(table: int, seeds: Sequence[int], record: Record) -> str:
    rows = published.rows(table)
    cells = [Cell(row, seed, record) for seed in seeds for row in rows]
    runs = frame_of(cells, training.run(cells))
    summary = summarise(rows, runs)
    notes = notes_of(record, seeds, runs)
    stem = f"table{table}{record.tag}"
    caption = f"Table {table}: {TITLES[table]}, {MODES[record.mode]}"
    text = layout.markdown(summary, caption, notes)
    tex = layout.latex(summary, caption, stem, notes)
    runs.to_csv(record.out / f"{stem}_seeds.csv", index=False)
    summary.to_csv(record.out / f"{stem}.csv", index=False)
    (record.out / f"{stem}.md").write_text(text, encoding="utf-8")
    (record.out / f"{stem}.tex").write_text(tex, encoding="utf-8")
    return text


def frame_of(cells: Sequence[Cell], results: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return one row a run; figures of failed runs are missing."""
    lines = []
    for cell, result in zip(cells, results, strict=True):
        lines.append(
            {
                "table": cell.row.table,
                "method": cell.row.method,
                "seed": cell.seed,
                "engine": result.get("engine", ""),
                "hidden_nodes": ", ".join(map(str, result.get("hidden", []))),
                "dropped": ", ".join(result.get("dropped", [])),
                "failed": result.get("failed", ""),
            }
            | result.get("metrics", dict.fromkeys(METRICS, math.nan))
            | {name: result[name] for name in SPENT}
        )
    return pd.DataFrame(lines)


def summarise(rows: Sequence[Row], runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation (ddof 0) over the seeds beside the published.

    A failed run makes no figure: ``failed`` counts them.
    """
    lines = []
    for row in rows:
        mine = pd.DataFrame(runs[runs["method"] == row.method])
        line: dict[str, Any] = {"table": row.table, "method": row.method}
        for name in (*METRICS, *SPENT):
            line[name] = mine[name].mean()
            line[f"{name}_sd"] = mine[name].std(ddof=0)
        line |= {f"published_{name}": value for name, value in row.values.items()}
        line["published_minutes_v100"] = row.minutes_v100
        line["hidden_nodes"] = " / ".join(sorted({*mine["hidden_nodes"]} - {""}))
        line["dropped"] = _counts(list(mine["dropped"]))
        line["runs"], line["failed"] = len(mine), sum(mine["failed"] != "")
        lines.append(line)
    return pd.DataFrame(lines)


def _counts(dropped: Sequence[str]) -> str:
    """Return how many runs dropped each feature, such as "ta 4/5"."""
    names = [name for one in dropped for name in one.split(", ") if name]
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return ", ".join(f"{name} {count}/{len(dropped)}" for name, count in counts.items())


def notes_of(record: Record, seeds: Sequence[int], runs: pd.DataFrame) -> list[str]:
    """Return what has to be known to read the figures."""
    count = "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    first = record.description[0].upper() + record.description[1:]
    notes = [
        f"Mean ± standard deviation (ddof 0) over {count}; published values in "
        f"brackets. {first}. The noise-free truth itself has R2 observed "
        f"{runs['ceiling'].mean():.4f}.",
        "KL of feature importances by partial dependence over all test rows; '48 rows' "
        "is the published variant, on 48 random rows, in which a perfect model has about "
        "0.02. 'Hot': warmer than all training rows. 'Dropped': features that the edge "
        "selection left out, and in how many runs.",
        "CPU seconds of one thread for training and edge selection of one seed; seeds of "
        "a row train together and share them equally.",
    ]
    failed = pd.DataFrame(runs[runs["failed"] != ""])
    notes += [
        f"{line['method']}, seed {line['seed']}: {line['failed']}"
        for line in failed.to_dict("records")
    ]
    if record.thin > 1:
        notes.append(f"TRIAL: only every {record.thin}th row was used.")
    return notes
