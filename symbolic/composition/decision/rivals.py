"""Curves that no family of the search holds, tried in place of each curve of a sum."""

from collections.abc import Iterator

import numpy as np

from symbolic.composition.decision.record import Rival, gain_of
from symbolic.composition.decision.rival_families import (
    RIVAL_FAMILIES,
    Place,
    scaled_to_one,
)
from symbolic.composition.decision.spans import orthonormal_span
from symbolic.composition.fitting.edge_families import CIRCULAR
from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray


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
        # a line has no curve to be mistaken, and on a circle there are only waves
        if term.family in ("linear", *CIRCULAR):
            continue
        # everything else of the formula moves along its tangent; its own term is taken out
        others = np.delete(tangent, np.r_[spans[k]], axis=1) * weight[:, None]
        basis = orthonormal_span(regression.without(others))
        alone = Evaluator(regression.columns, Model(additive=(term,)))
        curve, _ = alone.value_jacobian(np.array(term.constants))
        target = residual + regression.without(curve * weight)
        target = target - basis @ (basis.T @ target)
        x = scaled_to_one(regression.columns[term.feature].z)
        place = Place(x, weight, target, np.hstack([regression.projected, basis]))
        rows = len(x)
        for family in RIVAL_FAMILIES:
            if term.family in family.holds:
                continue
            left = place.smallest(family)
            more = family.size - len(term.constants)
            regression.work.add(rows, family.size * len(family.grid), basis.shape[1])
            gain = gain_of(rss, left, more, regression.information)
            yield Rival((term.feature,), family.name, gain, more)


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
