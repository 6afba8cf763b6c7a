"""Run methods on the hidden-parameter cases; one command, restartable.

    python -m benchmarks.hidden --methods compose boosting --noise 0.1 --cases 40 --out OUT

Rows are appended to OUT/hidden.csv one by one and a second call goes on where the first
stopped; OUT/hidden.md holds the table. Cases of the streams "tuning" and "scoring" share no
seed: develop on the first, report the second.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import sympy

from benchmarks.cases.case import STREAMS, Stream
from benchmarks.hidden.cases import (
    CONDITIONS,
    NOISES,
    ROWS,
    Stratum,
    hidden_case,
    strata,
)
from benchmarks.hidden.formulas import SHARES
from benchmarks.hidden.judge import Judgement, judged
from benchmarks.hidden.methods import METHODS, Method, timed
from benchmarks.hidden.processes import PROCESSES
from benchmarks.hidden.summary import summary

KEY = ["stream", "seed", "number", "noise", "method"]
COLUMNS = [
    "stream", "seed", *(f.name for f in fields(Stratum)), "method",
    *(f.name for f in fields(Judgement)), "seconds", "reason", "found", "truth",
]  # fmt: skip


def wanted(
    stream: Stream,
    seed: int,
    keep: Mapping[str, Sequence[Any] | None],
    most: int,
    noise: float | None = None,
) -> Iterator[Stratum]:
    """Yield the first strata with the values that are asked for.

    Args:
        keep: field of a stratum -> values; None for all.
        most: cases.
        noise: in place of that of the strata.
    """
    left = most
    for stratum in strata(stream, seed):
        asked = all(v is None or getattr(stratum, k) in v for k, v in keep.items())
        if asked and left > 0:
            left -= 1
            yield stratum if noise is None else replace(stratum, noise=noise)


def run(
    listed: Sequence[Stratum],
    methods: Mapping[str, Method],
    stream: Stream,
    seed: int,
    budget: float,
    out: Path,
) -> pd.DataFrame:
    """Run what is not yet in OUT/hidden.csv, write the table, return all rows.

    Raises:
        ValueError: the rows in OUT are those of another version.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = out / "hidden.csv"
    done = _done(table)
    for stratum in listed:
        open_methods = {
            name: method
            for name, method in methods.items()
            if (stream, seed, stratum.number, stratum.noise, name) not in done
        }
        hidden = hidden_case(stratum, stream, seed) if open_methods else None
        for name, method in open_methods.items():
            assert hidden is not None
            answer = timed(method, hidden, budget)
            judgement = judged(hidden, answer)
            formula = answer.found.expression
            row = {"stream": stream, "seed": seed, **asdict(stratum), "method": name}
            row |= asdict(judgement) | {
                "seconds": round(answer.found.seconds, 3),
                "reason": answer.found.reason,
                "found": "" if formula is None else str(sympy.N(formula, 5)),
                "truth": str(sympy.N(hidden.case.truth, 5)),
            }
            frame = pd.DataFrame([row], columns=COLUMNS)
            frame.to_csv(table, mode="a", header=not table.exists(), index=False)
            print(_line(stratum, name, judgement, answer.found.seconds), flush=True)
    rows = pd.read_csv(table)
    (out / "hidden.md").write_text(summary(rows), encoding="utf-8")
    return rows


def _done(table: Path) -> set[tuple[str, int, int, float, str]]:
    if not table.exists():
        return set()
    rows = pd.read_csv(table, keep_default_na=False)
    if list(rows.columns) != COLUMNS:
        raise ValueError(f"{table} has other columns than this version; move it away")
    return set(rows[KEY].itertuples(index=False, name=None))


def _line(stratum: Stratum, method: str, judgement: Judgement, seconds: float) -> str:
    said = "right" if judgement.form else "in a set" if judgement.in_set else "missed"
    said += ", wrong and accepted" if judgement.wrong else ""
    what = f"{stratum.process}, {stratum.kind}, {stratum.condition}"
    return (
        f"{method:10s} {stratum.number:3d} {what:52s} n={stratum.rows:<5d}"
        f"noise={stratum.noise:<5g}{said} ({seconds:.1f} s)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", default=["compose"], choices=METHODS)
    parser.add_argument("--stream", default="tuning", choices=STREAMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=500, help="at most, in order")
    parser.add_argument("--noise", nargs="+", type=float, choices=NOISES)
    parser.add_argument("--with-noise", type=float, help="in place of the strata's")
    parser.add_argument("--rows", nargs="+", type=int, choices=ROWS)
    parser.add_argument("--kind", nargs="+", choices=SHARES)
    parser.add_argument("--condition", nargs="+", choices=CONDITIONS)
    parser.add_argument("--process", nargs="+", choices=[p.name for p in PROCESSES])
    parser.add_argument("--budget", type=float, default=10.0, help="s of work a case")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    asked = ("noise", "rows", "kind", "condition", "process")
    keep = {name: getattr(chosen, name) for name in asked}
    listed = list(
        wanted(chosen.stream, chosen.seed, keep, chosen.cases, chosen.with_noise)
    )
    methods = {name: METHODS[name] for name in chosen.methods}
    rows = run(listed, methods, chosen.stream, chosen.seed, chosen.budget, chosen.out)
    print(summary(rows))


if __name__ == "__main__":
    main()
