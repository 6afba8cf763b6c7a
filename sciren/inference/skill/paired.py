"""Paired comparison of two models by their squared errors on held-out blocks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciren.inference.relationship import one_sided_t

Array = NDArray[np.float64]

FEWEST = 3  # blocks of a test: with two the t distribution has one degree of freedom


@dataclass(frozen=True)
class PairedTest:
    """How much smaller the squared error of a second model is than that of a first.

    Attributes:
        share: (squares of the first - squares of the second) / squares of the first; it
            is negative where the second is worse.
        p: one-sided probability of such a gain when both are equally good.
        t: mean difference of the block sums over its standard error.
        blocks: that were compared.
    """

    share: float
    p: float
    t: float
    blocks: int

    def better(self, level: float = 0.05) -> bool:
        """Whether the second model is better at a one-sided level."""
        return self.share > 0 and self.p < level


def paired_test(first: Array, second: Array, blocks: NDArray[np.int64]) -> PairedTest:
    """Test whether a second model has smaller squared errors than a first.

        d_b = sum over block b of (first - second);  t = mean d / (sd d / sqrt(B))

    Args:
        first, second: (n,) squared errors of the same rows, weighted alike; rows that
            are not finite in either are left out (a model that gives no finite value in
            a row has lost there: pass infinity, and the other model wins the whole).
        blocks: (n,) block of every row.
    """
    if np.isposinf(second).any() and not np.isposinf(first).any():
        return PairedTest(-math.inf, 1.0, -math.inf, len(np.unique(blocks)))
    finite = np.isfinite(first) & np.isfinite(second)
    first, second, blocks = first[finite], second[finite], blocks[finite]
    names, block_of = np.unique(blocks, return_inverse=True)
    count = len(names)
    # Nothing can be gained on a first model without errors, and no share of them
    # exists.
    total = float(first.sum())
    if total <= 0:
        return PairedTest(0.0, 1.0, 0.0, count)
    gains = np.bincount(block_of.reshape(-1), first - second, count).astype(float)
    share = float(gains.sum()) / total
    if count < FEWEST:  # the gain is what it is, but nothing says how much it varies
        return PairedTest(share, 1.0, 0.0, count)
    t, p = one_sided_t(gains)
    return PairedTest(share, p, t, count)
