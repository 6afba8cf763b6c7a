"""Structures of scaled features -> sympy expressions in raw units, constraint included."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

from symbolic.curves.fit import readable
from symbolic.curves.spline_curve import SplineCurve
from symbolic.terms.structure import ROUNDING, EdgeTerm, LatentStructure, Node, in_raw


@dataclass(frozen=True)
class Units:
    """Raw features behind the scaled ones: x = shift + scale z.

    Args:
        names: of the features;  shift, scale: (d,);  low, high: (d,) raw data range.
    """

    names: tuple[str, ...]
    shift: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def symbol(self, source: int) -> sympy.Symbol:
        """Symbol of a feature."""
        return sympy.Symbol(self.names[source], real=True)


@dataclass(frozen=True)
class RawConstant:
    """One printed constant: where it stands and its value in raw units."""

    name: str
    latent: str
    source: str
    role: str
    value: float


def feature_symbols(names: Sequence[str]) -> tuple[sympy.Symbol, ...]:
    """Symbols of the features, as every formula uses them."""
    return tuple(sympy.Symbol(name, real=True) for name in names)


def raw_term(edge: EdgeTerm, units: Units) -> tuple[sympy.Expr, float]:
    """Return an edge's expression in raw units without offset, and its offset."""
    x: sympy.Expr = units.symbol(edge.source)
    if edge.form is None:
        return sympy.Function(edge.function)(x), 0.0
    if not edge.form.rescalable:
        shift, scale = units.shift[edge.source], units.scale[edge.source]
        x = (x - sympy.Float(shift)) / sympy.Float(scale)
    form, c = in_raw(
        edge.form,
        np.array([*edge.constants, 0.0]),
        float(units.shift[edge.source]),
        float(units.scale[edge.source]),
    )
    low, high = float(units.low[edge.source]), float(units.high[edge.source])
    bare = np.array([*c[:-1], 0.0])
    expression = readable(form, x, bare, low, high)
    return expression, float(c[-1])


STEEP = 100.0  # exponents above this are written so that no step of them overflows


def _exponential(s: sympy.Expr) -> sympy.Expr:
    """exp(s); where s has a large constant, as a power that sympy leaves whole."""
    constant, rest = s.as_coeff_Add()
    if abs(float(constant)) < STEEP or rest == 0:
        return sympy.exp(s)
    # exp(x - 2000) would be multiplied out to 1e-869*exp(x), which no double can hold.
    rates = [float(term.as_coeff_Mul()[0]) for term in sympy.Add.make_args(rest)]
    rate = max(rates, key=abs)
    return sympy.Pow(sympy.exp(sympy.Float(rate)), sympy.expand_mul(s / rate))


def _sum(edges: Sequence[EdgeTerm], offset: float, units: Units) -> sympy.Expr:
    terms, offsets = [], [offset]
    for edge in edges:
        expression, shift = raw_term(edge, units)
        terms.append(expression)
        offsets.append(shift)
    return sympy.Add(*terms, sympy.Float(_total(offsets)))


def _total(parts: Sequence[float]) -> float:
    """Sum whose remainder at rounding level is zero, as it is printed."""
    total, size = sum(parts), sum(abs(part) for part in parts)
    return total if abs(total) > ROUNDING * size else 0.0


def node_expression(node: Node, units: Units) -> sympy.Expr:
    """Contribution of a hidden node."""
    s = _sum(node.edges, node.offset, units)
    outer = {
        "abs": lambda: sympy.Abs(s),
        "quadratic": lambda: sympy.Pow(s, 2),
        "exp": lambda: _exponential(s),
        "log": lambda: sympy.log(s),
        "spline": lambda: sympy.Function(node.function)(s),
    }[node.outer]()
    if node.amplitude == 1.0:
        return outer
    sign = sympy.Integer(-1) if node.amplitude == -1.0 else sympy.Float(node.amplitude)
    return sign * outer


def raw_expression(structure: LatentStructure, units: Units) -> sympy.Expr:
    """Raw latent as a function of raw features, before the constraint."""
    nodes = [node_expression(node, units) for node in structure.nodes]
    return sympy.Add(_sum(structure.edges, structure.offset, units), *nodes)


def standardised_expression(
    structure: LatentStructure, names: Sequence[str]
) -> sympy.Expr:
    """Raw latent as a function of scaled features z_<name>."""
    d = len(names)
    scaled = Units(
        tuple(f"z_{name}" for name in names),
        np.zeros(d),
        np.ones(d),
        -np.ones(d),
        np.ones(d),
    )
    return raw_expression(structure, scaled)


