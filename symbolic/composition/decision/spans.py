"""Orthonormal bases of columns."""

import numpy as np

Array = np.ndarray

DEPENDENT = 1e-8  # singular value, in lengths of the columns, that counts as zero


def orthonormal_span(columns: Array) -> Array:
    """Orthonormal basis of the span of columns (n, k); dependent ones are left out."""
    if columns.shape[1] == 0:
        return columns
    # lengths first, so that a constant in small units is not taken for a dependent one
    length = np.linalg.norm(columns, axis=0)
    left, values, _ = np.linalg.svd(
        columns / np.maximum(length, 1e-300), full_matrices=False
    )
    return left[:, values > DEPENDENT]
