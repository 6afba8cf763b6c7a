"""Structures: an additive part plus nonlinear nodes, with their constants.

    additive    sum_i f_i(z_i)
    exp         E exp(s)              quadratic   +-(c + s)^2
    log         A log(1 + s)          abs         +-|c + s|
    product     (c1 + g1(z_i)) (c2 + g2(z_j)) ..., or a factor that is anchored: x, (x - v)^2,
                exp(b x) or |x - v| of the raw feature without an offset

with s the sum of inner functions, each without its mean over the rows, so that no two
sets of constants describe the same function and columns are not collinear with the
offset. The offset of the whole is not part of a model: it is projected out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.fitting.columns import Column
from symbolic.composition.fitting.edge_families import WITHOUT_DOMAIN, edge_family
from symbolic.families.guarded import (
    guarded_exp,
    guarded_exp_slope,
    guarded_log,
    guarded_log_slope,
)

Array = np.ndarray

Place = tuple[int, int]

KINDS = ("exp", "quadratic", "log", "abs")
"""Outer functions of a sum; "product" takes two or three single edges."""


@dataclass(frozen=True)
class Term:
    """One inner function of one feature with its constants."""

    feature: int
    family: str
    constants: tuple[float, ...]

    def scaled(self, factor: float) -> "Term":
        """Return the term times a number; parabolas, waves and splines are linear in more."""
        # constants in which the family is linear: the others give the curve its shape
        count = len(self.constants) if self.family in WITHOUT_DOMAIN else 1
        first = tuple(factor * value for value in self.constants[:count])
        return replace(self, constants=(*first, *self.constants[count:]))


@dataclass(frozen=True)
class Node:
    """A nonlinear node.

    Args:
        kind: "exp", "quadratic", "log", "abs" or "product".
        sign: of quadratic and abs; 1 elsewhere.
        head: (E,), (c,), (A,), (c,) or (c1, c2, ...), without those of anchored factors.
        terms: inner functions; two or three for "product".
        anchored: factors of a product that have no offset.
    """

    kind: str
    sign: float
    head: tuple[float, ...]
    terms: tuple[Term, ...]
    anchored: tuple[bool, ...] = (False, False)


@dataclass(frozen=True)
class Model:
    """An additive part and nodes.

    Places of terms are (node, number); additive terms are node -1.
    """

    additive: tuple[Term, ...] = ()
    nodes: tuple[Node, ...] = ()

    def places(self) -> list[Place]:
        """All terms by their place, those of nodes first."""
        inner = [(h, k) for h, n in enumerate(self.nodes) for k in range(len(n.terms))]
        return inner + [(-1, k) for k in range(len(self.additive))]

    def term(self, place: Place) -> Term:
        """Return the term at a place."""
        h, k = place
        return self.additive[k] if h < 0 else self.nodes[h].terms[k]

    def terms(self) -> list[Term]:
        """All terms, those of nodes first."""
        return [self.term(place) for place in self.places()]

    def with_term(self, place: Place, term: Term | None) -> "Model":
        """Replace a term, or with None drop it; a node without terms is dropped too."""
        h, k = place
        new = () if term is None else (term,)
        if h < 0:
            return replace(
                self, additive=self.additive[:k] + new + self.additive[k + 1 :]
            )
        node = self.nodes[h]
        terms = node.terms[:k] + new + node.terms[k + 1 :]
        if node.kind == "product" and term is None:
            return self.with_node(h, _without_factor(node, k))
        return self.with_node(h, replace(node, terms=terms) if terms else None)

    def with_node(self, h: int, node: Node | None) -> "Model":
        """Replace a node, or with None drop it."""
        new = () if node is None else (node,)
        return replace(self, nodes=self.nodes[:h] + new + self.nodes[h + 1 :])

    @property
    def features(self) -> tuple[int, ...]:
        """Features that occur, ascending."""
        return tuple(sorted({term.feature for term in self.terms()}))

    @property
    def size(self) -> int:
        """Number of free constants without the offset.

        The scales of a product's factors but one are redundant.
        """
        # an anchored factor has no head, so what is counted are heads and constants of terms,
        # less one scale for each factor after the first
        shared = sum(len(n.terms) - 1 for n in self.nodes if n.kind == "product")
        heads = sum(len(node.head) for node in self.nodes) - shared
        return heads + sum(len(term.constants) for term in self.terms())

    @property
    def has_splines(self) -> bool:
        """Whether some term is not named yet."""
        return any(term.family == "spline" for term in self.terms())

    @property
    def key(self) -> tuple[object, ...]:
        """Structure without constants; equal for equal structures."""
        additive = tuple(sorted((t.feature, t.family) for t in self.additive))
        nodes = tuple(
            sorted((n.kind, n.sign, tuple(sorted(_named(n)))) for n in self.nodes)
        )
        return additive, nodes

    def pack(self) -> Array:
        """All constants as one vector: node after node (head, terms), then the additive part."""
        parts: list[float] = []
        for node in self.nodes:
            parts += node.head
            for term in node.terms:
                parts += term.constants
        for term in self.additive:
            parts += term.constants
        return np.array(parts)

    def unpack(self, theta: Array) -> "Model":
        """Return the same structure with other constants."""
        values, at = theta.tolist(), 0

        def take(count: int) -> tuple[float, ...]:
            nonlocal at
            at += count
            return tuple(values[at - count : at])

        def filled(terms: Iterable[Term]) -> tuple[Term, ...]:
            return tuple(
                Term(term.feature, term.family, take(len(term.constants)))
                for term in terms
            )

        nodes = []
        for node in self.nodes:
            head = take(len(node.head))
            terms = filled(node.terms)
            nodes.append(Node(node.kind, node.sign, head, terms, node.anchored))
        return Model(filled(self.additive), tuple(nodes))


class Evaluator:
    """Value and exact derivatives of a model on the rows of some columns.

    Args:
        columns: features.
        model: structure; its constants are not used.
        soft: width of a smoothed kink of abs nodes, zero for the exact one.
    """

    def __init__(
        self, columns: Sequence[Column], model: Model, soft: float = 0.0
    ) -> None:
        self.columns, self.model, self.soft = columns, model, soft
        self.rows = len(columns[0].z)
        self.size = len(model.pack())
        self.spline = np.zeros(self.size, dtype=bool)
        self.retractions: list[tuple[slice, Term]] = []
        at = 0
        for node in model.nodes:
            at = self._mark(node.terms, at + len(node.head))
        self._mark(model.additive, at)

    def _mark(self, terms: Iterable[Term], at: int) -> int:
        for term in terms:
            end = at + len(term.constants)
            self.spline[at:end] = term.family == "spline"
            if term.family not in WITHOUT_DOMAIN:
                self.retractions.append((slice(at, end), term))
            at = end
        return at

    def retract(self, old: Array, new: Array) -> Array:
        """Hold inner constants inside their domains."""
        for part, term in self.retractions:
            column, held = self.columns[term.feature], edge_family(term.family)
            new[part] = held.retract(column, old[part], new[part])
        return new

    def value_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Return value (n,) and derivatives (n, k)."""
        # column by column in memory: terms fill whole columns, and J'J reads them
        jacobian = np.empty((self.rows, self.size), order="F")
        value, at = np.zeros(self.rows), 0
        for node in self.model.nodes:
            contribution, at = self._node(node, theta, jacobian, at)
            value += contribution
        for term in self.model.additive:
            end = at + len(term.constants)
            value += self._term(term, theta[at:end], jacobian[:, at:end])
            at = end
        return value, jacobian

    def _term(self, term: Term, constants: Array, out: Array) -> Array:
        column = self.columns[term.feature]
        return edge_family(term.family).evaluate(column, constants, out)

    def inner(self, node: Node, theta: Array, jacobian: Array, at: int) -> Array:
        """Centred sum of a node's inner functions; derivatives centred in place."""
        start, total = at, np.zeros(self.rows)
        for term in node.terms:
            end = at + len(term.constants)
            total += self._term(term, theta[at:end], jacobian[:, at:end])
            at = end
        # a view: centring it changes the Jacobian
        block = jacobian[:, start:at]
        block -= block.mean(0)
        return total - total.mean()

    def _node(
        self, node: Node, theta: Array, jacobian: Array, at: int
    ) -> tuple[Array, int]:
        if node.kind == "product":
            return self._product(node, theta, jacobian, at)
        head, start = theta[at], at + 1
        end = start + sum(len(term.constants) for term in node.terms)
        s = self.inner(node, theta, jacobian, start)
        value, slope, by_head = outer(node.kind, node.sign, float(head), s, self.soft)
        # chain rule: d O(s) / d c = O'(s) ds/dc
        jacobian[:, start:end] *= slope[:, None]
        jacobian[:, at] = by_head
        return value, end

    def _product(
        self, node: Node, theta: Array, jacobian: Array, at: int
    ) -> tuple[Array, int]:
        low = at + len(node.head)
        # 1. Value and derivatives of each factor, with its offset.
        factors, places, shifts = [], [], iter(range(at, low))
        for term, anchored in zip(node.terms, node.anchored, strict=True):
            high = low + len(term.constants)
            part, block = theta[low:high], jacobian[:, low:high]
            value = self._term(term, part, block)
            if anchored:
                shift, slopes = natural_offset(self.columns, term, part)
                block += slopes
                places.append((slice(low, high), None))
            else:
                head = next(shifts)
                # the head is the mean of the factor over the rows
                shift = theta[head] - value.mean()
                block -= block.mean(0)
                places.append((slice(low, high), head))
            factors.append(value + shift)
            low = high
        # 2. Product rule: each factor's derivatives times all other factors.
        for k, (part, head) in enumerate(places):
            other = multiplied(factors[:k] + factors[k + 1 :])
            jacobian[:, part] *= other[:, None]
            if head is not None:
                jacobian[:, head] = other
        return multiplied(factors), low


