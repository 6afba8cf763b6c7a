"""Columns that stand for one curve of one feature, centred and orthonormalised.

Natural cubic splines with few columns carry tests; penalised cubic B-splines with more
columns carry estimates. Both have mean zero and mean square one on the data, so that the
norm of the coefficients is the standard deviation of the curve, and both go on as
straight lines beyond the data. A feature with two values gives one column, a constant
none; ties remove columns that the data cannot tell apart.

Reference: Hastie, Tibshirani and Friedman 2009, section 5.2.1 for natural splines;
Eilers and Marx 1996, Wood 2017 for penalised ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from scipy.interpolate import BSpline

Kind = Literal["natural", "b-spline", "classes", "harmonics"]

SMALLEST = 1e-6
"""Share of the largest singular value below which a direction is rounding, not data."""

VALUES_A_COLUMN = 2
"""Different values of a feature behind every column of an estimate. With a column less than
values, 14 values of 5 rows each have 95 % bands that hold a straight line in 56 % of 16
records, with half as many in 94 % (law in `tests/sciren/inference/intervals/test_bands.py`)."""

LEAST_COLUMNS = 4  # one piece


@dataclass(frozen=True, eq=False)
class CurveBasis:
    """Basis of the curves of one feature.

    Attributes:
        columns: (n, c) on the data: mean zero, mean square one, orthogonal.
        penalty: (c, c), coefficients' integral of f''^2 in units of the feature's sd.
        knots: the places of the pieces, unit of the feature; for "classes" their
            numbers, for "harmonics" period and count.
        kind: of the pieces, see `PIECES`.
        centre, unit: mean and deviation of the feature.
        mean: (r,) of the raw columns;  transform: (r, c) raw columns to these.
    """

    columns: np.ndarray
    penalty: np.ndarray
    knots: np.ndarray
    kind: Kind
    centre: float
    unit: float
    mean: np.ndarray
    transform: np.ndarray

    @property
    def size(self) -> int:
        """Number of columns c."""
        return self.columns.shape[1]

    def at(self, x: np.ndarray) -> np.ndarray:
        """Return the columns (k, c) at other values (k,) of the feature."""
        if not self.size:
            return np.zeros((len(x), 0))
        scaled = (np.asarray(x, dtype=float) - self.centre) / self.unit
        knots = (self.knots - self.centre) / self.unit
        values = PIECES[self.kind](scaled, knots)
        unknown = np.isfinite(scaled) & ~values.any(1) & (self.kind == "classes")
        # a class that no row had has the mean effect
        return np.where(unknown[:, None], 0.0, values - self.mean) @ self.transform

    def take(self, rows: np.ndarray) -> "CurveBasis":
        """Return the same functions with their columns on some of the rows only."""
        return replace(self, columns=self.columns[rows])

    def to_json(self) -> dict[str, Any]:
        """Return the functions as plain numbers, without their columns on the data."""
        return {
            "kind": self.kind,
            "knots": self.knots.tolist(),
            "centre": self.centre,
            "unit": self.unit,
            "mean": self.mean.tolist(),
            "transform": self.transform.tolist(),
            "penalty": self.penalty.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CurveBasis":
        """Read what `to_json` wrote; there are no columns on data."""
        knots, mean = np.array(stored["knots"]), np.array(stored["mean"])
        size = len(stored["penalty"])
        penalty = np.array(stored["penalty"], dtype=float).reshape(size, size)
        transform = np.array(stored["transform"], dtype=float).reshape(-1, size)
        kind: Kind = next(
            option for option in get_args(Kind) if option == stored["kind"]
        )
        return cls(
            np.zeros((0, size)), penalty, knots, kind, float(stored["centre"]),
            float(stored["unit"]), mean, transform,
        )  # fmt: skip


def natural_splines(x: np.ndarray, columns: int = 3) -> CurveBasis:
    """Natural cubic splines with knots at even quantiles, ends included.

    Knots further inside leave straight tails that misfit a parabola, and correlated
    neighbours are then kept for the misfit (measured: false discoveries of backward F
    tests 35 % instead of 18 % at 2,000 rows).

    Args:
        x: (n,) finite values.
        columns: at most so many; fewer where x has few different values.
    """
    x = np.asarray(x, dtype=float)
    knots = _distinct_knots(x, columns + 1)
    centre, unit = _standard(x)
    if len(knots) < 2:
        return _empty(x, knots)

    scaled = (knots - centre) / unit
    values = _natural((x - centre) / unit, scaled)
    bending = _natural_bending(scaled)
    return orthonormal(values, bending, knots, "natural", centre, unit)


def penalised_splines(x: np.ndarray, columns: int = 8) -> CurveBasis:
    """Cubic B-splines with a penalty on the second derivative.

    Knots lie midway between even quantiles and even spacing: quantiles alone leave wide
    gaps at the ends, even spacing leaves pieces without data.

    Args:
        x: (n,) finite values.
        columns: at most so many after centring (at least 4).
    """
    x = np.asarray(x, dtype=float)
    distinct = len(np.unique(x))
    if distinct <= 4:
        return natural_splines(x, 3)
    # A column of every second value at most: a curve through all of them swings in the gaps
    # between, and its band with it. K pieces have K + 3 splines, one of which the centring
    # takes.
    columns = min(columns, max(distinct // VALUES_A_COLUMN, LEAST_COLUMNS))
    pieces = max(columns + 1 - 3, 1)
    share = np.linspace(0, 1, pieces + 1)
    low, high = float(x.min()), float(x.max())
    inner = 0.5 * (np.quantile(x, share) + low + (high - low) * share)
    centre, unit = _standard(x)
    scaled = (inner - centre) / unit
    values = _b_splines((x - centre) / unit, scaled)
    bending = _b_spline_bending(scaled)
    return orthonormal(values, bending, inner, "b-spline", centre, unit)


# -- pieces -------------------------------------------------------------------------
def _standard(x: np.ndarray) -> tuple[float, float]:
    unit = float(x.std())
    return float(x.mean()), unit if unit > 0 else 1.0


def _distinct_knots(x: np.ndarray, count: int) -> np.ndarray:
    """Quantiles of x; where ties make them coincide, quantiles of its distinct values.

    So few values are the knots themselves: between two of them nothing but the straight
    line is known, and a curve with knots in the gap would bend there as it likes.
    """
    share, distinct = np.linspace(0, 1, count), np.unique(x)
    knots = np.unique(np.quantile(x, share))
    if len(distinct) <= count:
        knots = distinct
    elif len(knots) < count:
        knots = np.unique(np.quantile(distinct, share))
    span = knots[-1] - knots[0]
    if span <= 1e-12 * max(np.abs(knots).max(), 1e-300):
        return knots[:1]
    # Knots that differ by rounding would leave a piece without width.
    apart = np.concatenate(([True], np.diff(knots) > 1e-9 * span))
    return knots[apart]


def _empty(x: np.ndarray, knots: np.ndarray) -> CurveBasis:
    nothing = np.zeros((len(x), 0))
    return CurveBasis(
        nothing, np.zeros((0, 0)), knots, "natural", *_standard(x), np.zeros(0),
        np.zeros((0, 0)),
    )  # fmt: skip


def _natural(z: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return z and the truncated cubic differences d_k - d_(K-1), (n, K - 1)."""
    # d_k = ((z - knot_k)^3+ - (z - last)^3+) / (last - knot_k), whose differences are
    # straight beyond the last knot (Hastie et al., equation 5.4).
    cubes = np.maximum(z[:, None] - knots, 0.0) ** 3
    last = knots[-1]
    slopes = (cubes[:, :-1] - cubes[:, -1:]) / (last - knots[:-1])
    return np.column_stack((z, slopes[:, :-1] - slopes[:, -1:]))


