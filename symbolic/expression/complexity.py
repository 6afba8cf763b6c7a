"""Complexity of a formula: a count of nodes, with weights of the user's choice.

    complexity = sum over the nodes of the tree of weight(node)

Every number, symbol and operation is a node of weight 1 (``sympy.preorder_traversal``: a
sum of three terms is one node and its three terms). A feature counts with the weight of
its name, a function with the weight of the family that writes it: exp, log, abs,
quadratic (a square), sine, tanh and so on; "refused" weighs the table of an edge without
closed form.
"""

from collections.abc import Mapping
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

REFUSED = 20.0
"""Weight of a table: a curve that no formula describes is no simple one."""

FAMILY_OF: dict[Any, str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.Abs: "abs",
    sympy.sin: "sine",
    sympy.tanh: "tanh",
}


def complexity(expression: Any, weights: Mapping[str, float] | None = None) -> float:
    """Return the weighted count of nodes of a formula; a whole number by default.

    Args:
        weights: feature, family or "refused" -> weight in place of 1 (table: 20).
    """
    counts = {"refused": REFUSED} | dict(weights or {})
    total = sum(
        counts.get(_label(node), 1.0) for node in sympy.preorder_traversal(expression)
    )
    return int(total) if float(total).is_integer() else float(total)


def _label(node: Any) -> str:
    if isinstance(node, sympy.Symbol):
        return node.name
    if isinstance(node, AppliedUndef):
        return "refused"
    # a square is the family quadratic; other powers are plain operations
    if isinstance(node, sympy.Pow) and node.exp == 2:
        return "quadratic"
    return FAMILY_OF.get(type(node), "")
