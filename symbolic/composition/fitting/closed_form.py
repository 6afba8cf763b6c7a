"""A fitted model as a closed form in raw units: values, sympy expression, constants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbolic.composition.fitting.edge_families import Column
from symbolic.composition.fitting.model import (
    Model,
    Node,
    Term,
    factor_value,
    term_value,
)
from symbolic.families.library import FAMILIES
from symbolic.terms.rebuild import Units, raw_expression
from symbolic.terms.structure import EdgeTerm, LatentStructure, in_raw
from symbolic.terms.structure import Node as ClosedNode

Array = np.ndarray

FLAT = 1e-9
"""Inner constants of exp and log below which the term is a line."""

LARGEST_SHIFT = 12.0
"""Offsets of up to so many amplitudes are moved into the argument of a logarithm."""


@dataclass(frozen=True)
class Product:
    """(shift1 + f1(z_i)) (shift2 + f2(z_j)); f2 has unit amplitude.

    The offset of an anchored factor is zero in raw units.
    """

    one: EdgeTerm
    other: EdgeTerm
    shift_one: float
    shift_other: float
    anchored: tuple[bool, bool] = (False, False)

    def value(self, z: Array) -> Array:
        """Values (n,) at scaled features (n, d)."""
        one = self.shift_one + self.one.value(z[:, self.one.source])
        return one * (self.shift_other + self.other.value(z[:, self.other.source]))


@dataclass(frozen=True)
class ClosedForm:
    """Closed form of a latent or an output as a function of scaled features.

    Args:
        structure: additive terms and nodes of a sum.
        products: nodes that are products of two functions.
    """

    structure: LatentStructure
    products: tuple[Product, ...] = ()

    def value(self, z: Array) -> Array:
        """Values (n,) at scaled features (n, d)."""
        total = self.structure.value(z)
        for one in self.products:
            total = total + one.value(z)
        return total

    def expression(self, units: Units) -> sympy.Expr:
        """Return the sympy expression of the raw features."""
        base = raw_expression(self.structure, units)
        return sympy.Add(base, *(_product(one, units) for one in self.products))


def edge_term(term: Term) -> tuple[EdgeTerm, float]:
    """Return a term as a form of the library, and the offset that it leaves.

    A fitted term is zero at z = 0; a form is offset-free: term = form + offset.
    """
    i, c = term.feature, term.constants
    match term.family:
        case "quadratic" if abs(c[0]) > FLAT * abs(c[1]):
            vertex = -c[1] / (2 * c[0])
            form = FAMILIES["quadratic"][0]
            return EdgeTerm(i, form, (c[0], vertex)), -c[0] * vertex * vertex
        case "quadratic":
            return EdgeTerm(i, FAMILIES["linear"][0], (c[1],)), 0.0
        case "exp" if abs(c[1]) > FLAT:
            return EdgeTerm(i, FAMILIES["exp"][0], (c[0] / c[1], c[1])), -c[0] / c[1]
        case "log" if abs(c[1]) > FLAT:
            form = FAMILIES["log"][0 if c[1] > 0 else 1]
            size = c[0] / c[1]
            offset = size * float(np.log(abs(c[1])))
            return EdgeTerm(i, form, (size, 1.0 / abs(c[1]))), offset
        case "abs":
            return EdgeTerm(i, FAMILIES["abs"][0], (c[0], c[1])), 0.0
    return EdgeTerm(i, FAMILIES["linear"][0], (c[0],)), 0.0


def closed_form(
    model: Model,
    columns: Sequence[Column],
    offset: float,
    shift: float,
    scale: float,
    name: str,
) -> ClosedForm:
    """Write a model, fitted to (y - shift) / scale, as a closed form of y.

    Args:
        columns: features at the rows of the fit, whose means the nodes leave out.
        offset: of the scaled model.
    """
    total = shift + scale * offset
    edges = []
    for term in model.rest:
        edge, left = edge_term(_scaled(term, scale))
        edges.append(edge)
        total += left
    nodes, products = [], []
    for node in model.nodes:
        if node.kind == "product":
            products.append(_closed_product(node, columns, scale))
        else:
            nodes.append(_closed_node(node, columns, scale))
    nodes, total, free = _offset_in_log(nodes, total)
    structure = LatentStructure(name, total, tuple(edges), tuple(nodes), free)
    return ClosedForm(structure.oriented(), tuple(products))


def _scaled(term: Term, factor: float) -> Term:
    count = 2 if term.family == "quadratic" else 1
    first = tuple(factor * value for value in term.constants[:count])
    return Term(term.feature, term.family, (*first, *term.constants[count:]))


def _inside(
    terms: Sequence[Term], columns: Sequence[Column], factor: float
) -> tuple[list[EdgeTerm], float]:
    """Edges of a centred sum times a factor, and the offset that belongs to them."""
    edges, offset = [], 0.0
    for term in terms:
        edge, left = edge_term(_scaled(term, factor))
        edges.append(edge)
        offset += left - factor * float(term_value(columns, term).mean())
    return edges, offset


def _closed_node(node: Node, columns: Sequence[Column], scale: float) -> ClosedNode:
    head = node.head[0]
    factor = {"quadratic": float(np.sqrt(scale)), "abs": scale}.get(node.kind, 1.0)
    edges, offset = _inside(node.terms, columns, factor)
    match node.kind:
        case "exp":
            size = max(abs(head) * scale, 1e-300)
            amplitude, offset = float(np.sign(head)) or 1.0, offset + np.log(size)
        case "log":
            amplitude, offset = head * scale, offset + 1.0
        case _:
            amplitude, offset = node.sign, offset + factor * head
    return ClosedNode(node.kind, float(amplitude), float(offset), tuple(edges))


def _offset_in_log(
    nodes: list[ClosedNode], offset: float
) -> tuple[list[ClosedNode], float, bool]:
    """Move the offset into the first logarithm: A log(s) + D = A log(s exp(D / A))."""
    for k, node in enumerate(nodes):
        if node.outer == "log" and abs(offset) < LARGEST_SHIFT * abs(node.amplitude):
            factor = float(np.exp(offset / node.amplitude))
            edges = tuple(
                EdgeTerm(e.source, e.form, (e.constants[0] * factor, *e.constants[1:]))
                for e in node.edges
            )
            moved = ClosedNode("log", node.amplitude, node.offset * factor, edges)
            return [*nodes[:k], moved, *nodes[k + 1 :]], 0.0, False
    return nodes, offset, True


def _closed_product(node: Node, columns: Sequence[Column], scale: float) -> Product:
    size = edge_term(node.terms[1])[0].constants[0] or 1.0
    shifts, edges = iter(node.head), []
    for k, factor in enumerate((scale * size, 1.0 / size)):
        (edge,), offset = _inside(node.terms[k : k + 1], columns, factor)
        if not node.anchored[k]:
            edges.append((edge, offset + factor * next(shifts)))
            continue
        mean = float(factor_value(columns, node, k).mean())
        edges.append((edge, offset + factor * mean))
    (one, first), (other, second) = edges
    return Product(one, other, first, second, node.anchored)


def _product(product: Product, units: Units) -> sympy.Expr:
    """Raw expression of a product; one of two lines is multiplied out."""
    factors = []
    for edge, shift, anchored in zip(
        (product.one, product.other),
        (product.shift_one, product.shift_other),
        product.anchored,
        strict=True,
    ):
        factor = raw_expression(LatentStructure("factor", shift, (edge,)), units)
        # the offset of an anchored factor is zero up to rounding
        factors.append(factor.as_coeff_Add()[1] if anchored else factor)
    whole = sympy.Mul(*factors)
    lines = all(
        edge.form is not None and edge.form.family == "linear"
        for edge in (product.one, product.other)
    )
    return sympy.expand(whole) if lines else whole


@dataclass(frozen=True)
class RawNumber:
    """One constant of a closed form in raw units and what it belongs to."""

    name: str
    role: str
    value: float


def raw_numbers(form: ClosedForm, units: Units) -> list[RawNumber]:
    """All constants in raw units, in a fixed order."""
    structure = form.structure
    numbers: list[RawNumber] = []
    offset = structure.offset
    inner: list[tuple[str, Any, Sequence[EdgeTerm]]] = [("", None, structure.edges)]
    inner += [(f"node{h}", n, n.edges) for h, n in enumerate(structure.nodes, 1)]
    for prefix, node, edges in inner:
        shift = node.offset if node is not None else offset
        found, left = _edge_numbers(edges, units, f"{prefix}." if prefix else "")
        where = f"{node.outer} node" if node is not None else "sum"
        if node is not None or structure.offset_free:
            label = f"{prefix}.c" if prefix else "d"
            numbers.append(RawNumber(label, f"offset of the {where}", shift + left))
        if node is not None and node.outer == "log":
            role = "amplitude of the log node"
            numbers.append(RawNumber(f"{prefix}.A", role, node.amplitude))
        numbers += found
    for h, one in enumerate(form.products, 1):
        for side, edge, shift, anchored in (
            ("u", one.one, one.shift_one, one.anchored[0]),
            ("v", one.other, one.shift_other, one.anchored[1]),
        ):
            prefix = f"product{h}.{side}"
            found, left = _edge_numbers([edge], units, f"{prefix}.")
            role = "offset of a factor"
            if not anchored:
                numbers.append(RawNumber(f"{prefix}.c", role, shift + left))
            numbers += found
    return numbers


def _edge_numbers(
    edges: Sequence[EdgeTerm], units: Units, prefix: str
) -> tuple[list[RawNumber], float]:
    numbers, offset = [], 0.0
    for edge in edges:
        assert edge.form is not None
        i = edge.source
        raw, c = in_raw(
            edge.form,
            np.array([*edge.constants, 0.0]),
            float(units.shift[i]),
            float(units.scale[i]),
        )
        offset += float(c[-1])
        feature = units.names[i]
        for name, value in zip(raw.constants[:-1], c[:-1], strict=True):
            role = f"{raw.family} of {feature}"
            numbers.append(RawNumber(f"{prefix}{feature}.{name}", role, float(value)))
    return numbers, offset
