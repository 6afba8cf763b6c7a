"""python -m case_studies.respiration table1 table2 table9 figures --out DIR."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

TABLES = {"table1": 1, "table2": 2, "table9": 9}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.out is None and set(options.what) != {"seeds"}:
        parser.error("name the folder of the results: --out DIR")
    from sciren import SciRenError

    try:
        _run(options)
    except SciRenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    if "seeds" in options.what:
        from case_studies.respiration.seeds import run_seeds

        run_seeds(options.setting, options.seeds, options.out, _tell)
    if set(options.what) == {"seeds"}:
        return
    from case_studies.respiration.cells import Record, say, temperature_of
    from case_studies.respiration.figures import write_figures
    from case_studies.respiration.tables import write_table

    mode = "nominal" if options.nominal else "paper" if options.paper else "ours"
    record = Record(options.out, mode, options.temperature, options.thin)
    temperature_of(record.temperature)
    for name, table in TABLES.items():
        if name in options.what:
            text = write_table(table, options.seeds, record, options.workers)
            sys.stdout.write(f"{text}\n")
    if "figures" in options.what:
        for file in write_figures(options.seeds[0], record, options.workers):
            say(str(file))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m case_studies.respiration",
        description="The respiration tables and figures of the ScIReN paper. Finished "
        "models are kept under --out and used again. `seeds` counts how often the true "
        "equation is found.",
    )
    parser.add_argument("what", nargs="+", choices=[*TABLES, "figures", "seeds"])
    parser.add_argument(
        "--out", type=Path, help="folder of results; only `seeds` can do without"
    )
    parser.add_argument(
        "--seeds", type=seeds, default=seeds("1-5"), help="1-5 or 1,3; default 1-5"
    )
    parser.add_argument(
        "--setting",
        choices=["linear", "abs"],
        default="linear",
        help="true base respiration, of `seeds` only",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--paper", action="store_true", help="settings of the published code (slow)"
    )
    how.add_argument(
        "--nominal",
        action="store_true",
        help="the same with its nominal learning rates, which had no effect there",
    )
    parser.add_argument(
        "--temperature",
        type=Path,
        help="measured half-hourly air temperature, column ta (csv, parquet, NetCDF); "
        "nine years laid on 2003-2011; default: a surrogate",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=min(2, os.cpu_count() or 1),
        help="processes with one thread each; default 2",
    )
    parser.add_argument(
        "--thin", type=int, default=1, help="use every Nth row, for a trial"
    )
    return parser


def seeds(text: str) -> tuple[int, ...]:
    """Return 1, 2, 3 for "1-3", and 1, 4 for "1,4"."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} is not like 1-5 or 1,3")
        found += range(int(first), int(last or first) + 1)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names no seed")
    return tuple(found)


if __name__ == "__main__":
    sys.exit(main())
