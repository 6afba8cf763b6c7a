"""One part at a time: `python -m benchmarks.belief PART [--sets 0-19] [--cases NAME ...]`.

Parts: selection (false discoveries and power, thirteen cells), placebo (surrogate features),
verdict (right and wrong models, useless features), identifiability (eleven cases),
coverage (intervals of constants, means and latents), coefficients (of closed forms),
bands (whole curves), prediction (new observations), kinds (effects of classes, waves on a
circle).
Each prints one Markdown table; all figures are of fresh sets drawn from their numbers.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

PARTS = {
    "selection": "benchmarks.belief.selection",
    "placebo": "benchmarks.belief.placebo",
    "verdict": "benchmarks.belief.verdicts",
    "identifiability": "benchmarks.belief.identifiability",
    "coverage": "benchmarks.belief.coverage",
    "coefficients": "benchmarks.belief.coefficients",
    "bands": "benchmarks.belief.curve_bands",
    "prediction": "benchmarks.belief.prediction",
    "kinds": "benchmarks.belief.kinds",
}


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
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--sets", type=sets, default=range(20), help="such as 0-19")
    parser.add_argument("--cases", nargs="*", default=(), help="names of some cases")
    asked = parser.parse_args(arguments)
    run = importlib.import_module(PARTS[asked.part]).run
    sys.stdout.write(table(run(asked.sets, asked.cases)) + "\n")
    return 0


def table(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([row[n] for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
