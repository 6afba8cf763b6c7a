"""All timings in one Markdown table: `python -m benchmarks [--quick] [--out FILE]`.

The first-order step against other libraries, time to a given accuracy, and cost and
memory over rows, features, latents and members. Benchmarks of recovery, coverage and the
soil solver have commands of their own, for they run much longer.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import first_order, time_to_accuracy, training_scaling
from benchmarks.report import Line, markdown
from benchmarks.training_scaling import Case

LIMIT_GIB = 4.0
ENGINES = ("gauss-newton", "first-order")
QUICK = [Case(engine, 10_000, 10, 1, 1) for engine in ENGINES]
CASES = [
    Case(engine, rows, features, latents, members)
    for engine in ENGINES
    for rows, features, latents, members in (
        (10_000, 10, 1, 1), (100_000, 10, 1, 1), (1_000_000, 10, 1, 1),
        (10_000, 40, 1, 1), (10_000, 10, 4, 1), (10_000, 10, 1, 10),
    )
]  # fmt: skip


def scaling(cases: Sequence[Case]) -> list[Line]:
    """Return cost and peak memory of every case, each in a process of its own."""
    found = []
    for case in cases:
        cost = training_scaling.run_alone(case)
        each = 1e6 * cost.seconds / (case.rows * case.members)
        name = (
            f"{case.engine}, {case.rows} rows, {case.features} features, "
            f"{case.latents} latents, {case.members} members"
        )
        found.append(
            Line(
                name,
                f"{cost.seconds:.2f} CPU s ({each:.1f} us a row and member)",
                f"peak {cost.gib:.2f} GiB, worst R2 {cost.r2:.4f}",
                f"{LIMIT_GIB:g} GiB",
                "yes" if cost.gib <= LIMIT_GIB else "MISSED",
            )
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all timings; the table goes to standard output, or into a file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a few minutes")
    parser.add_argument("--out", type=Path, help="Markdown file instead of the screen")
    chosen = parser.parse_args(arguments)
    quick = chosen.quick
    parts: list[Callable[[], list[Line]]] = [
        lambda: first_order.lines(*((3, 0.1, "B 240") if quick else (7, 0.3, ""))),
        lambda: time_to_accuracy.lines(limit=20.0 if quick else 120.0),
        lambda: scaling(QUICK if quick else CASES),
    ]
    lines: list[Line] = []
    for part in parts:
        lines += part()
        sys.stderr.write(f"{len(lines)} results\n")
    text = markdown(lines) + "\n"
    if chosen.out is None:
        sys.stdout.write(text)
    else:
        chosen.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
