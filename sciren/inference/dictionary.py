"""A fixed dictionary of relations: columns that a target is compared with, no fitting.

For each feature lines, squares, steps and waves, and products of two and three features.
It is made to see that *something* is there, whatever its shape, not to say what it is.
Measured: `python -m benchmarks.relationship`.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from scipy.special import ndtri

Array = np.ndarray

CYCLES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Waves of the ranks: periods that 60 rows can still show."""

DECILES = np.arange(1, 10) / 10
FARTHEST = 4.0  # robust deviations beyond which a value counts as that far
DEVIATION = 1.4826  # standard deviation over median absolute one, normal law
MOST_IN_TRIPLES = 12  # features: 220 triples; more would cost more than the search


def robust_scaled(values: Array) -> Array:
    """Values from their median in robust deviations, clipped at `FARTHEST`.

    Where more than half of the values are equal the standard deviation serves.
    """
    centred = values - np.median(values)
    deviation = DEVIATION * np.median(np.abs(centred)) or centred.std()
    if deviation == 0:
        return np.zeros_like(centred)
    return np.clip(centred / deviation, -FARTHEST, FARTHEST)


def rank_shares(values: Array) -> Array:
    """Mean ranks as shares between 0 and 1; ties share theirs."""
    _, distinct_of, count = np.unique(values, return_inverse=True, return_counts=True)
    # Mean rank of ties, (first + last) / 2 with ranks from one, less half: shares lie
    # inside (0, 1), where their normal scores are finite.
    last = np.cumsum(count)
    return ((last - (count - 1) / 2 - 0.5) / len(values))[distinct_of]


def dictionary(features: Array) -> dict[str, Array]:
    """Columns by kind of relation.

    Args:
        features: (n, d), finite.
    Returns:
        kind -> (n, columns): "line", "square", "scaled", "step", "wave", "pair" and,
        for up to `MOST_IN_TRIPLES` features, "triple". Kinds without columns are left
        out; columns are neither centred nor scaled.
    """
    shares = [rank_shares(column) for column in features.T]
    # Normal scores: their products see an interaction whatever the scale of the
    # features; scaled values keep the distances that ranks throw away.
    scores = [ndtri(share) for share in shares]
    scaled = [robust_scaled(column) for column in features.T]
    blocks = {
        "line": scores,
        "square": [score**2 for score in scores],
        "scaled": scaled,
        "step": [share > cut for share in shares for cut in DECILES],
        "wave": [wave for share in shares for wave in _waves(share)],
        "pair": [a * b for some in (scores, scaled) for a, b in combinations(some, 2)],
        "triple": list(_triples(scores)),
    }
    return {
        kind: np.column_stack(columns).astype(float)
        for kind, columns in blocks.items()
        if columns
    }


def _waves(share: Array) -> Iterator[Array]:
    for cycles in CYCLES:
        angle = 2 * np.pi * cycles * share
        yield np.sin(angle)
        yield np.cos(angle)


def _triples(scores: list[Array]) -> Iterator[Array]:
    if len(scores) <= MOST_IN_TRIPLES:
        yield from (a * b * c for a, b, c in combinations(scores, 3))
