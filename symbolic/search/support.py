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
    # a share for large tables, a number of rows for small ones
    least = max(LEAST_ROWS, LEAST_SHARE * len(z))
    return min(above, len(z) - above) >= least and _has_a_slope(edge, z)


def _has_a_slope(edge: EdgeTerm, z: np.ndarray) -> bool:
    """Whether ten rows lie on the steep part of a sigmoid, from 12 to 88 % of its rise.

    With fewer it is a jump, whose steepness no row holds.
    """
    if edge.form is None or edge.form.family not in ("logistic", "tanh"):
        return True
    _, rate, middle = edge.constants
    # 1 / (1 + exp(-k (z - m))) is 12 and 88 % at m -+ 2 / k, (1 + tanh(k (z - m))) / 2 at
    # m -+ 1 / k
    reach = (2.0 if edge.form.family == "logistic" else 1.0) / max(abs(rate), 1e-300)
    return int(np.sum(np.abs(z - middle) <= reach)) >= LEAST_ROWS
