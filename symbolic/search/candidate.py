"""One model of the candidate path: structures, constants, and what it achieves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbolic.expression.complexity import complexity
from symbolic.terms.bounded import Beside, Bounds, Span, bounded_expression
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node, Product
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure


@dataclass(frozen=True, eq=False)
class Candidate:
    """A set of closed forms with refitted constants.

    Attributes:
        structures: latents as closed forms of scaled features.
        constants: process constant -> value.
        spans: latent -> smallest and largest of its raw values on the data.
        loss: observed loss on the rows of the search;  criterion: of the search;
        r2: of the observed targets, their mean;
        complexity: weighted nodes of its equations, bounds included;
        score: drop of log loss for each node against the next simpler candidate.
        label: families of its edges.
    """

    structures: tuple[LatentStructure, ...]
    constants: Mapping[str, float]
    spans: Mapping[str, Span]
    loss: float
    criterion: float
    r2: float
    complexity: float
    score: float
    label: str

    @property
    def signature(self) -> str:
        """Families of all edges as text; equal for equal structures."""
        return signature(self.structures)

    def equations(self, units: Units, bounds: Bounds) -> dict[str, Any]:
        """Return latent -> expression of raw features, inside its bounds."""
        return {
            structure.name: bounded_expression(
                structure,
                units,
                bounds[structure.name],
                # the largest |raw| decides whether an exponential
                # has to be written so that it cannot overflow
                max(map(abs, self.spans.get(structure.name, (0.0,)))),
            )
            for structure in self.structures
        }

    def printed(
        self, units: Units, bounds: Bounds
    ) -> dict[str, tuple[Any, tuple[Any, ...]]]:
        """Return latent -> expression, and the bounds beside it with the latent."""
        printed = {}
        for name, expression in self.equations(units, bounds).items():
            beside = Beside.of(bounds[name], self.spans.get(name))
            printed[name] = beside.without(expression), beside.rising(name)
        return printed

    def nodes(
        self, units: Units, bounds: Bounds, weights: Mapping[str, float] | None
    ) -> float:
        """Return the complexity of its equations."""
        expressions: Any = self.equations(units, bounds).values()
        return sum(complexity(expression, weights) for expression in expressions)

    def row(self, units: Units, bounds: Bounds, selected: bool) -> dict[str, Any]:
        """Return plain numbers and texts: a row of the table of candidates."""
        from symbolic.printing.beside import text_beside
        from symbolic.printing.text import to_text

        edges = [edge for structure in self.structures for edge in structure.all_edges]
        texts = [
            f"{name} = {to_text(expression, 4)}{text_beside(beside)}"
            for name, (expression, beside) in self.printed(units, bounds).items()
        ]
        is_integer = float(self.complexity).is_integer()  # printed as 7, not as 7.00
        return {
            "complexity": int(self.complexity) if is_integer else self.complexity,
            "loss": self.loss,
            "score": self.score,
            "r2": self.r2,
            "criterion": self.criterion,
            "constants": sum(structure.n_free for structure in self.structures)
            + len(self.constants),
            "features": len({edge.source for edge in edges}),
            "refused": sum(edge.form is None for edge in edges),
            "label": self.label,
            "equation": "; ".join(texts),
            "selected": selected,
        }


def size_of(structures: Sequence[LatentStructure]) -> float:
    """Return a quick measure of complexity: nodes of the forms and of the outers."""
    total = 0.0
    for structure in structures:
        for edge in structure.all_edges:
            # a spline counts more than any closed form, so that to name a curve is a step
            # towards a simpler model; an outer function costs its call and its sum
            total += 20.0 if edge.form is None else edge.form.complexity
        total += sum(20.0 if n.outer == "spline" else 2.0 for n in structure.nodes)
    return total


def family_label(structures: Sequence[LatentStructure], features: Sequence[str]) -> str:
    """Return the families of all edges: ``rb: sw_pot linear, ta exp``."""
    parts = []
    for structure in structures:
        direct = [_edge_label(edge, features) for edge in structure.edges]
        for node in structure.nodes:
            between = " * " if isinstance(node, Product) else ", "
            inside = between.join(_edge_label(edge, features) for edge in node.edges)
            direct.append(f"{node.outer}({inside})")
        text = ", ".join(direct) or "constant"
        parts.append(f"{structure.name}: {text}" if len(structures) > 1 else text)
    return "; ".join(parts)


def _edge_label(edge: EdgeTerm, features: Sequence[str]) -> str:
    family = "spline" if edge.form is None else edge.form.family
    return f"{features[edge.source]} {family}"


def signature(structures: Sequence[LatentStructure]) -> str:
    """Return the families of all edges as text; equal for equal structures."""
    parts = []
    for structure in structures:
        direct = sorted(_label(edge) for edge in structure.edges)
        nodes = sorted(_node_signature(node) for node in structure.nodes)
        # Beside a log node an offset is redundant and the node's name says so; only an offset
        # that was left out for its own sake makes another structure.
        bare = not structure.offset_free and not any(
            node.startswith("log") for node in nodes
        )
        terms = [*direct, *nodes, *(["no offset"] if bare else [])]
        parts.append(f"{structure.name}={'+'.join(terms)}")
    return ";".join(parts)


def _node_signature(node: Node | Product) -> str:
    if isinstance(node, Product):
        inside = (
            f"{_label(factor.edge)}{'' if factor.anchored else '+c'}"
            for factor in node.factors
        )
        return f"{node.outer}({'*'.join(sorted(inside))})"
    # A refit moves the amplitude of a log through zero; the other outer functions keep their
    # sign, so it belongs to the structure.
    sign = "" if node.outer == "log" else str(node.amplitude > 0)
    return f"{node.outer}{sign}({'+'.join(sorted(map(_label, node.edges)))})"


def _label(edge: EdgeTerm) -> str:
    return f"{edge.source}:{'spline' if edge.form is None else edge.form.name}"
