"""A latent as closed forms of scaled features: the parametric model behind an equation.

    raw = D + sum_i f_i(z_i) + sum_h O_h(c_h + sum_i g_hi(z_i))

Outer functions are written without redundant constants (their scale and offset live
in the argument): abs +-|s|, quadratic +-s^2, exp +-exp(s), log A log(s). Refused edges
are fixed splines. Everything here is numpy; the process behind the latent is not seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.forms import Form
from symbolic.families.library import (
    FAMILIES,
    OF_RAW,
    exp_about,
    guarded_exp,
    guarded_log,
    guarded_log_slope,
    in_raw_units,
    is_of_raw,
    of_raw,
    raw_value_of,
)

Array = np.ndarray

ROUNDING = 1e-13
"""A difference this small against what it is the difference of is rounding."""


@dataclass(frozen=True)
class EdgeTerm:
    """One edge: a closed form without offset, or a refused curve.

    Args:
        source: column of the scaled features.
        form: closed form; None when refused.
        constants: of the form, offset left out.
        curve: the spline of a refused edge.
        function: name of a refused edge in the formula, e.g. ``f_rb_ta``.
    """

    source: int
    form: Form | None
    constants: tuple[float, ...] = ()
    curve: SplineCurve | None = None
    function: str = ""

    @property
    def size(self) -> int:
        """Number of free constants."""
        return len(self.constants)

    def _full(self) -> Array:
        return np.array([*self.constants, 0.0])

    def value(self, z: Array) -> Array:
        """Value at scaled source values (n,)."""
        if self.form is not None:
            return self.form.value(z, self._full())
        assert self.curve is not None
        return self.curve.value(z)

    def by_constants(self, z: Array) -> Array:
        """Derivatives (n, k)."""
        if self.form is None:
            return np.empty((len(z), 0))
        return self.form.by_constants(z, self._full())[:, :-1]


OUTERS = ("abs", "quadratic", "exp", "log", "spline")


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
    def size(self) -> int:
        """Number of free constants."""
        return 1 + sum(edge.size for edge in self.edges) + (self.outer == "log")

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
                value = guarded_exp(s)
                return value, value
            case "log":
                return guarded_log(s), guarded_log_slope(s)
        assert self.curve is not None
        return self.curve.value(s), self.curve.slope(s)

    def value(self, z: Array) -> Array:
        """Contribution to the raw latent (n,)."""
        return self.amplitude * self.shape(self.index(z))[0]

    def by_constants(self, z: Array) -> Array:
        """Derivatives (n, k): offset, edges, amplitude of a log."""
        value, slope = self.shape(self.index(z))
        steep = self.amplitude * slope
        columns = [np.ones((len(z), 1))]
        columns += [edge.by_constants(z[:, edge.source]) for edge in self.edges]
        inner = np.concatenate(columns, axis=1) * steep[:, None]
        return np.column_stack((inner, value)) if self.outer == "log" else inner


@dataclass(frozen=True)
class LatentStructure:
    """All terms of one latent.

    Args:
        name: of the latent.
        offset: D;  edges: direct terms;  nodes: hidden nodes.
        offset_free: False where D is redundant (a single log node).
    """

    name: str
    offset: float
    edges: tuple[EdgeTerm, ...] = ()
    nodes: tuple[Node, ...] = ()
    offset_free: bool = True

    @property
    def size(self) -> int:
        """Number of entries of the parameter vector; the first is D, free or not."""
        return 1 + sum(part.size for part in (*self.edges, *self.nodes))

    @property
    def n_free(self) -> int:
        """Number of free constants."""
        return self.size - (not self.offset_free)

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
        values = [self.offset]
        for edge in self.edges:
            values += edge.constants
        for node in self.nodes:
            values.append(node.offset)
            for edge in node.edges:
                values += edge.constants
            if node.outer == "log":
                values.append(node.amplitude)
        return np.array(values)

    def unpack(self, vector: Array) -> "LatentStructure":
        """Return the same structure with other constants."""
        take = iter([float(value) for value in vector])
        offset = next(take)
        edges = tuple(_filled(edge, take) for edge in self.edges)
        nodes = []
        for node in self.nodes:
            shift = next(take)
            inner = tuple(_filled(edge, take) for edge in node.edges)
            amplitude = next(take) if node.outer == "log" else node.amplitude
            nodes.append(replace(node, offset=shift, edges=inner, amplitude=amplitude))
        return replace(self, offset=offset, edges=edges, nodes=tuple(nodes))

    @property
    def all_edges(self) -> list[EdgeTerm]:
        """Direct edges, then those into the hidden nodes."""
        return [*self.edges, *(edge for node in self.nodes for edge in node.edges)]

    def oriented(self) -> "LatentStructure":
        """Fix the free sign of folding nodes: the largest edge rises."""
        return replace(self, nodes=tuple(_oriented(node) for node in self.nodes))


def _filled(edge: EdgeTerm, take: Iterator[float]) -> EdgeTerm:
    return replace(edge, constants=tuple(next(take) for _ in edge.constants))


def _oriented(node: Node) -> Node:
    if node.outer not in ("abs", "quadratic") or not node.edges:
        return node
    if any(edge.form is None for edge in node.edges):
        return node
    z = np.linspace(-1.0, 1.0, 5)
    strongest = max(node.edges, key=lambda edge: float(np.ptp(edge.value(z))))
    rises = strongest.value(z)[-1] >= strongest.value(z)[0]
    if rises:
        return node
    edges = tuple(
        replace(edge, constants=(-edge.constants[0], *edge.constants[1:]))
        for edge in node.edges
    )
    return replace(node, offset=-node.offset, edges=edges)


ABOUT = " about "  # variant of an exponential that is written about a number


def form_named(family: str, variant: str) -> Form:
    """Return a form of the library, or an exponential about a number.

    Raises:
        KeyError: the library has no such form.
    """
    for form in FAMILIES[family]:
        if form.variant == variant:
            return form
    if OF_RAW in variant:
        try:
            first, shift, scale = raw_value_of(variant)
        except ValueError as error:
            raise KeyError(f"{family}{variant}") from error
        return of_raw(form_named(family, first), shift, scale)
    reference = reference_of(family, variant)
    if reference is None:
        raise KeyError(f"{family}{variant}")
    return exp_about(reference)


def reference_of(family: str, variant: str) -> float | None:
    """Return the number about which an exponential is written, or None."""
    if family != "exp" or not variant.startswith(ABOUT):
        return None
    try:
        reference = float(variant.removeprefix(ABOUT))
    except ValueError:
        return None
    return reference if np.isfinite(reference) else None


def in_raw(form: Form, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
    """Return form and constants in raw x = shift + scale z, also for exp about a number.

    A user's family without a rule for new units keeps its constants: it is one of the
    raw value (`library.of_raw`), or else is written as a function of z.
    """
    if not form.rescalable:
        return form, c
    if is_of_raw(form):
        first, own_shift, own_scale = raw_value_of(form.variant)
        factor = own_scale / scale
        return of_raw(
            form_named(form.family, first), own_shift - factor * shift, factor
        ), c
    reference = reference_of(form.family, form.variant)
    if reference is None:
        raw, moved = in_raw_units(form, c, shift, scale)
        return raw, _without_rounding(raw, moved, abs(shift) + abs(scale))
    return exp_about(shift + scale * reference), np.array([c[0], c[1] / scale, c[2]])


def _without_rounding(form: Form, c: Array, size: float) -> Array:
    """Return the constants with shifts of x at rounding level set to zero.

    Args:
        size: of the numbers whose difference a shift is.
    """
    shifts = np.array([role == "s" for role in form.constants])
    return np.where(shifts & (np.abs(c) < ROUNDING * size), 0.0, c)
