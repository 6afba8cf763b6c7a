"""The graph of the encoder as an SVG element whose edges are links to their curves.

Drawn here and not by matplotlib, because every edge must be an element that a reader can
touch and a script can find, in the colours of the page; places come from the layout
that the figures of a run have too.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import networkx as nx

from visualize.graph import without_feedback
from visualize.graph_drawing import describe_graph
from visualize.graph_layout import Curve, Layout, Rectangle, lay_out, learned
from visualize.graph_texts import node_text
from visualize.labels import percent
from visualize.style import family_colour, text_colour

SCALE = 100.0  # pixels an inch: names are as large as the text beside the graph
WIDE, NARROW = 9.2, 3.3  # inches that a desktop and a phone have
SMALLEST = 0.75  # of its size on a narrow page: names stay above 10 pixels
CROWDED = 5  # learned edges beyond which shares show only when touched
THIN, THICK = 1.4, 8.0  # pixels of an edge without importance, added at full importance


def network_svg(graph: nx.DiGraph, width: float = WIDE) -> str:
    """Return a graph of `visualize.encoder_graph` as SVG; equal graphs, equal text.

    Edges carry ``data-edge="source -> target"`` and lead to ``#edge-<number>``, see
    `edge_id`.
    """
    # States that feed back into the process would be drawn as loops across the columns.
    graph = without_feedback(graph)
    layout = lay_out(graph, width)
    across, down = layout.width * SCALE, layout.height * SCALE
    # Edges first: what comes later in an SVG lies on top, and names must stay readable.
    edges = [
        _edge(graph, edge, curve, layout.height)
        for edge, curve in layout.curves.items()
    ]
    nodes = [
        _node(graph, node, place, layout.height) for node, place in layout.nodes.items()
    ]
    many = sum(learned(attributes) for _, _, attributes in graph.edges(data=True))
    kinds = "network crowded" if many > CROWDED else "network"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kinds}" role="group" '
        f'aria-label="{escape(describe_graph(graph))}" width="{across:.0f}" '
        f'height="{down:.0f}" viewBox="0 0 {across:.0f} {down:.0f}" '
        f'style="min-width:{SMALLEST * across:.0f}px">'
        f"{''.join(edges)}{''.join(nodes)}{_captions(layout)}</svg>"
    )


def edge_id(source: str, target: str) -> str:
    """Return the address of an edge in the page, safe in HTML and in links."""
    text = f"{source} {target}".encode()
    return "edge-" + "".join(
        # Different names give different addresses, whatever letters they have.
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"_{byte:02x}"
        for byte in text
    )


def _captions(layout: Layout) -> str:
    return "".join(
        f'<text class="caption" x="{x * SCALE:.1f}" '
        f'y="{(layout.height - y) * SCALE + 4:.1f}">{escape(text)}</text>'
        for text, x, y in layout.captions
    )


def _edge(graph: nx.DiGraph, edge: tuple[str, str], curve: Curve, height: float) -> str:
    """A link around a visible line and a broad one that is easy to touch."""
    attributes = graph.edges[edge]
    source, target = (str(graph.nodes[node]["label"]) for node in edge)
    path = _path(curve, height)
    if attributes["family"] == "process":
        return f'<path class="process-edge" d="{path}"/>'
    share = min(max(attributes["importance"], 0.0), 1.0)
    kinds = ["edge"] + ["dropped"] * bool(attributes["dropped"])
    kinds += ["refused"] * bool(attributes["refused"])
    # The darker variant of a family's colour, which has enough contrast on white.
    colour = text_colour(family_colour(attributes["family"]))
    line = (
        f'<path class="line" d="{path}" style="stroke:{colour};'
        f'stroke-width:{THIN + THICK * share:.2f}"/>'
    )
    name = f"{source} \u2192 {target}"
    told = "dropped" if attributes["dropped"] else percent(attributes["importance"])
    return (
        f'<a class="{" ".join(kinds)}" href="#{edge_id(source, target)}" '
        f'data-edge="{escape(source)} -&gt; {escape(target)}" '
        f'aria-label="{escape(name)}, {told}"><title>{escape(name)}: {told}</title>'
        f'<path class="touch" d="{path}"/>{line}{_share(curve, height, attributes)}</a>'
    )


def _share(curve: Curve, height: float, attributes: Mapping[str, Any]) -> str:
    """The edge's share, written on it."""
    if not learned(attributes):
        return ""
    # Short of the middle of the way, where many edges cross.
    x, y = curve.sample()[34]
    return (
        f'<text class="share" x="{x * SCALE:.1f}" '
        f'y="{(height - y) * SCALE + 4:.1f}">{percent(attributes["importance"])}</text>'
    )


def _path(curve: Curve, height: float) -> str:
    points: Sequence[Any] = [curve.start, *curve.control]
    # The layout's y points up, that of SVG down.
    flipped = [f"{x * SCALE:.1f} {(height - y) * SCALE:.1f}" for x, y in points]
    # A straight stub first, then cubic Bezier curves by three points each.
    start, bent, *control = flipped
    return f"M{start}L{bent}C{' '.join(control)}"


def _node(graph: nx.DiGraph, node: str, place: Rectangle, height: float) -> str:
    attributes = graph.nodes[node]
    touching = [*graph.in_edges(node), *graph.out_edges(node)]
    alive = any(not graph.edges[edge]["dropped"] for edge in touching)
    x = (place.x - place.width / 2) * SCALE
    y = (height - place.y - place.height / 2) * SCALE
    kinds = f"node {attributes['kind']}{'' if alive else ' unused'}"
    return (
        f'<g class="{kinds}"><title>{escape(str(attributes["label"]))}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{place.width * SCALE:.1f}" '
        f'height="{place.height * SCALE:.1f}" rx="8"/>'
        f'<text x="{place.x * SCALE:.1f}" y="{(height - place.y) * SCALE + 5:.1f}">'
        f"{escape(node_text(attributes))}</text></g>"
    )
