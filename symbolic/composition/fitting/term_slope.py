"""How a model follows one of its terms."""

from collections.abc import Sequence

import numpy as np

from symbolic.composition.fitting.columns import Column
from symbolic.composition.fitting.model import (
    Model,
    Place,
    factor_value,
    multiplied,
    node_sum,
    outer,
)

Array = np.ndarray


def slope_by_term(columns: Sequence[Column], model: Model, place: Place) -> Array:
    """Return the derivative (n,) of a model by the value of the term at a place.

    One for an additive term, the slope of the outer function inside a node of a sum, the
    other factors inside a product.
    """
    h, k = place
    if h < 0:
        return np.ones(len(columns[0].z))
    node = model.nodes[h]
    if node.kind == "product":
        others = [i for i in range(len(node.terms)) if i != k]
        return multiplied([factor_value(columns, node, i) for i in others])
    s = node_sum(columns, node)
    return outer(node.kind, node.sign, node.head[0], s)[1]
