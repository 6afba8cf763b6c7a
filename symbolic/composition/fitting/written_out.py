"""A fitted model of the search, written out as the structure that equations are made of.

The search fits terms that are zero at z = 0 and nodes whose sums have no mean over the
rows (`symbolic.composition.fitting.model`); a structure has forms of the library with
their offsets (`symbolic.terms.structure`). Both are the same function.
"""

from collections.abc import Callable, Sequence

import numpy as np

from symbolic.composition.fitting.columns import Column
from symbolic.composition.fitting.library_families import scaling
from symbolic.composition.fitting.model import (
    Evaluator,
    Model,
    Node,
    Term,
    factor_value,
    term_value,
)
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.spread import spread_of
from symbolic.families.harmonics import harmonics
from symbolic.families.library import FAMILIES
from symbolic.families.variants import of_raw
from symbolic.terms import nodes
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.raw_constants import RawConstant
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure

Array = np.ndarray

FLAT = 1e-9
"""Inner constants of exp and log below which the term is a line: their second-order
part is then below the rounding of a double on scaled features."""

LINEAR = FAMILIES["linear"][0]


def edge_term(term: Term, column: Column) -> tuple[EdgeTerm, float]:
    """Return a term of a column as a form of the library, and the offset that it leaves.

    A fitted term is zero at z = 0; a form is offset-free: term = form + offset.
    """
    i, c = term.feature, term.constants
    match term.family:
        case "quadratic" if abs(c[0]) > FLAT * abs(c[1]):
            # a z^2 + b z = a (z - v)^2 - a v^2
            vertex = -c[1] / (2 * c[0])
            form = FAMILIES["quadratic"][0]
            return EdgeTerm(i, form, (c[0], vertex)), -c[0] * vertex * vertex
        case "quadratic":
            return EdgeTerm(i, LINEAR, (c[1],)), 0.0
        case "exp" if abs(c[1]) > FLAT:
            # a (exp(b z) - 1) / b = (a / b) exp(b z) - a / b
            return EdgeTerm(i, FAMILIES["exp"][0], (c[0] / c[1], c[1])), -c[0] / c[1]
        case "log" if abs(c[1]) > FLAT:
            # a log(1 + q z) / q = (a / q) log(1 / |q| +- z) + (a / q) log|q|
            form = FAMILIES["log"][0 if c[1] > 0 else 1]
            size = c[0] / c[1]
            offset = size * float(np.log(abs(c[1])))
            return EdgeTerm(i, form, (size, 1.0 / abs(c[1]))), offset
        case "linear" | "exp" | "log":
            return EdgeTerm(i, LINEAR, (c[0],)), 0.0
    return _of_library(term, column)


