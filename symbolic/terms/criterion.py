"""The criterion by which formulas compete, for trained edges and compositions alike.

    criterion = N log(mean squared residual / variance of the targets) + k log N + penalties

N counts rows, because residuals are those of observations; k counts constants. It is the
Bayesian information criterion (Schwarz 1978) of Gaussian errors, with a penalty for each
nonlinear part that could stand for something simpler.
"""

from dataclasses import dataclass

import numpy as np

NODE_PENALTY = 12.0
"""For each outer function: exp(12 / 2) = 400 is the factor by which the likelihood has to
prefer it. `python -m benchmarks.recovery` shows its effect; other values were not compared
there."""

PRODUCT_PENALTY = 6.0
"""For each product of factors, which bends less than an outer function; same source."""

CURVE_PENALTY = 6.0
"""For each curve of a trained edge that is no line: nearly straight edges stay lines."""

COMPLEXITY_PENALTY = 1e-3
"""For each node of a printed form: decides between forms that fit equally well."""

SPLINE_CONSTANTS = 12.0
"""Effective number of constants of a curve that stays a spline: the trace of the smoother
of a trained edge, about."""

FLOOR = 1e-12
"""Share of the targets' variance that counts as rounding."""


@dataclass(frozen=True)
class Size:
    """What a formula costs: free constants, and penalties of its nonlinear parts."""

    constants: float
    penalty: float


def criterion(rows: float, share: float, size: Size) -> float:
    """Return the criterion of a formula, lower is better.

    Args:
        rows: N;  share: mean squared residual in variances of the targets.
    """
    fit = rows * float(np.log(max(share, FLOOR)))
    return fit + size.constants * float(np.log(rows)) + size.penalty


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What every fitted formula has: its criterion, and whether the fit had converged."""

    criterion: float
    converged: bool = True