def constrained(
    raw: sympy.Expr,
    constraint: str,
    low: float,
    high: float,
    temperature: float = 1.0,
    largest: float = 0.0,
) -> sympy.Expr:
    """Put an expression through a constraint layer.

    Args:
        raw: raw latent.
        constraint: name of the layer;  low, high: bounds;  temperature: of a sigmoid.
        largest: size of the raw values on the data. Sigmoid and softplus of large
            values are written without exponentials that overflow.
    """
    bottom, top = sympy.Float(low), sympy.Float(high)
    constant = abs(float(raw.as_coeff_Add()[0]))
    steep = max(constant, largest) > STEEP * min(temperature, 1.0)
    match constraint:
        case "hard_sigmoid":
            # To decide which side is larger takes sympy longer than all the rest.
            free = not raw.is_number
            line = raw / 6 + sympy.Rational(1, 2)
            share = sympy.Max(line, 0, evaluate=not free)
            share = sympy.Min(share, 1, evaluate=not free)
            return bottom + sympy.Float(high - low) * share
        case "sigmoid":
            inside = raw / sympy.Float(temperature)
            share = (
                (1 + sympy.tanh(inside / 2)) / 2
                if steep
                else 1 / (1 + sympy.exp(-inside))
            )
            return bottom + sympy.Float(high - low) * share
        case "relu":
            held = raw if np.isinf(low) else sympy.Max(raw, _plain(low))
            return held if np.isinf(high) else sympy.Min(held, _plain(high))
        case "softplus":
            sign = 1 if np.isfinite(low) else -1
            ramp = _softplus(sign * raw, steep)
            return bottom + ramp if np.isfinite(low) else top - ramp
    return raw


def _softplus(raw: sympy.Expr, steep: bool) -> sympy.Expr:
    if not steep:
        return sympy.log(1 + sympy.exp(raw))
    return sympy.Max(raw, 0) + sympy.log(1 + sympy.exp(-sympy.Abs(raw)))


def _plain(value: float) -> sympy.Expr:
    """Integers stay integers, so that bounds print as 0 and not 0.0."""
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value)


def refused_curves(
    structures: Sequence[LatentStructure], units: Units
) -> dict[str, SplineCurve]:
    """Tables of all refused functions by name, in raw units of their argument."""
    curves: dict[str, SplineCurve] = {}
    for structure in structures:
        for edge in structure.all_edges:
            if edge.curve is not None:
                shift, scale = units.shift[edge.source], units.scale[edge.source]
                curves[edge.function] = edge.curve.moved(float(shift), float(scale))
        for node in structure.nodes:
            if node.curve is not None:
                curves[node.function] = node.curve
    return curves


def raw_constants(
    structures: Sequence[LatentStructure], units: Units
) -> list[RawConstant]:
    """List every constant of the printed equations with its value in raw units.

    Names are unique within a latent: ``a_ta``; ``a_ta_1`` inside the first hidden node
    of several, or beside direct terms; ``a_ta_b`` where a node uses a feature twice.
    """
    return [
        replace(one, name=name)
        for structure in structures
        for one, name in _uniquely_named(_constants_of(structure, units))
    ]


def _constants_of(structure: LatentStructure, units: Units) -> list[RawConstant]:
    name, found = structure.name, []
    offset, edges = _edge_constants(structure.edges, name, "", units)
    if structure.offset_free:
        total = _total([structure.offset, *offset])
        found.append(RawConstant(f"{name}_0", name, "", "offset", total))
    found += edges
    alone = len(structure.nodes) == 1 and not structure.edges
    for number, node in enumerate(structure.nodes):
        tail = "" if alone else f"_{number + 1}"
        offset, edges = _edge_constants(node.edges, name, tail, units)
        total = _total([node.offset, *offset])
        found.append(RawConstant(f"c_{name}{tail}", name, "", "index offset", total))
        found += edges
        if node.outer == "log":
            label = f"A_{name}{tail}"
            found.append(RawConstant(label, name, "", "amplitude", node.amplitude))
    return found


def _uniquely_named(found: list[RawConstant]) -> Iterator[tuple[RawConstant, str]]:
    """Constants with names of their own: a second a_ta becomes a_ta_b."""
    count: dict[str, int] = {}
    for one in found:
        number = count[one.name] = count.get(one.name, 0) + 1
        yield one, one.name if number == 1 else f"{one.name}_{chr(96 + number)}"


def _edge_constants(
    edges: Sequence[EdgeTerm], latent: str, tail: str, units: Units
) -> tuple[list[float], list[RawConstant]]:
    offset, found = [], []
    for edge in edges:
        if edge.form is None:
            continue
        shift, scale = units.shift[edge.source], units.scale[edge.source]
        full = np.array([*edge.constants, 0.0])
        form, c = in_raw(edge.form, full, float(shift), float(scale))
        offset.append(float(c[-1]))
        source = units.names[edge.source]
        for role, value in zip(form.constants[:-1], c[:-1], strict=True):
            label = f"{role}_{source}{tail}"
            found.append(RawConstant(label, latent, source, role, float(value)))
    return offset, found
