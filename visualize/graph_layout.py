"""Where nodes, edges and labels of a layered graph go, in inches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from visualize.graph import FEEDBACK
from visualize.graph_texts import LABEL, label_text, node_text
from visualize.mathtext import text_size
from visualize.style import FONT, WIDTH

Array = NDArray[np.float64]

MARGIN = 0.12  # inches around the drawing: two lines of the widest edge
CAPTION = 0.26  # room for the name of a group of nodes
_PITCH = 0.54  # inches from node to node: a box of one line and half of it free
_DENSE = 0.44  # the same in tall graphs: the boxes do not touch yet
_BOX = 0.34  # height of a node
_PAD = 0.16  # room beside a node's name
_PORT = 0.075  # distance of edges that enter one node
_FEW = 7  # more rows than this stand closer
_BELOW = {"constant": 2, "forcing": 3, "state": 4}  # rank below the latents
_NAMES = {
    "feature": "features", "hidden": "hidden nodes", "latent": "latents",
    "constant": "constants", "forcing": "forcings", "process": "process",
    "state": "states, fed back",
    "target": "targets",
}  # fmt: skip
_SWEEPS = 4  # passes of the barycentre heuristic
_BEND = (0.5, 0.45)  # how far the control points of an edge reach into its gap
_GAPS = {"process": 0.6, "target": 0.4}  # inches wished for before a column
_TAIL = 0.75  # inches of an edge that should stay free beside its label
INDENT = 0.12  # inches between a node and a label on its edge


@dataclass(frozen=True)
class Rectangle:
    """An axis-parallel rectangle about its centre, inches, y upwards."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Rectangle", gap: float = 0.0) -> bool:
        """Whether two rectangles come closer than ``gap``."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + gap
            and abs(self.y - other.y) < (self.height + other.height) / 2 + gap
        )


@dataclass(frozen=True, eq=False)
class Curve:
    """An edge: straight to the right first, then bending towards its target.

    Args:
        start: (2,) where it leaves its source.
        stem: length of the straight part, zero for none.
        control: (4, 2) control points of the cubic Bezier curve that follows.
    """

    start: Array
    stem: float
    control: Array

    def sample(self, count: int = 80) -> Array:
        """Return (count, 2) points from the source to the target."""
        t = np.linspace(0, 1, count - 1)[:, None]
        # Bernstein polynomials (m, 4) times control points (4, 2).
        parts = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]
        return np.vstack([self.start, np.hstack(parts) @ self.control])

    def at(self, x: float) -> tuple[float, float]:
        """Return the point of the curve above ``x``."""
        points = self.sample()
        return x, float(np.interp(x, points[:, 0], points[:, 1]))

    @property
    def span(self) -> tuple[float, float]:
        """Return the horizontal ends."""
        return float(self.start[0]), float(self.control[3, 0])


@dataclass(frozen=True)
class Layout:
    """Places of a layered graph.

    Args:
        nodes: node -> its box.
        curves: (start, end) -> curve of the edge.
        width, height: size of the whole drawing.
        captions: name of a group of nodes, and where it stands.
    """

    nodes: Mapping[str, Rectangle]
    curves: Mapping[tuple[str, str], Curve]
    width: float
    height: float
    captions: Sequence[tuple[str, float, float]]


def learned(edge: Mapping[str, Any]) -> bool:
    """Whether an edge is a curve of the encoder that was kept."""
    return edge["family"] not in ("process", FEEDBACK) and not edge["dropped"]


def lay_out(graph: nx.DiGraph, width: float = WIDTH, labels: bool = False) -> Layout:
    """Place a graph in columns from left to right, with few crossings.

    Args:
        graph: nodes with ``kind``, ``layer`` and ``label``; edges with ``importance``
            and ``dropped`` (see `visualize.encoder_graph`).
        width: width of the drawing in inches; many long names make it wider.
        labels: make room for a formula on the straight beginning of each live edge.
    """
    # 1. Order within columns. 2. Widths and centres of columns. 3. Nodes from top to
    # bottom, a caption where a kind begins. 4. Curves between them.
    columns = _order(graph)
    widths = [max(_text_width(graph, node) for node in column) for column in columns]
    centres = _column_centres(graph, columns, widths, width, labels)
    pitch = _PITCH if max(map(len, columns)) <= _FEW else _DENSE
    nodes: dict[str, Rectangle] = {}
    captions = []
    for column, x, wide in zip(columns, centres, widths, strict=True):
        y = _top(graph, column, nodes, pitch)
        kind = ""
        for node in column:
            if graph.nodes[node]["kind"] != kind:
                kind = graph.nodes[node]["kind"]
                captions.append((_NAMES[kind], x, y - CAPTION / 2))
                y -= CAPTION
            tall = _node_height(graph, node)
            nodes[node] = Rectangle(x, y - tall / 2, wide, tall)
            y -= tall + pitch - _BOX
    return _framed(graph, nodes, captions, width, labels)


def _framed(
    graph: nx.DiGraph,
    nodes: Mapping[str, Rectangle],
    captions: Sequence[tuple[str, float, float]],
    width: float,
    labels: bool,
) -> Layout:
    """Move everything upwards until it stands on the lower margin."""
    # Columns were placed about their neighbours, so that only now the lowest node is
    # known.
    lift = MARGIN - min(box.y - box.height / 2 for box in nodes.values())
    moved = {node: replace(box, y=box.y + lift) for node, box in nodes.items()}
    lifted = [(name, x, y + lift) for name, x, y in captions]
    height = max(y for _, _, y in lifted) + CAPTION / 2 + MARGIN / 2
    right = max(box.x + box.width / 2 for box in moved.values()) + MARGIN
    curves = _curves(graph, moved, labels)
    return Layout(moved, curves, max(width, right), height, lifted)


def _top(
    graph: nx.DiGraph,
    column: Sequence[str],
    placed: Mapping[str, Rectangle],
    pitch: float,
) -> float:
    """Upper end of a column, centred on its live neighbours before it.

    Constants and forcings hang below the latents and do not count.
    """
    main = [n for n in column if graph.nodes[n]["kind"] not in _BELOW]
    tall = sum(_node_height(graph, n) + pitch - _BOX for n in main) - (pitch - _BOX)
    before = [placed[other] for n in main for other in graph.predecessors(n)]
    if not before:
        return CAPTION + tall / 2
    highest = max(box.y + box.height / 2 for box in before)
    lowest = min(box.y - box.height / 2 for box in before)
    return (highest + lowest) / 2 + tall / 2 + CAPTION


def _order(graph: nx.DiGraph) -> list[list[str]]:
    """Nodes of each column, swept by the barycentre heuristic of Sugiyama et al. (1981).

    Constants and forcings stay below the latents, and equal barycentres keep the order
    in which the nodes were given.
    """
    at = {node: int(graph.nodes[node]["layer"]) for node in graph}
    columns = [[n for n in graph if at[n] == i] for i in sorted(set(at.values()))]
    # Forwards a column follows its predecessors, backwards its successors; a few passes
    # in turn remove most crossings, more only swap them.
    for sweep in range(_SWEEPS):
        backwards = sweep % 2 == 1
        order = range(len(columns) - 2, -1, -1) if backwards else range(1, len(columns))
        for index in order:
            others = columns[index + 1] if backwards else columns[index - 1]
            columns[index] = _sorted_column(graph, columns[index], others)
    return columns


def _sorted_column(
    graph: nx.DiGraph, column: list[str], others: list[str]
) -> list[str]:
    place = {node: i / max(len(others) - 1, 1) for i, node in enumerate(others)}

    def key(item: tuple[int, str]) -> tuple[int, float]:
        index, node = item
        below = _BELOW.get(graph.nodes[node]["kind"], 0)
        # Barycentre: mean place of the neighbours, weighed by importance, so that broad
        # edges cross least; the small number counts edges without any.
        near = [
            (place[other], graph.edges[edge]["importance"] + 1e-3)
            for edge in _edges_at(graph, node)
            for other in edge
            if other in place and _live(graph, edge)
        ]
        if below or not near:
            # Nodes with no live edge sink to the end of their column, in the order
            # given.
            unused = not any(_live(graph, edge) for edge in _edges_at(graph, node))
            return max(below, int(unused)), index / max(len(column) - 1, 1)
        positions, weights = np.array(near).T
        return 0, float(np.average(positions, weights=weights))

    return [node for _, node in sorted(enumerate(column), key=key)]


def _edges_at(graph: nx.DiGraph, node: str) -> list[tuple[str, str]]:
    return [*graph.in_edges(node), *graph.out_edges(node)]


def _live(graph: nx.DiGraph, edge: tuple[str, str]) -> bool:
    return not graph.edges[edge]["dropped"]


def _text_width(graph: nx.DiGraph, node: str) -> float:
    return text_size(node_text(graph.nodes[node]), FONT, math=False)[0] + 2 * _PAD


def _node_height(graph: nx.DiGraph, node: str) -> float:
    """Tall enough for the edges on its busier side."""
    sides = (graph.in_edges(node), graph.out_edges(node))
    ports = max(sum(_live(graph, edge) for edge in side) for side in sides)
    return max(_BOX, min(_PORT * (ports + 1), 3 * _BOX))


def _column_centres(
    graph: nx.DiGraph,
    columns: Sequence[Sequence[str]],
    widths: Sequence[float],
    width: float,
    labels: bool,
) -> list[float]:
    """Share the free width among the gaps; long formulas get wide ones."""
    kinds = [graph.nodes[column[0]]["kind"] for column in columns[1:]]
    widths_wanted = [
        _TAIL + (_label_width(graph, column) if labels else 1.0)
        for column in columns[:-1]
    ]
    weights = np.array(
        [_GAPS.get(k, w) for k, w in zip(kinds, widths_wanted, strict=True)]
    )
    # At least half an inch a gap, or an edge has no room to bend: the drawing grows
    # wider.
    free = max(width - 2 * MARGIN - sum(widths), 0.5 * len(kinds))
    gaps = [*(free * weights / weights.sum()), 0.0]
    steps = [wide + gap for wide, gap in zip(widths, gaps, strict=True)]
    starts = MARGIN + np.cumsum([0.0, *steps[:-1]])
    return [float(x + wide / 2) for x, wide in zip(starts, widths, strict=True)]


def _label_width(graph: nx.DiGraph, nodes: Iterable[str]) -> float:
    """Width of the widest label on the live edges behind some nodes, in inches."""
    edges = (graph.edges[edge] for edge in graph.out_edges(nodes))
    texts = [label_text(edge) for edge in edges if learned(edge)]
    return max((text_size(text, LABEL)[0] for text in texts), default=0.0)


def _curves(
    graph: nx.DiGraph, nodes: Mapping[str, Rectangle], labels: bool
) -> dict[tuple[str, str], Curve]:
    """Curves from right sides to left sides; edges of one node keep apart."""
    leave = {n: _ports(graph, nodes, n, outgoing=True) for n in graph}
    enter = {n: _ports(graph, nodes, n, outgoing=False) for n in graph}
    # One stem a column, as long as its widest label: bends then begin on one line.
    stems = dict.fromkeys((box.x for box in nodes.values()), 0.0)
    for x in stems if labels else ():
        wide = _label_width(graph, [n for n in graph if nodes[n].x == x])
        stems[x] = wide + 2 * INDENT if wide else 0.0
    curves = {}
    for start, end in graph.edges:
        a, b = nodes[start], nodes[end]
        x0, y0 = a.x + a.width / 2, a.y + leave[start].get(end, 0.0)
        x1, y1 = b.x - b.width / 2, b.y + enter[end].get(start, 0.0)
        bent = x0 + stems[a.x]
        out, back = bent + _BEND[0] * (x1 - bent), x1 - _BEND[1] * (x1 - bent)
        control = np.array([(bent, y0), (out, y0), (back, y1), (x1, y1)])
        curves[start, end] = Curve(np.array([x0, y0]), stems[a.x], control)
    return curves


def _ports(
    graph: nx.DiGraph, nodes: Mapping[str, Rectangle], node: str, outgoing: bool
) -> dict[str, float]:
    """Neighbour -> vertical distance of its edge from the middle of the node."""
    neighbours = graph.successors(node) if outgoing else graph.predecessors(node)
    kept = [
        other
        for other in neighbours
        if not graph.edges[(node, other) if outgoing else (other, node)]["dropped"]
    ]
    # Ports in the order of their neighbours: edges at one node do not cross.
    kept.sort(key=lambda other: nodes[other].y)
    # Many edges share four fifths of the node's height.
    step = min(_PORT, 0.8 * nodes[node].height / max(len(kept), 1))
    return {other: step * (i - (len(kept) - 1) / 2) for i, other in enumerate(kept)}
