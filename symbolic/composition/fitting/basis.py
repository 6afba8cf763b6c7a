"""Orthonormal cubic splines of one feature, and low-order products of two."""

import numpy as np
from scipy.interpolate import BSpline

Array = np.ndarray


def spline_basis(z: Array, functions: int = 9) -> Array:
    """Cubic splines at z, centred and orthonormal: (n, m) with columns of unit variance.

    Knots are half quantiles, half equidistant, so that neither thin tails nor dense
    centres lose resolution. Features of few values get fewer functions.

    Args:
        z: (n,) one feature, any scale.
        functions: number of functions without the constant.
    """
    low, high = float(z.min()), float(z.max())
    share = np.linspace(0.0, 1.0, functions - 1)[1:-1]
    inner = 0.5 * np.quantile(z, share) + 0.5 * (low + share * (high - low))
    inner = np.unique(inner)
    inner = inner[(inner > low) & (inner < high)]
    knots = np.concatenate([[low] * 4, inner, [high] * 4])
    full = BSpline.design_matrix(np.clip(z, low, high), knots, 3).toarray()
    return orthonormal(full - full.mean(0), functions)


def orthonormal(columns: Array, limit: int | None = None) -> Array:
    """Orthonormal basis (n, m) of the columns with unit mean square."""
    if columns.shape[1] == 0:
        return columns
    gram = columns.T @ columns
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1][:limit]
    order = order[values[order] > 1e-9 * max(values[order[0]], 1e-300)]
    found = columns @ (vectors[:, order] / np.sqrt(values[order]))
    return np.asfortranarray(found * np.sqrt(len(columns)))


def projector(columns: Array) -> Array:
    """Orthonormal columns Q (n, m) with Q'Q = 1, dependent ones left out."""
    size = np.linalg.norm(columns, axis=0)
    scaled = columns[:, size > 1e-12] / size[size > 1e-12]
    q, r = np.linalg.qr(scaled)
    keep = np.abs(np.diag(r)) > 1e-9
    return q if keep.all() else np.linalg.qr(scaled[:, keep])[0]


def polynomials(z: Array, degree: int = 3, clipped_share: float = 0.005) -> Array:
    """Centred orthonormal polynomials (n, degree) of z, clipped at either end."""
    clipped = np.clip(z, *np.quantile(z, [clipped_share, 1.0 - clipped_share]))
    powers = np.stack([clipped**k for k in range(1, degree + 1)], axis=1)
    return orthonormal(powers - powers.mean(0))


def pair_products(one: Array, other: Array) -> Array:
    """All products of the columns of two bases, (n, m1 m2)."""
    return (one[:, :, None] * other[:, None, :]).reshape(len(one), -1)
