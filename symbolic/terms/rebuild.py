"""Structures of scaled features -> sympy expressions in raw units, constraint included."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy

from sciren.data.kinds import Kinds
from symbolic.curves.curve_fit import readable
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.forms import Form
from symbolic.families.variants import ROUNDING, in_raw
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node, Product
from symbolic.terms.structure import LatentStructure


@dataclass(frozen=True)
class Units:
    """Raw features behind the scaled ones: x = shift + scale z.

    Args:
        names: of the features;  shift, scale: (d,);  low, high: (d,) raw data range.
        kinds: feature -> kind, of those that are classes or periodic.
    """

    names: tuple[str, ...]
    shift: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kinds: Kinds = field(default_factory=dict)

    def symbol(self, source: int) -> sympy.Symbol:
        """Symbol of a feature."""
        return sympy.Symbol(self.names[source], real=True)


def feature_symbols(names: Sequence[str]) -> tuple[sympy.Symbol, ...]:
    """Symbols of the features, as every formula uses them."""
    return tuple(sympy.Symbol(name, real=True) for name in names)


@dataclass(frozen=True)
class RawTerm:
    """A closed form in raw units without its offset.

    Args:
        form: in raw units;  constants: without the offset;  offset: what leaves it.
        x: what the form is a function of: the feature, or its scaled value where a
            family has no rule for new units.
        feature: name;  low, high: range of the data.
    """

    form: Form
    constants: np.ndarray
    offset: float
    x: sympy.Expr
    feature: str
    low: float
    high: float

    @property
    def expression(self) -> sympy.Expr:
        """Expression with numbers, its offset left out."""
        c = np.array([*self.constants, 0.0])
        return readable(self.form, self.x, c, self.low, self.high)

    def with_constants(self, given: Sequence[sympy.Expr]) -> sympy.Expr:
        """Expression with other constants, e.g. symbols."""
        return self.form.expression(self.x, [*given, sympy.Integer(0)])


def raw_closed(edge: EdgeTerm, units: Units) -> RawTerm:
    """Return the closed form of an edge in raw units."""
    i = edge.source
    shift, scale = float(units.shift[i]), float(units.scale[i])
    x: sympy.Expr = units.symbol(i)
    assert edge.form is not None
    # a family without a rule for new units is printed of (x - shift) / scale
    if not edge.form.rescalable:
        x = (x - sympy.Float(shift)) / sympy.Float(scale)
    form, c = in_raw(edge.form, edge.full, shift, scale)
    low, high = float(units.low[i]), float(units.high[i])
    return RawTerm(form, c[:-1], float(c[-1]), x, units.names[i], low, high)


def raw_term(edge: EdgeTerm, units: Units) -> tuple[sympy.Expr, float]:
    """Return an edge's expression in raw units without offset, and its offset."""
    if edge.form is None:
        return sympy.Function(edge.function)(units.symbol(edge.source)), 0.0
    raw = raw_closed(edge, units)
    return raw.expression, raw.offset


@dataclass(frozen=True)
class RawFactor:
    """A factor of a product in raw units.

    Args:
        edge: in scaled units;  term: its closed form in raw units, None when refused.
        offset: None for a factor without one.
        unit: whether the amplitude of the term is one and not written.
    """

    edge: EdgeTerm
    term: RawTerm | None
    offset: float | None
    unit: bool


def raw_factors(product: Product, units: Units) -> list[RawFactor]:
    """Factors in raw units; the amplitudes of all stand in the first closed form."""
    terms = [
        None if edge.form is None else raw_closed(edge, units) for edge in product.edges
    ]
    # Amplitudes a_k of all factors but the carrier are divided out of them, offsets included,
    # and multiplied into the carrier: the product has one scale that is printed once.
    scale = 1.0
    for k, term in enumerate(terms):
        if term is not None and k != product.carrier:
            scale *= float(term.constants[0])
    factors = []
    for k, (factor, term) in enumerate(zip(product.factors, terms, strict=True)):
        offset, unit, moved = factor.offset, False, None
        if term is not None:
            unit = k != product.carrier
            by = 1.0 / float(term.constants[0]) if unit else scale
            offset = by * total([offset, term.offset])
            constants = np.array(term.form.times(term.constants.tolist(), by))
            moved = replace(term, constants=constants, offset=0.0)
        written = None if factor.anchored else offset
        # a number beside effects of classes goes into each of
        # them: the table of slopes is then what is printed
        if moved is not None and written is not None:
            inside = moved.form.with_offset(moved.constants.tolist(), written)
            if inside is not None:
                form, values = inside
                moved = replace(moved, form=form, constants=np.array(values))
                written = None
        factors.append(RawFactor(factor.edge, moved, written, unit))
    return factors


STEEP = 100.0  # exponents above this are written so that no step of them overflows


def _exponential(s: sympy.Expr) -> sympy.Expr:
    """exp(s); where s has a large constant, as a power that sympy leaves whole."""
    constant, rest = s.as_coeff_Add()
    if abs(float(constant)) < STEEP or rest == 0:
        return sympy.exp(s)
    # exp(x - 2000) would be multiplied out to 1e-869*exp(x), which no double can hold.
    # exp(s) = exp(r)^(s / r), with r the largest rate so that exp(r) is a plain number
    rates = [float(term.as_coeff_Mul()[0]) for term in sympy.Add.make_args(rest)]
    rate = max(rates, key=abs)
    return sympy.Pow(sympy.exp(sympy.Float(rate)), sympy.expand_mul(s / rate))


def _sum(edges: Sequence[EdgeTerm], offset: float, units: Units) -> sympy.Expr:
    terms, offsets = [], [offset]
    for edge in edges:
        expression, shift = raw_term(edge, units)
        terms.append(expression)
        offsets.append(shift)
    return sympy.Add(*terms, sympy.Float(total(offsets)))


