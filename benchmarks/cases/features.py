"""Correlated features with normal, skewed and bounded marginals."""

import numpy as np
from scipy.stats import norm

HIGHEST_CORRELATION = 0.9


def correlation_matrix(d: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random correlation matrix (d, d), entries up to 0.9 in size."""
    factors = rng.normal(size=(d, max(2, d // 2)))
    mixed = factors @ factors.T + rng.uniform(0.05, 1.0) * np.eye(d)
    scale = np.sqrt(np.diag(mixed))
    found = mixed / np.outer(scale, scale)
    largest = np.abs(found - np.eye(d)).max(initial=0.0)
    shrink = min(1.0, rng.uniform(0.3, HIGHEST_CORRELATION) / max(largest, 1e-9))
    return found * shrink + (1.0 - shrink) * np.eye(d)


def _marginal(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give a standard normal column (n,) another marginal, in units of order one."""
    kind = rng.choice(["normal", "uniform", "skewed", "bounded"])
    if kind == "uniform":
        return np.sqrt(12) * (norm.cdf(z) - 0.5)
    if kind == "skewed":
        skew = rng.uniform(0.3, 0.7)
        return (np.exp(skew * z) - np.exp(skew**2 / 2)) / skew
    if kind == "bounded":  # much weight at both ends, as of a saturation
        return 2.4 * (norm.cdf(1.6 * z) - 0.5)
    return np.clip(z, -3.5, 3.5)


def draw_features(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return features (n, d): a Gaussian copula, other marginals, shifts and scales."""
    root = np.linalg.cholesky(correlation_matrix(d, rng) + 1e-9 * np.eye(d))
    normal = rng.normal(size=(n, d)) @ root.T
    columns = [_marginal(column, rng) for column in normal.T]
    scale = rng.uniform(0.5, 2.0, size=d)
    shift = rng.uniform(-1.0, 1.0, size=d) * scale
    return np.stack(columns, axis=1) * scale + shift
