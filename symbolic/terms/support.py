"""Whether rows stand on both sides of what a term turns about.

A kink, a threshold, the middle of a sigmoid and the top of a bell are bent by noise alone
where a few rows lie beyond them; the fit gains little and the form says much.
"""

import numpy as np

from symbolic.terms.edge_term import EdgeTerm

LEAST_ROWS, LEAST_SHARE = 10, 0.05
"""Rows on either side of a kink: fewer are bent by their own noise (measured: kinks at
the border of the data are the commonest imitation)."""

TURNS_AT = {
    "abs": 1, "piecewise_linear": 1, "threshold": 1, "logistic": 2, "tanh": 2,
    "gaussian": 2,
}  # fmt: skip
"""Family -> place of the constant, in units of the feature, that it turns about."""


def enough(above: int, rows: int) -> bool:
    """Whether enough of the rows lie above and below."""
    # a share for large tables, a number of rows for small ones
    return min(above, rows - above) >= max(LEAST_ROWS, LEAST_SHARE * rows)


def supported(edge: EdgeTerm, z: np.ndarray) -> bool:
    """Whether at least 5 % and ten rows lie on either side of the turn of a form."""
    place = None if edge.form is None else TURNS_AT.get(edge.form.family)
    if place is None:
        return True
    above = int(np.sum(z > edge.constants[place]))
    return enough(above, len(z)) and _has_a_slope(edge, z)


def _has_a_slope(edge: EdgeTerm, z: np.ndarray) -> bool:
    """Whether ten rows lie on the steep part of a sigmoid, from 12 to 88 % of its rise.

    With fewer it is a jump, whose steepness no row holds.
    """
    if edge.form is None or edge.form.family not in ("logistic", "tanh"):
        return True
    _, rate, middle = edge.constants
    # 1 / (1 + exp(-k (z - m))) is 12 and 88 % at m -+ 2 / k, (1 + tanh(k (z - m))) / 2 at
    # m -+ 1 / k
    half_width = (2.0 if edge.form.family == "logistic" else 1.0) / max(
        abs(rate), 1e-300
    )
    return int(np.sum(np.abs(z - middle) <= half_width)) >= LEAST_ROWS
