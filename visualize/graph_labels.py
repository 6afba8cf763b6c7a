"""Places for the formulas on a graph's edges, where they hide nothing."""

from collections.abc import Sequence

import networkx as nx
import numpy as np

from visualize.graph_layout import INDENT, Array, Layout, Rectangle
from visualize.graph_texts import LABEL, label_text
from visualize.mathtext import text_size

Edge = tuple[str, str]

MOST_BESIDE = 9  # more formulas than this go into the list below the graph
_ALONG = (0.45, 0.40, 0.35, 0.50, 0.30, 0.55, 0.60, 0.25, 0.65, 0.70)  # of the span
_TAIL = 0.36  # inches that an edge needs to bend behind its label
_PAD = (0.12, 0.08)  # room about a label's text
_AIR = 0.03  # inches between labels, and around nodes


def places_beside(
    graph: nx.DiGraph, layout: Layout, edges: Sequence[Edge]
) -> dict[Edge, Rectangle] | None:
    """Return a place on each edge for its formula; None when one hides anything.

    Args:
        graph: see `visualize.encoder_graph`.
        layout: where the nodes and edges are, laid out with ``labels``.
        edges: the edges to label.
    """
    places: dict[Edge, Rectangle] = {}
    sizes = label_sizes(graph, edges)
    for edge, (width, height) in zip(edges, sizes, strict=True):
        curve, label = layout.curves[edge], label_text(graph.edges[edge])
        # A shortened formula, or one with no room behind it to bend, is better read in
        # the list.
        if "…" in label or curve.span[1] - curve.span[0] < curve.stem + _TAIL:
            return None
        # On the straight stem just behind the source.
        x = curve.span[0] + INDENT + width / 2
        places[edge] = Rectangle(x, float(curve.start[1]), width, height)
        taken = [*layout.nodes.values(), *(places[e] for e in places if e != edge)]
        if any(places[edge].overlaps(box, _AIR) for box in taken):
            return None
    # All or nothing: a formula that must be looked for in two places is found in
    # neither.
    samples = _samples(layout, edges)
    hidden = any(_crossings(samples, i, places[e]) for i, e in enumerate(edges))
    return None if hidden else places


def label_sizes(graph: nx.DiGraph, edges: Sequence[Edge]) -> list[tuple[float, float]]:
    """Width and height of the labels of some edges, frame included."""
    sizes = (text_size(label_text(graph.edges[edge]), LABEL) for edge in edges)
    return [(width + _PAD[0], height + _PAD[1]) for width, height in sizes]


def place_badges(
    layout: Layout, edges: Sequence[Edge], sizes: Sequence[tuple[float, float]]
) -> dict[Edge, Rectangle]:
    """Put a small rectangle on each edge, off the nodes, each other and other edges.

    An edge without any free place is left out.
    """
    placed: dict[Edge, Rectangle] = {}
    samples = _samples(layout, edges)
    for index, edge in enumerate(edges):
        low, high = layout.curves[edge].span
        taken = [*layout.nodes.values(), *placed.values()]
        free = []
        for rank, share in enumerate(_ALONG):
            x, y = layout.curves[edge].at(low + share * (high - low))
            spot = Rectangle(x, y, *sizes[index])
            if not any(spot.overlaps(box, _AIR) for box in taken):
                # Fewest hidden edges first, then the place nearest to the preferred
                # one.
                free.append((_crossings(samples, index, spot), rank, spot))
        if free:
            placed[edge] = min(free, key=lambda option: option[:2])[2]
    return placed


def _samples(layout: Layout, edges: Sequence[Edge]) -> Array:
    """Points (edges, m, 2) on the curves of some edges."""
    return np.array([layout.curves[edge].sample() for edge in edges])


def _crossings(samples: Array, own: int, spot: Rectangle) -> int:
    """How many other edges a rectangle would hide a piece of."""
    half = (spot.width / 2, spot.height / 2)
    # samples (edges, m, 2) -> (edges, m): which points of which edge lie under the
    # rectangle.
    inside = np.all(abs(samples - (spot.x, spot.y)) < half, axis=2)
    hidden = np.flatnonzero(np.sum(inside, axis=1))
    return len(hidden) - int(own in hidden)
