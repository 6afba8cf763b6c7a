"""Processor seconds of 100 edge fits, and whether two runs give the same bits.

    python -m benchmarks.edge_speed --edges 100

Two kinds of curves: scattered points with 1 % noise (4,000 points), and curves of a
trained encoder on a grid of 400 points with their errors (`symbolic.curves.edge_errors`), their
measurement included. A digest of all families and constants is printed: equal digests of
two runs mean equal bits.
"""

import argparse
import hashlib
import time
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.data.splits import split_random
from sciren.decoders import IdentityDecoder
from symbolic import fit_curve
from symbolic.curves.curve_fit import CurveFit
from symbolic.curves.edge_errors import with_errors
from symbolic.curves.extract import extract
from symbolic.options import SymbolicOptions
from symbolic.search.observations import observed
from symbolic.search.starting import fit_edge

SHAPES = (
    lambda x: np.exp(0.6 * x),
    lambda x: np.log(x + 2.5),
    lambda x: np.abs(x - 0.5),
    lambda x: np.sin(2 * x),
    lambda x: x**2,
    lambda x: x,
    lambda x: np.tanh(3 * x),
)
POINTS, ROWS, FEATURES = 4000, 2000, 10


def scattered(edges: int, seed: int) -> list[CurveFit]:
    """Fit noisy points."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(edges):
        x = rng.uniform(-2, 2, POINTS)
        y = SHAPES[k % len(SHAPES)](x)
        found.append(fit_curve(x, y + 0.01 * y.std() * rng.normal(size=POINTS)))
    return found


def trained(seed: int) -> tuple[ScIReN, Table]:
    """Train an additive encoder with one edge a feature."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (ROWS, FEATURES))
    clean = sum(SHAPES[i % len(SHAPES)](x[:, i]) for i in range(FEATURES))
    names = [f"x{i}" for i in range(FEATURES)]
    frame = pd.DataFrame(x, columns=names).assign(y=clean + 0.2 * rng.normal(size=ROWS))
    table = Table.from_frame(frame, features=names, targets=["y"])
    parts = split_random(table, seed=seed)
    model = ScIReN(KANEncoder(FEATURES, 1, seed=0), decoder=IdentityDecoder(["y"]))
    fit(model, parts.train, parts.valid, TrainConfig(seed=0))
    return model, parts.train


def learned(model: ScIReN, table: Table, edges: int) -> list[CurveFit]:
    """Measure and fit the curves of a model, as often as it takes."""
    found: list[CurveFit] = []
    while len(found) < edges:
        seen = observed(model, table)
        (latent,) = with_errors(extract(model, table), seen.term, seen.scaled)
        found += [fit_edge(edge, "x", "y", SymbolicOptions()) for edge in latent.edges]
    return found[:edges]


def digest(fits: Iterable[CurveFit]) -> str:
    """Hash of families and constants, bit by bit."""
    whole = hashlib.sha256()
    for one in fits:
        whole.update(one.family.encode())
        for other in (one, *one.alternatives):
            whole.update(np.asarray(other.constants, dtype=np.float64).tobytes())
            whole.update(np.float64(other.criterion).tobytes())
    return whole.hexdigest()[:16]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print one line a kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edges", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    model, table = trained(chosen.seed)
    kinds = {
        "scattered points": lambda: scattered(chosen.edges, chosen.seed),
        "learned curves": lambda: learned(model, table, chosen.edges),
    }
    for title, run in kinds.items():
        seconds, digests = [], set()
        for _ in range(2):
            start = time.process_time()
            fits = run()
            seconds.append(time.process_time() - start)
            digests.add(digest(fits))
        print(
            f"{title:18s} {chosen.edges} edges: {min(seconds):.2f} s, "
            f"{'same bits twice' if len(digests) == 1 else 'DIFFERENT BITS'} "
            f"({', '.join(sorted(digests))})"
        )


if __name__ == "__main__":
    main()