def _natural_bending(knots: np.ndarray) -> np.ndarray:
    """Integral of products of second derivatives, which are straight between knots."""
    seconds = np.zeros((len(knots), len(knots) - 1))
    for k in range(len(knots) - 2):
        # Second derivative of the truncated cube (x - knot)^3 over the distance to the
        # end.
        own = 6 * np.maximum(knots - knots[k], 0) / (knots[-1] - knots[k])
        end = 6 * np.maximum(knots - knots[-2], 0) / (knots[-1] - knots[-2])
        seconds[:, k + 1] = own - end
        # at and beyond the last knot both truncated cubes cancel
        seconds[-1, k + 1] = 0.0
    return _straight_products(seconds, np.diff(knots))


def _straight_products(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Integrate products of functions that are straight between their knots.

    Args:
        values: (K, c) at the knots;  steps: (K - 1,) distances.
    """
    left, right = values[:-1], values[1:]
    # Over a step h, lines from a to b and from c to d: h (2 a c + a d + b c + 2 b d) /
    # 6.
    weight = (steps / 6)[:, None]
    mixed = (weight * left).T @ right
    return (
        2 * (weight * left).T @ left + 2 * (weight * right).T @ right + mixed + mixed.T
    )


def _knot_vector(knots: np.ndarray) -> np.ndarray:
    # Fourfold ends: the splines begin and end with the data.
    return np.concatenate((np.repeat(knots[0], 3), knots, np.repeat(knots[-1], 3)))


def _b_splines(z: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Cubic B-splines (n, K + 2), straight beyond the outermost knots."""
    vector = _knot_vector(knots)
    if not len(z):  # scipy asks the rows for their range
        return np.zeros((0, len(knots) + 2))
    inside = np.clip(z, knots[0], knots[-1])
    result = BSpline.design_matrix(inside, vector, 3).toarray()
    beyond = z - inside
    if beyond.any():
        ends = knots[[0, -1]]
        slopes = _all_b_splines(vector).derivative()(ends)
        result += np.where(beyond < 0, beyond, 0.0)[:, None] * slopes[0]
        result += np.where(beyond > 0, beyond, 0.0)[:, None] * slopes[1]
    return result


def _all_b_splines(vector: np.ndarray) -> BSpline:
    return BSpline(vector, np.eye(len(vector) - 4), 3)


def _b_spline_bending(knots: np.ndarray) -> np.ndarray:
    second = _all_b_splines(_knot_vector(knots)).derivative(2)
    return _straight_products(second(knots), np.diff(knots))


def class_columns(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (n, C): one where a value is the class; missing where it is missing."""
    values = (x[:, None] == codes).astype(float)
    return np.where(np.isnan(x)[:, None], np.nan, values)


def harmonics(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return cosines and sines of 1, 2, ... turns, (n, 2 count).

    Args:
        knots: period and count.
    """
    turns = np.arange(1, int(knots[1]) + 1)
    angle = 2 * np.pi * np.outer(x, turns) / knots[0]
    return np.stack((np.cos(angle), np.sin(angle)), axis=2).reshape(len(x), -1)


PIECES: dict[Kind, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "natural": _natural,
    "b-spline": _b_splines,
    "classes": class_columns,
    "harmonics": harmonics,
}
"""Raw columns of every kind: (values in units of the basis, knots) -> (n, r)."""


def orthonormal(
    values: np.ndarray,
    bending: np.ndarray,
    knots: np.ndarray,
    kind: Kind,
    centre: float,
    unit: float,
) -> CurveBasis:
    """Return raw columns (n, r) as a basis: centred, mean square one, orthogonal.

    Args:
        values: raw columns;  bending: (r, r) penalty of their coefficients.
        knots, kind, centre, unit: as in `CurveBasis`.
    """
    mean = values.mean(0)
    centred = values - mean
    # The singular vectors are orthogonal on the data: coefficients of unlike raw
    # columns get one unit, and directions that the data cannot tell apart drop out.
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    keep = sizes > SMALLEST * sizes[0]
    root = np.sqrt(len(values))
    transform = right[keep].T * (root / sizes[keep])
    columns = left[:, keep] * root
    penalty = transform.T @ bending @ transform
    return CurveBasis(columns, penalty, knots, kind, centre, unit, mean, transform)
