"""Equations with names in place of their constants, in raw units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbolic.terms.rebuild import RawConstant, Units, constrained, raw_constants
from symbolic.terms.structure import EdgeTerm, LatentStructure, in_raw


@dataclass(frozen=True)
class ParametricLatent:
    """A latent as a function of features and named constants.

    Attributes:
        name: of the latent.
        raw: expression before the constraint;  expression: inside the bounds.
        constants: symbol -> printed constant, in the order of the table of constants.
    """

    name: str
    raw: sympy.Expr
    expression: sympy.Expr
    constants: Mapping[sympy.Symbol, RawConstant]


def constant_symbol(name: str, latent: str) -> sympy.Symbol:
    """Symbol of a constant; no column can be called like it."""
    return sympy.Symbol(f"{latent}::{name}", real=True)


def parametric(
    structure: LatentStructure,
    units: Units,
    constraint: tuple[str, float, float, float],
) -> ParametricLatent:
    """Write a latent with its constants as symbols, term by term as it is fitted.

    Args:
        structure: closed forms of scaled features.
        units: of the features.
        constraint: (name, low, high, temperature); a sigmoid or softplus is written in
            the form that no exponential overflows in.
    """
    listed = raw_constants([structure], units)
    symbols = {constant_symbol(one.name, one.latent): one for one in listed}
    take = iter(symbols)
    total: Any = next(take) if structure.offset_free else sympy.Float(structure.offset)
    for edge in structure.edges:
        total += _term(edge, units, take)
    for node in structure.nodes:
        s = next(take)
        for edge in node.edges:
            s += _term(edge, units, take)
        outer = {
            "abs": sympy.Abs,
            "quadratic": lambda s: sympy.Pow(s, 2),
            "exp": sympy.exp,
            "log": sympy.log,
            "spline": lambda s, name=node.function: sympy.Function(name)(s),
        }[node.outer](s)
        factor = next(take) if node.outer == "log" else _sign(node.amplitude)
        total += factor * outer
    name, low, high, temperature = constraint
    bounded = constrained(total, name, low, high, temperature, largest=np.inf)
    return ParametricLatent(structure.name, total, bounded, symbols)


def _term(edge: EdgeTerm, units: Units, take: Iterator[sympy.Symbol]) -> Any:
    x: Any = units.symbol(edge.source)
    if edge.form is None:
        return sympy.Function(edge.function)(x)
    shift, scale = float(units.shift[edge.source]), float(units.scale[edge.source])
    form, _ = in_raw(edge.form, np.array([*edge.constants, 0.0]), shift, scale)
    if not form.rescalable:
        x = (x - sympy.Float(shift)) / sympy.Float(scale)
    given = [next(take) for _ in form.constants[:-1]]
    return form.expression(x, [*given, sympy.Integer(0)])


def _sign(amplitude: float) -> Any:
    return sympy.Integer(int(amplitude)) if abs(amplitude) == 1.0 else amplitude
