"""Curves that no family of the search holds, tried in place of each curve of a sum.

Each rival is linear in its amplitudes; its one or two inner constants are searched on a
grid and refined. Everything else of the formula may move along its tangent meanwhile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from symbolic.composition.decision.record import Rival
from symbolic.composition.decision.spans import orthonormal_span
from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray
Shape = Callable[[Array, Array], Array]

REFINED = 2  # starts from the grid that are refined


@dataclass(frozen=True)
class Family:
    """A curve of x scaled to -1..1: columns that are linear in their amplitudes.

    Attributes:
        name: as it is shown.  columns: (x, inner constants) -> (n, amplitudes).
        grid: inner constants (m, c) to start from.  size: number of constants.
    """

    name: str
    columns: Shape
    grid: Array
    size: int


def _grid(*axes: Array) -> Array:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes)], axis=1)


# Grids for x between -1 and 1: centres inside, poles and origins of powers outside.
_CENTRES = np.linspace(-0.8, 0.8, 9)
_POLES = np.concatenate([-1 - np.geomspace(0.05, 6, 12), 1 + np.geomspace(0.05, 6, 12)])
_BELOW = -1 - np.geomspace(0.02, 4, 8)
_POWERS = np.array([-2.0, -0.5, 0.25, 0.5, 1.5, 3.0])


def _column(values: Array) -> Array:
    return values[:, None]


def _power(x: Array, inner: Array) -> Array:
    return _column(np.maximum(x - inner[0], 1e-9) ** np.clip(inner[1], -6, 6))


FAMILIES = (
    Family(
        "cubic", lambda x, _: np.stack([x, x * x, x**3], axis=1), np.zeros((1, 0)), 3
    ),
    Family("reciprocal", lambda x, c: _column(1 / _away(x - c[0])), _POLES[:, None], 2),
    Family(
        "logistic",
        lambda x, c: _column(1 / (1 + np.exp(-np.clip((x - c[0]) / c[1], -50, 50)))),
        _grid(_CENTRES, np.geomspace(0.04, 0.8, 6)),
        3,
    ),
    Family(
        "sine",
        lambda x, c: np.stack([np.sin(c[0] * x), np.cos(c[0] * x)], axis=1),
        np.linspace(1.0, 14.0, 40)[:, None],
        3,
    ),
    Family(
        "bell",
        lambda x, c: _column(np.exp(-(((x - c[0]) / c[1]) ** 2))),
        _grid(_CENTRES, np.geomspace(0.1, 1.2, 6)),
        3,
    ),
    Family("power", _power, _grid(_BELOW, _POWERS), 3),
    Family(
        "exp of reciprocal",
        lambda x, c: _column(np.exp(np.clip(c[1] / (x - c[0]), -50, 50))),
        _grid(_BELOW, np.array([-4.0, -1.5, -0.5, 0.5, 1.5])),
        3,
    ),
)


def _away(distance: Array) -> Array:
    return np.where(np.abs(distance) < 1e-6, 1e-6, distance)


def rivals(regression: Regression, model: Model, rss: float) -> Iterator[Rival]:
    """Yield the best member of every rival family for every curve of a sum.

    Args:
        rss: weighted sum of squares of the fitted model.
    """
    evaluator = Evaluator(regression.columns, model)
    value, tangent = evaluator.value_jacobian(model.pack())
    weight = regression.weight
    residual = regression.target - regression.without(value * weight)
    spans = _spans(model)
    for k, term in enumerate(model.additive):
        own = spans[k]
        # a line has no curve to be mistaken
        if term.family == "linear":
            continue
        # everything else of the formula moves along its tangent; its own term is taken out
        others = np.delete(tangent, np.r_[own], axis=1) * weight[:, None]
        basis = orthonormal_span(regression.without(others))
        alone = Evaluator(regression.columns, Model(additive=(term,)))
        curve, _ = alone.value_jacobian(np.array(term.constants))
        target = residual + regression.without(curve * weight)
        target = target - basis @ (basis.T @ target)
        z = regression.columns[term.feature].z
        x = 2 * (z - z.min()) / max(float(np.ptp(z)), 1e-300) - 1
        for family in FAMILIES:
            left = _misfit(regression, family, x, target, basis)
            gain = len(z) * np.log(rss / max(left, 1e-12 * len(z)))
            # BIC: each further constant has to gain log N
            more = family.size - len(term.constants)
            gain -= more * np.log(len(z))
            yield Rival((term.feature,), family.name, float(gain), more)


def _spans(model: Model) -> list[slice]:
    """Where the constants of each term of the additive part stand."""
    inner = sum(
        len(node.head) + sum(len(term.constants) for term in node.terms)
        for node in model.nodes
    )
    spans, at = [], inner
    for term in model.additive:
        spans.append(slice(at, at + len(term.constants)))
        at += len(term.constants)
    return spans


def _misfit(
    regression: Regression, family: Family, x: Array, target: Array, basis: Array
) -> float:
    """Smallest sum of squares of a family, its amplitudes and the rest free."""

    def misfit(inner: Array) -> float:
        columns = family.columns(x, inner)
        # amplitudes are free, so columns may have any
        # size; of size one their rank can be judged
        columns = columns / np.maximum(np.abs(columns).max(0), 1e-300)
        free = regression.without(columns * regression.weight[:, None])
        free = free - basis @ (basis.T @ free)
        left, values, _ = np.linalg.svd(free, full_matrices=False)
        # columns that the rest of the formula spans explain nothing of their own
        left = left[:, values > 1e-7 * np.sqrt(len(x))]
        moment = left.T @ target
        return float(target @ target - moment @ moment)

    with np.errstate(all="ignore"):
        # 1. Every inner constant on the grid, amplitudes in closed form.
        starts = [(misfit(inner), k) for k, inner in enumerate(family.grid)]
        regression.work.add(len(x), family.size * len(starts), basis.shape[1])
        starts.sort()
        best = starts[0][0]
        # 2. Nelder-Mead from the best: two constants at most, and kinks do not trouble it.
        if family.grid.shape[1] == 0:
            return best
        for _, k in starts[:REFINED]:
            result = minimize(
                misfit, family.grid[k], method="Nelder-Mead",
                options={"maxfev": 60, "xatol": 1e-3, "fatol": 1e-4 * best},
            )  # fmt: skip
            best = min(best, float(result.fun))
    return best
