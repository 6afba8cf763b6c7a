"""Tables 1, 2 and 9 beside the published ones, as CSV, Markdown and LaTeX."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from case_studies.cells import SPENT, runs_frame
from case_studies.layout import failures, means, write_tables
from case_studies.respiration import layout, published, training
from case_studies.respiration.cells import Cell
from case_studies.respiration.metrics import METRICS
from case_studies.respiration.published import Row
from case_studies.respiration.record import Record

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
        Cell(row, seed, variant)
        for variant in records(record)
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
    return "\n".join(_write(table, seeds, variant) for variant in records(record))


def _write(table: int, seeds: Sequence[int], record: Record) -> str:
    rows = published.rows(table)
    cells = [Cell(row, seed, record) for seed in seeds for row in rows]
    runs = runs_frame(cells, training.run(cells), METRICS)
    summary = summarise(rows, runs)
    notes = notes_of(record, seeds, runs)
    stem = f"table{table}{record.tag}"
    caption = f"Table {table}: {TITLES[table]}, {MODES[record.mode]}"
    text = layout.markdown(summary, caption, notes)
    tex = layout.latex(summary, caption, stem, notes)
    return write_tables(record.out, stem, {"_seeds": runs, "": summary}, text, tex)


def summarise(rows: Sequence[Row], runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation (ddof 0) over the seeds beside the published.

    A failed run makes no figure: ``failed`` counts them.
    """
    lines = []
    for row in rows:
        mine = pd.DataFrame(runs[runs["method"] == row.method])
        lines.append(
            {"table": row.table, "method": row.method}
            | means(mine, (*METRICS, *SPENT))
            | {f"published_{name}": value for name, value in row.values.items()}
            | {
                "published_minutes_v100": row.minutes_v100,
                "hidden_nodes": " / ".join(sorted({*mine["hidden_nodes"]} - {""})),
                "dropped": _counts(list(mine["dropped"])),
                "runs": len(mine),
                "failed": sum(mine["failed"] != ""),
            }
        )
    return pd.DataFrame(lines)


def _counts(dropped: Sequence[str]) -> str:
    """Return how many runs dropped each feature, such as "ta 4/5"."""
    names = [name for listed in dropped for name in listed.split(", ") if name]
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
    notes += failures(runs, "seed")
    if record.thin > 1:
        notes.append(f"TRIAL: only every {record.thin}th row was used.")
    return notes
