"""Backward elimination of spline terms by Wald tests; the last word is the search's."""

from dataclasses import replace

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, fit
from symbolic.composition.fitting.model import Model, Place, node_sum, term_value
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

SMALLEST_SHARE = 0.004
"""Share of the deviation of a sum below which a term goes."""

MOST_FEATURES = 6


def term_slices(model: Model) -> dict[Place, slice]:
    """Place of every term's constants in the packed vector."""
    found: dict[Place, slice] = {}
    at = 0
    for h, node in enumerate(model.nodes):
        at += len(node.head)
        for k, term in enumerate(node.terms):
            found[h, k] = slice(at, at + len(term.constants))
            at += len(term.constants)
    for k, term in enumerate(model.rest):
        found[-1, k] = slice(at, at + len(term.constants))
        at += len(term.constants)
    return found


def wald(regression: Regression, found: Fit) -> dict[Place, float]:
    """Wald F of every term: how many variances its constants are away from zero."""
    theta = found.model.pack()
    normal = found.normal.copy()
    normal.flat[:: len(theta) + 1] += 1e-10 * max(float(normal.diagonal().max()), 1e-30)
    free = max(len(regression) - len(theta) - regression.linear_size, 1)
    variance = max(found.rss / free, 1e-300)
    spread = np.linalg.inv(normal)
    result = {}
    for place, part in term_slices(found.model).items():
        block = spread[part, part]
        size = part.stop - part.start
        strength = theta[part] @ np.linalg.solve(block, theta[part])
        result[place] = float(strength) / (size * variance)
    return result


def shares(regression: Regression, model: Model) -> dict[Place, float]:
    """Deviation of every term as a share of that of its sum."""
    result: dict[Place, float] = {}
    rest = [term_value(regression.columns, term) for term in model.rest]
    if rest:
        whole = max(float(np.sum(rest, axis=0).std()), 1e-30)
        result |= {(-1, k): float(v.std()) / whole for k, v in enumerate(rest)}
    for h, node in enumerate(model.nodes):
        whole = max(float(node_sum(regression.columns, node).std()), 1e-30)
        for k, term in enumerate(node.terms):
            value = term_value(regression.columns, term)
            result[h, k] = float(value.std()) / whole
    return result


def eliminate(regression: Regression, found: Fit, iterations: int = 5) -> Fit:
    """Drop terms of one node, or of a plain sum, that the data do not notice.

    At most half of the candidates go at a time; what is left is refitted.
    """
    threshold = np.log(len(regression))
    while len(found.model.places()) > 1:
        strength = wald(regression, found)
        share = shares(regression, found.model)
        weak = [
            place
            for place in found.model.places()
            if strength[place] < threshold or share[place] < SMALLEST_SHARE
        ]
        excess = len(found.model.features) - MOST_FEATURES
        if not weak and excess > 0:
            weak = sorted(strength, key=lambda place: strength[place])[:excess]
        if not weak:
            break
        weak.sort(key=lambda place: strength[place])
        gone = weak[: max((len(weak) + 1) // 2, 1)]
        gone = gone[: len(found.model.places()) - 1]
        found = fit(regression, without(found.model, gone), iterations)
    return found


def without(model: Model, places: list[Place]) -> Model:
    """Return the model without the terms at some places; empty nodes go too."""
    gone = set(places)
    nodes = []
    for h, node in enumerate(model.nodes):
        terms = tuple(t for k, t in enumerate(node.terms) if (h, k) not in gone)
        if terms:
            nodes.append(replace(node, terms=terms))
    rest = tuple(t for k, t in enumerate(model.rest) if (-1, k) not in gone)
    return Model(rest, tuple(nodes))
