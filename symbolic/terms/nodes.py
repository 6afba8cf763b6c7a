"""Nodes of a latent: outer functions of a sum, and products of factors.

    node       O(c + sum_i g_i(z_i))
    product    (c_1 + f_1(z_i)) (c_2 + f_2(z_j)) ...

Both are pieces of the same list in a latent. They share `edges`, `constants`, `free`,
`starts`, `value` and `by_constants`, which is all that packing, refits and tables need.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.class_effects import ClassEffects
from symbolic.families.guarded import (
    guarded_exp,
    guarded_exp_slope,
    guarded_log,
    guarded_log_slope,
)
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm

Array = np.ndarray

OUTERS = ("abs", "quadratic", "exp", "log", "spline")
"""Outer functions of a sum."""

PRODUCT = "product"
"""What a product is called where a node has the name of its outer function."""


@dataclass(frozen=True)
class Node:
    """A hidden node: outer function of an index.

    Args:
        outer: one of `OUTERS`.
        amplitude: sign +-1, for "log" the free factor A.
        offset: c of the index.
        edges: terms of the index.
        curve, function: of a refused outer function.
    """

    outer: str
    amplitude: float
    offset: float
    edges: tuple[EdgeTerm, ...]
    curve: SplineCurve | None = None
    function: str = ""

    @property
    def constants(self) -> tuple[float, ...]:
        """Offset, constants of the edges, amplitude of a log."""
        inner = [value for edge in self.edges for value in edge.constants]
        last = [self.amplitude] if self.outer == "log" else []
        return (self.offset, *inner, *last)

    @property
    def size(self) -> int:
        """Number of constants."""
        return len(self.constants)

    @property
    def free(self) -> tuple[bool, ...]:
        """Which constants a fit may move: all."""
        return (True,) * self.size

    @property
    def starts(self) -> tuple[int, ...]:
        """Place of the first constant of every edge."""
        # the offset of the index comes first
        sizes = [1, *(edge.size for edge in self.edges)]
        return tuple(np.cumsum(sizes).tolist()[:-1])

    def with_constants(self, values: Sequence[float]) -> "Node":
        """Return the node with other constants, in the order of `constants`."""
        edges = _filled(self.edges, self.starts, values)
        amplitude = values[-1] if self.outer == "log" else self.amplitude
        return replace(self, offset=values[0], edges=edges, amplitude=amplitude)

    def index(self, z: Array) -> Array:
        """Argument of the outer function (n,)."""
        return self.offset + sum(
            (edge.value(z[:, edge.source]) for edge in self.edges), np.zeros(len(z))
        )

    def shape(self, s: Array) -> tuple[Array, Array]:
        """Outer function without amplitude and its slope."""
        match self.outer:
            case "abs":
                return np.abs(s), np.sign(s)
            case "quadratic":
                return s * s, 2 * s
            case "exp":
                return guarded_exp(s), guarded_exp_slope(s)
            case "log":
                return guarded_log(s), guarded_log_slope(s)
        assert self.curve is not None
        return self.curve.value(s), self.curve.slope(s)

    def value(self, z: Array) -> Array:
        """Contribution to the raw latent (n,)."""
        return self.amplitude * self.shape(self.index(z))[0]

    def by_constants(self, z: Array) -> Array:
        """Derivatives (n, k) in the order of `constants`."""
        value, slope = self.shape(self.index(z))
        # chain rule: d value / d c = A O'(s) ds/dc, with ds/d offset = 1
        steep = self.amplitude * slope
        columns = [np.ones((len(z), 1))]
        columns += [edge.by_constants(z[:, edge.source]) for edge in self.edges]
        inner = np.concatenate(columns, axis=1) * steep[:, None]
        # the amplitude of a log is free: d(A log s) / dA = log s
        return np.column_stack((inner, value)) if self.outer == "log" else inner

    def in_units(self, shift: Array, scale: Array) -> "Node":
        """Return the node of features x = shift + scale z (d,)."""
        edges, left = edges_in_units(self.edges, shift, scale)
        return replace(self, edges=edges, offset=self.offset + sum(left))

    def scaled(self, factor: float) -> "Node":
        """Return the node times a number; outer functions absorb it in their index."""
        sign = 1.0 if factor > 0 else -1.0
        if self.curve is not None:
            return replace(self, curve=self.curve.scaled(factor))
        # k s^2 = (sqrt(k) s)^2,  k |s| = |k s|,  k exp(s)
        # = exp(s + log k),  k A log(s) = (k A) log(s)
        size = {"quadratic": float(np.sqrt(abs(factor))), "abs": abs(factor)}
        inner = size.get(self.outer, 1.0)
        offset = inner * self.offset
        if self.outer == "exp":
            offset += float(np.log(abs(factor)))
        amplitude = self.amplitude * (factor if self.outer == "log" else sign)
        edges = tuple(edge.scaled(inner) for edge in self.edges)
        return replace(self, amplitude=amplitude, offset=offset, edges=edges)

    def oriented(self) -> "Node":
        """Fix the free sign of a folding node: its largest edge rises."""
        # only O(-s) = O(s) leaves the sign of the index open
        if self.outer not in ("abs", "quadratic") or not self.edges:
            return self
        if any(edge.form is None for edge in self.edges):
            return self
        # the bulk of a scaled feature: within one deviation of its mean
        z = np.linspace(-1.0, 1.0, 5)
        strongest = max(self.edges, key=lambda edge: float(np.ptp(edge.value(z))))
        if strongest.value(z)[-1] >= strongest.value(z)[0]:
            return self
        edges = tuple(edge.scaled(-1.0) for edge in self.edges)
        return replace(self, offset=-self.offset, edges=edges)

    def with_edge(
        self, number: int, new: tuple[EdgeTerm, ...], shift: float
    ) -> tuple[tuple[EdgeTerm, ...], tuple["Node | Product", ...], float]:
        """Return (direct edges, nodes, offset) in place of the node, one edge changed.

        Args:
            new: what stands in place of the edge: one term, or none;  shift: what the
                offset of the index gains.
        """
        edges = self.edges[:number] + new + self.edges[number + 1 :]
        return (), (replace(self, edges=edges, offset=self.offset + shift),), 0.0


@dataclass(frozen=True)
class Factor:
    """One factor of a product: an offset plus a term.

    Args:
        edge: the term;  offset: what is added to it.
        anchored: the factor has no offset in raw units (x, exp(b x), |x - v|), so that
            `offset` is zero and stays it; a line is then one of the raw feature
            (`symbolic.families.variants.of_raw`).
    """

    edge: EdgeTerm
    offset: float = 0.0
    anchored: bool = False

    @property
    def of_classes(self) -> bool:
        """Whether every class has its own number in the factor."""
        return isinstance(self.edge.form, ClassEffects)

    def value(self, z: Array) -> Array:
        """Value (n,) at scaled features (n, d)."""
        return self.offset + self.edge.value(z[:, self.edge.source])


@dataclass(frozen=True)
class Product:
    """A product of factors. Its scale stands in the first factor with a closed form.

    The amplitudes of the other closed forms are held where they are: to move one would
    only move the scale.
    """

    factors: tuple[Factor, ...]

    outer = PRODUCT

    @property
    def edges(self) -> tuple[EdgeTerm, ...]:
        """Terms of the factors."""
        return tuple(factor.edge for factor in self.factors)

    @property
    def of_classes(self) -> bool:
        """Whether it is a slope, or a factor, for each class."""
        return any(factor.of_classes for factor in self.factors)

    @property
    def carrier(self) -> int:
        """Number of the factor that holds the scale, -1 where all are refused."""
        closed = (
            # a refused factor is a fixed spline without an amplitude to hold the scale
            k
            for k, factor in enumerate(self.factors)
            if factor.edge.form is not None
        )
        return next(closed, -1)

    @property
    def constants(self) -> tuple[float, ...]:
        """Factor after factor: its offset, if it has one, and those of its edge."""
        values: list[float] = []
        for factor in self.factors:
            values += [] if factor.anchored else [factor.offset]
            values += factor.edge.constants
        return tuple(values)

    @property
    def size(self) -> int:
        """Number of constants, held amplitudes included."""
        return len(self.constants)

    @property
    def starts(self) -> tuple[int, ...]:
        """Place of the first constant of every edge."""
        places, at = [], 0
        for factor in self.factors:
            at += not factor.anchored
            places.append(at)
            at += factor.edge.size
        return tuple(places)

    @property
    def free(self) -> tuple[bool, ...]:
        """Which constants a fit may move: all but the amplitudes that are held."""
        flags = [True] * self.size
        # the first constant of a closed form is its amplitude
        for k, start in enumerate(self.starts):
            if k != self.carrier and self.factors[k].edge.form is not None:
                flags[start] = False
        return tuple(flags)

    def with_constants(self, values: Sequence[float]) -> "Product":
        """Return the product with other constants, in the order of `constants`."""
        edges = _filled(self.edges, self.starts, values)
        factors = []
        for factor, edge, start in zip(self.factors, edges, self.starts, strict=True):
            offset = 0.0 if factor.anchored else values[start - 1]
            factors.append(replace(factor, edge=edge, offset=offset))
        return Product(tuple(factors))

    def value(self, z: Array) -> Array:
        """Contribution to the raw latent (n,)."""
        return np.prod([factor.value(z) for factor in self.factors], axis=0)

    def by_constants(self, z: Array) -> Array:
        """Derivatives (n, k) in the order of `constants`."""
        values = [factor.value(z) for factor in self.factors]
        columns = []
        for k, factor in enumerate(self.factors):
            # product rule: the derivative of one factor times all others
            others = [value for j, value in enumerate(values) if j != k]
            beside = np.prod(others, axis=0) if others else np.ones(len(z))
            if not factor.anchored:
                columns.append(beside[:, None])
            own = factor.edge.by_constants(z[:, factor.edge.source])
            columns.append(own * beside[:, None])
        return np.concatenate(columns, axis=1)

    def in_units(self, shift: Array, scale: Array) -> "Product":
        """Return the product of features x = shift + scale z (d,)."""
        # an anchored factor leaves no offset in raw units, so it stays without one
        edges, left = edges_in_units(self.edges, shift, scale)
        return Product(
            tuple(
                replace(factor, edge=edge, offset=factor.offset + more)
                for factor, edge, more in zip(self.factors, edges, left, strict=True)
            )
        )

    def scaled(self, factor: float) -> "Product":
        """Return the product times a number."""
        # where all factors are refused the first one's table takes the number
        return self._with_factor_scaled(max(self.carrier, 0), factor)

    def _with_factor_scaled(self, k: int, by: float) -> "Product":
        factor = self.factors[k]
        moved = replace(factor, edge=factor.edge.scaled(by), offset=factor.offset * by)
        return Product((*self.factors[:k], moved, *self.factors[k + 1 :]))

    def oriented(self) -> "Product":
        """Return the product itself: no factor folds."""
        return self

    def with_edge(
        self, number: int, new: tuple[EdgeTerm, ...], shift: float
    ) -> tuple[tuple[EdgeTerm, ...], tuple["Node | Product", ...], float]:
        """Return (direct edges, nodes, offset) in place of the product, one edge changed.

        A factor whose edge is left out becomes the number that is left of it; where one
        factor remains, it is a direct term and an offset.
        """
        before = self.factors[number]
        if before.of_classes and before.anchored and not new:
            return (), (), 0.0  # departures of the classes, whose mean is zero
        level = before.offset + shift
        if new:  # a term of another family brings its own offset, also in raw units
            factors = (
                *self.factors[:number],
                Factor(new[0], level),
                *self.factors[number + 1 :],
            )
            return (), (Product(factors),), 0.0
        others = Product((*self.factors[:number], *self.factors[number + 1 :]))
        # what is left of the factor is a number, which scales the other factors
        others = others.scaled(level)
        if len(others.edges) > 1:
            return (), (others,), 0.0
        # one factor is no product: level and term move to
        # the latent, whose terms are of scaled features
        last = others.factors[0]
        edge, offset = _of_scaled(last.edge)
        return (edge,), (), last.offset + offset


def _of_scaled(edge: EdgeTerm) -> tuple[EdgeTerm, float]:
    """Write a line of the raw feature as one of the scaled feature and an offset."""
    form = edge.form
    if form is None or form.family != "linear" or form.variant.raw is None:
        return edge, 0.0
    shift, scale = form.variant.raw
    slope = edge.constants[0]
    line = EdgeTerm(edge.source, FAMILIES["linear"][0], (slope * scale,))
    # slope x = slope shift + (slope scale) z
    return line, slope * shift


def edges_in_units(
    edges: Sequence[EdgeTerm], shift: Array, scale: Array
) -> tuple[tuple[EdgeTerm, ...], list[float]]:
    """Return terms of features x = shift + scale z (d,), and the offset that leaves each."""
    moved = [
        edge.in_units(float(shift[edge.source]), float(scale[edge.source]))
        for edge in edges
    ]
    return tuple(edge for edge, _ in moved), [left for _, left in moved]


def _filled(
    edges: Sequence[EdgeTerm], starts: Sequence[int], values: Sequence[float]
) -> tuple[EdgeTerm, ...]:
    """Terms with the constants that stand at their places."""
    return tuple(
        edge.with_constants(values[start : start + edge.size])
        for edge, start in zip(edges, starts, strict=True)
    )
