"""Whether observations say that the curve of an edge is another one: a score test.

Around refitted closed forms, a free curve of the same feature is put beside the edge's
form. With rows i, X its columns, g the derivative of the observed loss by the raw latent,
D the columns of all free constants and H the curvature,

    u_i = X_i g_i - C' D_i g_i,    C = (D' H D)^-1 D' H X
    T = U' V^-1 U,    U = sum_i u_i,    V = sum over blocks of u_b u_b'

is a chi-square with as many degrees of freedom as X has directions of its own, whatever
the noise of the blocks. So a wide or correlated noise does not look like a wrong form.

Reference: Rao 1948; with blocks White 1982 and Liang and Zeger 1986.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import f as f_distribution

from symbolic.composition.fitting.regression import spline_basis
from symbolic.search.problem import SymbolicProblem

if TYPE_CHECKING:
    from symbolic.search.climb import ScoredLatents, Search

FUNCTIONS = 8
"""Of the free curve, so that ten blocks already say something."""

SMALLEST = 1e-8
"""Variance of a direction, as a share of the largest, below which the form holds it."""

RIDGE = 1e-10  # of a unit diagonal: about the rounding of normal equations


def misfit(
    search: "Search", scored: "ScoredLatents", latent: int, source: int
) -> float:
    """Return the p-value of a curve of a feature beside the forms of a latent.

    Args:
        search: with the observed loss of its rows.
        scored: refitted closed forms.
        latent, source: number of the latent and of the feature.
    """
    problem = SymbolicProblem(search.term, search.scaled, scored.structures)
    theta = problem.start(scored.constants)
    member = search.scaled.new_zeros(1, device="cpu").long()
    local = search.term.local(problem.raw(theta), problem.constants_of(theta), member)
    gradient = local.gradient[0].cpu().numpy()
    curvature = local.curvature[0].cpu().numpy()
    columns = spline_basis(search.features[:, source], FUNCTIONS)
    designs = _designs(problem, gradient.shape[1])
    # Rows D_i g_i (n, P) of the known constants, and the normal matrix D' H D (P, P).
    scores, information = [], []
    for place, block in enumerate(designs):
        scores.append(block * gradient[:, place, None])
        weighted = [
            block.T @ (curvature[:, place, other, None] * designs[other])
            for other in range(len(designs))
        ]
        information.append(np.hstack(weighted))
    matrix = np.vstack(information)
    cross = np.vstack(
        [d.T @ (curvature[:, k, latent, None] * columns) for k, d in enumerate(designs)]
    )
    # A unit diagonal, so that the ridge is rounding for constants of any unit.
    size = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    unit = matrix / np.outer(size, size) + RIDGE * np.eye(len(size))
    # C (P, m): what the known constants would take up of the free curve when they are refitted
    projection = np.linalg.solve(unit, cross / size[:, None]) / size[:, None]
    rows = columns * gradient[:, latent, None] - np.hstack(scores) @ projection
    return _p_value(_by_block(rows, search.term.observations.blocks.cpu().numpy()))


def _designs(problem: SymbolicProblem, count: int) -> list[np.ndarray]:
    """Columns of the free constants of every latent and of every process constant."""
    designs = [
        structure.by_constants(problem.z)[:, np.array(structure.free)]
        for structure in problem.structures
    ]
    ones = np.ones((len(problem.z), 1))
    return designs + [ones] * (count - len(designs))


def _by_block(rows: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    numbers = np.unique(blocks, return_inverse=True)[1].reshape(-1)
    sums = np.zeros((int(numbers.max()) + 1, rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums


def _p_value(sums: np.ndarray) -> float:
    """p-value of a mean of independent blocks (B, m): Hotelling's T2."""
    # Directions of the free curve that the form spans already have no score of their own; they
    # would divide zero by zero, and no degree of freedom is theirs.
    values, vectors = np.linalg.eigh(sums.T @ sums)
    kept = values > SMALLEST * max(float(values[-1]), 1e-300)
    total = vectors[:, kept].T @ sums.sum(0)
    statistic, freedom = float(np.sum(total**2 / values[kept])), int(kept.sum())
    count = len(sums)
    # the sums are squared about zero, not about their mean
    about_mean = statistic / max(1.0 - statistic / count, 1e-12) * (count - 1) / count
    # with as few blocks as directions any curve fits them: no evidence against the form
    if freedom == 0 or count <= freedom + 1:
        return 1.0
    # T2 (B - m) / (m (B - 1)) follows F(m, B - m): fewer blocks, wider tails than chi-square
    ratio = about_mean * (count - freedom) / (freedom * (count - 1))
    return float(f_distribution.sf(ratio, freedom, count - freedom))
