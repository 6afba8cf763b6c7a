"""Results of the benchmarks as lines of one Markdown table."""

from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """One result.

    Attributes:
        what: workload.  ours: our figure.  against: comparison or further figures.
        asked: floor and goal, or a bound.  verdict: which of them is met.
    """

    what: str
    ours: str
    against: str = ""
    asked: str = ""
    verdict: str = ""


def markdown(lines: Sequence[Line]) -> str:
    """Return a Markdown table."""
    head = ("workload", "ours", "comparison", "floor / goal", "met")
    rows = [head, tuple("---" for _ in head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