def _of_library(term: Term, column: Column) -> tuple[EdgeTerm, float]:
    """Write a wave, a kink, or a further family, fitted on its range or on raw values."""
    if column.period:
        wave = harmonics(column.period, len(term.constants) // 2)
        constants = wave.from_coefficients(np.array(term.constants))
        return EdgeTerm(term.feature, wave, tuple(constants.tolist())), 0.0
    form = FAMILIES[term.family][0]
    if term.family == "abs":
        return EdgeTerm(term.feature, form, term.constants), 0.0
    if not form.rescalable:
        raw = of_raw(form, -column.origin * column.scale, column.scale)
        if term.family == "square":
            # a (z^2 - 2 o z) = (a / scale^2) x^2 - a o^2 with x = scale (z - o)
            (a,) = term.constants
            edge = EdgeTerm(term.feature, raw, (a / column.scale**2,))
            return edge, -a * column.origin**2
        return EdgeTerm(term.feature, raw, term.constants), 0.0
    constants = form.to_raw(np.array([*term.constants, 0.0]), *scaling(column))
    inner = tuple(float(value) for value in constants[:-1])
    return EdgeTerm(term.feature, form, inner), float(constants[-1])


def structure_of(
    model: Model,
    columns: Sequence[Column],
    offset: float,
    shift: float,
    scale: float,
    name: str,
    units: Units,
) -> LatentStructure:
    """Write a model, fitted to (y - shift) / scale, as the structure of y.

    Args:
        columns: features at the rows of the fit, whose means the nodes leave out.
        offset: of the scaled model.
        name: of y;  units: of the features, for factors without an offset in raw units.
    """
    total, edges = shift + scale * offset, []
    # y = shift + scale (offset + sum of terms + nodes)
    for term in model.additive:
        edge, left = edge_term(term, columns[term.feature])
        edges.append(edge.scaled(scale))
        total += scale * left
    written = (_node(node, columns, units).scaled(scale) for node in model.nodes)
    structure = LatentStructure(name, total, tuple(edges), tuple(written))
    return structure.with_offset_in_log().oriented()


def _node(
    node: Node, columns: Sequence[Column], units: Units
) -> nodes.Node | nodes.Product:
    if node.kind == "product":
        factors = (_factor(node, k, columns, units) for k in range(len(node.terms)))
        return Product(tuple(factors))
    edges, offset, head = [], 0.0, node.head[0]
    for term in node.terms:
        edge, left = edge_term(term, columns[term.feature])
        edges.append(edge)
        # the search fits sums without their mean, an index has an offset of its own
        offset += left - float(term_value(columns, term).mean())
    amplitude = node.sign
    match node.kind:
        case "exp":
            # E exp(s) = sign(E) exp(s + log|E|)
            offset += float(np.log(max(abs(head), 1e-300)))
            amplitude = float(np.sign(head)) or 1.0
        case "log":
            # A log(1 + s)
            offset, amplitude = offset + 1.0, head
        case _:
            offset += head
    return nodes.Node(node.kind, float(amplitude), float(offset), tuple(edges))


def _factor(node: Node, k: int, columns: Sequence[Column], units: Units) -> Factor:
    """One factor of a product; an anchored one has no offset in raw units."""
    term = node.terms[k]
    edge, left = edge_term(term, columns[term.feature])
    if node.anchored[k] and term.family == "linear":
        shift, scale = float(units.shift[edge.source]), float(units.scale[edge.source])
        raw = of_raw(LINEAR, shift, scale)
        # a (z - origin) is a multiple of the raw feature: a z = (a / scale) (x - shift)
        return Factor(
            EdgeTerm(edge.source, raw, (edge.constants[0] / scale,)), 0.0, True
        )
    # (an exponential so flat that it became a line has an offset again, below)
    if node.anchored[k] and edge.form is not LINEAR:
        return Factor(edge, 0.0, True)
    mean = float(factor_value(columns, node, k).mean())
    return Factor(edge, left - float(term_value(columns, term).mean()) + mean)


def linear_part(regression: Regression, model: Model) -> Array:
    """Least-squares offset and nuisance coefficients beside a model (1 + c,)."""
    theta = model.pack()
    value = Evaluator(regression.columns, model).value_jacobian(theta)[0]
    columns = np.column_stack([np.ones(len(regression)), regression.nuisance])
    weight = regression.weight
    left = (regression.y - value) * weight
    # the columns that the search had projected out come back with their numbers
    return np.linalg.lstsq(columns * weight[:, None], left)[0]


def covariance(regression: Regression, model: Model) -> Array:
    """Covariance of (offset, nuisance coefficients, constants of the model)."""
    theta = model.pack()
    value, jacobian = Evaluator(regression.columns, model).value_jacobian(theta)
    beside = np.column_stack([np.ones(len(regression)), regression.nuisance])
    left = regression.y - value - beside @ linear_part(regression, model)
    weight = regression.weight
    slopes = np.column_stack([beside, jacobian]) * weight[:, None]
    return spread_of(slopes, left * weight, regression.memory)


def errors_of(
    numbers: Callable[[float, Model], list[RawConstant]],
    offset: float,
    model: Model,
    spread: Array,
    nuisance: int,
) -> Array:
    """Standard errors of raw constants (m,) by central differences.

    Args:
        numbers: (offset, model) -> raw constants.
        spread: covariance of (offset, nuisance, constants).
        nuisance: number of nuisance columns, which the raw constants do not see.
    """
    theta = model.pack()
    base = np.array([number.value for number in numbers(offset, model)])
    keep = [0, *range(1 + nuisance, len(spread))]
    spread = spread[np.ix_(keep, keep)]
    jacobian = np.zeros((len(base), len(keep)))
    steps = np.sqrt(np.maximum(spread.diagonal(), 0.0))
    start = np.array([offset, *theta])
    for k in range(len(keep)):
        # a thousandth of the constant's own error: the conversion is smooth on that scale
        step = max(1e-3 * steps[k], 1e-7 * max(abs(start[k]), 1e-3))
        ends = []
        for side in (1.0, -1.0):
            moved = start.copy()
            moved[k] += side * step
            changed = numbers(float(moved[0]), model.unpack(moved[1:]))
            ends.append(np.array([estimate.value for estimate in changed]))
        # A form may turn into a line between the two ends; then there is no derivative to take.
        if len(ends[0]) == len(ends[1]) == len(base):
            jacobian[:, k] = (ends[0] - ends[1]) / (2 * step)
    # diagonal of J S J'
    variance = np.einsum("ij,jk,ik->i", jacobian, spread, jacobian)
    return np.sqrt(np.maximum(variance, 0.0))
