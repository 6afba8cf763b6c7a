"""Whether rows stand on both sides of what a form turns about.

A kink, the middle of a sigmoid and the top of a bell are bent by noise alone where a few
rows lie beyond them; the fit gains little and the form says much.
"""

from collections.abc import Sequence

import numpy as np

from symbolic.composition.decision.support import LEAST_ROWS, LEAST_SHARE
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

TURNS_AT = {"abs": 1, "piecewise_linear": 1, "logistic": 2, "tanh": 2, "gaussian": 2}
"""Family -> place of the constant, in scaled units of the feature, that it turns about."""

UNSUPPORTED_PENALTY = 20.0
"""Units of the criterion: exp(20 / 2) = 20,000 is the factor by which the likelihood has to
prefer a turn without rows (very strong evidence begins at 10 units: Raftery 1995)."""


def unsupported(structures: Sequence[LatentStructure], z: np.ndarray) -> int:
    """Return the number of forms that turn where too few rows lie beyond.

    Args:
        z: (n, d) scaled features.
    """
    edges = [edge for one in structures for edge in one.all_edges]
    return sum(not supported(edge, z[:, edge.source]) for edge in edges)


def supported(edge: EdgeTerm, z: np.ndarray) -> bool:
    """Whether at least 5 % and ten rows lie on either side of the turn of a form."""
    place = None if edge.form is None else TURNS_AT.get(edge.form.family)
    if place is None:
        return True
    above = int(np.sum(z > edge.constants[place]))
    return min(above, len(z) - above) >= max(LEAST_ROWS, LEAST_SHARE * len(z))
