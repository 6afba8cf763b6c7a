"""Cases from random expression trees, by class."""

import numpy as np

from benchmarks.cases.case import ROWS, Case, Stream, case_rng
from benchmarks.cases.expressions import Sum, draw_tree, group_of
from benchmarks.cases.features import draw_features
from benchmarks.cases.realise import Node, Realiser, dull

TREES = 100_000
TRIES = 400


def draw_structure(
    group: str, d: int, rng: np.random.Generator, trees: int = TREES
) -> Sum:
    """Draw trees over d features until one belongs to the class.

    Raises:
        RuntimeError: the class does not turn up (with too few features, say).
    """
    for _ in range(trees):
        tree = draw_tree(rng, d)
        if group_of(tree) == group:
            return tree
    raise RuntimeError(f"no tree of class {group!r} over {d} features turned up")


def draw_formula(
    group: str, rng: np.random.Generator, n: int = ROWS
) -> tuple[np.ndarray, tuple[str, ...], Node]:
    """Return features (n, d), their names and a formula of a class that is not dull."""
    for _ in range(TRIES):
        d = int(rng.integers(3, 11))
        features = draw_features(n, d, rng)
        names = tuple(f"x{i + 1}" for i in range(d))
        tree = draw_structure(group, d, rng)
        root = Realiser(features, names, rng).realise(tree)
        if not dull(root):
            return features, names, root
    raise RuntimeError(f"every formula of class {group!r} was dull")


def drawn_case(group: str, number: int, stream: Stream, seed: int = 0) -> Case:
    """Return a case of a class: 3 to 10 features, 2,000 rows, noise 0 or 1 %."""
    rng = case_rng(stream, group, number, seed)
    features, names, root = draw_formula(group, rng)
    noise, clean = float(rng.choice([0.0, 0.01])), root.values
    target = clean + noise * clean.std() * rng.normal(size=len(clean))
    return Case(
        name=f"{group} {number}",
        group=group,
        features=features,
        names=names,
        target=target,
        clean=clean,
        truth=root.expression,
        latent=clean,
        noise=noise,
        inside=group != "outside",
    )
