"""What is said about the proposals of a search."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from symbolic.composition.search import ScoredModel

Outcome = Literal["found", "not distinguishable", "refused", "nothing to find"]

CLEARLY = 2.0
"""Fall of BIC from which a rival with two constants more stands beside a curve (positive
evidence: Raftery 1995)."""

REFUTES = 6.0
"""Fall of BIC from which a rival is the better curve (strong evidence: Raftery 1995). Between
near equals the difference of two criteria scatters by several units: of 150 right curves, 60
or 150 rows, 12 were behind a rival by more than 2 and none by more than 6
(`benchmarks.imitations`, seeds 1000-1024)."""

AS_GOOD_WITHIN = 4.0
"""Units of BIC within which a form with no more constants is as good as another: twice what
is not worth a mention (Raftery 1995). Families of one curve are equal within
`symbolic.curves.criterion.EQUAL_WITHIN`."""

A_CURVE = "curve"
"""Name of the rival of a line that could bend: which curve it would be, nobody asked."""


@dataclass(frozen=True)
class Rival:
    """A curve in place of a term, or another outer function of a node.

    Attributes:
        features: columns of the term or node.  family: name of the curve.
        gain: fall of BIC against what it replaces, positive where the rival is better.
        more: constants that it has more.
    """

    features: tuple[int, ...]
    family: str
    gain: float
    more: int

    @property
    def as_good(self) -> bool:
        """Whether it is as good as what it stands for."""
        if self.more <= 0:
            return self.gain > -AS_GOOD_WITHIN
        return self.gain > (0.0 if self.more == 1 else CLEARLY)


def gain_of(rss: float, left: float, more: int, rows: float) -> float:
    """Return the fall of BIC from a sum of squares to what a rival leaves."""
    return rows * math.log(rss / max(left, 1e-12 * rows)) - more * math.log(rows)


@dataclass(frozen=True)
class Decision:
    """What is said about a finding.

    Attributes:
        outcome: "found", "not distinguishable", "refused" or "nothing to find".
        reason: why, one sentence; empty where the gate has the last word.
        next_step: what would settle it.
        equals: other forms of the class that the data cannot tell apart, plainest first.
        rivals: curves outside the families that fit as well, or better.
        explained: share of the variance of the target that the form explains.
    """

    outcome: Outcome
    reason: str = ""
    next_step: str = ""
    equals: "tuple[ScoredModel, ...]" = ()
    rivals: tuple[Rival, ...] = ()
    explained: float = 0.0


FOUND = Decision("found")
"""Nothing speaks against the form beside the gate."""
