"""What the curves of a fit gain, on the quadratic loss at its minimum."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sciren.dynamics.functions.fitted import FunctionFit, inverse_of, penalised
from sciren.dynamics.functions.terms import OFFSET


def eliminated(fit: FunctionFit) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return curves of features that gain nothing, the least first, and those that do.

    gain = n log((squares + W) / squares) - log(n) (effective coefficients), with W the rise
    of the penalised loss where the curve is zero and all else follows, on the quadratic
    loss at the minimum. Curves leave one by one, since correlated ones stand in for
    each other.
    """
    problem = fit.problem
    _, _, matrix = problem.data_normal(fit.theta)
    whole = penalised(problem, matrix)
    gone: list[dict[str, Any]] = []
    # One at a time: what a curve gains depends on those that are still beside it.
    while True:
        left = [row["place"] for row in gone]
        rows = _gains(fit, whole, matrix, left)
        worst = min(rows, key=lambda row: row["gain"], default=None)
        if worst is None or worst["gain"] > 0:
            return gone, rows
        gone.append(worst)


def _gains(
    fit: FunctionFit, whole: np.ndarray, matrix: np.ndarray, gone: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the gain of every curve of a feature where some others are zero."""
    problem, size = fit.problem, len(whole)
    out = np.zeros(size, dtype=bool)
    for k in gone:
        out[problem.places[k]] = True
    kept, theta = np.flatnonzero(~out), fit.theta[0].numpy()
    inverse = inverse_of(whole[np.ix_(kept, kept)])
    # At the minimum the loss is quadratic without a slope: numbers that are set to zero
    # move all others by (H + P)_kk^-1 (H + P)_kr theta_r.
    moved = np.where(out, -theta, 0.0)
    moved[kept] = inverse @ (whole[np.ix_(kept, out)] @ theta[out])
    squares, here = fit.squares + float(moved @ whole @ moved), theta + moved
    shares = np.zeros(size)
    shares[kept] = np.einsum("ij,ji->i", inverse, matrix[np.ix_(kept, kept)])
    where = np.cumsum(~out) - 1
    rows = []
    for k, (term, place) in enumerate(zip(problem.terms, problem.places, strict=True)):
        if k in gone or term.source == OFFSET or term.latent.inputs:
            continue
        own = where[place]
        # Schur complement: the loss of this curve with all other numbers at their best.
        alone = np.linalg.pinv(inverse[np.ix_(own, own)], rcond=1e-12, hermitian=True)
        rise = float(here[place] @ alone @ here[place])
        used = max(float(shares[place].sum()), 1.0)
        gain = float(fit.count * np.log1p(rise / squares) - np.log(fit.count) * used)
        rows.append(
            {
                "place": k,
                "feature": term.source,
                "latent": term.latent.name,
                "gain": gain,
            }
        )
    return rows
