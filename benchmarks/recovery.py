"""How often the true formula of a case is found, by class and method.

    python -m benchmarks.recovery --classes node sum --cases 20 --methods ours operon \
        --stream tuning --out results

Classes are those of random trees ("sum", "node", "node + rest", ...), the processes of
the hybrid cases ("Q10", ...), those of noisy data ("no relation", "foreign", ...), and
"named" for published formulas; "compositional", "hybrid" and "noisy" stand for all of
theirs. Rows are appended to OUT/recovery.csv one by one, and a
second call goes on where the first stopped; OUT/recovery.md holds the summary. Cases of
the streams "tuning" and "scoring" share no seed.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sympy

from benchmarks import peers
from benchmarks.cases import Case
from benchmarks.cases.case import STREAMS, Stream
from benchmarks.cases.drawn import drawn_case
from benchmarks.cases.expressions import GROUPS
from benchmarks.cases.hybrid import hybrid_case
from benchmarks.cases.named import named_case, named_formulas
from benchmarks.cases.noisy import NOISY, noisy_case
from benchmarks.cases.processes import PROCESSES
from benchmarks.cases.scoring import score
from benchmarks.estimator_runner import estimated
from benchmarks.peers import NORMAL_95, Found, Method, timed

METHODS: dict[str, Method] = {**peers.METHODS, "estimator": estimated}

ALL = {"compositional": GROUPS, "hybrid": tuple(PROCESSES), "noisy": NOISY}
KEY = ["stream", "seed", "case", "method"]


@dataclass(frozen=True)
class Row:
    """One case and one method.

    Attributes:
        held: constants whose 95 % intervals hold the truth;  intervals: all that have one.
    """

    stream: str
    seed: int
    group: str
    case: str
    method: str
    noise: float
    inside: bool
    exact: bool
    form: bool
    features: bool
    accepted: bool
    wrong: bool
    in_set: bool
    held: int
    intervals: int
    seconds: float
    how: str
    reason: str
    found: str
    truth: str


def expand_classes(names: Sequence[str]) -> list[str]:
    """Replace "compositional" and "hybrid" by their classes.

    Raises:
        ValueError: a class that does not exist.
    """
    known = [*GROUPS, *PROCESSES, *NOISY, "named"]
    listed = [one for name in names for one in ALL.get(name, (name,))]
    for name in listed:
        if name not in known:
            raise ValueError(f"class {name!r} does not exist; choose from {known}")
    return list(dict.fromkeys(listed))


def cases(
    classes: Sequence[str], count: int, stream: Stream, seed: int
) -> Iterator[Case]:
    """Yield the cases of some classes, number by number, so that a part is balanced."""
    for number in range(count):
        for group in classes:
            if group in GROUPS:
                yield drawn_case(group, number, stream, seed)
            elif group in PROCESSES:
                yield hybrid_case(group, number, stream, seed)
            elif group in NOISY:
                yield noisy_case(group, number, stream, seed)
    if "named" in classes:
        for formula in named_formulas():
            if not formula.outside:
                yield named_case(formula, stream, seed)


def judged(
    case: Case, name: str, method: Method, budget: float, stream: Stream, seed: int
) -> Row:
    """Run a method on a case and score what it returns.

    Reported as found but wrong: accepted, and the form is not the true one.
    """
    found = timed(method, case, budget)
    scored = score(case, found.expression, found.constants)
    constants = "".join(f"; {n} = {v:.6g}" for n, v in found.constants.items())
    right = "".join(f"; {n} = {v:.6g}" for n, v in case.constants.items())
    formula = "" if found.expression is None else str(sympy.N(found.expression, 5))
    return Row(
        stream=stream,
        seed=seed,
        group=case.group,
        case=case.name,
        method=name,
        noise=case.noise,
        inside=case.inside,
        exact=scored.exact,
        form=scored.form,
        features=scored.features,
        accepted=found.accepted,
        wrong=found.accepted and not scored.form,
        in_set=_in_set(case, found, scored.form),
        held=sum(abs(pull) <= NORMAL_95 for pull in found.pulls.values()),
        intervals=len(found.pulls),
        seconds=round(found.seconds, 3),
        how=scored.how,
        reason=found.reason,
        found=formula + constants,
        truth=str(sympy.N(case.truth, 5)) + right,
    )


def _in_set(case: Case, found: Found, form: bool) -> bool:
    """Whether the true form is the answer, or one of several that are named together."""
    named = found.accepted or found.several > 0
    return named and (
        form or any(score(case, equal, found.constants).form for equal in found.equals)
    )


def run(
    classes: Sequence[str],
    count: int,
    methods: Sequence[str],
    stream: Stream,
    seed: int,
    budget: float,
    out: Path,
) -> pd.DataFrame:
    """Run what is not yet in OUT/recovery.csv and return all rows."""
    out.mkdir(parents=True, exist_ok=True)
    table = out / "recovery.csv"
    done = _done(table)
    for case in cases(classes, count, stream, seed):
        for name in methods:
            if (stream, seed, case.name, name) in done:
                continue
            row = judged(case, name, METHODS[name], budget, stream, seed)
            frame = pd.DataFrame([asdict(row)])
            frame.to_csv(table, mode="a", header=not table.exists(), index=False)
            print(_line(row), flush=True)
    rows = pd.read_csv(table, keep_default_na=False)
    (out / "recovery.md").write_text(summary(rows), encoding="utf-8")
    return rows


def _done(table: Path) -> set[tuple[str, int, str, str]]:
    if not table.exists():
        return set()
    rows = pd.read_csv(table, keep_default_na=False)
    expected = [field.name for field in fields(Row)]
    if list(rows.columns) != expected:
        raise ValueError(f"{table} has other columns than this version; move it away")
    return set(rows[KEY].itertuples(index=False, name=None))


def _line(row: Row) -> str:
    verdict = "exact" if row.exact else "form" if row.form else "missed"
    verdict += "" if row.accepted else ", refused"
    return f"{row.method:8s} {row.case:24s} {verdict:16s} {row.seconds:6.1f} s"


def summary(rows: pd.DataFrame) -> str:
    """Return a Markdown table: one line for each stream, method and class."""
    head = (
        "| stream | method | class | cases | exact | right form | right features | "
        "accepted | accepted but wrong | in the set | constants held, % | CPU s median | "
        "CPU s max |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    lines = []
    several: Any = rows.groupby(["stream", "method"], sort=False)
    for (stream, method), part in several:
        groups = list(part.groupby("group", sort=False))
        inside = part[part["inside"].astype(bool)]
        for name, some in [*groups, ("all inside", inside), ("all", part)]:
            if len(some):
                lines.append(_summary_line(stream, method, name, some))
    return head + "\n".join(lines) + "\n"


def _summary_line(stream: str, method: str, group: str, rows: pd.DataFrame) -> str:
    columns = ("exact", "form", "features", "accepted", "wrong", "in_set")
    counts = [str(np.count_nonzero(rows[column].astype(bool))) for column in columns]
    seconds = rows["seconds"].astype(float)
    cells = [stream, method, group, str(len(rows)), *counts, _share_held(rows)]
    cells += [f"{seconds.median():.1f}", f"{seconds.max():.1f}"]
    return "| " + " | ".join(cells) + " |"


def _share_held(rows: pd.DataFrame) -> str:
    """Share of intervals that hold the truth, in per cent with its standard error.

    Constants of one formula go together, so that a case counts as one draw.
    """
    held, count = (rows[name].to_numpy(float) for name in ("held", "intervals"))
    if not count.sum():
        return ""
    share = held.sum() / count.sum()
    error = np.sqrt(np.sum((held - share * count) ** 2)) / count.sum()
    return f"{100 * share:.0f} +- {100 * error:.0f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classes", nargs="+", default=["compositional", "hybrid"])
    parser.add_argument("--cases", type=int, default=5, help="of each class")
    parser.add_argument("--methods", nargs="+", default=["ours"], choices=METHODS)
    parser.add_argument("--stream", default="tuning", choices=STREAMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=20.0, help="s of work a case")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    try:
        classes = expand_classes(chosen.classes)
    except ValueError as error:
        parser.error(str(error))
    rows = run(
        classes, chosen.cases, chosen.methods, chosen.stream, chosen.seed,
        chosen.budget, chosen.out,
    )  # fmt: skip
    print(summary(rows))


if __name__ == "__main__":
    main()
