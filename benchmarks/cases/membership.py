"""Does a formula lie inside the class that is searched? An own test of the expression.

Inside is y = constant + sum of edges + at most three nodes or products, where

    edge     one family of one feature: linear, quadratic, exp, log or abs of an affine map
    node     square, exp, log or abs of a sum of edges of different features
    product  edge times edge of another feature

and, since exp(sum p_i log(x_i)) is a node, every product of powers of affine maps that
stay positive on the ranges. A polynomial of degree four of one feature is a node and an
edge, since a x^4 + b x^3 + ... = +-(p x^2 + q x)^2 + a parabola. The formula is looked at
as written and multiplied out.
"""

from collections.abc import Mapping

import sympy

from benchmarks.cases.case import Formula

Ranges = Mapping[Formula, tuple[float, float]]
MOST_NODES = 3


def why_outside(expression: Formula, ranges: Ranges) -> str:
    """Return "" for a formula inside the class, else what is outside.

    Args:
        expression: formula in real symbols.
        ranges: symbol -> range of its values.
    """
    reasons = []
    for form in (expression, sympy.expand(sympy.expand_log(expression, force=True))):
        reason = _why(form, ranges)
        if not reason:
            return ""
        reasons.append(reason)
    return reasons[0]


def _why(expression: Formula, ranges: Ranges) -> str:
    single: dict[Formula, list[Formula]] = {}
    nodes = 0
    for term in sympy.Add.make_args(expression):
        features = list(term.free_symbols)
        if len(features) == 1:
            single.setdefault(features[0], []).append(term)
        elif features:
            if not (_is_product(term) or _is_node(term, ranges)):
                return f"{term} is neither a node nor a product of two edges"
            nodes += 1
    for feature, terms in single.items():
        if _degree(sympy.Add(*terms), feature) == 4:
            nodes += 1
            continue
        rest = [term for term in terms if not _is_node(term, ranges)]
        if _is_edge(sympy.Add(*terms), feature):
            continue
        if rest and not _is_edge(sympy.Add(*rest), feature):
            return f"{sympy.Add(*rest)} is no family of {feature}"
        nodes += len(terms) - len(rest)
    return "" if nodes <= MOST_NODES else f"{nodes} nodes or products"


def _affine(expression: Formula) -> bool:
    features = list(expression.free_symbols)
    return len(features) == 1 and _degree(expression, features[0]) == 1


def _degree(expression: Formula, feature: Formula) -> int:
    if not expression.is_polynomial(feature):
        return 99
    return int(sympy.Poly(expression, feature).degree())


def _is_edge(expression: Formula, feature: Formula) -> bool:
    """Tell whether an expression of one feature is an affine map of one family."""
    if _degree(expression, feature) <= 2:
        return True
    moving = [term for term in sympy.Add.make_args(expression) if term.has(feature)]
    if len(moving) != 1:
        return False
    core = moving[0].as_independent(feature)[1]
    if isinstance(core, sympy.Pow) and core.exp == 2 and _affine(core.base):
        return True
    known = isinstance(core, (sympy.exp, sympy.log, sympy.Abs))
    return known and _affine(core.args[0])


def _is_sum_of_edges(expression: Formula) -> bool:
    parts: dict[Formula, list[Formula]] = {}
    for term in sympy.Add.make_args(expression):
        features = list(term.free_symbols)
        if len(features) > 1:
            return False
        if features:
            parts.setdefault(features[0], []).append(term)
    return all(_is_edge(sympy.Add(*terms), x) for x, terms in parts.items())


def _is_product(term: Formula) -> bool:
    factors = [f for f in sympy.Mul.make_args(term) if f.free_symbols]
    groups: dict[Formula, list[Formula]] = {}
    for factor in factors:
        features = list(factor.free_symbols)
        if len(features) > 1:
            return False
        groups.setdefault(features[0], []).append(factor)
    return len(groups) == 2 and all(
        _is_edge(sympy.Mul(*part), x) for x, part in groups.items()
    )


def _is_node(term: Formula, ranges: Ranges) -> bool:
    core = term.as_independent(*term.free_symbols, as_Add=False)[1]
    if isinstance(core, (sympy.exp, sympy.log, sympy.Abs)):
        return _is_sum_of_edges(core.args[0])
    if isinstance(core, sympy.Pow) and core.exp == 2:
        return _is_sum_of_edges(core.base) or _is_powers(core, ranges)
    return _is_powers(core, ranges)


def _merged(core: Formula) -> Formula:
    """Put powers of powers into one."""
    return sympy.powdenest(core, force=True)


def _is_powers(core: Formula, ranges: Ranges) -> bool:
    """Tell whether a term is exp(sum of log edges and other edges), all distinct."""
    index: Formula = sympy.Integer(0)
    factors: tuple[Formula, ...] = sympy.Mul.make_args(_merged(core))
    for factor in factors:
        if isinstance(factor, sympy.exp):
            index += factor.args[0]
            continue
        base, power = factor.as_base_exp()
        pieces = sympy.Mul.make_args(base)
        if not power.is_number:
            return False
        for piece in pieces:
            if not piece.free_symbols:
                continue
            if not (_affine(piece) and _positive(piece, ranges)):
                return False
            index += power * sympy.log(piece)
    return _is_sum_of_edges(sympy.expand(index, log=False))


def _positive(affine: Formula, ranges: Ranges) -> bool:
    (feature,) = affine.free_symbols
    low, high = (float(affine.subs(feature, v)) for v in ranges[feature])
    return min(low, high) >= 0 and max(low, high) > 0
