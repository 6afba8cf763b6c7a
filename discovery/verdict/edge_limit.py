"""How many edges are tested one by one, with intervals and bands."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sciren.model import ScIReN

MOST_EDGES = 100
"""Edges that are tested one by one; beyond, a screen says what it sees. Seconds, once, and
as many for intervals and bands: `python -m benchmarks.belief edges`."""

MOST_EXPENSIVE = 20
"""The same behind a process that is expensive: 40 edges through the 140-pool soil model at
1,018 sites took over four minutes, of a demo of one (`sciren demo soil-carbon`)."""


def most_edges(model: "ScIReN") -> int:
    """Return from how many edges on single edges are not tested."""
    return MOST_EXPENSIVE if model.decoder.expensive else MOST_EDGES
