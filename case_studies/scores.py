"""Figures of merit that the studies share."""

import numpy as np
from numpy.typing import ArrayLike


def r2(truth: ArrayLike, estimate: ArrayLike) -> float:
    """Return 1 - sum of squared differences / sum of squares about the mean.

    Not clipped: worse than the mean is negative. nan where the truth does not vary.
    """
    t, e = np.asarray(truth, dtype=float), np.asarray(estimate, dtype=float)
    spread = ((t - t.mean()) ** 2).sum() if len(t) else 0.0
    return float(1 - ((t - e) ** 2).sum() / spread) if spread > 0 else float("nan")
