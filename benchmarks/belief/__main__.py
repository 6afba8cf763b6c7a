"""One part at a time: `python -m benchmarks.belief PART [--sets 0-19] [--cases NAME ...]`.

Parts: selection (false discoveries and power, thirteen cells), placebo (surrogate features),
verdict (right and wrong models, useless features), interactions (terms of several
features, real and not), identifiability (twelve cases),
coverage (intervals of constants, means and latents), coefficients (of closed forms),
bands (whole curves), forms (names of curves inside them), training (curves of networks),
prediction (new observations), kinds (effects and slopes of classes, waves on a circle),
edges (from 20 edges on), towers and splits (ten seeds and ten splits of real tables, with
--data DIR where they lie),
times (CPU seconds of every step).
Each prints one Markdown table; all figures are of fresh sets drawn from their numbers.
``--store`` keeps it in figures.json, and ``figures`` writes what is stored into the documents.
"""

import argparse
import importlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.stored import StoredFigures, markdown

PARTS = {
    "selection": "benchmarks.belief.selection",
    "placebo": "benchmarks.belief.placebo",
    "verdict": "benchmarks.belief.verdicts",
    "interactions": "benchmarks.belief.interactions",
    "identifiability": "benchmarks.belief.identifiability",
    "coverage": "benchmarks.belief.coverage",
    "coefficients": "benchmarks.belief.coefficients",
    "bands": "benchmarks.belief.curve_bands",
    "forms": "benchmarks.belief.forms",
    "training": "benchmarks.belief.training",
    "prediction": "benchmarks.belief.prediction",
    "kinds": "benchmarks.belief.kinds",
    "edges": "benchmarks.belief.many_edges",
    "towers": "benchmarks.belief.towers",
    "splits": "benchmarks.belief.towers",
    "times": "benchmarks.belief.times",
}
REAL = ("towers", "splits")  # parts that need the real tables
HERE = Path(__file__).parent
FIGURES = StoredFigures(
    "belief",
    HERE / "figures.json",
    (
        HERE / "README.md",
        *(HERE.parents[1] / "docs" / name for name in ("verdict.md", "training.md")),
    ),
)


def sets(text: str) -> range:
    """Return the seeds that a text such as 0-9 names."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one part; the table goes to standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.belief",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", choices=[*PARTS, "figures"])
    parser.add_argument("--sets", type=sets, default=range(20), help="such as 0-19")
    parser.add_argument("--cases", nargs="*", default=(), help="names of some cases")
    parser.add_argument(
        "--data", type=Path, help="folder of the tables (towers, splits)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/towers"), help="(towers, splits)"
    )
    parser.add_argument("--store", action="store_true", help="keep the table")
    asked = parser.parse_args(arguments)
    if asked.part == "figures":
        for path in FIGURES.write_documents():
            sys.stdout.write(f"{path.name}\n")
        return 0
    part = importlib.import_module(PARTS[asked.part])
    if asked.part in REAL:
        if asked.data is None:
            parser.error(f"{asked.part} needs --data, the folder of the tables")
        split_too = asked.part == "splits"
        rows = part.run(asked.sets, asked.cases, asked.data, asked.out, split_too)
    else:
        rows = part.run(asked.sets, asked.cases)
    sys.stdout.write(markdown(rows) + "\n")
    if asked.store:
        FIGURES.store(asked.part, command(asked), rows)
    return 0


def command(asked: argparse.Namespace) -> str:
    """Return the command line that gives a table again."""
    first, last = asked.sets.start, asked.sets.stop - 1
    line = f"python -m benchmarks.belief {asked.part} --sets {first}-{last}"
    if asked.part in REAL:
        line += " --data DIR"
    return f"{line} --cases {shlex.join(asked.cases)}" if asked.cases else line


if __name__ == "__main__":
    raise SystemExit(main())
