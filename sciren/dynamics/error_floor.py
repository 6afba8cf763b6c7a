"""Errors proportional to a target, above a floor that is learned: sd = s (y + floor).

On the scale log(y + floor) such errors are of one size s. Written for the observations
themselves, minus the log likelihood is, up to a constant,

    n/2 log(mean (log(y + floor) - log(o + floor))^2) + sum log(o + floor),

whose second part keeps the floor from growing without end.

Reference: Box and Cox 1964 (the shift of a log, with the derivative of the scale).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from sciren.comparison import ResidualScale
from sciren.dynamics.residuals import Comparison, compared_targets
from sciren.dynamics.solving.simulation import SeriesProcess

RANGE = (
    1e-6,
    1.0,
)  # of the floor in medians of the target; at one no error is relative


def with_learned_floor(
    comparison: Comparison, process: SeriesProcess, outputs: np.ndarray
) -> Comparison:
    """Return the comparison with the most likely floor of every target.

    Args:
        comparison: on a log scale.
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
    median = float(np.median(np.abs(o)))
    # log(o + floor) must exist for every observation: a target with negative values
    # needs a floor above their size.
    lowest = max(0.0, -float(o.min())) + RANGE[0] * median

    def cost(log_floor: float) -> float:
        floor = np.exp(log_floor)
        # Simulations may undershoot -floor where observations do not; a thousandth of
        # the floor keeps the log finite and the misfit large.
        misfit = np.log(np.maximum(y + floor, 1e-3 * floor)) - np.log(o + floor)
        return 0.5 * len(o) * np.log(np.mean(misfit**2)) + np.log(o + floor).sum()

    # The floor is sought in logs: it may lie over six orders of magnitude.
    limits = (float(np.log(lowest)), float(np.log(RANGE[1] * median)))
    optimum: Any = minimize_scalar(cost, bounds=limits, method="bounded")
    return float(np.exp(optimum.x))
