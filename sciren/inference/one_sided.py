"""One-sided test of the mean of block sums."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def one_sided_t(sums: Array, inflation: float = 1.0) -> tuple[float, float]:
    """Return t of the mean of block sums and its one-sided probability.

    Args:
        sums: (B,) one a block.
        inflation: factor on the standard error.
    """
    from scipy.stats import t as student

    count = len(sums)
    spread = float(np.std(sums, ddof=1)) if count > 1 else 0.0
    error = inflation * spread / math.sqrt(max(count, 1))
    mean = float(np.mean(sums)) if count else 0.0
    if error <= 0:
        return (math.inf, 0.0) if mean > 0 else (0.0, 1.0)
    t = mean / error
    return t, float(student.sf(t, count - 1))
