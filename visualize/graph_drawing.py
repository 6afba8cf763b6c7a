"""Draw the graph of an encoder: formulas on their edges, or numbered and listed below."""

from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from visualize import graph_layout
from visualize.graph import without_feedback
from visualize.graph_labels import (
    MOST_BESIDE,
    Edge,
    label_sizes,
    place_badges,
    places_beside,
)
from visualize.graph_layout import MARGIN, Layout, lay_out, learned
from visualize.graph_texts import LABEL, formula_text, label_text, node_text
from visualize.labels import percent, shorten
from visualize.mathtext import text_size
from visualize.style import (
    FAINT,
    FAMILY_COLOURS,
    FONT,
    INK,
    MUTED,
    PANEL,
    SMALL,
    WIDTH,
    ShownFigure,
    family_colour,
    styled,
    text_colour,
)

_MOST_BESIDE_PROCESS = 6  # more constants, forcings or targets become one node
_BADGE = 0.2  # diameter of a numbered badge, inches
_ROW = 0.28  # height of a row of the list
_KEY = 0.36  # height of the line that explains the colours
_IN_KEY = 8  # entries in a row of that line
_FIRST = 0.45  # where the names of the edges begin in the list
_BEHIND = (0.0, 0.75, 1.7)  # share, family and formula, from the end of the names
_DROPPED, _PROCESS = "#a9adb3", "#8a9098"  # colours of edges without a family
_DASHES, _DOTS = (0, (4, 2)), (0, (1, 2.5))
_FILLS = {
    "feature": ("white", INK), "hidden": (PANEL, MUTED), "latent": ("#fff3cf", INK),
    "constant": ("#e6f2ee", INK), "forcing": ("white", MUTED),
    "state": ("#fbf3dd", INK),
    "process": ("#33414e", "#33414e"), "target": ("#e3ecf7", INK),
}  # fmt: skip


