"""From edge curves to starting structures: one closed form an edge, or a refusal."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sciren.errors import ConfigError, closest_names
from symbolic.curves.extract import Curve, LatentCurves, NodeCurves
from symbolic.curves.fit import CurveFit, fit_curve
from symbolic.families.forms import Form
from symbolic.families.library import DEFAULT_FAMILIES, EXPONENT_LIMIT
from symbolic.terms.shape_rules import RULES
from symbolic.terms.structure import (
    DOMAIN_MARGIN,
    EdgeTerm,
    LatentStructure,
    Node,
    form_named,
    reference_of,
)


@dataclass(frozen=True)
class Choices:
    """What the user decides about families.

    Hidden nodes are named ``h1_<latent>``, ``h2_<latent>``, ...

    Args:
        families: that may be used.
        forbid: feature, latent, hidden node or "source -> latent" -> families left out.
        pins: feature, latent (all its edges from features), hidden node or
            "source -> latent" -> the one family to take.
        refuse_above: unexplained share above which an edge stays a spline.
        shapes: feature or "feature -> latent" -> one of `shape_rules.RULES`, for the
            direct edges.
        domain_margin: share of the data range that poles keep away on either side.
    """

    families: tuple[str, ...] = tuple(DEFAULT_FAMILIES)
    forbid: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)
    refuse_above: float = 0.01
    shapes: Mapping[str, str] = field(default_factory=dict)
    domain_margin: float = DOMAIN_MARGIN

    def shape(self, source: str, latent: str) -> str | None:
        """Shape required of an edge, or None."""
        return self.shapes.get(f"{source} -> {latent}", self.shapes.get(source))

    def restricted(self, families: Iterable[str]) -> "Choices":
        """Return the same choices with other families; constant always stays."""
        names = tuple(dict.fromkeys(("constant", *families)))
        return replace(self, families=names)

    def pinned(self, source: str, latent: str) -> str | None:
        """Family pinned for an edge, or None; the narrower pin goes first."""
        own = self.pins.get(f"{source} -> {latent}", self.pins.get(source))
        node = re.fullmatch(rf"h\d+_{re.escape(latent)}", source)
        return self.pins.get(latent) if own is None and not node else own

    def forbidden(self, source: str, latent: str) -> tuple[str, ...]:
        """Families forbidden for an edge."""
        keys = (source, latent, f"{source} -> {latent}")
        return tuple(name for key in keys for name in self.forbid.get(key, ()))

    def by_user(self, source: str, latent: str) -> bool:
        """Whether the user had a say in the family of an edge."""
        pinned = self.pinned(source, latent) is not None
        shaped = self.shape(source, latent) is not None
        return pinned or shaped or bool(self.forbidden(source, latent))

    def check(self, features: Sequence[str], latents: Mapping[str, int]) -> None:
        """Raise ConfigError for a pin or a ban of an edge that does not exist.

        Args:
            features: names of the features.
            latents: latent -> number of its hidden nodes.
        """
        hidden = [
            (hidden_name(k, n), n) for n, size in latents.items() for k in range(size)
        ]
        edges = [(feature, name) for feature in features for name in latents]
        sources = [*features, *(node for node, _ in hidden)]
        known = [*sources, *(f"{a} -> {b}" for a, b in [*edges, *hidden])]
        for key in self.pins:
            if key not in [*known, *latents]:
                raise ConfigError(
                    f"a family is pinned for {key!r}, which is no edge; name a "
                    'feature, a latent or "feature -> latent". '
                    f"{closest_names(key, [*known, *latents])}"
                )
        for key in self.forbid:
            if key not in [*known, *latents]:
                raise ConfigError(
                    f"families are forbidden for {key!r}, which is no edge; name a "
                    'feature, a latent or "feature -> latent". '
                    f"{closest_names(key, [*known, *latents])}"
                )
        self._check_shapes([*features, *(f"{a} -> {b}" for a, b in edges)])
        for node, name in hidden:
            family = self.pinned(node, name)
            if family is not None and family not in OUTER_FAMILIES:
                raise ConfigError(
                    f"{family!r} is pinned for hidden node {node}; an outer function is "
                    f"one of {', '.join(OUTER_FAMILIES)}"
                )

    def _check_shapes(self, known: Sequence[str]) -> None:
        for key, rule in self.shapes.items():
            if key not in known:
                raise ConfigError(
                    f"a shape is required of {key!r}, which is no edge; name a feature "
                    f'or "feature -> latent". {closest_names(key, known)}'
                )
            if rule not in RULES:
                raise ConfigError(
                    f"{rule!r} is no shape of {key!r}. {closest_names(rule, RULES)}"
                )


OUTER_FAMILIES = ("linear", "abs", "quadratic", "exp", "log")


def hidden_name(number: int, latent: str) -> str:
    """Name of a hidden node of a latent, counted from 0."""
    return f"h{number + 1}_{latent}"


def fit_edge(curve: Curve, feature: str, latent: str, choices: Choices) -> CurveFit:
    """Fit the closed forms to one curve."""
    rule = choices.shape(feature, latent)
    trend: Any = rule if rule in ("increasing", "decreasing") else None
    return fit_curve(
        curve.x,
        curve.y,
        curve.weight,
        choices.families,
        errors=curve.errors,
        refuse_above=choices.refuse_above,
        domain_margin=choices.domain_margin,
        trend=trend,
        forbid=choices.forbidden(feature, latent),
        pin=choices.pinned(feature, latent),
        unit=curve.unit,
    )


def fits_by_family(fit: CurveFit) -> dict[str, CurveFit]:
    """Closed forms of a curve by family, best first."""
    known = {} if fit.form is None else {fit.family: fit}
    for other in fit.alternatives:
        if other.form is not None:
            known.setdefault(other.family, other)
    return known


def term_of(fit: CurveFit, curve: Curve, function: str) -> tuple[EdgeTerm, float]:
    """Turn a fit into an edge term and the offset that leaves it."""
    if fit.form is None:
        return EdgeTerm(curve.source, None, (), curve.table, function), 0.0
    form, (*constants, offset) = _about_zero(fit.form, fit.constants.tolist())
    return EdgeTerm(curve.source, form, tuple(constants)), offset


def _about_zero(form: Form, constants: list[float]) -> tuple[Form, list[float]]:
    """Write an exponential about a number about zero, where its amplitude allows it."""
    reference = reference_of(form.family, form.variant)
    if reference is None or abs(constants[1] * reference) > EXPONENT_LIMIT:
        return form, constants
    amplitude = constants[0] * float(np.exp(-constants[1] * reference))
    return form_named("exp", ""), [amplitude, *constants[1:]]


def scaled_term(term: EdgeTerm, factor: float) -> EdgeTerm:
    """Return the term times a factor."""
    if term.form is None:
        assert term.curve is not None
        curve = term.curve
        ends = (curve.slopes[0] * factor, curve.slopes[1] * factor)
        table = type(curve)(curve.x, curve.y * factor, ends)
        return EdgeTerm(term.source, None, (), table, term.function)
    constants = (term.constants[0] * factor, *term.constants[1:])
    return EdgeTerm(term.source, term.form, constants)


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
    curves: LatentCurves, features: Sequence[str], choices: Choices
) -> FittedLatent:
    """Fit closed forms to every curve of a latent."""
    name = curves.name

    def edge(curve: Curve, tail: str = "") -> FittedEdge:
        feature = features[curve.source]
        fit = fit_edge(curve, feature, name, choices)
        return FittedEdge(curve, fit, feature, f"f_{name}_{feature}{tail}")

    def node(number: int, part: NodeCurves) -> FittedNode:
        tail = f"_{number + 1}" if len(curves.nodes) > 1 else ""
        source = hidden_name(number, name)
        outer = fit_curve(
            part.outer.x,
            part.outer.y,
            part.outer.weight,
            choices.families,
            refuse_above=choices.refuse_above,
            forbid=choices.forbidden(source, name),
            pin=choices.pinned(source, name),
        )
        top = FittedEdge(part.outer, outer, source, f"g_{name}{tail}")
        return FittedNode(
            tuple(edge(one, tail) for one in part.inner), part.offset, top
        )

    return FittedLatent(
        name,
        curves.offset,
        tuple(edge(one) for one in curves.edges),
        tuple(node(k, part) for k, part in enumerate(curves.nodes)),
    )


def additive_start(latent: FittedLatent) -> LatentStructure:
    """Best family on every direct edge."""
    terms = [edge.term() for edge in latent.edges]
    offset = latent.offset + sum(shift for _, shift in terms)
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
        if outer == "spline":
            curve, label = part.outer.curve.table, part.outer.function
            nodes.append(Node("spline", 1.0, inner, tuple(edges), curve, label))
            continue
        found = fits_by_family(part.outer.fit).get(outer)
        if found is None or found.form is None:
            return None
        moved = _absorbed(found.form, np.asarray(found.constants), inner)
        if moved is None:
            return None
        factor, shift, amplitude, rest = moved
        offset += rest
        scaled = tuple(scaled_term(term, factor) for term in edges)
        if outer in ("linear", "constant"):
            direct += scaled
            offset += shift
        else:
            nodes.append(Node(outer, amplitude, shift, scaled))
    single_log = len(nodes) == 1 and nodes[0].outer == "log" and not direct
    if single_log:
        scale = float(np.exp(np.clip(offset / nodes[0].amplitude, -30, 30)))
        edges = tuple(scaled_term(term, scale) for term in nodes[0].edges)
        one = Node("log", nodes[0].amplitude, nodes[0].offset * scale, edges)
        return LatentStructure(latent.name, 0.0, (), (one,), offset_free=False)
    return LatentStructure(latent.name, offset, _merged(direct), tuple(nodes))


def _merged(edges: Sequence[EdgeTerm]) -> tuple[EdgeTerm, ...]:
    """Add up linear terms of the same source; one constant is enough for them."""
    slopes: dict[int, float] = {}
    for edge in edges:
        if edge.form is not None and edge.form.family == "linear":
            slopes[edge.source] = slopes.get(edge.source, 0.0) + edge.constants[0]
    found = []
    for edge in edges:
        if edge.form is None or edge.form.family != "linear":
            found.append(edge)
        elif edge.source in slopes:
            found.append(replace(edge, constants=(slopes.pop(edge.source),)))
    return tuple(found)


def _absorbed(
    form: Form, c: np.ndarray, inner: float
) -> tuple[float, float, float, float] | None:
    """Move scale and shift of an outer form into its argument.

    Returns:
        factor on the inner edges, offset of the index, amplitude, offset that is left.
    """
    sign = float(np.sign(c[0])) or 1.0
    match form.family:
        case "linear":
            return float(c[0]), float(c[0] * inner), 1.0, float(c[1])
        case "abs":
            size = abs(float(c[0]))
            return size, size * (inner - float(c[1])), sign, float(c[2])
        case "quadratic":
            size = float(np.sqrt(abs(c[0])))
            return size, size * (inner - float(c[1])), sign, float(c[2])
        case "exp":
            reference = reference_of(form.family, form.variant) or 0.0
            start = float(np.log(max(abs(c[0]), 1e-300))) - float(c[1]) * reference
            return float(c[1]), float(c[1]) * inner + start, sign, float(c[2])
        case "log":
            flip = -1.0 if form.variant == "-" else 1.0
            return flip, flip * inner + float(c[1]), float(c[0]), float(c[2])
    return None
