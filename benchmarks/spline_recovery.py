"""Families of splines that were trained on scattered, noisy points.

    python -m benchmarks.spline_recovery --cases 40 --seed 3000

Each case trains an encoder with one edge on 600 to 2,000 points with noise of 10 or 30 %
of the curve's deviation, as a user would (`fit`, a fifth of the rows for validation), and
asks for the family of the edge: of the curve with its errors ("edge") and after the joint
refit on the observations ("equation"). Curves outside the library are to be refused;
formulas of several families in one are not sought (`compose=0`).
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from benchmarks.curve_recovery import CURVES, OUTSIDE, draw_inner, draw_points
from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.data.splits import split_random
from sciren.decoders import IdentityDecoder
from symbolic import fit_curve, symbolify
from symbolic.curves.edge_errors import with_errors
from symbolic.curves.extract import extract
from symbolic.options import SymbolicOptions
from symbolic.search.observations import observed
from symbolic.search.starting import fit_edge

NOISES = (0.1, 0.3)
SIZES = (600, 1000, 2000)
MISSED = 0.02  # share of the variance that every family has to miss to be outside


@dataclass(frozen=True)
class Answer:
    """Families found for one trained curve; "none" when refused."""

    truth: str
    noise: float
    edge: str
    equals: tuple[str, ...]
    equation: str
    seconds: float


def answer(
    truth: str, x: np.ndarray, clean: np.ndarray, noise: float, seed: int
) -> Answer:
    """Train one edge on noisy points and ask for its family."""
    rng = np.random.default_rng([seed, 7])
    y = clean + noise * clean.std() * rng.normal(size=len(x))
    frame = pd.DataFrame({"x": x, "y": y})
    table = Table.from_frame(frame, features=["x"], targets=["y"])
    parts = split_random(table, seed=seed)
    start = time.process_time()
    model = ScIReN(KANEncoder(1, 1, seed=seed), decoder=IdentityDecoder(["y"]))
    fit(model, parts.train, parts.valid, TrainConfig(seed=seed))
    seen = observed(model, parts.train)
    curves = with_errors(extract(model, parts.train), seen.term, seen.scaled)[0]
    if not curves.edges:
        return Answer(truth, noise, "constant", (), "constant", 0.0)
    edge = fit_edge(curves.edges[0], "x", "y", SymbolicOptions())
    closed = symbolify(model, parts.train, compose=0, further_families=())
    found = closed.edges.loc[closed.edges["layer"] == 0, "family"].iloc[0]
    seconds = time.process_time() - start
    return Answer(
        truth, noise, edge.family, edge.equals, str(found) or "constant", seconds
    )


def member(family: str, noise: float, seed: int) -> Answer:
    """Draw a member of a family and train on it."""
    rng = np.random.default_rng([seed, CURVES.index(family), int(100 * noise)])
    x = draw_points(rng, int(rng.choice(SIZES)))
    drawn = draw_inner(family, x, False, rng)
    assert drawn is not None
    form, inner = drawn
    return answer(family, x, form.value(x, np.array([1.0, *inner, 0.0])), noise, seed)


def outsider(name: str, noise: float, seed: int) -> Answer | None:
    """Draw a curve of no family; None when one comes within 2 % of the variance."""
    index = list(OUTSIDE).index(name)
    rng = np.random.default_rng([seed, 50 + index, int(100 * noise)])
    x = draw_points(rng, int(rng.choice(SIZES)))
    clean = OUTSIDE[name](x)
    if (
        1.0 - max(alternative.r2 for alternative in fit_curve(x, clean).alternatives)
        < MISSED
    ):
        return None
    return answer(name, x, clean, noise, seed)


def report(
    title: str, answers: Sequence[Answer], right: Callable[[str, str], bool]
) -> None:
    """Print the shares of one group."""
    if not answers:
        return
    edge = np.mean([right(a.edge, a.truth) for a in answers])
    inside = np.mean([a.truth in a.equals or right(a.edge, a.truth) for a in answers])
    size = np.mean([max(len(a.equals), 1) for a in answers])
    equation = np.mean([right(a.equation, a.truth) for a in answers])
    constant = sum(a.edge == "constant" or a.equation == "constant" for a in answers)
    seconds = np.median([a.seconds for a in answers])
    print(
        f"{title:26s} n={len(answers):4d} edge={edge:.3f} in set={inside:.3f} "
        f"set size={size:.2f} equation={equation:.3f} set to zero={constant} "
        f"s={seconds:.2f}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print one line per group."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10, help="of each curve and noise")
    parser.add_argument("--seed", type=int, default=3000)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    seeds = range(chosen.seed, chosen.seed + chosen.cases)

    def same(found: str, truth: str) -> bool:
        return found == truth

    def refused(found: str, _: str) -> bool:
        return found == "none"

    members: list[Answer] = []
    outside: list[Answer] = []
    for noise in NOISES:
        for family in CURVES:
            some = [member(family, noise, seed) for seed in seeds]
            report(f"{family}, noise {noise:.0%}", some, same)
            members += some
        for name in OUTSIDE:
            drawn = [outsider(name, noise, seed) for seed in seeds]
            some = [one for one in drawn if one is not None]
            report(f"{name}, noise {noise:.0%}", some, refused)
            outside += some
    for noise in NOISES:
        report(f"members, {noise:.0%}", [a for a in members if a.noise == noise], same)
        some = [a for a in outside if a.noise == noise]
        report(f"outside, {noise:.0%}", some, refused)
    report("members", members, same)
    report("outside", outside, refused)


if __name__ == "__main__":
    main()
