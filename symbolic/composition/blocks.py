"""Blocks of rows that know nothing of each other: groups, stretches of a series, or rows.

Neighbours in a series are alike in features and errors, so that any flexible reference
"predicts" an error from that of the row beside it. Whole stretches longer than the memory of
the errors are therefore held out together, and count as one in standard errors.
"""

import numpy as np

from sciren.inference.conformal import autocorrelation_time, block_labels
from sciren.inference.relationship import exchange_mode
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

LEAST_INFORMATION = 12
"""Rows of a series that count at least: the blocks that `conformal.block_length` leaves."""


def in_series(regression: Regression, residual: Array, groups: Array | None) -> bool:
    """Whether residual and features remember the rows before, and no groups are given."""
    # groups were given where some rows share a label; a label for each row says nothing
    if groups is not None and len(np.unique(groups)) < len(residual):
        return False
    z = np.stack([column.z for column in regression.columns], axis=1)
    return exchange_mode(z, residual) == "shifts"


def independent_blocks(
    regression: Regression, residual: Array, groups: Array | None
) -> Array:
    """Return the block (n,) of every row.

    Args:
        residual: (n,) whose memory decides;  groups: (n,) labels of the user, or None.
    """
    if in_series(regression, residual, groups):
        # stretches as long as the autocorrelation of the residual reaches
        memory = autocorrelation_time(residual)
        return block_labels(len(residual), memory, ordered=True)
    return block_labels(len(residual), 1.0, ordered=False, groups=groups)


def memory_of(regression: Regression, residual: Array, groups: Array | None) -> float:
    """Return the rows that count as one: the autocorrelation time of a series, else one."""
    if not in_series(regression, residual, groups):
        return 1.0
    return min(autocorrelation_time(residual), len(residual) / LEAST_INFORMATION)


def block_sums(columns: Array, blocks: Array) -> Array:
    """Sums of the rows of every block (B, k) of columns (n, k)."""
    # every row is its own block: the sums are the rows
    if int(blocks.max()) + 1 == len(blocks):
        return columns
    sums = np.zeros((int(blocks.max()) + 1, columns.shape[1]))
    np.add.at(sums, blocks, columns)
    return sums
