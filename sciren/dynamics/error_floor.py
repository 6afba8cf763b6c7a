"""Errors proportional to a target, above a floor c that is learned: sd = s sqrt(y^2 + c^2).

On the scale asinh(y / c) such errors are of one size s. Written for the observations o
themselves, minus the log likelihood is, up to a constant,

    n/2 log(mean (asinh(y / c) - asinh(o / c))^2) + 1/2 sum log(o^2 + c^2),

whose second part keeps the floor from growing without end.

Reference: Rocke and Durbin 2001 (the scale); Box and Cox 1964 (its derivative in the loss).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from sciren.comparison import ResidualScale
from sciren.dynamics.residuals import Comparison, compared_targets
from sciren.dynamics.solving.simulation import SeriesProcess

RANGE = (1e-6, 1.0)  # of the floor in medians; at one hardly an error is relative


def with_learned_floor(
    comparison: Comparison, process: SeriesProcess, outputs: np.ndarray
) -> Comparison:
    """Return the comparison with the most likely floor of every target.

    Args:
        comparison: on the scale "asinh".
        process: its table holds the targets.
        outputs: (m, T, G) of a simulation near them.
    """
    targets = compared_targets(process)  # (T, G, m)
    floors = [
        _floor(outputs[k][~np.isnan(o)], o[~np.isnan(o)])
        for k, o in enumerate(targets.transpose(2, 0, 1))
    ]
    scale: ResidualScale = replace(
        comparison.scale, offset=torch.tensor(floors, dtype=torch.float64)
    )
    return replace(Comparison.of(process, scale), noise=comparison.noise)


def _floor(y: np.ndarray, o: np.ndarray) -> float:
    typical = float(np.median(np.abs(o))) or float(np.abs(o).mean()) or 1.0

    def cost(log_floor: float) -> float:
        floor = np.exp(log_floor)
        misfit = np.arcsinh(y / floor) - np.arcsinh(o / floor)
        spread = np.mean(misfit**2)
        return 0.5 * (len(o) * np.log(spread) + np.log(o**2 + floor**2).sum())

    # The floor is sought in logs: it may lie over six orders of magnitude.
    limits = tuple(np.log(share * typical) for share in RANGE)
    optimum: Any = minimize_scalar(cost, bounds=limits, method="bounded")
    return float(np.exp(optimum.x))
