"""The factor that makes point-wise intervals of a curve hold for the whole curve.

With the curve's covariance K and standard errors e, c is the 95 % quantile of

    max over the points of |g_k| / e_k / sqrt(chi2_df / df),   g ~ normal(0, K),

so that the curve lies inside estimate -+ c e everywhere with probability 0.95.

Reference: Ruppert, Wand and Carroll 2003, Semiparametric Regression, section 6.5.
"""

import numpy as np

Array = np.ndarray

DRAWS = 2000
NEGLIGIBLE = 1e-9  # share of the largest error: points without any uncertainty


def simultaneous_factor(
    curve: Array,
    covariance: Array,
    freedom: float = np.inf,
    level: float = 0.95,
    draws: int = DRAWS,
) -> float:
    """Return c, never below the point-wise quantile of its own simulation.

    Args:
        curve: (m, P) derivative of the curve at m points by the P estimates.
        covariance: (P, P) of the estimates.
        freedom: degrees of freedom of the residual variance.
        level: probability that the whole curve is inside.
        draws: simulated curves; a fixed seed makes the same data give the same band.
    """
    spread = curve @ covariance @ curve.T
    errors = np.sqrt(np.maximum(np.diag(spread), 0.0))
    known = errors > NEGLIGIBLE * errors.max(initial=0.0)
    if not known.any():
        return 0.0
    correlation = (spread / np.outer(errors, errors).clip(1e-300))[np.ix_(known, known)]
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(0)
    largest = np.abs(rng.normal(size=(draws, len(root))) @ root.T).max(1)
    if np.isfinite(freedom):
        largest /= np.sqrt(rng.chisquare(freedom, draws) / freedom)
    return float(np.quantile(largest, level))
