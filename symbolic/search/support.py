"""What a search pays for forms that turn where no rows are (`symbolic.terms.support`)."""

from collections.abc import Sequence

import numpy as np

from symbolic.terms.structure import LatentStructure
from symbolic.terms.support import supported

UNSUPPORTED_PENALTY = 20.0
"""Units of the criterion: exp(20 / 2) = 20,000 is the factor by which the likelihood has to
prefer a turn without rows (very strong evidence begins at 10 units: Raftery 1995)."""


def unsupported(structures: Sequence[LatentStructure], z: np.ndarray) -> int:
    """Return the number of forms that turn where too few rows lie beyond.

    Args:
        z: (n, d) scaled features.
    """
    edges = [edge for structure in structures for edge in structure.all_edges]
    return sum(not supported(edge, z[:, edge.source]) for edge in edges)