def natural_offset(
    columns: Sequence[Column], term: Term, constants: Array | None = None
) -> tuple[float, Array]:
    """Return the offset of a term that has none in raw units, and its derivatives (k,)."""
    natural = edge_family(term.family).natural
    if natural is None:
        raise ValueError(f"{term.family} has no form without an offset")
    values = np.array(term.constants) if constants is None else constants
    return natural(columns[term.feature], values)


def factor_value(columns: Sequence[Column], node: Node, k: int) -> Array:
    """Return the value of factor k of a product (n,), its offset included."""
    value = term_value(columns, node.terms[k])
    if node.anchored[k]:
        return value + natural_offset(columns, node.terms[k])[0]
    # heads are kept only for factors that are not anchored, in their order
    return value - value.mean() + node.head[k - sum(node.anchored[:k])]


def multiplied(factors: Sequence[Array]) -> Array:
    """Return the product of one or more arrays (n,)."""
    value = factors[0]
    for factor in factors[1:]:
        value = value * factor
    return value


def _without_factor(node: Node, k: int) -> Node | None:
    """Return a product without one of its three factors; None where one would be left."""
    if len(node.terms) < 3:
        return None
    flags = node.anchored[:k] + node.anchored[k + 1 :]
    own = k - sum(node.anchored[:k])
    head = node.head if node.anchored[k] else node.head[:own] + node.head[own + 1 :]
    terms = node.terms[:k] + node.terms[k + 1 :]
    return replace(node, head=head, terms=terms, anchored=flags)


