"""From edge curves to starting structures: one closed form an edge, or a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from symbolic.curves.curve_fit import CurveFit, fits_by_family
from symbolic.curves.extract import Curve, LatentCurves, NodeCurves
from symbolic.curves.fit import fit_curve
from symbolic.families.forms import Form
from symbolic.families.guarded import EXPONENT_LIMIT
from symbolic.families.variants import form_named
from symbolic.options import OUTER_FAMILIES, SymbolicOptions, hidden_name
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.structure import (
    LatentStructure,
    with_lines_joined,
)


def fit_edge(
    curve: Curve, feature: str, latent: str, options: SymbolicOptions
) -> CurveFit:
    """Fit the closed forms to one curve, within what the user allows for this edge."""
    rule = options.shape(feature, latent)
    # a sign is one of the printed term, known only
    # after its offset is moved: `ShapeRules` sees to it
    trend: Any = rule if rule in ("increasing", "decreasing") else None
    return fit_curve(
        curve.x,
        curve.y,
        curve.weight,
        options.allowed_families,
        errors=curve.errors,
        refuse_above=options.refuse_above,
        domain_margin=options.domain_margin,
        trend=trend,
        forbid=options.forbidden(feature, latent),
        pin=options.pinned(feature, latent),
        unit=curve.unit,
        kind=curve.kind,
    )


def term_of(fit: CurveFit, curve: Curve, function: str) -> tuple[EdgeTerm, float]:
    """Return a fit as an edge term, and the offset that leaves it.

    Args:
        function: name of the curve where it is refused, such as ``f_rb_ta``.
    """
    # a refused curve keeps its level, so it leaves no offset
    if fit.form is None:
        return EdgeTerm(curve.source, None, (), curve.table, function), 0.0
    form, (*constants, offset) = _about_zero(fit.form, fit.constants.tolist())
    return EdgeTerm(curve.source, form, tuple(constants)), offset


def _about_zero(form: Form, constants: list[float]) -> tuple[Form, list[float]]:
    """Write an exponential about a number about zero, where its amplitude allows it."""
    reference = form.variant.about
    # a exp(b (x - r)) = a exp(-b r) exp(b x), unless that amplitude would overflow
    if reference is None or abs(constants[1] * reference) > EXPONENT_LIMIT:
        return form, constants
    amplitude = constants[0] * float(np.exp(-constants[1] * reference))
    return form_named("exp"), [amplitude, *constants[1:]]


@dataclass(frozen=True)
class FittedEdge:
    """A curve with its closed forms and how the edge is called."""

    curve: Curve
    fit: CurveFit
    feature: str
    function: str

    def term(self, family: str | None = None) -> tuple[EdgeTerm, float]:
        """Return the edge as its best family, or as another one."""
        fit = self.fit if family is None else fits_by_family(self.fit)[family]
        return term_of(fit, self.curve, self.function)

    @property
    def families(self) -> list[str]:
        """Families that could be fitted, best first."""
        return list(fits_by_family(self.fit))


@dataclass(frozen=True)
class FittedNode:
    """A hidden node with fitted inner edges and outer curve."""

    edges: tuple[FittedEdge, ...]
    offset: float
    outer: FittedEdge


@dataclass(frozen=True)
class FittedLatent:
    """A latent with all its curves fitted."""

    name: str
    offset: float
    edges: tuple[FittedEdge, ...]
    nodes: tuple[FittedNode, ...]


def fit_latent(
    curves: LatentCurves, features: Sequence[str], options: SymbolicOptions
) -> FittedLatent:
    """Fit closed forms to every curve of a latent, those of hidden nodes included.

    Args:
        features: names of all features, in the order of the columns.
    """
    name = curves.name

    def edge(curve: Curve, tail: str = "") -> FittedEdge:
        feature = features[curve.source]
        fit = fit_edge(curve, feature, name, options)
        return FittedEdge(curve, fit, feature, f"f_{name}_{feature}{tail}")

    def node(number: int, part: NodeCurves) -> FittedNode:
        tail = f"_{number + 1}" if len(curves.nodes) > 1 else ""
        source = hidden_name(number, name)
        outer = fit_curve(
            part.outer.x,
            part.outer.y,
            part.outer.weight,
            options.allowed_families,
            refuse_above=options.refuse_above,
            forbid=options.forbidden(source, name),
            pin=options.pinned(source, name),
        )
        top = FittedEdge(part.outer, outer, source, f"g_{name}{tail}")
        return FittedNode(
            tuple(edge(curve, tail) for curve in part.inner), part.offset, top
        )

    return FittedLatent(
        name,
        curves.offset,
        tuple(edge(curve) for curve in curves.edges),
        tuple(node(k, part) for k, part in enumerate(curves.nodes)),
    )


def start_options(latent: FittedLatent) -> list[LatentStructure]:
    """Structures to start a latent from; the last one keeps the learned outer curves."""
    if not latent.nodes:
        return [additive_start(latent)]
    combined = product(*(_outers(node) for node in latent.nodes))
    built = [node_start(latent, combination) for combination in combined]
    return [structure for structure in built if structure is not None]


def _outers(node: FittedNode) -> tuple[str, ...]:
    """Outer families to start from: what the user pinned, or all and the spline."""
    if node.outer.fit.chosen == "user":
        return (node.outer.fit.family,)
    return (*OUTER_FAMILIES, "spline")


def additive_start(latent: FittedLatent) -> LatentStructure:
    """Best family on every direct edge."""
    # offsets of all edges are one constant: they gather in the latent's own
    terms = [edge.term() for edge in latent.edges]
    offset = latent.offset + sum(shift for _, shift in terms)
    # an edge that is constant says nothing
    live = tuple(term for term, _ in terms if not _dead(term))
    return LatentStructure(latent.name, offset, live)


def _dead(term: EdgeTerm) -> bool:
    return term.form is not None and term.form.family == "constant"


def node_start(latent: FittedLatent, outers: Sequence[str]) -> LatentStructure | None:
    """Structure of a latent with hidden nodes, one outer family a node.

    Args:
        outers: outer family of every node; "spline" keeps the learned curve, "linear"
            turns the node's edges into direct ones.
    Returns:
        None where an outer family could not be fitted.
    """
    offset, direct, nodes = latent.offset, [], []
    for part, outer in zip(latent.nodes, outers, strict=True):
        terms = [edge.term() for edge in part.edges]
        inner = part.offset + sum(shift for _, shift in terms)
        edges = [term for term, _ in terms if not _dead(term)]
        # The learned outer curve stays as it is; only its inner edges get closed forms.
        if outer == "spline":
            curve, label = part.outer.curve.table, part.outer.function
            nodes.append(Node("spline", 1.0, inner, tuple(edges), curve, label))
            continue
        fitted = fits_by_family(part.outer.fit).get(outer)
        if fitted is None or fitted.form is None:
            return None
        moved = _absorbed(fitted.form, np.asarray(fitted.constants), inner)
        if moved is None:
            return None
        factor, shift, amplitude, constant = moved
        offset += constant
        scaled = tuple(term.scaled(factor) for term in edges)
        # a line outside is no node: D + c (s + inner) puts the edges beside the latent's own
        if outer in ("linear", "constant"):
            direct += scaled
            offset += shift
        else:
            nodes.append(Node(outer, amplitude, shift, scaled))
    # a feature may now have two lines, whose slopes no data tell apart
    edges = with_lines_joined(direct)
    structure = LatentStructure(latent.name, offset, edges, tuple(nodes))
    return structure.with_offset_in_log()


def _absorbed(
    form: Form, c: np.ndarray, inner: float
) -> tuple[float, float, float, float] | None:
    """Move scale and shift of an outer form into its argument.

    Returns:
        factor on the inner edges, offset of the index, amplitude, offset that is left.
    """
    # Outer functions of the search have no scale and shift of their own (`terms.structure`):
    # O(s) with s = factor * (sum of edges) + shift, amplitude +-1 or A, and D beside it.
    sign = float(np.sign(c[0])) or 1.0
    match form.family:
        # c0 (s + inner) + c1
        case "linear":
            return float(c[0]), float(c[0] * inner), 1.0, float(c[1])
        case "abs":
            # c0 |s + inner - c1| + c2: |c0| goes inside
            size = abs(float(c[0]))
            return size, size * (inner - float(c[1])), sign, float(c[2])
        case "quadratic":
            # c0 (s + inner - c1)^2 + c2: sqrt|c0| goes inside
            size = float(np.sqrt(abs(c[0])))
            return size, size * (inner - float(c[1])), sign, float(c[2])
        case "exp":
            reference = form.variant.about or 0.0
            # c0 exp(c1 (x - r)) = sign exp(c1 x + log|c0| - c1 r)
            start = float(np.log(max(abs(c[0]), 1e-300))) - float(c[1]) * reference
            return float(c[1]), float(c[1]) * inner + start, sign, float(c[2])
        case "log":
            # c0 log(c1 + x) or, left of its pole, c0 log(c1 - x)
            flip = -1.0 if form.variant.branch == "-" else 1.0
            return flip, flip * inner + float(c[1]), float(c[0]), float(c[2])
    return None
