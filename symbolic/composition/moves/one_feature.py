"""One live feature: any outer function fits its splines, so all are tried on the curve.

The fitted curve is inverted under each outer function on a grid of its constant (folds
are opened at the curve's extreme), and every family is fitted to the result.
"""

from collections.abc import Iterator

import numpy as np

from symbolic.composition.fitting.levenberg import Levenberg
from symbolic.composition.fitting.model import Model, Node, Term, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.spline_models import sum_of_splines
from symbolic.composition.screening.starts import EXP_DISTANCES, LOG_SCALES
from symbolic.composition.search import Scored, Search

Array = np.ndarray

FINALISTS = 14


def one_feature(search: Search, feature: int) -> list[Scored]:
    """Search all outer functions over one feature, best first."""
    regression = search.regression
    splines = sum_of_splines(regression, [feature]).model.rest[0]
    curve = term_value(regression.columns, splines)
    starts = [
        Model(rest=(one.term,))
        for one in search.namer.rank(feature, curve, regression.weight**2)
    ]
    nodes = curve_nodes(search, feature, curve)
    starts += [Model(nodes=(node,)) for node in nodes]
    races = [Levenberg(regression, model).run(3) for model in starts]
    races.sort(key=lambda one: one.rss)
    plain = [search.score(model) for model in starts[: len(search.families)]]
    found = [*plain, *(search.score(race.fit().model) for race in races[:FINALISTS])]
    return sorted(found, key=lambda one: one.criterion)


def curve_nodes(search: Search, feature: int, curve: Array) -> Iterator[Node]:
    """Yield every outer function over the best families of each inverted curve."""
    weight = search.regression.weight
    for kind, sign, index, slope in inverted(search.regression, feature, curve):
        if not np.isfinite(index).all():
            continue
        share = (weight * slope) ** 2
        for one in search.namer.rank(feature, index, share)[:3]:
            if one.term.family == "linear":
                continue
            node = _node(search.regression, kind, sign, index, one.term)
            if node is not None:
                yield node


def _node(
    regression: Regression, kind: str, sign: float, index: Array, term: Term
) -> Node | None:
    level = float(index.mean())
    match kind:
        case "exp":
            return Node(kind, 1.0, (sign * float(np.exp(level)),), (term,))
        case "log":
            if level <= 0:
                return None
            first, *others = term.constants
            if term.family == "quadratic":
                others = [others[0] / level]
            scaled = Term(term.feature, term.family, (first / level, *others))
            return Node(kind, 1.0, (sign,), (scaled,))
    return Node(kind, sign, (level,), (term,))


def inverted(
    regression: Regression, feature: int, curve: Array
) -> Iterator[tuple[str, float, Array, Array]]:
    """Yield (kind, sign or amplitude, index, |dy/ds|) over the grids."""
    span = float(np.ptp(curve))
    if span <= 0:
        return
    for distance in EXP_DISTANCES:
        for sign in (1.0, -1.0):
            base = float(curve.min() if sign > 0 else curve.max())
            away = sign * (curve - base) + distance * span
            yield "exp", sign, np.log(away), away
    middle = float(np.median(curve))
    for share in LOG_SCALES:
        for sign in (1.0, -1.0):
            amplitude = sign * share * span
            index = np.exp((curve - middle) / amplitude)
            yield "log", amplitude, index, abs(amplitude) / index
    yield from _unfolded(regression.columns[feature].z, curve, span)


def _unfolded(
    z: Array, curve: Array, span: float
) -> Iterator[tuple[str, float, Array, Array]]:
    """Open folds at up to two extremes of the curve."""
    for sign in (1.0, -1.0):
        height = sign * curve
        for turns in turning_points(z, height):
            flip = np.ones(len(z))
            for at in turns:
                flip = np.where(z > at, -flip, flip)
            for gap in (0.0, 0.02, 0.3) if not turns else (0.0,):
                above = np.maximum(height - height.min() + gap * span, 0.0)
                index = flip * np.sqrt(above)
                yield "quadratic", sign, index, 2 * np.abs(index) + 1e-3
                yield "abs", sign, flip * above, np.ones(len(z))


def turning_points(z: Array, height: Array) -> list[tuple[float, ...]]:
    """Sets of lowest points at which a folded curve may change sign."""
    order = np.argsort(z, kind="stable")
    grid = np.linspace(0, len(z) - 1, 200).astype(int)
    x, y = z[order][grid], height[order][grid]
    lowest = [k for k in range(2, len(y) - 2) if y[k] == y[max(k - 6, 0) : k + 7].min()]
    limit = y.min() + 0.1 * float(np.ptp(y))
    low = sorted({float(x[k]) for k in lowest if y[k] <= limit})[:3]
    return [(), *((one,) for one in low), *([tuple(low)] if len(low) == 2 else [])]