def _named(node: Node) -> Iterable[tuple[int, str, bool]]:
    """Features and families of a node, and which factors are anchored."""
    flags = node.anchored if node.kind == "product" else (False,) * len(node.terms)
    return [
        (term.feature, term.family, flag)
        for term, flag in zip(node.terms, flags, strict=True)
    ]


def outer(
    kind: str, sign: float, head: float, s: Array, soft: float = 0.0
) -> tuple[Array, Array, Array]:
    """Return value, slope by s and derivative by the head, (n,) each, at the centred sum s."""
    match kind:
        case "exp":
            shape = guarded_exp(s)
            return head * shape, head * guarded_exp_slope(s), shape
        case "log":
            shape = guarded_log(1.0 + s)
            return head * shape, head * guarded_log_slope(1.0 + s), shape
        case "quadratic":
            # the head moves the sum, so its derivative is the slope
            t = s + head
            slope = (2.0 * sign) * t
            return sign * t * t, slope, slope
        case "abs":
            t = s + head
            if soft > 0:
                # sqrt(t^2 + soft^2): a slope leads rows over a kink that is rounded off
                size = np.sqrt(t * t + soft * soft)
                slope = sign * t / size
                return sign * size, slope, slope
            slope = sign * np.sign(t)
            return sign * np.abs(t), slope, slope
    raise ValueError(f"unknown kind {kind!r}")


def node_sum(columns: Sequence[Column], node: Node) -> Array:
    """Centred sum of a node's inner functions at its constants (n,)."""
    theta, evaluator = (
        Model(nodes=(node,)).pack(),
        Evaluator(columns, Model(nodes=(node,))),
    )
    scratch = np.empty((evaluator.rows, evaluator.size), order="F")
    return evaluator.inner(node, theta, scratch, len(node.head))


def term_value(columns: Sequence[Column], term: Term) -> Array:
    """Value of one term (n,)."""
    column = columns[term.feature]
    scratch = np.empty((len(column.z), len(term.constants)), order="F")
    return edge_family(term.family).evaluate(column, np.array(term.constants), scratch)


def describe(model: Model, names: Sequence[str]) -> str:
    """Return families and nodes of a model in words; the order does not matter."""
    parts = sorted(_node(node, names) for node in model.nodes)
    parts += sorted(_term(term, names) for term in model.additive)
    return " + ".join(parts) if parts else "constant"


def _term(term: Term, names: Sequence[str]) -> str:
    return f"{term.family}({names[term.feature]})"


def _node(node: Node, names: Sequence[str]) -> str:
    inner = sorted(_term(term, names) for term in node.terms)
    if node.kind == "product":
        return f"[{' * '.join(inner)}]"
    return f"{node.kind}[{' + '.join(inner)}]"
