"""Whether the rows carry a formula: kinks with data on both sides, no patchwork."""

from collections import Counter

import numpy as np

from symbolic.composition.decision.size import curved
from symbolic.composition.fitting.model import Model, node_sum
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.written_out import edge_term
from symbolic.terms.support import enough
from symbolic.terms.support import supported as turns_among_rows


def supported(regression: Regression, model: Model) -> bool:
    """Whether every kink, step, sigmoid and bell has enough rows on both sides."""
    columns = regression.columns
    return all(
        turns_among_rows(edge_term(term, columns[term.feature])[0],
                         columns[term.feature].z)
        for term in model.terms()
    ) and all(
        enough(int(np.sum(node_sum(columns, node) + node.head[0] > 0)), len(regression))
        for node in model.nodes
        if node.kind == "abs"
    )  # fmt: skip


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
        bell = node.kind == "exp" and all(
            t.family in ("quadratic", "square") for t in inner
        )
        several = len({term.feature for term in node.terms}) > 1
        if node.kind == "product" or bell or several:
            curves.update(term.feature for term in inner)
            continue
        nested += [term.feature for term in inner]
        curves.update(term.feature for term in node.terms)
    twice = [feature for feature, count in curves.items() if count > 1]
    return tuple(sorted({*nested, *twice}))
