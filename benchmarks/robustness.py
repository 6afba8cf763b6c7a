"""What data as they are do to a search: claims without a relation, and wrong formulas.

    python -m benchmarks.robustness --sets 12 --seed 2000 --methods ours estimator --out OUT

Four plain formulas (a line, a parabola, an exponential, a product) and none, 300 rows, 10 %
noise, under: gross outliers (2 % of the rows, ten deviations of the noise), Student's t of
two degrees of freedom, noise that grows with a feature, features of five values, lognormal
features, a gap in the middle of a range, targets and features in units of 1e-9 and of 1e9,
a feature of two values, and 120 columns of 100 rows. Counted by kind: answers that claim a
relation where there is none, formulas that are accepted and wrong, and right forms named
alone or among several. Rows are appended to OUT/robustness.csv; a second call goes on. Tuning
seeds begin at 1000, scoring seeds at 2000.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sympy

from benchmarks.cases.case import Case, Formula, feature_symbol
from benchmarks.cases.scoring import score
from benchmarks.estimator_runner import estimated
from benchmarks.peers import Method, ours, timed

Array = np.ndarray

ROWS, COLUMNS, NOISE = 300, 4, 0.1
WIDE_ROWS, WIDE_COLUMNS = 100, 120
OUTLIERS, FAR = 0.02, 10.0  # share of the rows; deviations of the noise
VALUES = 5  # of a feature with ties
KINDS = (
    "plain", "outliers", "t2", "heteroscedastic", "ties", "skewed", "gap", "tiny",
    "huge", "binary", "wide",
)  # fmt: skip
A, B, C = (feature_symbol(name) for name in ("x0", "x1", "x2"))
TRUTHS: tuple[Formula, ...] = (
    2 * A + B, A**2 - 0.8 * C, sympy.exp(0.6 * A) + 0.7 * B, A * C,
)  # fmt: skip
UNITS = {"tiny": 1e-9, "huge": 1e9}


@dataclass(frozen=True)
class Row:
    """One data set and what was said of it."""

    method: str
    kind: str
    seed: int
    related: bool
    claimed: bool
    accepted: bool
    wrong: bool
    right: bool
    in_set: bool
    seconds: float
    said: str


def drawn(kind: str, seed: int, related: bool) -> Case:
    """Return a data set of a kind, with one of the four formulas or with none."""
    rng = np.random.default_rng([seed, KINDS.index(kind), int(related)])
    wide = kind == "wide"
    rows, count = (WIDE_ROWS, WIDE_COLUMNS) if wide else (ROWS, COLUMNS)
    features = _features(kind, rng.normal(size=(rows, count)), rng)
    names = tuple(f"x{i}" for i in range(count))
    truth = TRUTHS[seed % len(TRUTHS)] if related else sympy.Integer(0)
    values = sympy.lambdify([A, B, C], truth, "numpy")(*features.T[:3])
    clean = np.broadcast_to(np.asarray(values, dtype=float), (rows,)).copy()
    size = NOISE * float(clean.std()) if related else 1.0
    target = clean + size * _errors(kind, features, rng)
    unit = UNITS.get(kind, 1.0)
    swapped = {s: s / unit for s in (A, B, C)}
    return Case(
        name=f"{kind} {seed}",
        group=kind,
        features=features * unit,
        names=names,
        target=target * unit,
        clean=clean * unit,
        truth=sympy.expand(unit * truth.xreplace(swapped)),
        latent=clean * unit,
        noise=float(np.std(target - clean)) / (float(clean.std()) or 1.0),
    )


def _features(kind: str, z: Array, rng: np.random.Generator) -> Array:
    """Features of a kind from normal ones (n, d)."""
    if kind == "ties":
        return np.round(np.clip(z, -2, 2) * (VALUES - 1) / 4) * 4 / (VALUES - 1)
    if kind == "skewed":
        return np.minimum(np.exp(z), 8.0) - 1.0
    if kind == "gap":
        return z + 0.8 * np.sign(z)
    if kind == "binary":
        z[:, 1] = rng.integers(0, 2, len(z))
    return z


def _errors(kind: str, features: Array, rng: np.random.Generator) -> Array:
    """Errors of unit size (n,)."""
    errors = rng.normal(size=len(features))
    if kind == "t2":
        return rng.standard_t(2, size=len(features))
    if kind == "heteroscedastic":
        return errors * np.exp(0.7 * features[:, 1]) / np.exp(0.49)
    if kind == "outliers":
        far = rng.random(len(errors)) < OUTLIERS
        return np.where(far, FAR * np.sign(errors), errors)
    return errors


METHODS: dict[str, Method] = {"ours": ours, "estimator": estimated}


def judged(
    name: str, method: Method, case: Case, seed: int, related: bool, budget: float
) -> Row:
    """Ask a method about a data set and score the answer."""
    found = timed(method, case, budget)
    form = score(case, found.expression, {}).form
    beside = any(score(case, equal, {}).form for equal in found.equals)
    named = found.accepted or found.several > 0
    return Row(
        method=name,
        kind=case.group,
        seed=seed,
        related=related,
        claimed=found.claims,
        accepted=found.accepted,
        wrong=found.accepted and not form,
        right=found.accepted and form,
        in_set=named and (form or beside),
        seconds=round(found.seconds, 2),
        said=found.reason[:200],
    )


def summary(rows: pd.DataFrame) -> str:
    """Return a Markdown table, one line a method and kind."""
    lines = [
        "| method | kind | none: claimed | sets | accepted and wrong | right alone | "
        "right, alone or in a set | CPU s median / max |",
        "|---|---|---|---|---|---|---|---|",
    ]
    parts: list[tuple[str, str, Any]] = []
    by_method: Any = rows.groupby("method", sort=False)
    for method, own in by_method:
        kinds: Any = own.groupby("kind", sort=False)
        parts += [(str(method), str(kind), part) for kind, part in kinds]
        parts.append((str(method), "all", own))
    for method, kind, part in parts:
        none, inside = part[~part["related"]], part[part["related"]]
        counts = [inside[c].sum() for c in ("wrong", "right", "in_set")]
        cells = [
            method,
            kind,
            f"{none['claimed'].sum()} of {len(none)}",
            str(len(inside)),
        ]
        cells += [str(int(count)) for count in counts]
        cells += [f"{part['seconds'].median():.1f} / {part['seconds'].max():.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not yet there and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument(
        "--sets", type=int, default=12, help="of each kind, and of none"
    )
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--budget", type=float, default=6.0, help="s of work a set")
    parser.add_argument("--methods", nargs="+", default=["ours"], choices=METHODS)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    table = chosen.out / "robustness.csv"
    key, done = ["method", "kind", "seed", "related"], set()
    if table.exists():
        done = set(pd.read_csv(table)[key].itertuples(index=False, name=None))
    asked: list[tuple[int, str, bool, str]] = [
        (seed, kind, related, name)
        for seed in range(chosen.seed, chosen.seed + chosen.sets)
        for kind in chosen.kinds
        for related in (True, False)
        for name in chosen.methods
    ]
    for seed, kind, related, name in asked:
        if (name, kind, seed, related) in done:
            continue
        case = drawn(kind, seed, related)
        row = judged(name, METHODS[name], case, seed, related, chosen.budget)
        frame = pd.DataFrame([asdict(row)], columns=[f.name for f in fields(Row)])
        frame.to_csv(table, mode="a", header=not table.exists(), index=False)
    print(summary(pd.read_csv(table)))


if __name__ == "__main__":
    main()