def total(parts: Sequence[float]) -> float:
    """Sum whose remainder at rounding level is zero, as it is printed."""
    total, size = sum(parts), sum(abs(part) for part in parts)
    return total if abs(total) > ROUNDING * size else 0.0


def node_expression(node: Node | Product, units: Units) -> sympy.Expr:
    """Contribution of a hidden node or a product."""
    if isinstance(node, Product):
        return sympy.Mul(*factor_expressions(node, units))
    s = _sum(node.edges, node.offset, units)
    outer = _exponential(s) if node.outer == "exp" else outer_expression(node, s)
    if node.amplitude == 1.0:
        return outer
    # the exact integer prints as a minus sign
    sign = sympy.Integer(-1) if node.amplitude == -1.0 else sympy.Float(node.amplitude)
    return sign * outer


def outer_expression(node: Node, s: sympy.Expr) -> sympy.Expr:
    """Outer function of an index, without amplitude."""
    match node.outer:
        case "abs":
            return sympy.Abs(s)
        case "quadratic":
            return sympy.Pow(s, 2)
        case "exp":
            return sympy.exp(s)
        case "log":
            return sympy.log(s)
    return sympy.Function(node.function)(s)


def factor_expressions(product: Product, units: Units) -> list[sympy.Expr]:
    """Factors of a product, as they are written."""
    return [_factor(factor, units) for factor in raw_factors(product, units)]


def _factor(factor: RawFactor, units: Units) -> sympy.Expr:
    edge, term = factor.edge, factor.term
    if term is None:
        expression = sympy.Function(edge.function)(units.symbol(edge.source))
    elif factor.unit:
        inner = [sympy.Float(float(value)) for value in term.constants[1:]]
        expression = term.with_constants([sympy.Integer(1), *inner])
    else:
        expression = term.expression
    return expression if not factor.offset else expression + sympy.Float(factor.offset)


def raw_expression(structure: LatentStructure, units: Units) -> sympy.Expr:
    """Raw latent as a function of raw features, before the constraint."""
    nodes = [node_expression(node, units) for node in structure.nodes]
    return sympy.Add(_sum(structure.edges, structure.offset, units), *nodes)


def constrained(
    raw: sympy.Expr,
    constraint: str,
    low: float,
    high: float,
    temperature: float = 1.0,
    largest: float = 0.0,
) -> sympy.Expr:
    """Put a raw latent through a constraint layer; arguments as in `held`."""
    slope, intercept = straight(constraint, low, high)
    line = sympy.Float(slope) * raw + sympy.Float(intercept) if slope != 1.0 else raw
    return held(line, constraint, low, high, temperature, largest)


BENT = ("sigmoid", "softplus")  # constraints that are no straight line inside


def straight(constraint: str, low: float, high: float) -> tuple[float, float]:
    """Return slope and intercept of a latent between its bounds, by the raw one.

    One and zero where the raw latent has the latent's unit, or the layer bends everywhere.
    """
    if constraint != "hard_sigmoid":
        return 1.0, 0.0
    # hard sigmoid: low + (high - low) (raw / 6 + 1/2)
    return (high - low) / 6.0, 0.5 * (low + high)


def held(
    inside: sympy.Expr,
    constraint: str,
    low: float,
    high: float,
    temperature: float = 1.0,
    largest: float = 0.0,
) -> sympy.Expr:
    """Hold a latent inside its bounds.

    Args:
        inside: the latent between its bounds (`straight`); for sigmoid and softplus the
            raw latent.
        constraint: name of the layer;  low, high: bounds;  temperature: of a sigmoid.
        largest: size of the raw values on the data. Sigmoid and softplus of large
            values are written without exponentials that overflow.
    """
    raw, bottom, top = inside, sympy.Float(low), sympy.Float(high)
    # The exponent is as large as the largest raw value, or as the constant in front where rows
    # at other values are predicted.
    constant = abs(float(raw.as_coeff_Add()[0]))
    steep = max(constant, largest) > STEEP * min(temperature, 1.0)
    match constraint:
        case "hard_sigmoid":
            # To decide which side is larger takes sympy longer than all the rest.
            free = not raw.is_number
            above = sympy.Max(raw, plain(low), evaluate=not free)
            return sympy.Min(above, plain(high), evaluate=not free)
        case "sigmoid":
            inside = raw / sympy.Float(temperature)
            share = (
                # the same function: 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2
                (1 + sympy.tanh(inside / 2)) / 2
                if steep
                else 1 / (1 + sympy.exp(-inside))
            )
            return bottom + sympy.Float(high - low) * share
        case "relu":
            held = raw if np.isinf(low) else sympy.Max(raw, plain(low))
            return held if np.isinf(high) else sympy.Min(held, plain(high))
        case "softplus":
            sign = 1 if np.isfinite(low) else -1
            # one bound only: low + softplus(raw), or high - softplus(-raw)
            ramp = _softplus(sign * raw, steep)
            return bottom + ramp if np.isfinite(low) else top - ramp
    return raw


def _softplus(raw: sympy.Expr, steep: bool) -> sympy.Expr:
    if not steep:
        return sympy.log(1 + sympy.exp(raw))
    # log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)): the exponent is never positive
    return sympy.Max(raw, 0) + sympy.log(1 + sympy.exp(-sympy.Abs(raw)))


def plain(value: float) -> sympy.Expr:
    """Return a number, integers as such, so that bounds print as 0 and not 0.0."""
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
            # an outer curve is one of an index, which has no unit to move to
            if isinstance(node, Node) and node.curve is not None:
                curves[node.function] = node.curve
    return curves
