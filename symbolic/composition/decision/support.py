"""Whether the rows carry a formula: turns and steep ends with rows on them, no patchwork."""

from collections import Counter

import numpy as np

from symbolic.composition.decision.size import INFORMATIVE, curved, information
from symbolic.composition.fitting.model import Model, Term, node_sum, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.written_out import edge_term
from symbolic.composition.search import ScoredModel
from symbolic.terms.support import LEAST_ROWS, LEAST_SHARE, enough
from symbolic.terms.support import supported as turns_among_rows

FLAT_END = {"exp", "log", "michaelis_menten", "reciprocal", "arrhenius"}
"""Families with a flat end: if all rows but a few lie on it, the steep end fits those few."""

FLAT_SHARE = 0.05  # of the range of a curve within which rows lie on its flat end


def supported(regression: Regression, form: ScoredModel) -> bool:
    """Whether every kink, step, sigmoid, bell and steep end has enough rows on both sides.

    Steep ends count where rows are few or noisy: others would show that the form is wrong.
    """
    columns, model = regression.columns, form.model
    few = information(regression, form.rss) < INFORMATIVE
    if few and not all(_rises_among_rows(regression, term) for term in model.terms()):
        return False
    return all(
        turns_among_rows(edge_term(term, columns[term.feature])[0],
                         columns[term.feature].z)
        for term in model.terms()
    ) and all(
        enough(int(np.sum(node_sum(columns, node) + node.head[0] > 0)), len(regression))
        for node in model.nodes
        if node.kind == "abs"
    )  # fmt: skip


def _rises_among_rows(regression: Regression, term: Term) -> bool:
    """Whether enough rows lie off the flat end of a curve, and off its steep one."""
    if term.family not in FLAT_END:
        return True
    value = term_value(regression.columns, term)
    above = value - value.min() > FLAT_SHARE * np.ptp(value)
    below = value.max() - value > FLAT_SHARE * np.ptp(value)
    rows = len(value)
    least = max(LEAST_ROWS, LEAST_SHARE * rows)
    return min(int(above.sum()), int(below.sum())) >= least


def patchwork(model: Model) -> tuple[int, ...]:
    """Features whose curve is patched together from several curves.

    A feature in two curved terms, or a curve of a curve, follows any smooth line, and so does
    one that bends both inside another outer function and beside it; it describes the data and
    is no equation. Not patched are an exponential of a parabola (a bell), a line beside one
    curve, factors of a product, and curves inside a node of several features, whose outer
    function shows in their interaction.
    """
    curves = Counter(term.feature for term in model.additive if curved(term))
    nested = []
    for node in model.nodes:
        inner = [term for term in node.terms if curved(term)]
        if node.kind == "product":
            curves.update(term.feature for term in inner)
            continue
        # an outer function bends every feature inside it
        curves.update(term.feature for term in node.terms)
        # exp of a parabola is a bell, which is a curve of its own
        bell = node.kind == "exp" and all(
            t.family in ("quadratic", "square") for t in inner
        )
        if len({term.feature for term in node.terms}) == 1 and not bell:
            nested += [term.feature for term in inner]
    twice = [feature for feature, count in curves.items() if count > 1]
    return tuple(sorted({*nested, *twice}))
