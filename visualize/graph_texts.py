"""Texts on the nodes and edges of a graph."""

from collections.abc import Mapping
from typing import Any

from visualize.labels import percent, shorten
from visualize.mathtext import text_size, to_mathtext

LABEL = 9.0  # points of the formulas
_BESIDE = 2.4  # inches that the longest formula on an edge may take
_SHORTEST = 8  # characters that are always kept
_NEVER = 200  # characters that fit nowhere
_LONGEST = 22  # characters of a node's name


def node_text(node: Mapping[str, Any]) -> str:
    """Name on a node, short enough for its box."""
    return shorten(node["label"], _LONGEST)


def formula_text(edge: Mapping[str, Any], longest: float) -> str:
    """Formula of an edge as mathtext where it can be read and fits, else as plain text.

    Args:
        edge: attributes of the edge.
        longest: room for the text in inches.
    """
    typeset = to_mathtext(edge["latex"]) if edge["latex"] else None
    if typeset is not None and text_size(typeset, LABEL)[0] <= longest:
        return typeset
    plain = edge["formula"] or ("spline" if edge["refused"] else "")
    # A plain dollar would begin mathematics.
    return _fitting(plain, longest).replace("$", r"\$")


def _fitting(text: str, longest: float) -> str:
    """Shorten a text until it fits, by halving the interval of its lengths."""
    if text_size(text, LABEL, math=False)[0] <= longest:
        return text
    fits, fails = _SHORTEST, min(len(text), _NEVER)
    # The width grows with the number of letters, so the interval can be halved.
    while fails - fits > 1:
        most = (fits + fails) // 2
        wide, _ = text_size(shorten(text, most), LABEL, math=False)
        fits, fails = (most, fails) if wide <= longest else (fits, most)
    return shorten(text, fits)


def label_text(edge: Mapping[str, Any]) -> str:
    """Formula and share of an edge, for a label on it."""
    return f"{formula_text(edge, _BESIDE)}  {percent(edge['importance'])}".strip()
