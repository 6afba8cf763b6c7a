"""Tables 1, 2, 3 and 9 of the case studies, for their pages.

    python -m case_studies.respiration table1 table2 table9 --out runs/respiration
    python -m case_studies.soil_carbon table3 --out runs/soil
    python -m benchmarks.studies runs/respiration runs/soil

The last command stores what the tables in these folders say in
`case_studies/figures.json` and writes it into the pages, each beside its command. Tables
of other settings (`--paper`, `--first-order`) are stored under their own names.
"""

import argparse
import math
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from benchmarks.stored import StoredFigures

STUDIES = Path(__file__).resolve().parents[1] / "case_studies"
FIGURES = StoredFigures(
    "study",
    STUDIES / "figures.json",
    tuple(STUDIES / name / "README.md" for name in ("respiration", "soil_carbon")),
)
FILE = re.compile(r"table(1|2|3|9)(_paper|_nominal|_first-order|)\.csv")
SHOWN = {"r2_obs": "R2 observed", "r2_latent": "R2 latent", "kl": "KL"}
METHODS = 5  # of Table 3
OPTIONS = {
    "": "", "_paper": " --paper", "_nominal": " --paper",
    "_first-order": " --first-order",
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Store the tables of some folders and write them into the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies")
    parser.add_argument("runs", nargs="+", type=Path, help="folders with tables")
    for folder in parser.parse_args(arguments).runs:
        for name, line, rows in tables(folder):
            FIGURES.store(name, line, rows)
    for path in FIGURES.write_documents():
        sys.stdout.write(f"{path.parent.name}/{path.name}\n")
    return 0


def tables(folder: Path) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """Yield name, command and rows of every finished table of a folder."""
    for path in sorted(folder.glob("table*.csv")):
        if (named := FILE.fullmatch(path.name)) is None:
            continue
        study = "soil_carbon" if named[1] == "3" else "respiration"
        ending = "_splits" if named[1] == "3" else "_seeds"
        runs = pd.read_csv(path.with_name(f"{path.stem}{ending}.csv"))
        seeds = sorted(runs["split" if named[1] == "3" else "seed"].unique())
        line = (
            f"python -m case_studies.{study} table{named[1]}{OPTIONS[named[2]]}"
            f" --seeds {seeds[0]}-{seeds[-1]} --out runs/{study}"
        )
        summary = pd.read_csv(path)
        if named[1] == "3":
            line += _methods(list(summary["method"]))
        yield path.stem, line, [row(line) for line in summary.to_dict("records")]


def _methods(names: Sequence[str]) -> str:
    """Return the option that asks for these rows of Table 3; empty where it is all."""
    return "" if len(names) == METHODS else f" --methods {shlex.join(names)}"


def row(line: dict[str, object]) -> dict[str, str]:
    """Return a method's means and deviations, published ones in brackets."""
    cells = {"method": str(line["method"])}
    for name, head in SHOWN.items():
        mine, known = _pair(line, name), _pair(line, f"published_{name}")
        cells[head] = f"{mine} ({known})" if known else mine or "-"
    if isinstance(line.get("dropped"), str):
        cells["dropped"] = str(line["dropped"])
    elif "dropped" in line:
        cells["dropped"] = "-"
    cells["CPU s"] = f"{line['cpu_seconds']:.1f}"
    return cells


def _pair(line: dict[str, object], name: str) -> str:
    """Mean ± deviation to four digits; empty where there is none."""
    mean, spread = (float(str(line.get(k, "nan"))) for k in (name, f"{name}_sd"))
    if math.isnan(mean):
        return ""
    return f"{mean:.4f}" if math.isnan(spread) else f"{mean:.4f} ± {spread:.4f}"


if __name__ == "__main__":
    raise SystemExit(main())
