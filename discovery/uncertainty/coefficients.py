"""Intervals of the constants of closed forms under the estimated law of the noise.

All constants of the equations are refitted on whitened rows, from where they stand, and

    V = A^-1 M A^-1,   A = J'J,   M the sandwich of whitened scores (`sciren.inference.sandwich`)

Rows that remember each other, or scatter more where they are large, are then counted for
what they tell: unweighted intervals hold the truth in 85 to 90 % of records with growing
or autocorrelated noise (`python -m benchmarks.belief coefficients`). The equations keep
their printed constants, and an interval is widened where it would leave one out.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from discovery.verdict.equation_fit import EquationFit
    from sciren.inference.noise import Whitening
    from sciren.inference.sandwich import Covariance
    from sciren.inference.selection import Selection
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.terms.raw_constants import RawConstant

Array = np.ndarray

METHOD = "refit under the noise law"
STEPS = 20  # Gauss-Newton steps; the equations stand near the minimum already
NUDGE = 1e-6  # relative, of central differences: errors to six digits


def coefficient_rows(
    equations: "SymbolicModel", model: "ScIReN", selection: "Selection"
) -> tuple[Mapping[str, Any], ...]:
    """Return latent, constant, error and 95 % interval of every constant of the forms.

    Args:
        equations: whose families are believed.
        model: the network, for its process.
        selection: on the rows that may choose; its law whitens them.
    Returns:
        Nothing where the refit leaves the numbers, or its matrix has no inverse.
    """
    from discovery.verdict.equation_fit import EquationFit

    fit = EquationFit.of(equations, model, selection.fit.process)
    with np.errstate(all="ignore"):
        theta = whitened_fit(fit, selection.whitening)
        covariance = whitened_covariance(fit, selection.whitening, theta)
        if covariance is None:
            return ()
        # Values at the whitened minimum, but shown are the printed constants (of theta
        # as stored): the interval is that of the first, moved to hold the second.
        values = [constant.value for constant in _constants(fit, equations, theta)]
        # Delta method: error_c^2 = slopes_c V slopes_c', since printed constants (raw
        # units, bounds resolved) are smooth functions of theta.
        slopes = _slopes(fit, equations, theta)
        # Quantile of t with the freedom of the sandwich, not of the rows.
        half_width = covariance.quantile() * covariance.error(slopes)
    printed = _constants(fit, equations, fit.theta)
    rows = zip(printed, values, covariance.error(slopes), half_width, strict=True)
    return tuple(
        {
            "latent": constant.latent, "constant": constant.name, "error": float(error),
            "low": float(min(value - wide, constant.value)),
            "high": float(max(value + wide, constant.value)),
        }
        for constant, value, error, wide in rows
        # Effects of classes that are drawn to their mean have an error of their own,
        # which a refit without that pull does not show; a zero error means that nothing
        # was free.
        if not constant.drawn and np.isfinite(error) and error > 0
    )  # fmt: skip


def whitened_fit(fit: "EquationFit", whitening: "Whitening") -> Array:
    """Return theta (P,) at the minimum of the whitened squares."""
    from sciren.solvers.gauss_newton import descend, finite_squares

    def squares(theta: Array) -> float:
        return finite_squares(whitening.whiten(fit.process.values - fit.mean(theta)))

    def linearise(theta: Array) -> tuple[Array, Array]:
        return _whitened(fit, whitening, theta)

    return descend(fit.theta, squares, linearise, STEPS, 1e-8, _free(fit))


def whitened_covariance(
    fit: "EquationFit", whitening: "Whitening", theta: Array
) -> "Covariance | None":
    """Return the covariance (P, P) of the free constants, zero for the others."""
    from sciren.inference.sandwich import (
        Covariance,
        cosine_count,
        cosine_meat,
        independent_meat,
        leverages,
    )

    slopes, left = _whitened(fit, whitening, theta)
    # Columns of unit length keep the normal matrix well conditioned; undone in `part`.
    size = np.linalg.norm(slopes, axis=0)
    determined = _free(fit) & (size > 0) & np.isfinite(size)
    scaled, process = slopes[:, determined] / size[determined], fit.process
    try:
        inverse = np.linalg.inv(scaled.T @ scaled)
    except np.linalg.LinAlgError:
        return None
    # Whitened scores (m, P'): slope times residual of each observation.
    scores = scaled * left[:, None]
    freedom: float = max(len(left) - int(determined.sum()), 1)
    # In time order the first cosine frequencies of the scores count slow memory that
    # the law of the noise leaves; they are few, hence the smaller freedom. Without an
    # order every squared score is corrected by its leverage.
    if process.ordered:
        freedom = cosine_count(process.n_rows)
        meat = cosine_meat(scores, freedom, int(determined.sum()), process.time_rank())
    else:
        meat = independent_meat(scores, leverages(scaled, inverse))
    matrix = np.zeros((len(theta), len(theta)))
    place = np.flatnonzero(determined)
    part = inverse @ meat @ inverse / np.outer(size[determined], size[determined])
    matrix[np.ix_(place, place)] = part
    return Covariance(matrix, freedom)


def _whitened(
    fit: "EquationFit", whitening: "Whitening", theta: Array
) -> tuple[Array, Array]:
    """Slopes (m, P) and residual (m,) of the equations on whitened rows."""
    both = np.column_stack((fit.jacobian(theta), fit.process.values - fit.mean(theta)))
    # Slopes and residual in one array, so that the recursion over rows runs once.
    white = whitening.whiten(both)
    return white[:, :-1], white[:, -1]


def _free(fit: "EquationFit") -> Array:
    """Which of theta (P,) may move."""
    # Exponents and other constants that a form holds fixed do not move; those of the
    # process, at the end of theta, always do.
    flags = [flag for structure in fit.structures for flag in structure.free]
    return np.array([*flags, *[True] * (len(fit.theta) - len(flags))])


def _constants(
    fit: "EquationFit", equations: "SymbolicModel", theta: Array
) -> "list[RawConstant]":
    from symbolic.terms.bounded import printed_constants

    return printed_constants(
        fit.structures_at(theta), equations.constraints, equations.units
    )


def _slopes(fit: "EquationFit", equations: "SymbolicModel", theta: Array) -> Array:
    """Derivative (C, P) of the printed constants by theta."""
    columns = []
    # Central differences, because bounds and units are resolved on the way to a printed
    # constant and no derivative is written for that.
    for k, value in enumerate(theta):
        nudge = np.zeros_like(theta)
        nudge[k] = NUDGE * max(1.0, abs(value))
        up, down = (
            np.array(
                [
                    constant.value
                    for constant in _constants(fit, equations, theta + side)
                ]
            )
            for side in (nudge, -nudge)
        )
        columns.append((up - down) / (2 * nudge[k]))
    return np.stack(columns, axis=1)
