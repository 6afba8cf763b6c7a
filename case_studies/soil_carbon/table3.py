"""python -m case_studies.soil_carbon table3 --out DIR: simulated sites, known truth."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from case_studies.cells import SPENT, runs_frame
from case_studies.layout import (
    Columns,
    failures,
    floating,
    means,
    published,
    titled,
    write_tables,
)
from case_studies.options import numbers
from case_studies.soil_carbon.table3_cells import Cell, Record, run
from case_studies.soil_carbon.table3_methods import METHODS, SCIREN, Method
from case_studies.soil_carbon.table3_metrics import METRICS

MODES = {
    "ours": "our settings",
    "first-order": "ScIReN trained by gradients",
    "paper": "settings of the published code",
}


def _digits(name: str, mean: float, published: bool) -> int:
    """Digits of a mean; figures close to one need more of them than the published."""
    if name == "cpu_seconds":
        return 1
    close = abs(mean) >= 0.99 or name == "kl"
    return 5 if close and not published else 3


COLUMNS = Columns(
    {"r2_obs": "R2 observed", "r2_latent": "R2 latent", "kl": "KL"},
    {
        "r2_four": "R2 latent, four",
        "r2_sensitive": "R2 latent, sensitive",
        "cpu_seconds": "CPU s",
    },
    _digits,
)


def main(arguments: Sequence[str]) -> int:
    """Train what is missing, write the files, print the table."""
    options = parser().parse_args(arguments)
    record = record_of(options)
    asked = options.methods or [method.name for method in METHODS]
    methods = [method for method in METHODS if method.name in asked]
    sys.stdout.write(write_table(record, options.seeds, methods, options.workers))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the options of the table and its figures."""
    parser = argparse.ArgumentParser(
        prog="python -m case_studies.soil_carbon table3",
        description="Table 3 of the ScIReN paper on simulated sites. Finished models are "
        "kept under --out and used again.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument(
        "--seeds", type=numbers, default=numbers("1-5"), help="splits, 1-5 or 1,3"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--paper", action="store_true", help="settings of the published code"
    )
    how.add_argument(
        "--first-order", action="store_true", help="train ScIReN by gradients, too"
    )
    parser.add_argument("--truth", type=int, default=12345, help="seed of the formulas")
    parser.add_argument("--sites", type=int, default=0, help="seed of the sites")
    parser.add_argument("--noise", type=float, default=0.0, help="relative, of carbon")
    parser.add_argument("--n-sites", type=int, default=1018)
    parser.add_argument(
        "--methods", nargs="*", choices=[method.name for method in METHODS], default=[]
    )
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes"
    )
    return parser


def record_of(options: argparse.Namespace) -> Record:
    """Return what the options say about all cells."""
    mode = "paper" if options.paper else "ours"
    mode = "first-order" if options.first_order else mode
    return Record(
        options.out, mode, options.sites, options.truth, options.noise, options.n_sites
    )


def write_table(
    record: Record,
    splits: Sequence[int],
    methods: Sequence[Method] = METHODS,
    workers: int = 1,
) -> str:
    """Compute what is missing, write the files, return the table as Markdown.

    Writes ``table3.csv`` (means, deviations, published), ``.md``, ``.tex`` and
    ``table3_splits.csv`` with every single run; names tell other settings.
    """
    cells = [Cell(method, number, record) for method in methods for number in splits]
    runs = runs_frame(cells, run(cells, workers), METRICS)
    summary = summarise(methods, runs)
    caption = f"Table 3: simulated soil carbon, {MODES[record.mode]}"
    said, stem = notes(record, splits, runs), f"table3{record.tag}"
    return write_tables(
        record.out,
        stem,
        {"_splits": runs, "": summary},
        markdown(summary, caption, said),
        latex(summary, caption, stem, said),
    )


def summarise(methods: Sequence[Method], runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation (ddof 0) over the splits beside the published."""
    lines = []
    for method in methods:
        mine = pd.DataFrame(runs[runs["method"] == method.name])
        known = {"r2_obs": method.r2, "r2_latent": method.latent, "kl": method.kl}
        lines.append(
            {"method": method.name}
            | means(mine, (*METRICS, *SPENT))
            | published(known)
            | {
                "published_minutes": method.minutes,
                "runs": len(mine),
                "failed": sum(mine["failed"] != ""),
            }
        )
    return pd.DataFrame(lines)


def notes(record: Record, splits: Sequence[int], runs: pd.DataFrame) -> list[str]:
    """Return what has to be known to read the figures."""
    study = record.study()
    blind = 1 - study.truth.sensitive["w_scaling"].mean()
    noise = f"{record.noise:.0%} noise" if record.noise else "no noise"
    text = [
        f"Mean ± standard deviation (ddof 0) over {len(splits)} splits of 2 x 2 degree "
        f"blocks; published values, of other sites, in brackets. {len(study.sites)} "
        f"simulated sites, {len(study.frame)} observations, {noise}.",
        "R2 latent is that of the published code, over all 21 parameters at once; 'four' "
        "is the mean over the predicted ones, 'sensitive' the same on sites whose carbon "
        f"depends on the parameter ({blind:.0%} do not feel w-scaling).",
        "KL of feature importances: shares of deviation, of spline edges or of partial "
        "dependence. CPU seconds of one thread for training and edge selection.",
    ]
    mine = pd.DataFrame(runs[(runs["method"] == SCIREN) & runs["edges"].notna()])
    if len(mine):
        text.append(
            f"{SCIREN} kept {mine['edges_true'].mean():g} of 8 true edges and "
            f"{mine['edges_false'].mean():g} false ones in the mean; its trainings took "
            f"{mine['cpu_seconds'].sum():.0f} CPU seconds together."
        )
    return text + failures(runs, "split")


def markdown(summary: pd.DataFrame, caption: str, sentences: Sequence[str]) -> str:
    """Return a table that is readable as plain text, too."""
    return titled(caption, COLUMNS.grid(summary), sentences)


def latex(
    summary: pd.DataFrame, caption: str, label: str, sentences: Sequence[str]
) -> str:
    """Return a booktabs table in a ``threeparttable``."""
    title = caption.split(": ", 1)[1]
    title = title[0].upper() + title[1:]
    return floating(title, f"tab:soil-{label}", COLUMNS.tabular(summary), sentences)
