"""How often are right curves doubted, and imitations caught, by their rivals?

    python -m benchmarks.imitations --sets 20 --seed 2000

A curve of one feature beside a line of another, as `benchmarks.cases.noisy` has them. The
right family is fitted and asked for its rivals, as `compose` and the verdict on equations
do (`symbolic.composition.decision.rivals`, `discovery.verdict.imitations`): "better" is a
rival that refutes it, "equal" one that stands beside it. Then truths that none of the five
families holds: the best of these is asked in the same way. Tuning seeds begin at 1000,
scoring seeds at 2000.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from symbolic.composition.decision.record import REFUTES, Rival
from symbolic.composition.decision.rivals import rivals
from symbolic.composition.decision.size import refitted
from symbolic.composition.fitting.model import Model, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.search import ScoredModel

Array = np.ndarray
Curve = Callable[[Array], Array]

CELLS = ((60, 0.1), (150, 0.1), (150, 0.3), (400, 0.1), (400, 0.2), (2000, 0.3))
"""Rows and noise, in deviations of the target."""

RIGHT: dict[str, tuple[Curve, Term]] = {
    "exp(0.8 a)": (lambda a: np.exp(0.8 * a), Term(0, "exp", (1.0, 0.8))),
    "exp(0.5 a)": (lambda a: np.exp(0.5 * a), Term(0, "exp", (1.0, 0.5))),
    "log(a + 3.5)": (lambda a: np.log(a + 3.5), Term(0, "log", (1.0, 0.3))),
    "a^2": (lambda a: a**2, Term(0, "quadratic", (1.0, 0.0))),
    "|a - 0.3|": (lambda a: np.abs(a - 0.3), Term(0, "abs", (1.0, 0.3))),
}
FOREIGN: dict[str, Curve] = {
    "1 / (1 + exp(-2 a))": lambda a: 1 / (1 + np.exp(-2 * a)),
    "(a + 3) / (a + 4)": lambda a: (a + 3) / (a + 4),
    "arctan(2 a)": lambda a: np.arctan(2 * a),
    "a^3 - 2 a": lambda a: a**3 - 2 * a,
    "exp(-8 / (a + 4))": lambda a: np.exp(-8 / (a + 4)),
    "(a + 3)^1.6": lambda a: (a + 3) ** 1.6,
    "sqrt(a + 3.2)": lambda a: np.sqrt(a + 3.2),
    "(a + 3) log(a + 3.1)": lambda a: (a + 3) * np.log(a + 3.1),
    "exp(a) - 0.3 exp(-2 a)": lambda a: np.exp(a) - 0.3 * np.exp(-2 * a),
    "exp(-a^2 / 2)": lambda a: np.exp(-(a**2) / 2),
    "sin(1.5 a)": lambda a: np.sin(1.5 * a),
}
STARTS = (
    Term(0, "linear", (1.0,)), Term(0, "quadratic", (1.0, 0.0)),
    *(Term(0, name, (1.0, rate)) for name in ("exp", "log") for rate in (0.3, -0.3)),
    *(Term(0, "abs", (1.0, kink)) for kink in (-0.6, 0.0, 0.6)),
)  # fmt: skip
BESIDE = Term(1, "linear", (0.5,))


@dataclass(frozen=True)
class Answer:
    """What was said of a curve: "better", "equal" or "alone", and the rival's name."""

    said: str
    rival: str = ""


def drawn(
    curve: Curve, rows: int, noise: float, rng: np.random.Generator
) -> Regression:
    """Return rows of the curve of a beside half of b, both of unit spread."""
    a, b = np.clip(rng.normal(size=rows), -2.9, 2.9), rng.normal(size=rows)
    values = curve(a)
    truth = (values - values.mean()) / values.std() + 0.5 * b
    y = truth + noise * truth.std() * rng.normal(size=rows)
    return Regression.of(np.stack([a, b], axis=1), (y - y.mean()) / y.std())


def answered(regression: Regression, fitted: ScoredModel) -> Answer:
    """Ask the rivals of a fitted form."""
    as_good = (r for r in rivals(regression, fitted.model, fitted.rss) if r.as_good)
    best: Rival | None = max(as_good, key=lambda rival: rival.gain, default=None)
    if best is None:
        return Answer("alone")
    return Answer("better" if best.gain > REFUTES else "equal", best.family)


def right(name: str, rows: int, noise: float, seeds: range) -> Iterator[Answer]:
    """Yield what is said of the right family in each data set."""
    curve, term = RIGHT[name]
    for seed in seeds:
        regression = drawn(curve, rows, noise, np.random.default_rng([seed, rows]))
        yield answered(regression, refitted(regression, Model((term, BESIDE))))


def foreign(name: str, rows: int, noise: float, seeds: range) -> Iterator[Answer]:
    """Yield what is said of the best of the five families where none is right."""
    for seed in seeds:
        rng = np.random.default_rng([seed, rows, 1])
        regression = drawn(FOREIGN[name], rows, noise, rng)
        fits = [refitted(regression, Model((term, BESIDE))) for term in STARTS]
        best = min(fits, key=lambda form: form.criterion)
        yield answered(regression, best)


def _row(name: str, rows: int, noise: float, answers: list[Answer]) -> str:
    said = Counter(answer.said for answer in answers)
    by = Counter(answer.rival for answer in answers if answer.rival)
    which = ", ".join(f"{rival} {count}" for rival, count in by.most_common(3))
    numbers = " | ".join(str(said[one]) for one in ("better", "equal", "alone"))
    return f"| {name} | {rows} | {100 * noise:.0f} % | {numbers} | {which} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--rows", type=int, nargs="+", help="of the cells, default all")
    options = parser.parse_args()
    cells = [cell for cell in CELLS if cell[0] in (options.rows or dict(CELLS))]
    seeds = range(options.seed, options.seed + options.sets)
    for title, names, asked in (("right", RIGHT, right), ("foreign", FOREIGN, foreign)):
        print(f"\n| {title} | rows | noise | better | equal | alone | rivals |")
        print("|---" * 7 + "|")
        for rows, noise in cells:
            every: list[Answer] = []
            for name in names:
                answers = list(asked(name, rows, noise, seeds))
                every += answers
                print(_row(name, rows, noise, answers), flush=True)
            print(_row("all", rows, noise, every), flush=True)


if __name__ == "__main__":
    main()
