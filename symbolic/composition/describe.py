"""Structures as text: exp(log(x1) + abs(x2)) + linear(x3)."""

from collections.abc import Sequence

from symbolic.composition.fitting.model import Model, Node, Term


def describe(model: Model, names: Sequence[str]) -> str:
    """Return families and nodes of a model in words; the order does not matter."""
    parts = sorted(_node(node, names) for node in model.nodes)
    parts += sorted(_term(term, names) for term in model.rest)
    return " + ".join(parts) if parts else "constant"


def _term(term: Term, names: Sequence[str]) -> str:
    return f"{term.family}({names[term.feature]})"


def _node(node: Node, names: Sequence[str]) -> str:
    inner = sorted(_term(term, names) for term in node.terms)
    if node.kind == "product":
        return f"[{' * '.join(inner)}]"
    return f"{node.kind}[{' + '.join(inner)}]"
