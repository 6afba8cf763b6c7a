"""Columns of tests and intervals for each kind of feature.

    numeric      natural splines for tests, penalised cubic splines for estimates
    categorical  one column a class but one; the penalty is on the effects themselves, so
                 that REML finds their deviation (classes as random effects)
    periodic     two harmonics for tests, four for estimates, penalised by their f''

Reference: Wood 2017, sections 5.3.2 (cyclic splines) and 5.8 (random effects).
"""

from functools import singledispatch

import numpy as np

from sciren.data.kinds import Categorical, FeatureKind, Periodic
from sciren.inference.basis import (
    CurveBasis,
    class_columns,
    harmonics,
    natural_splines,
    orthonormal,
    penalised_splines,
)

TESTED, ESTIMATED = 2, 4  # harmonics


@singledispatch
def narrow_basis(kind: FeatureKind, x: np.ndarray, columns: int) -> CurveBasis:
    """Return the few columns that carry tests.

    Args:
        kind: of the feature;  x: (n,) its values;  columns: at most so many, where the
            kind lets one choose.
    """
    return natural_splines(x, columns)


@singledispatch
def smooth_basis(kind: FeatureKind, x: np.ndarray, columns: int) -> CurveBasis:
    """Return the columns that carry estimates, with their penalty."""
    return penalised_splines(x, columns)


@singledispatch
def band_points(
    kind: FeatureKind, x: np.ndarray, points: int, ends: tuple
) -> np.ndarray:
    """Return where a band is asked to hold: places between two quantiles (``ends``)."""
    first, last = np.quantile(x, ends)
    return np.linspace(first, last, points)


@narrow_basis.register
@smooth_basis.register
def _(kind: Categorical, x: np.ndarray, columns: int) -> CurveBasis:
    present = np.intersect1d(kind.codes, x)
    values = class_columns(x, present)
    share = values.mean(0)
    # squared distances of the effects to their mean over the rows
    centre = np.eye(len(present)) - share
    # Codes are names: they are neither moved nor scaled.
    return orthonormal(values, centre.T @ centre, present, "classes", 0.0, 1.0)


@band_points.register
def _(kind: Categorical, x: np.ndarray, points: int, ends: tuple) -> np.ndarray:
    return np.intersect1d(kind.codes, x)


@narrow_basis.register
def _(kind: Periodic, x: np.ndarray, columns: int) -> CurveBasis:
    return _harmonic_basis(kind, x, TESTED)


@smooth_basis.register
def _(kind: Periodic, x: np.ndarray, columns: int) -> CurveBasis:
    return _harmonic_basis(kind, x, ESTIMATED)


def _harmonic_basis(kind: Periodic, x: np.ndarray, count: int) -> CurveBasis:
    knots = np.array([kind.period, float(count)])
    order = np.repeat(np.arange(1, count + 1), 2).astype(float)
    # integral of f''^2 in units of the first harmonic's
    return orthonormal(
        harmonics(x, knots), np.diag(order**4), knots, "harmonics", 0.0, 1.0
    )
