"""Whether the rows carry a formula: kinks with data on both sides, no patchwork."""

from collections import Counter

import numpy as np

from symbolic.composition.decision.size import curved
from symbolic.composition.fitting.model import Model, node_sum
from symbolic.composition.fitting.regression import Regression

LEAST_ROWS, LEAST_SHARE = 10, 0.05
"""Rows on either side of a kink: fewer are bent by their own noise (measured: kinks at
the border of the data are the commonest imitation)."""


def supported(regression: Regression, model: Model) -> bool:
    """Whether every kink has enough rows on both sides."""
    least = max(LEAST_ROWS, LEAST_SHARE * len(regression))
    return all(least <= side for side in _sides(regression, model))


def _sides(regression: Regression, model: Model) -> list[float]:
    """Rows on the emptier side of every kink."""
    sides = []
    for term in model.terms():
        if term.family == "abs":
            # the second constant of |z - v| is its place
            above = np.sum(regression.columns[term.feature].z > term.constants[1])
            sides.append(float(min(above, len(regression) - above)))
    for node in model.nodes:
        if node.kind == "abs":
            # an outer kink is where its argument changes sign
            above = np.sum(node_sum(regression.columns, node) + node.head[0] > 0)
            sides.append(float(min(above, len(regression) - above)))
    return sides


def patchwork(model: Model) -> tuple[int, ...]:
    """Features whose curve is patched together from several curves.

    A feature in two curved terms, or a curve of a curve, follows any smooth line; it
    describes the data and is no equation. Not patched are an exponential of a parabola (a
    bell), a line beside one curve, factors of a product, and curves inside a node of
    several features, whose outer function shows in their interaction.
    """
    curves = Counter(term.feature for term in model.additive if curved(term))
    nested = []
    for node in model.nodes:
        # exp of a parabola is a bell, which is a curve of its own
        inner = [term for term in node.terms if curved(term)]
        bell = node.kind == "exp" and all(t.family == "quadratic" for t in inner)
        several = len({term.feature for term in node.terms}) > 1
        if node.kind == "product" or bell or several:
            curves.update(term.feature for term in inner)
            continue
        nested += [term.feature for term in inner]
        curves.update(term.feature for term in node.terms)
    twice = [feature for feature, count in curves.items() if count > 1]
    return tuple(sorted({*nested, *twice}))
