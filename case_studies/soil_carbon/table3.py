"""python -m case_studies.soil_carbon table3 --out DIR: simulated sites, known truth."""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from case_studies.options import numbers
from case_studies.soil_carbon.table3_cells import Cell, Record, run
from case_studies.soil_carbon.table3_layout import latex, markdown
from case_studies.soil_carbon.table3_methods import METHODS, SCIREN, Method
from case_studies.soil_carbon.table3_metrics import METRICS

SPENT = ("cpu_seconds", "wall_seconds")
MODES = {
    "ours": "our settings",
    "first-order": "ScIReN trained by gradients",
    "paper": "settings of the published code",
}


def main(arguments: Sequence[str]) -> int:
    """Train what is missing, write the files, print the table."""
    options = parser().parse_args(arguments)
    record = record_of(options)
    chosen = [one for one in METHODS if one.name in (options.methods or [one.name])]
    sys.stdout.write(write_table(record, options.seeds, chosen, options.workers))
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
        "--methods", nargs="*", choices=[one.name for one in METHODS], default=[]
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
    runs = runs_frame(cells, run(cells, workers))
    summary = summarise(methods, runs)
    caption = f"Table 3: simulated soil carbon, {MODES[record.mode]}"
    text = markdown(summary, caption, notes(record, splits, runs))
    stem = f"table3{record.tag}"
    record.out.mkdir(parents=True, exist_ok=True)
    runs.to_csv(record.out / f"{stem}_splits.csv", index=False)
    summary.to_csv(record.out / f"{stem}.csv", index=False)
    (record.out / f"{stem}.md").write_text(text, encoding="utf-8")
    tex = latex(summary, caption, stem, notes(record, splits, runs))
    (record.out / f"{stem}.tex").write_text(tex, encoding="utf-8")
    return text


def runs_frame(
    cells: Sequence[Cell], results: Sequence[dict[str, Any]]
) -> pd.DataFrame:
    """Return one row a run; figures of failed runs are missing."""
    lines = [
        {
            "method": cell.method.name,
            "split": cell.number,
            "engine": result.get("engine", ""),
            "failed": result.get("failed", ""),
        }
        | result.get("metrics", dict.fromkeys(METRICS, math.nan))
        | {name: result[name] for name in SPENT}
        for cell, result in zip(cells, results, strict=True)
    ]
    return pd.DataFrame(lines)


def summarise(methods: Sequence[Method], runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation (ddof 0) over the splits beside the published."""
    lines = []
    for method in methods:
        mine = pd.DataFrame(runs[runs["method"] == method.name])
        line: dict[str, Any] = {"method": method.name}
        for name in (*METRICS, *SPENT):
            line[name] = mine[name].mean()
            line[f"{name}_sd"] = mine[name].std(ddof=0)
        published = {
            "r2_obs": method.r2,
            "r2_latent": method.latent,
            "kl": method.kl,
        }
        for name, known in published.items():
            mean, sd = known or (math.nan, math.nan)
            line[f"published_{name}"], line[f"published_{name}_sd"] = mean, sd
        line["published_minutes"] = method.minutes
        line["runs"], line["failed"] = len(mine), sum(mine["failed"] != "")
        lines.append(line)
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
    failed = pd.DataFrame(runs[runs["failed"] != ""])
    text += [
        f"{line['method']}, split {line['split']}: {line['failed']}"
        for line in failed.to_dict("records")
    ]
    return text
