"""How much work a profile may cost, set by each kind of problem."""

from typing import NamedTuple


class Effort(NamedTuple):
    """Rows that a profile sees at most, steps and tolerance of each of its points."""

    rows: int
    steps: int
    tolerance: float
