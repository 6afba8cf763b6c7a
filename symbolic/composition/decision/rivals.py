"""Curves that no family of the search holds, in place of each curve of a sum or product."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sciren.solvers.spans import orthonormal_span
from symbolic.composition.decision.inner_rivals import refitted_inside
from symbolic.composition.decision.record import Rival, gain_of
from symbolic.composition.decision.rival_families import (
    RIVAL_FAMILIES,
    Place,
    scaled_to_one,
)
from symbolic.composition.fitting import model as models
from symbolic.composition.fitting.edge_families import CIRCULAR
from symbolic.composition.fitting.model import Evaluator, Model, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.term_slope import slope_by_term

Array = np.ndarray

SECONDS = 0.09
"""Of all families in one place: 0.08 to 0.09 on 60 to 5,000 rows."""


def rivals(regression: Regression, model: Model, rss: float) -> Iterator[Rival]:
    """Yield the best member of every rival family for every curve of a formula.

    Sums and products are linear in each of their curves, so that a rival is fitted as it
    would be. Inside another outer function it is fitted along the tangent first, and what does
    as well there is refitted with the node; the only feature of a node has no rivals.

    Args:
        rss: weighted sum of squares of the fitted model.
    """
    evaluator = Evaluator(regression.columns, model)
    value, tangent = evaluator.value_jacobian(model.pack())
    weight = regression.weight[:, None]
    residual = regression.target - regression.without(value * regression.weight)
    places = positions(model)
    for place in places:
        term, anchored = model.term(place), _anchored(model, place)
        # a line has no curve to be mistaken, and on a circle there are only waves
        if _alone(model, place) or term.family in ("linear", *CIRCULAR):
            continue
        slope = slope_by_term(regression.columns, model, place)
        # Everything else of the formula moves along its tangent; its own term is taken out.
        others = np.delete(tangent, _own(model, places, place), axis=1)
        if anchored or _inside(model, place):
            # A factor without an offset may be imitated by one with it, which is a constant
            # more; inside a node the head, or scale and offset together, are that constant.
            others = np.column_stack([others, slope])
        basis = orthonormal_span(regression.without(others * weight))
        curve = term_value(regression.columns, term)
        factor = slope * regression.weight
        target = residual + regression.without((curve - curve.mean()) * factor)
        target = target - basis @ (basis.T @ target)
        x = scaled_to_one(regression.columns[term.feature].z)
        asked = Place(x, factor, target, np.hstack([regression.projected, basis]))
        regression.work.seconds += SECONDS
        for family in RIVAL_FAMILIES:
            if term.family in family.holds:
                continue
            more = family.size - len(term.constants) + anchored
            left, inner = asked.best_member(family)
            rival = Rival(
                (term.feature,),
                family.name,
                gain_of(rss, left, more, regression.information),
                more,
            )
            if rival.as_good and _inside(model, place):
                left = refitted_inside(regression, model, place, family, inner)
                gain = gain_of(rss, left, more, regression.information)
                rival = replace(rival, gain=gain)
            yield rival


def _inside(model: Model, place: models.Place) -> bool:
    """Whether a term is summed with others inside another function."""
    h, _ = place
    return h >= 0 and model.nodes[h].kind != "product"


def _alone(model: Model, place: models.Place) -> bool:
    """Whether a term is a curve of a curve, of which any part can be moved to the other."""
    terms = model.nodes[place[0]].terms if _inside(model, place) else ()
    return bool(terms) and len({term.feature for term in terms}) == 1


def _anchored(model: Model, place: models.Place) -> bool:
    """Whether a term is a factor without an offset."""
    h, k = place
    return h >= 0 and model.nodes[h].kind == "product" and model.nodes[h].anchored[k]


def _own(model: Model, places: dict[models.Place, Array], place: models.Place) -> Array:
    """Positions of the constants that a rival makes superfluous.

    Those of the term, and the scales of the other factors of its product, which that of the
    rival stands for: along them the old curve would stay beside the rival.
    """
    h, _ = place
    factors = h >= 0 and model.nodes[h].kind == "product"
    scales = [own[:1] for other, own in places.items() if factors and other[0] == h]
    return np.unique(np.concatenate([places[place], *scales]))


def positions(model: Model) -> dict[models.Place, Array]:
    """Return place -> positions of the constants of its term in `Model.pack`."""
    places, at = {}, 0
    for h, k in model.places():
        # the head of a node stands before its terms
        at += len(model.nodes[h].head) if h >= 0 and k == 0 else 0
        end = at + len(model.term((h, k)).constants)
        places[h, k] = np.arange(at, end)
        at = end
    return places