@styled
def draw_graph(graph: nx.DiGraph, width: float = WIDTH) -> Figure:
    """Draw the graph of `encoder_graph` in columns from the features to the targets.

    An edge is as wide as it is important and has the colour of its family; refused ones
    are dashed, dropped ones dotted. Formulas stand on their edges while there is room,
    else a number leads to a list below the graph.

    Args:
        graph: see `encoder_graph`.
        width: width of the figure in inches; many long names make it wider.
    """
    graph = _condensed(graph)
    layout, kept, places = _arranged(graph, width)
    width = layout.width
    handles = _key(graph)
    # Rounded up: entries are spread evenly over the rows.
    rows = -(-len(handles) // _IN_KEY)
    key = _KEY * max(rows, 1)
    # The list has a row of heads above those of the edges.
    below = key + (0 if places is not None else _ROW * (len(kept) + 1) + 2 * MARGIN)
    figure = ShownFigure(figsize=(width, layout.height + below))
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(-below, layout.height))
    axis.axis("off")
    _draw_parts(axis, graph, layout)
    if places is not None:
        for edge, place in places.items():
            _draw_label(axis, graph.edges[edge], place)
    else:
        _draw_badges(axis, graph, layout, kept)
        _draw_list(axis, graph, kept, width, -key - MARGIN)
    axis.legend(
        handles=handles, loc="center", bbox_to_anchor=(width / 2, -key / 2),
        bbox_transform=axis.transData, ncols=-(-len(handles) // max(rows, 1)),
        borderpad=0, columnspacing=1.4, fontsize=SMALL,
    )  # fmt: skip
    figure.set_label(describe_graph(graph))
    return figure


def _arranged(
    graph: nx.DiGraph, width: float
) -> tuple[Layout, list[Edge], Mapping[Edge, graph_layout.Rectangle] | None]:
    """Lay out with labels on the edges, and where that fails for a list of formulas.

    Without formulas only the shares are written, and those need no list.
    """
    kept = [edge for edge in graph.edges if learned(graph.edges[edge])]
    # Three ways, the most readable first: formulas on the edges, only shares on them,
    # numbers that lead to a list.
    bare = not any(formula_text(graph.edges[edge], 1.0) for edge in kept)
    few = len(kept) <= MOST_BESIDE
    layout = lay_out(graph, width, labels=few)
    # Ordered by where nodes stand, which is only known after the layout.
    kept = _learned_edges(graph, layout)
    places = places_beside(graph, layout, kept) if few else None
    if places is None:
        layout = lay_out(graph, width)
        if bare:
            places = place_badges(layout, kept, label_sizes(graph, kept))
    return layout, kept, places


def _learned_edges(graph: nx.DiGraph, layout: Layout) -> list[Edge]:
    """Edges with a curve: layer by layer, node by node, important ones first."""

    def key(edge: Edge) -> tuple[int, float, float]:
        start, end = edge
        importance = graph.edges[edge]["importance"]
        return graph.nodes[start]["layer"], -layout.nodes[end].y, -importance

    return sorted((e for e in graph.edges if learned(graph.edges[e])), key=key)


def _condensed(graph: nx.DiGraph) -> nx.DiGraph:
    """Merge the constants, forcings or targets where there are too many to draw."""
    small = without_feedback(graph)
    for kind in ("constant", "forcing", "state", "target"):
        many = [
            node
            for node, kind_of_node in graph.nodes(data="kind")
            if kind_of_node == kind
        ]
        if len(many) > _MOST_BESIDE_PROCESS:
            merged = f"{kind}s"
            label = f"{len(many)} {kind}s"
            # The merged node takes kind, layer and connections of the first: all of a
            # kind have the same ones.
            small.add_node(merged, **graph.nodes[many[0]] | {"label": label})
            for _, end, edge in graph.edges(many[0], data=True):
                small.add_edge(merged, end, **edge)
            for start, _, edge in graph.in_edges(many[0], data=True):
                small.add_edge(start, merged, **edge)
            small.remove_nodes_from(many)
    return small


def describe_graph(graph: nx.DiGraph) -> str:
    """Return the graph in words, for readers who cannot see it."""
    kept, dropped = [], []
    for start, end, edge in graph.edges(data=True):
        name = f"{graph.nodes[start]['label']} to {graph.nodes[end]['label']}"
        if edge["dropped"]:
            dropped.append(name)
        elif learned(edge):
            formula = edge["formula"] or edge["family"] or "learned curve"
            kind = "refused, stays a spline" if edge["refused"] else formula
            kept.append(f"{name} ({percent(edge['importance'])}): {kind}")
    text = "Graph of the encoder: " + ("; ".join(kept) or "no edge is left") + "."
    return text + (f" Dropped: {', '.join(dropped)}." if dropped else "")


def _draw_parts(axis: Axes, graph: nx.DiGraph, layout: Layout) -> None:
    """Edges, nodes above them, and the names of the columns."""
    for edge, curve in layout.curves.items():
        _draw_edge(axis, graph.edges[edge], curve)
    for node, place in layout.nodes.items():
        # A feature of which all edges were dropped is drawn pale.
        touching = [*graph.in_edges(node), *graph.out_edges(node)]
        alive = any(not graph.edges[edge]["dropped"] for edge in touching)
        _draw_node(axis, graph, node, place, alive)
    for caption, x, y in layout.captions:
        axis.text(x, y, caption, ha="center", va="center", fontsize=SMALL, color=MUTED)


def _edge_style(edge: Mapping[str, Any]) -> dict[str, Any]:
    """Width by importance, colour by family, dashes and dots by status."""
    if edge["dropped"]:
        return {"color": _DROPPED, "linewidth": 1.0, "linestyle": _DOTS}
    if edge["family"] == "process":
        return {"color": _PROCESS, "linewidth": 1.3, "linestyle": "solid"}
    return {
        "color": family_colour(edge["family"]),
        "linewidth": 1.4 + 6.0 * min(max(edge["importance"], 0.0), 1.0),
        "linestyle": _DASHES if edge["refused"] else "solid",
    }


def _draw_edge(axis: Axes, edge: Mapping[str, Any], curve: graph_layout.Curve) -> None:
    style = _edge_style(edge)
    path = Path(
        np.vstack([curve.start, curve.control]),
        # Start, straight stem to the first control point, then one cubic Bezier curve.
        [Path.MOVETO, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    axis.add_patch(
        PathPatch(
            path,
            fill=False,
            edgecolor=style["color"],
            linewidth=style["linewidth"],
            linestyle=style["linestyle"],
            capstyle="butt",
            zorder=1 if edge["dropped"] else 2,
        )
    )


def _draw_node(
    axis: Axes, graph: nx.DiGraph, node: str, place: graph_layout.Rectangle, alive: bool
) -> None:
    kind = graph.nodes[node]["kind"]
    fill, border = _FILLS[kind]
    _draw_box(axis, place, 0.08, zorder=4, facecolor=fill, linewidth=1.1,
              edgecolor=border if alive else FAINT)  # fmt: skip
    colour = "white" if kind == "process" else INK if alive else MUTED
    axis.text(
        place.x, place.y, node_text(graph.nodes[node]), ha="center", va="center_baseline",
        zorder=5, fontsize=FONT, color=colour, parse_math=False,
    )  # fmt: skip


def _draw_box(
    axis: Axes, place: graph_layout.Rectangle, rounding: float, **look: Any
) -> None:
    corner = (place.x - place.width / 2, place.y - place.height / 2)
    style = f"round,pad=0,rounding_size={rounding}"
    axis.add_patch(
        FancyBboxPatch(corner, place.width, place.height, boxstyle=style, **look)
    )


def _draw_label(
    axis: Axes, edge: Mapping[str, Any], place: graph_layout.Rectangle
) -> None:
    _draw_box(axis, place, 0.05, zorder=6, facecolor="white", linewidth=0.8,
              edgecolor=family_colour(edge["family"]))  # fmt: skip
    axis.text(
        place.x, place.y, label_text(edge), ha="center", va="center", zorder=7,
        fontsize=LABEL, color=text_colour(family_colour(edge["family"])),
    )  # fmt: skip


def _draw_badges(
    axis: Axes, graph: nx.DiGraph, layout: Layout, kept: Sequence[Edge]
) -> None:
    places = place_badges(layout, kept, [(_BADGE, _BADGE)] * len(kept))
    for number, edge in enumerate(kept, start=1):
        # An edge without a free place has its number in the list only.
        if edge in places:
            spot = places[edge]
            _draw_badge(axis, spot.x, spot.y, number, graph.edges[edge])


def _draw_badge(
    axis: Axes, x: float, y: float, number: int, edge: Mapping[str, Any]
) -> None:
    colour = text_colour(family_colour(edge["family"]))
    axis.add_patch(
        Circle(
            (x, y), _BADGE / 2, facecolor="white", edgecolor=colour, zorder=6, lw=1.2
        )
    )
    axis.text(
        x, y, str(number), ha="center", va="center_baseline", fontsize=SMALL,
        color=colour, zorder=7,
    )  # fmt: skip


def _draw_list(
    axis: Axes, graph: nx.DiGraph, kept: Sequence[Edge], width: float, top: float
) -> None:
    """Number, edge, share, family and formula of each edge, one row each."""
    names = {edge: _edge_name(graph, edge) for edge in kept}
    widest = max(
        (text_size(name, LABEL, math=False)[0] for name in names.values()), default=0.5
    )
    places = _FIRST + np.array([0.0, *(widest + 0.25 + np.array(_BEHIND))])
    for x, heading in zip(places, ("edge", "share", "family", "formula"), strict=True):
        _write(axis, x, top - _ROW / 2, heading, color=MUTED)
    for number, edge in enumerate(kept, start=1):
        y = top - _ROW * (number + 0.5)
        if number % 2:
            stripe = Rectangle((MARGIN, y - _ROW / 2), width - 2 * MARGIN, _ROW)
            stripe.set(facecolor=PANEL, linewidth=0, zorder=0)
            axis.add_patch(stripe)
        attributes = graph.edges[edge]
        colour = text_colour(family_colour(attributes["family"]))
        family = "refused" if attributes["refused"] else attributes["family"]
        formula = formula_text(attributes, width - MARGIN - places[3])
        _draw_badge(axis, MARGIN + 0.16, y, number, attributes)
        _write(axis, places[0], y, names[edge], parse_math=False)
        _write(axis, places[1], y, percent(attributes["importance"]))
        _write(axis, places[2], y, family, color=colour)
        _write(axis, places[3], y, formula)


def _edge_name(graph: nx.DiGraph, edge: Edge) -> str:
    return " → ".join(shorten(graph.nodes[node]["label"], 24) for node in edge)


def _write(axis: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axis.text(x, y, text, va="center_baseline", fontsize=LABEL, **style)


def _key(graph: nx.DiGraph) -> list[Line2D]:
    """Lines that explain colours, widths and dashes."""
    edges = [edge for _, _, edge in graph.edges(data=True)]
    used = {e["family"] for e in edges if learned(e) and not e["refused"]} - {""}
    families = [name for name in FAMILY_COLOURS if name in used]
    families += sorted(used.difference(families))
    handles = [
        Line2D([], [], color=family_colour(family), linewidth=3, label=family)
        for family in families
    ]
    if any(edge["refused"] and not edge["dropped"] for edge in edges):
        colour = family_colour("none")
        label = "refused, a spline"
        handles.append(Line2D([], [], color=colour, linestyle=_DASHES, label=label))
    if sum(map(learned, edges)):
        label = "width: importance"
        handles.append(Line2D([], [], color=FAINT, linewidth=6, label=label))
    if any(edge["dropped"] for edge in edges):
        handles.append(Line2D([], [], color=_DROPPED, linestyle=_DOTS, label="dropped"))
    return handles
