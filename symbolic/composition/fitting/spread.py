"""Covariance of least-squares constants, of rows that are independent or of a series."""

import numpy as np

from sciren.inference.conformal import block_labels
from symbolic.composition.blocks import block_sums

Array = np.ndarray

FEWEST_BLOCKS = 20
"""Blocks from which their sums say how large errors are, as in `symbolic.terms.sandwich`."""


def spread_of(slopes: Array, residual: Array, memory: float = 1.0) -> Array:
    """Return the covariance (k, k) of constants at their least squares.

        s^2 (J'J)^-1,  or with a memory  (J'J)^-1 (sum over blocks of u_b u_b') (J'J)^-1

    with u_b the sum of J'r over a stretch of rows longer than the memory; where these are
    few, the first times the memory, which is no less. Redundant directions (the shared
    scale of a product) have no error of their own.

    Args:
        slopes: (n, k) weighted derivatives of the fit by the constants, the offset included.
        residual: (n,) weighted.
        memory: rows of a series that count as one.
    Reference: White 1982; Liang and Zeger 1986 for blocks.
    """
    # unit columns, so that what counts as redundant does not depend on units
    size = np.linalg.norm(slopes, axis=0)
    size[size == 0] = 1.0  # without effect, so redundant
    scaled = slopes / size
    inverse = np.linalg.pinv(scaled.T @ scaled, rcond=1e-14, hermitian=True)
    free = max(len(residual) - slopes.shape[1], 1)
    ordered = memory > 1.0
    blocks = block_labels(len(residual), memory, ordered=ordered)
    count = int(blocks.max()) + 1
    if not ordered or count < FEWEST_BLOCKS:
        spread = memory * float(residual @ residual) / free * inverse
        return spread / np.outer(size, size)
    sums = block_sums(scaled * residual[:, None], blocks)
    # residuals of a fit are a little small, and so are sums of few blocks about their mean
    enlarged = len(residual) / free * count / (count - 1)
    return enlarged * (inverse @ (sums.T @ sums) @ inverse) / np.outer(size, size)
