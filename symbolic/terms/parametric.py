"""Equations with names in place of their constants, in raw units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbolic.terms.bounded import Constraint, printed_structure, with_factors
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node, Product
from symbolic.terms.raw_constants import RawConstant, raw_constants
from symbolic.terms.rebuild import (
    Units,
    held,
    outer_expression,
    raw_closed,
    raw_factors,
)
from symbolic.terms.structure import LatentStructure


@dataclass(frozen=True)
class ParametricLatent:
    """A latent as a function of features and named constants.

    Attributes:
        name: of the latent.
        inside: expression between the bounds;  expression: held in them.
        constants: symbol -> printed constant, in the order of the table of constants.
    """

    name: str
    inside: sympy.Expr
    expression: sympy.Expr
    constants: Mapping[sympy.Symbol, RawConstant]


def constant_symbol(name: str, latent: str) -> sympy.Symbol:
    """Symbol of a constant; no column can be called like it."""
    return sympy.Symbol(f"{latent}::{name}", real=True)


def parametric(
    structure: LatentStructure,
    units: Units,
    constraint: Constraint,
) -> ParametricLatent:
    """Write a latent with its constants as symbols, term by term as it is fitted.

    Args:
        structure: closed forms of scaled features.
        units: of the features.
        constraint: (name, low, high, temperature); a sigmoid or softplus is written in
            the form that no exponential overflows in.
    """
    network = structure
    structure = printed_structure(network, constraint)
    listed = raw_constants([structure], units)
    symbols = {
        constant_symbol(constant.name, constant.latent): constant for constant in listed
    }
    # `raw_constants` lists constants in the order in which the terms are walked through here:
    # every part takes the symbols that are next.
    take = iter(symbols)
    total: Any = next(take) if structure.offset_free else sympy.Float(structure.offset)
    for edge in structure.edges:
        total += _term(edge, units, take)
    for node in structure.nodes:
        total += _node(node, units, take)
    total = with_factors(total, network, structure, units)
    # With symbols nothing is known of the size of the
    # latent, so the form that cannot overflow is taken.
    bounded = held(total, *constraint, largest=np.inf) if structure.parts else total
    return ParametricLatent(structure.name, total, bounded, symbols)


def _node(node: Node | Product, units: Units, take: Iterator[sympy.Symbol]) -> Any:
    if isinstance(node, Product):
        return sympy.Mul(*_factors(node, units, take))
    s: Any = next(take)
    for edge in node.edges:
        s += _term(edge, units, take)
    outer = outer_expression(node, s)
    return (next(take) if node.outer == "log" else _sign(node.amplitude)) * outer


def _factors(
    product: Product, units: Units, take: Iterator[sympy.Symbol]
) -> Iterator[Any]:
    for factor in raw_factors(product, units):
        offset: Any = 0 if factor.offset is None else next(take)
        if factor.term is None:
            yield offset + _term(factor.edge, units, take)
            continue
        # an amplitude of one is not printed and has no symbol
        first = sympy.Integer(1) if factor.unit else next(take)
        inner = [next(take) for _ in factor.term.constants[1:]]
        yield offset + factor.term.with_constants([first, *inner])


def _term(edge: EdgeTerm, units: Units, take: Iterator[sympy.Symbol]) -> Any:
    if edge.form is None:
        return sympy.Function(edge.function)(units.symbol(edge.source))
    raw = raw_closed(edge, units)
    return raw.with_constants([next(take) for _ in raw.constants])


def _sign(amplitude: float) -> Any:
    # +-1, so that the formula has no 1.0 in front
    return sympy.Integer(int(amplitude)) if abs(amplitude) == 1.0 else amplitude
