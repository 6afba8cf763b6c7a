"""An edge in another family: which learned curve it follows, and at what size."""

import numpy as np

from symbolic.search.starting import FittedEdge
from symbolic.terms.edge_term import EdgeTerm


def _centred(edge: FittedEdge, values: np.ndarray) -> np.ndarray:
    # The level of an edge belongs to the offset of its latent, so curves are compared about
    # their mean, weighted by where the data are.
    weight = edge.curve.weight / edge.curve.weight.sum()
    return values - float(weight @ values)


def likeness(edge: FittedEdge, term: EdgeTerm) -> float:
    """Squared correlation of a term with a learned curve, on the range of its data."""
    values, learned = (
        _centred(edge, term.value(edge.curve.x)),
        _centred(edge, edge.curve.y),
    )
    size = float((values @ values) * (learned @ learned))
    return float(values @ learned) ** 2 / size if size > 0 else 0.0


def mean_of(edge: FittedEdge | None, term: EdgeTerm) -> float:
    """Mean of a term over the data, zero where its learned curve is not known."""
    if edge is None:
        return 0.0
    weight = edge.curve.weight / edge.curve.weight.sum()
    return float(weight @ term.value(edge.curve.x))


def alternative(
    edge: FittedEdge, current: EdgeTerm, family: str
) -> tuple[EdgeTerm, float]:
    """Return an edge in another family, sized like the present term, and what its offset gains.

    Args:
        edge: learned curve with its fits;  current: the term that stands there now.
    """
    return _like(edge, current, edge.term(family)[0])


def as_learned(
    edge: FittedEdge, current: EdgeTerm
) -> tuple[tuple[EdgeTerm, float], tuple[EdgeTerm, float]]:
    """Return an edge as its learned curve, each like `alternative`: its own size, the present.

    Refits may have sized the edge anew together with constants of the process; a present
    term of another shape (an exponential that a few rows hold) says nothing of the size.
    """
    curve = edge.curve
    learned = EdgeTerm(curve.source, None, (), curve.table, edge.function)
    own = learned, mean_of(edge, current) - mean_of(edge, learned)
    return own, _like(edge, current, learned)


def _like(
    edge: FittedEdge, current: EdgeTerm, term: EdgeTerm
) -> tuple[EdgeTerm, float]:
    """Size a term of a learned curve like the present one."""
    # Refits may have grown or shrunk the edge since its curve was learned. The slope of the
    # present term on the learned curve says by how much, and the other family follows.
    learned = _centred(edge, edge.curve.y)
    present = _centred(edge, current.value(edge.curve.x))
    weight = edge.curve.weight
    factor = float((weight * present) @ learned) / float((weight * learned) @ learned)
    other = term.scaled(factor if abs(factor) > 1e-12 else 1.0)
    return other, mean_of(edge, current) - mean_of(edge, other)
