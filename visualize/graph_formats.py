"""The graph of an encoder as text that other programs draw: DOT and Mermaid."""

from collections.abc import Mapping
from typing import Any

import networkx as nx

from visualize.labels import percent
from visualize.style import FAINT, INK, family_colour

_DOT_SHAPES = {
    "feature": "box", "hidden": "circle", "latent": "ellipse", "constant": "ellipse",
    "forcing": "box", "process": "component", "target": "box",
}  # fmt: skip
_MERMAID_SHAPES = {
    "feature": ("[", "]"), "hidden": ("((", "))"), "latent": ("([", "])"),
    "constant": ("([", "])"), "forcing": ("[", "]"), "process": ("[[", "]]"),
    "target": ("[", "]"),
}  # fmt: skip
_THINNEST, _WIDEST = 1.0, 6.0  # points of an edge without and with all importance
_DROPPED = "#a9adb3"


def to_dot(graph: nx.DiGraph, name: str = "encoder") -> str:
    """Return the graph of `encoder_graph` in the DOT language of Graphviz.

    Columns of the layered drawing become ranks; width tells importance, colour the
    family; refused edges are dashed, dropped ones dotted.

    Args:
        graph: see `encoder_graph`.
        name: of the digraph.
    """
    lines = [
        f"digraph {_quoted(name)} {{",
        "  rankdir=LR;",
        '  node [fontname="Arial"];',
    ]
    lines += [
        f"  {_quoted(key)}={_quoted(value)};"
        for key, value in sorted(graph.graph.items())
    ]
    # Nodes of a rank stand in one column, as in our own drawing.
    for layer in sorted({data["layer"] for _, data in graph.nodes(data=True)}):
        same = [node for node, data in graph.nodes(data=True) if data["layer"] == layer]
        lines.append("  { rank=same;")
        lines += [f"    {_dot_node(node, graph.nodes[node])}" for node in same]
        lines.append("  }")
    lines += [f"  {_dot_edge(a, b, edge)}" for a, b, edge in graph.edges(data=True)]
    return "\n".join([*lines, "}", ""])


def _dot_node(node: str, data: Mapping[str, Any]) -> str:
    shape = _DOT_SHAPES.get(data["kind"], "box")
    return f"{_quoted(node)} [label={_quoted(data['label'])}, shape={shape}];"


def _dot_edge(start: str, end: str, edge: Mapping[str, Any]) -> str:
    style = "dotted" if edge["dropped"] else "dashed" if edge["refused"] else "solid"
    parts = {
        "color": _colour(edge),
        "penwidth": f"{_width(edge):.2f}",
        "style": style,
        "label": _edge_text(edge),
    }
    attributes = ", ".join(
        f"{key}={_quoted(value)}" for key, value in parts.items() if value
    )
    return f"{_quoted(start)} -> {_quoted(end)} [{attributes}];"


def _quoted(value: Any) -> str:
    """A DOT string: quotes and backslashes escaped, line ends as such."""
    # Backslashes first, or those of the quotes would be doubled.
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\r", "").replace("\n", "\\n") + '"'


def to_mermaid(graph: nx.DiGraph) -> str:
    """Return the graph of `encoder_graph` as a Mermaid flow chart, as Markdown shows it.

    Args:
        graph: see `encoder_graph`.
    """
    # Mermaid's ids know few letters and some reserved words: nodes are numbered.
    names = {node: f"n{number}" for number, node in enumerate(graph)}
    lines = ["flowchart LR"]
    for node, data in graph.nodes(data=True):
        left, right = _MERMAID_SHAPES.get(data["kind"], ("[", "]"))
        lines.append(f"  {names[node]}{left}{_entities(data['label'])}{right}")
    styles = []
    for number, (start, end, edge) in enumerate(graph.edges(data=True)):
        arrow = "-.->" if edge["refused"] or edge["dropped"] else "-->"
        text = _edge_text(edge)
        middle = f"|{_entities(text)}|" if text else ""
        lines.append(f"  {names[start]} {arrow}{middle} {names[end]}")
        styles.append(
            # Mermaid knows links by the order in which they are written.
            f"  linkStyle {number} stroke:{_colour(edge)},stroke-width:{_width(edge):.2f}px"
        )
    return "\n".join([*lines, *styles, ""])


def _entities(text: str) -> str:
    """A quoted Mermaid text; what has a meaning there becomes a character code."""
    plain = "".join(
        character
        if character.isalnum() or character in " _.,+-*/=<>^%°()"
        else f"#{ord(character)};"
        for character in text.replace("\n", " ")
    )
    # a leading number with a point would become a list, and < begins a tag
    return '"' + plain.replace("<", "#lt;").replace(">", "#gt;") + '"'


def _colour(edge: Mapping[str, Any]) -> str:
    if edge["dropped"]:
        return _DROPPED
    if edge["family"] == "process":
        return FAINT
    return INK if edge["refused"] else family_colour(edge["family"])


def _width(edge: Mapping[str, Any]) -> float:
    return _THINNEST + (_WIDEST - _THINNEST) * min(max(edge["importance"], 0.0), 1.0)


def _edge_text(edge: Mapping[str, Any]) -> str:
    """Formula and share; nothing on connections of the process and dropped edges."""
    if edge["family"] == "process" or edge["dropped"]:
        return ""
    formula = edge["formula"] or ("spline" if edge["refused"] else "")
    return f"{formula}  {percent(edge['importance'])}".strip()
