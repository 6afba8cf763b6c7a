"""A latent as closed forms of scaled features: the parametric model behind an equation.

    raw = D + sum_i f_i(z_i) + sum_h O_h(c_h + sum_i g_hi(z_i)) + sum_p prod_k (c_pk + f_pk)

Outer functions are written without redundant constants (their scale and offset live
in the argument): abs +-|s|, quadratic +-s^2, exp +-exp(s), log A log(s). Refused edges
are fixed splines. Everything here is numpy; the process behind the latent is not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node, Product, edges_in_units

Array = np.ndarray

MOST_MOVED = 30.0
"""Amplitudes of an offset that a logarithm takes in: exp(30) = 1e13 is the largest
factor with which the constants inside still have digits beside their sum."""


@dataclass(frozen=True)
class LatentStructure:
    """All terms of one latent.

    Args:
        name: of the latent.
        offset: D;  edges: direct terms;  nodes: hidden nodes and products.
        offset_free: False where D is redundant (beside a log node, which holds it).
    """

    name: str
    offset: float
    edges: tuple[EdgeTerm, ...] = ()
    nodes: tuple[Node | Product, ...] = ()
    offset_free: bool = True

    @property
    def parts(self) -> tuple[EdgeTerm | Node | Product, ...]:
        """Direct edges, then nodes."""
        return (*self.edges, *self.nodes)

    @property
    def size(self) -> int:
        """Number of entries of the parameter vector; the first is D, free or not."""
        return 1 + sum(part.size for part in self.parts)

    @property
    def free(self) -> tuple[bool, ...]:
        """Which entries of the parameter vector a fit may move (size,)."""
        return (self.offset_free, *(flag for part in self.parts for flag in part.free))

    @property
    def n_free(self) -> int:
        """Number of free constants."""
        return sum(self.free)

    def value(self, z: Array) -> Array:
        """Raw latent (n,) at scaled features (n, d)."""
        total = np.full(len(z), self.offset)
        for edge in self.edges:
            total = total + edge.value(z[:, edge.source])
        for node in self.nodes:
            total = total + node.value(z)
        return total

    def by_constants(self, z: Array) -> Array:
        """Derivatives (n, size) in the order of `pack`."""
        columns = [np.ones((len(z), 1))]
        columns += [edge.by_constants(z[:, edge.source]) for edge in self.edges]
        columns += [node.by_constants(z) for node in self.nodes]
        return np.concatenate(columns, axis=1)

    def pack(self) -> Array:
        """Return all constants as one vector (size,)."""
        inner = (value for part in self.parts for value in part.constants)
        return np.array([self.offset, *inner])

    def unpack(self, vector: Array) -> "LatentStructure":
        """Return the same structure with other constants."""
        # plain numbers, which JSON and comparisons of structures can take
        values = [float(value) for value in vector]
        parts, at = [], 1
        for part in self.parts:
            parts.append(part.with_constants(values[at : at + part.size]))
            at += part.size
        count = len(self.edges)
        return replace(
            self,
            offset=values[0],
            edges=tuple(parts[:count]),
            nodes=tuple(parts[count:]),
        )

    @property
    def all_edges(self) -> list[EdgeTerm]:
        """Direct edges, then those of the nodes."""
        return [*self.edges, *(edge for node in self.nodes for edge in node.edges)]

    def together(self, source: int) -> set[int]:
        """Return the features that act with one inside a node: its effect is not its own."""
        inside = [{edge.source for edge in node.edges} for node in self.nodes]
        sets = [sources for sources in inside if source in sources]
        return set().union(*sets) - {source}

    @property
    def interacting(self) -> set[int]:
        """Features that act inside a node of several features."""
        return {edge.source for edge in self.all_edges if self.together(edge.source)}

    @property
    def starts(self) -> list[int]:
        """Place in `pack` of the first constant of each of `all_edges`."""
        places, at = [], 1
        for part in self.parts:
            # an edge starts at once, a node after its offset
            inside = (0,) if isinstance(part, EdgeTerm) else part.starts
            places += [at + start for start in inside]
            at += part.size
        return places

    def inside_of(self, number: int) -> Node | Product | None:
        """Return the node that holds one of `all_edges`; None for a direct edge."""
        owners: list[Node | Product | None] = [None] * len(self.edges)
        owners += [node for node in self.nodes for _ in node.edges]
        return owners[number]

    def oriented(self) -> "LatentStructure":
        """Fix what is free: signs of folding nodes, and of waves, which have places."""
        return replace(
            self,
            edges=tuple(edge.oriented() for edge in self.edges),
            nodes=tuple(node.oriented() for node in self.nodes),
        )

    def in_units(self, shift: Array, scale: Array) -> "LatentStructure":
        """Return the latent of features x = shift + scale z (d,)."""
        edges, left = edges_in_units(self.edges, shift, scale)
        nodes = tuple(node.in_units(shift, scale) for node in self.nodes)
        return replace(self, offset=self.offset + sum(left), edges=edges, nodes=nodes)

    def scaled(self, factor: float) -> "LatentStructure":
        """Return the latent times a number."""
        return replace(
            self,
            offset=self.offset * factor,
            edges=tuple(edge.scaled(factor) for edge in self.edges),
            nodes=tuple(node.scaled(factor) for node in self.nodes),
        )

    def with_edge(
        self, number: int, term: EdgeTerm | None, shift: float
    ) -> "LatentStructure":
        """Replace (or with None remove) one edge.

        Args:
            number: of the edge in `all_edges`.
            shift: what the offset beside the edge gains: D, or that of its node.
        """
        new = () if term is None else (term,)
        if number < len(self.edges):
            edges = self.edges[:number] + new + self.edges[number + 1 :]
            return replace(self, edges=edges, offset=self.offset + shift)
        place = number - len(self.edges)
        for h, node in enumerate(self.nodes):
            if place < len(node.edges):
                direct, nodes, offset = node.with_edge(place, new, shift)
                # A product that loses a factor may leave a line beside one of the same
                # feature.
                joined = with_lines_joined((*self.edges, *direct))
                return replace(
                    self,
                    offset=self.offset + offset,
                    edges=joined if direct else self.edges,
                    nodes=(*self.nodes[:h], *nodes, *self.nodes[h + 1 :]),
                )
            place -= len(node.edges)
        raise IndexError(f"latent {self.name} has no edge {number}")

    def with_offset_in_log(self) -> "LatentStructure":
        """Move D into the first logarithm: A log(s) + D = A log(s exp(D / A)).

        Beside a logarithm D is redundant, so it is no free constant then. It stays where
        it is more than `MOST_MOVED` amplitudes.
        """
        for h, node in enumerate(self.nodes):
            if not isinstance(node, Node) or node.outer != "log":
                continue
            if abs(self.offset) > MOST_MOVED * abs(node.amplitude):
                continue
            # the index times exp(D / A), which adds D to A log(s)
            factor = float(np.exp(self.offset / node.amplitude))
            edges = tuple(edge.scaled(factor) for edge in node.edges)
            moved = replace(node, offset=node.offset * factor, edges=edges)
            nodes = (*self.nodes[:h], moved, *self.nodes[h + 1 :])
            return replace(self, offset=0.0, nodes=nodes, offset_free=False)
        return self


ADDED_UP = ("linear", "classes")
"""Families of which two terms of the same feature are one: all constants are factors."""


def with_lines_joined(edges: Sequence[EdgeTerm]) -> tuple[EdgeTerm, ...]:
    """Add up lines, and effects of classes, of the same source."""
    joined: list[EdgeTerm] = []
    places: dict[tuple[int, str], int] = {}
    for edge in edges:
        # in the place of the first of them, so that the order of other terms stays
        family = "" if edge.form is None else edge.form.family
        place = places.setdefault((edge.source, family), len(joined))
        if family not in ADDED_UP or place == len(joined):
            joined.append(edge)
            continue
        pairs = zip(joined[place].constants, edge.constants, strict=True)
        joined[place] = joined[place].with_constants([a + b for a, b in pairs])
    return tuple(joined)
