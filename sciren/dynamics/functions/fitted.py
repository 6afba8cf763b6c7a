"""What is known at the minimum of curves that were fitted through series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from sciren.dynamics.functions.problem import FunctionProblem
from sciren.dynamics.functions.trades import Trade, trades


@dataclass(frozen=True)
class FunctionFit:
    """Curves of the latents that change in time, and all that was fitted with them.

    Attributes:
        problem, theta: loss and its minimum.
        squares: whitened sum;  count: observations;  score: Akaike's criterion.
        effective: coefficients that the smoothing leaves free.
        edges: one row a feature and latent: ``feature``, ``latent``, ``status`` ("kept" or
            "dropped") and ``gain``, of the criterion of step 3 above.
    """

    problem: FunctionProblem
    theta: Tensor
    squares: float
    count: int
    score: float
    effective: float
    edges: tuple[Mapping[str, Any], ...] = ()

    @property
    def bayes(self) -> float:
        """The score with log(n) for every effective coefficient."""
        return self.score + (np.log(self.count) - 2) * self.effective

    @property
    def numbers(self) -> np.ndarray:
        """(G, L + C) latents of groups and constants, physical."""
        _, raw = self.problem.parts(self.theta)
        return self.problem.scale.physical(raw).numpy()

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Pairs of unknowns that stand in for each other at the minimum."""
        return trades(self.problem, self.theta)


def described(problem: FunctionProblem, theta: Tensor) -> FunctionFit:
    """Return what is known at a minimum."""
    squares, _, matrix = problem.data_normal(theta)
    count = int(problem.comparison.counts.sum())
    whole = penalised(problem, matrix)
    # trace((H + P)^-1 H): the coefficients that the data hold against the penalty
    effective = float(np.trace(inverse_of(whole) @ matrix))
    score = count * np.log(squares / count) + 2 * effective
    return FunctionFit(problem, theta, squares, count, score, effective)


def penalised(problem: FunctionProblem, matrix: np.ndarray) -> np.ndarray:
    """Return a matrix (P, P) of the data with the penalty of the curves."""
    whole = matrix.copy()
    whole[: problem.size, : problem.size] += problem.penalty
    return whole


def inverse_of(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of a symmetric matrix, without directions that nothing holds."""
    return np.linalg.pinv(matrix, rcond=1e-14, hermitian=True)
