"""One part at a time: `python -m benchmarks.dynamics PART [--sets 0-9]`.

Parts: jacobian (of a bucket with two stores, against its plain simulation), catchments
(relations behind the constants of 40 simulated catchments), drainage (an unknown function
of a state, as a curve and as its closed form), odes (growth, cycles and events from wrong
starts), shooting (cycles over many turns, led to by one shot, windows or pieces),
remifentanil (people that deviate, with --data; --sets are seeds of the folds), balance (mass
balances of the shelf in free runs of ten years), few_groups (relations of six to eleven
groups, and of none).
Each prints one Markdown table; all figures are of fresh sets drawn from their numbers.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.belief.__main__ import sets
from benchmarks.stored import markdown

PARTS = {
    "balance": "benchmarks.dynamics.balance",
    "few_groups": "benchmarks.dynamics.few_groups",
    "jacobian": "benchmarks.dynamics.speed",
    "catchments": "benchmarks.dynamics.catchments",
    "drainage": "benchmarks.dynamics.drainage",
    "odes": "benchmarks.dynamics.odes",
    "remifentanil": "benchmarks.dynamics.remifentanil",
    "shooting": "benchmarks.dynamics.shooting",
}
MEASURED = ("remifentanil",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one part; the table goes to standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dynamics",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--sets", type=sets, default=range(10), help="such as 0-9")
    parser.add_argument("--data", type=Path, help="folder of the measured data")
    asked = parser.parse_args(arguments)
    run = importlib.import_module(PARTS[asked.part]).run
    if asked.part in MEASURED and asked.data is None:
        parser.error(f"{asked.part} needs --data, the folder of the measured data")
    more = (asked.data,) if asked.part in MEASURED else ()
    sys.stdout.write(markdown(run(asked.sets, *more)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
