"""python -m case_studies.respiration table1 table2 table9 figures --out DIR."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from case_studies.options import numbers

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
    from case_studies.cells import say
    from case_studies.respiration import figures, tables, training
    from case_studies.respiration.record import Record

    record = Record(
        options.out,
        "paper" if options.paper else "ours",
        options.temperature,
        options.record,
        options.thin,
    )
    record.fingerprint()  # files that cannot be used end here, before any process
    asked = [table for name, table in TABLES.items() if name in options.what]
    cells = [one for n in asked for one in tables.wanted(n, options.seeds, record)]
    training.run(cells, options.workers)
    for table in asked:
        text = tables.write_table(table, options.seeds, record, options.workers)
        sys.stdout.write(f"{text}\n")
    if "figures" in options.what:
        for file in figures.write_figures(options.seeds[0], record, options.workers):
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
        "--seeds", type=numbers, default=numbers("1-5"), help="1-5 or 1,3; default 1-5"
    )
    parser.add_argument(
        "--setting",
        choices=["linear", "abs"],
        default="linear",
        help="true base respiration, of `seeds` only",
    )
    parser.add_argument(
        "--paper",
        action="store_true",
        help="settings of the published code (slow), and beside them its nominal "
        "learning rates, which had no effect there",
    )
    measured = parser.add_mutually_exclusive_group()
    measured.add_argument(
        "--record",
        type=Path,
        help="measured time, sw_pot, dsw_pot and ta of any half-hours (csv, parquet, "
        "NetCDF), in place of 2003-2011; see `sciren data fetch at-neu`",
    )
    measured.add_argument(
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


if __name__ == "__main__":
    sys.exit(main())
