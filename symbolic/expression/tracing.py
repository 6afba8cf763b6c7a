"""The process model as an equation: traced with symbols where it is a plain function."""

import sys
from collections.abc import Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import sympy

from symbolic.expression.tree import to_tree


def trace(decoder: Any, columns: dict[str, str]) -> dict[str, sympy.Expr] | None:
    """Run a process model on symbols.

    Args:
        decoder: process model.
        columns: forcing's name -> column, as which it is printed.
    Returns:
        target -> expression of latents, constants and forcing columns; None when the
        model cannot be traced (torch functions, control flow on values), or when a
        column is called like one of its parameters, so that symbols would be mixed up.
    """
    names = (*decoder.latent_names, *decoder.constant_names)
    # one symbol for a forcing and a parameter would make one number of two
    if {columns.get(name, name) for name in decoder.forcings} & set(names):
        return None
    p = {name: sympy.Symbol(name, real=True) for name in names}
    f = {
        name: sympy.Symbol(columns.get(name, name), real=True)
        for name in decoder.forcings
    }
    try:
        result = decoder(SimpleNamespace(**p), SimpleNamespace(**f))
        # targets may come by name, as a sequence, or as a single expression
        if not hasattr(result, "keys"):
            parts = [result] if len(decoder.targets) == 1 else list(result)
            result = dict(zip(decoder.targets, parts, strict=True))
        traced = {name: _tidy(_expression(result[name])) for name in decoder.targets}
        # raises where the expression holds a node that no file or language could take
        for expression in traced.values():
            to_tree(expression)
    except Exception:
        # Whatever a user's function does with symbols, the answer is: not traceable.
        return None
    return traced


def trace_step(
    model: Any, columns: Mapping[str, str]
) -> tuple[dict[str, sympy.Expr], dict[str, sympy.Expr]] | None:
    """Run one step of a dynamic model on symbols, before states are held in bounds.

    Args:
        model: with ``called(s, p, f)``, names of states, parameters, forcings and targets.
        columns: forcing's name -> column, as which it is printed.
    Returns:
        state -> new value (or derivative), target -> output, of states, parameters and
        forcing columns; None when the step cannot be traced.
    """
    parameters = [p.name for p in model.parameters if p.kind != "fixed"]
    taken = {*parameters, *model.state_names}
    # a name that stands for two numbers cannot be traced
    if {columns.get(name, name) for name in model.forcings} & taken:
        return None
    s, p = (
        SimpleNamespace(**{name: sympy.Symbol(name, real=True) for name in names})
        for names in (model.state_names, parameters)
    )
    f = SimpleNamespace(
        **{n: sympy.Symbol(columns.get(n, n), real=True) for n in model.forcings}
    )
    try:
        result = model.called(s, p, f)
        new, outputs = (result, {}) if hasattr(result, "keys") else result
        states = {n: _expression(new[n]) for n in model.state_names}
        traced = {n: _expression(outputs[n]) for n in outputs}
        for expression in (*states.values(), *traced.values()):
            to_tree(expression)
    except Exception:
        # Whatever a user's function does with symbols, the answer is: not traceable.
        return None
    return states, traced


def _tidy(expression: sympy.Expr) -> Any:
    """Write short decimals and ratios exactly and keep differences together: (ta - 15)/10.

    Every part is rewritten once, however often it occurs: a step of a model with several
    stores repeats its maxima hundreds of times, and sympy compares all their terms anew.
    """
    tidied_parts: dict[sympy.Basic, Any] = {}

    def tidied(part: sympy.Basic) -> Any:
        if part not in tidied_parts:
            tidied_parts[part] = rewritten(part)
        return tidied_parts[part]

    def rewritten(part: sympy.Basic) -> Any:
        if isinstance(part, sympy.Float):
            return _exact(float(part))
        parts = [tidied(argument) for argument in part.args]
        # rebuilt only where something changed, because sympy sorts and compares all terms anew
        if any(new is not old for new, old in zip(parts, part.args, strict=True)):
            part = part.func(*parts)
        # sympy multiplies exponents out: (ta - 15)/10 would be 0.1 ta - 1.5
        if isinstance(part, sympy.Pow):
            return sympy.Pow(part.base, sympy.factor_terms(part.exp))
        return part

    return tidied(expression)


def _exact(number: float) -> sympy.Expr:
    """Return a short decimal or a ratio of small numbers (2/3) exactly."""
    # ten digits give the number again: it was written as a short decimal
    if number and abs(float(f"{number:.10g}") / number - 1) < 1e-15:
        return sympy.Rational(f"{number:.12g}")
    ratio = Fraction(number).limit_denominator(12)
    # exponents that were added up, such as 1 + 2/3, are a rounding or two away
    if abs(float(ratio) - number) <= 2 * sys.float_info.epsilon * abs(number):
        return sympy.Rational(ratio.numerator, ratio.denominator)
    return sympy.Float(number)


def _expression(value: Any) -> sympy.Expr:
    """Accept sympy expressions and plain numbers only; texts are never evaluated."""
    if isinstance(value, sympy.Expr):
        return value
    if isinstance(value, (int, float)):
        return sympy.Float(float(value))
    raise TypeError(f"{type(value).__name__} is no expression")
