"""Level and power of the test for anything to find.

    python -m benchmarks.relationship --sets 100 --seed 1000
    python -m benchmarks.relationship --searches 70 --seed 1500 --methods compose estimator

Level: share of data sets without any relation in which one is claimed at 5 %, by law of
target and features. Power: share of data sets with a relation that explains 10, 20 or 30 %
of the variance in which it is seen. With `--searches`, whole searches of data without a
relation, 60 to 2,000 rows in turn: `compose` claims a relation by any answer but "nothing to
find", the estimator by an equation with features that its verdict supports. The defaults are
scoring seeds; none of them set a constant of the test.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import sympy

from benchmarks.cases import Case
from benchmarks.estimator_runner import estimated
from benchmarks.peers import timed
from sciren.inference.relationship import relationship

Array = np.ndarray
Draw = tuple[Array, Array, Array | None]

MEMORY = 0.9  # lag-1 correlation of the series
SHARES = (0.1, 0.2, 0.3)

SHAPES: dict[str, Callable[[Array], Array]] = {
    "line": lambda x: x[:, 0],
    "square": lambda x: x[:, 0] ** 2,
    "product": lambda x: x[:, 0] * x[:, 1],
    "product of three": lambda x: x[:, 0] * x[:, 1] * x[:, 2],
    "step": lambda x: np.where(x[:, 0] > 0.3, 1.0, 0.0),
    "wave": lambda x: np.sin(3 * x[:, 0]),
}


def series(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Return autoregressive columns (rows, columns) of order one."""
    values = np.zeros((rows + 100, columns))
    for row in range(1, rows + 100):
        values[row] = MEMORY * values[row - 1] + rng.normal(size=columns)
    return values[100:]


def unrelated(law: str, rows: int, seed: int) -> Draw:
    """Return features, target and groups of a data set without a relation."""
    rng = np.random.default_rng(seed)
    x, y, groups = rng.normal(size=(rows, 5)), rng.normal(size=rows), None
    if law == "t2":
        y = rng.standard_t(2, size=rows)
    if law == "lognormal features":
        x = np.exp(1.5 * x)
    if law in ("series target", "series both"):
        y = series(rng, rows, 1)[:, 0]
    if law in ("series features", "series both"):
        x = series(rng, rows, 5)
    if law == "sites":
        groups = np.arange(rows) % max(rows // 20, 6)
        count = groups.max() + 1
        y = y + 2 * rng.normal(size=count)[groups]
        x[:, :3] += 3 * rng.normal(size=(count, 3))[groups]
    return x, y, groups


def related(shape: str, rows: int, share: float, seed: int) -> Draw:
    """Return a data set in which a relation explains a share of the variance."""
    rng = np.random.default_rng([seed, 1])
    x = rng.normal(size=(rows, 4))
    truth = SHAPES[shape](x)
    truth = (truth - truth.mean()) / truth.std()
    y = np.sqrt(share) * truth + np.sqrt(1 - share) * rng.normal(size=rows)
    return x, y, None


def claimed(draws: Iterator[Draw]) -> float:
    """Return the share of data sets in which a relation is claimed."""
    claims = [
        relationship(x, y, groups=groups, seed=seed).claimed
        for seed, (x, y, groups) in enumerate(draws)
    ]
    return float(np.mean(claims))


SEARCHED_LAWS = ("normal", "t2", "series both", "lognormal features", "constant truth")
SEARCHED_ROWS = (60, 150, 400, 2000)
WORK = 6.0  # seconds of work of a search


def searched(law: str, number: int, seed: int, method: str) -> bool:
    """Return whether a method claims a relation where there is nothing to find."""
    rows = SEARCHED_ROWS[number % len(SEARCHED_ROWS)]
    x, y, _ = unrelated("normal" if law == "constant truth" else law, rows, seed)
    y = 5 + 0.1 * y if law == "constant truth" else y
    if method == "compose":
        from symbolic import compose

        return compose(x, y, budget_s=WORK).outcome != "nothing to find"
    mean = np.full(rows, float(y.mean()))
    names = tuple(f"x{k}" for k in range(x.shape[1]))
    case = Case(law, law, x, names, y, mean, sympy.Integer(0), mean, 1.0)
    return timed(estimated, case, WORK).claims


def _searches(seeds: range, methods: Sequence[str]) -> None:
    print("| law | method | searches | relation claimed |\n|---|---|---|---|")
    for k, law in enumerate(SEARCHED_LAWS):
        for method in methods:
            claims = sum(searched(law, seed + k, seed, method) for seed in seeds)
            print(f"| {law} | {method} | {len(seeds)} | {claims} |", flush=True)


LAWS = (
    "normal", "t2", "lognormal features", "series target", "series features",
    "series both", "sites",
)  # fmt: skip


def main() -> None:
    """Print both tables, or that of whole searches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="+", default=[60, 150, 400])
    parser.add_argument("--searches", type=int, default=0, help="of each law")
    parser.add_argument(
        "--methods", nargs="+", default=["compose"], choices=["compose", "estimator"]
    )
    options = parser.parse_args()
    if options.searches:
        last = options.seed + options.searches
        _searches(range(options.seed, last), options.methods)
        return
    seeds = range(options.seed, options.seed + options.sets)
    print("| rows | " + " | ".join(LAWS) + " |\n" + "|---" * (len(LAWS) + 1) + "|")
    for rows in options.rows:
        shares = [claimed(unrelated(law, rows, s) for s in seeds) for law in LAWS]
        print(f"| {rows} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    print(
        "\n| rows | " + " | ".join(SHAPES) + " |\n" + "|---" * (len(SHAPES) + 1) + "|"
    )
    for rows in options.rows:
        cells = [
            " ".join(
                f"{claimed(related(shape, rows, share, s) for s in seeds):.2f}"
                for share in SHARES
            )
            for shape in SHAPES
        ]
        print(f"| {rows} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
