"""Unknowns of a process that stand in for each other: they move the targets alike.

For two blocks of numbers a and b with the Gauss-Newton matrix H of the data,

    rho^2 = largest eigenvalue of H_aa^-1 H_ab H_bb^-1 H_ba,

the square of their largest canonical correlation: at one, something that a does to all
targets b can undo, and only both together are known. It needs no targets, so that it is
known at the declared start, before anything is fitted. Of a curve its level and its line
count: wiggles follow a few rows of anything, and the smoothing holds them.

Reference: Hotelling 1936; Brun, Reichert and Kunsch 2001 (collinearity of parameters).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from torch import Tensor

from sciren.dynamics.functions.problem import FunctionProblem
from sciren.dynamics.functions.spline import StateSpline
from sciren.dynamics.functions.terms import Term

WIDER = 10.0
"""Factor by which a trade widens errors from which on it is told: a collinearity index of
5 to 20 is where parameters are not identified together (Brun et al. 2001)."""

UNSEEN = 1e-9  # share of the largest eigenvalue below which a direction moves nothing


@dataclass(frozen=True)
class Trade:
    """Two unknowns of which something is known together only.

    Attributes:
        first, second: names of latents or constants.
        correlation: the largest canonical one, rho.
    """

    first: str
    second: str
    correlation: float

    @property
    def wider(self) -> float:
        """Factor by which either widens the errors of the other, 1 / sqrt(1 - rho^2)."""
        return float(1 / np.sqrt(max(1 - self.correlation**2, 1e-12)))

    def sentence(self) -> str:
        """Say which unknowns stand in for each other."""
        size = f"{self.wider:.0f} times" if self.wider < 1e3 else "without end"
        return (
            f"{self.first} and {self.second} stand in for each other: what one does to "
            f"the targets the other can undo, which widens errors {size}"
        )

    def remedy(self) -> str:
        """Say what would settle it."""
        return (
            f"Fix the level of one of them ({self.second}: give it a number under "
            "parameters:), or observe a target that only one of them moves"
        )


def trades(problem: FunctionProblem, theta: Tensor) -> tuple[Trade, ...]:
    """Return pairs of unknowns that stand in for each other at theta, the closest first."""
    _, _, matrix = problem.data_normal(theta)
    blocks = _blocks(problem, len(matrix))
    pairs = []
    for first, second in combinations(blocks, 2):
        rho = _correlation(matrix, blocks[first], blocks[second])
        trade = Trade(first, second, rho)
        if trade.wider >= WIDER:
            pairs.append(trade)
    return tuple(sorted(pairs, key=lambda trade: -trade.correlation))


def _blocks(problem: FunctionProblem, size: int) -> Mapping[str, np.ndarray]:
    """Return name of a latent or constant -> directions (size, k) of its numbers."""
    unit = np.eye(size)
    blocks: dict[str, np.ndarray] = {}
    for term, place in zip(problem.terms, problem.places, strict=True):
        known = blocks.get(term.latent.name, unit[:, :0])
        blocks[term.latent.name] = np.hstack([known, unit[:, place] @ _shapes(term)])
    # Numbers of groups stand group by group behind the functions: those of one latent
    # are every so many places apart. Constants come last.
    groups = [p.name for p in problem.process.model.group_latents]
    end = problem.size + len(groups) * len(problem.process.table)
    for k, name in enumerate(groups):
        blocks[name] = unit[:, problem.size + k : end : len(groups)]
    for k, constant in enumerate(problem.scale.constants):
        blocks[constant.name] = unit[:, [end + k]]
    return blocks


def _shapes(term: Term) -> np.ndarray:
    """Return directions (K, k) of a term: level and line of a spline, else all constants."""
    if not isinstance(term.build(term.sizes), StateSpline):
        return np.eye(len(term))
    # Coefficients of a uniform spline that rise evenly are a line.
    return np.stack([np.ones(len(term)), np.arange(len(term)) / len(term)], 1)


def _correlation(matrix: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest canonical correlation of two sets of directions."""
    roots = [side @ _inverse_root(side.T @ matrix @ side) for side in (a, b)]
    both = roots[0].T @ matrix @ roots[1]
    return float(min(np.linalg.norm(both, 2), 1.0)) if both.size else 0.0


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    """Return (k, r) with columns that the data tell apart, each of length one in them."""
    # Numbers have units of their own, so that their sizes say nothing.
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / size / size[:, None])
    seen = values > UNSEEN * max(values[-1], 1e-300)
    return (vectors[:, seen] / np.sqrt(values[seen])) / size[:, None]
