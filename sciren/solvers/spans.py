"""Orthonormal bases of columns."""

import numpy as np

Array = np.ndarray

DEPENDENT = 1e-8  # singular value, in lengths of the columns, that counts as zero


def orthonormal_span(
    columns: Array, dependent: float = DEPENDENT, unit: bool = True
) -> Array:
    """Return an orthonormal basis (n, r) of the span of columns (n, k).

    Args:
        dependent: length that is left of a column of length one which the others say
            already; such columns are left out.
        unit: whether columns are brought to length one first; else they are shares of
            columns of length one.
    """
    # Lengths first: rank is then decided by direction, and a column in small units is not
    # taken for a dependent one.
    length = np.linalg.norm(columns, axis=0) if unit else np.ones(columns.shape[1])
    scaled = columns[:, length > 0] / length[length > 0]
    if not scaled.shape[1]:
        return scaled
    # Singular values and not a QR: dependence is seen whatever the order of the columns.
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return left[:, values > dependent]
