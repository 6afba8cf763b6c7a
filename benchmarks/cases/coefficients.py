"""Formulas as coefficients of canonical terms, so that two can be compared symbolically.

After expansion every argument of log, abs and roots is divided by its leading
coefficient, and the constant in an exponent becomes a factor: then two equal formulas
have the same terms and the same numbers.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sympy

from benchmarks.cases.case import Formula

Skeleton = str
Coefficients = dict[Skeleton, list[tuple[float, ...]]]
PLACE = sympy.Symbol("_number")


class TimeLimitError(Exception):
    """A symbolic step took longer than it may."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the block after some seconds; without effect outside the main thread.

    Raises:
        TimeLimitError: the block took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeLimitError(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def expanded(expression: Formula) -> Formula:
    """Multiply out, with canonical arguments of log, abs, exp and powers."""
    if not expression.args:
        return expression
    rebuilt = expression.func(*(expanded(part) for part in expression.args))
    canonical = rebuilt.replace(lambda e: e.func in _RULES, lambda e: _RULES[e.func](e))
    return sympy.expand(
        canonical, log=False, power_base=False, power_exp=False, complex=False
    )


def _leading(argument: Formula) -> Formula:
    """Coefficient of the first term that moves, in an order free of numbers."""
    moving = [t for t in sympy.Add.make_args(argument) if t.free_symbols]
    if not moving:
        return sympy.Integer(1)
    first = min(moving, key=lambda term: _skeleton(term.as_coeff_Mul()[1])[0])
    return first.as_coeff_Mul()[0]


def _divided(argument: Formula, by: Formula) -> Formula:
    return sympy.Add(*(term / by for term in sympy.Add.make_args(argument)))


def _log(expression: Formula) -> Formula:
    (argument,) = expression.args
    size = sympy.Abs(_leading(argument))
    return sympy.log(size) + sympy.log(_divided(argument, size), evaluate=True)


def _abs(expression: Formula) -> Formula:
    (argument,) = expression.args
    size = _leading(argument)
    return sympy.Abs(size) * sympy.Abs(_divided(argument, size))


def _exp(expression: Formula) -> Formula:
    constant, moving = expression.args[0].as_independent(
        *expression.free_symbols, as_Add=True
    )
    return sympy.exp(constant) * sympy.exp(moving)


def _power(expression: Formula) -> Formula:
    base, power = expression.args
    if not base.is_Add or (power.is_Integer and power > 0) or not power.is_number:
        return expression
    size = sympy.Abs(_leading(base))
    return size**power * _divided(base, size) ** power


_RULES = {sympy.log: _log, sympy.Abs: _abs, sympy.exp: _exp, sympy.Pow: _power}


def _skeleton(term: Formula) -> tuple[Skeleton, tuple[float, ...]]:
    """Return a term with its numbers taken out, and the numbers in their order."""
    numbers: list[float] = []

    def walked(part: Formula) -> str:
        if part.is_number:
            if part.is_Integer:
                return str(part)
            numbers.append(float(part))
            return "#"
        if not part.args:
            return str(part)
        if part.is_Add or part.is_Mul:
            pieces = _ordered(part)
            return (
                f"{part.func.__name__}({','.join(walked(piece) for piece in pieces)})"
            )
        return f"{part.func.__name__}({','.join(walked(arg) for arg in part.args)})"

    return walked(term), tuple(numbers)


def _ordered(part: Formula) -> list[Formula]:
    """Arguments of a sum or product in an order that does not depend on numbers.

    Every term of a sum inside a function counts with its coefficient, also with one.
    """
    pieces = list(part.args)
    if part.is_Add:
        constants = [p for p in pieces if p.is_number]
        moving = [p for p in pieces if not p.is_number]
        pairs = [term.as_coeff_Mul() for term in moving]
        whole = [
            sympy.Mul(sympy.Float(float(c)), rest, evaluate=False) for c, rest in pairs
        ]
        names = [_plain(rest) for _, rest in pairs]
        order = sorted(range(len(whole)), key=names.__getitem__)
        return [whole[i] for i in order] + [sympy.Float(float(c)) for c in constants]
    return sorted(pieces, key=lambda p: (not p.is_number, _plain(p)))


def _plain(part: Formula) -> str:
    """Name of a part without its numbers."""
    numbers = dict.fromkeys(part.atoms(sympy.Float, sympy.Rational), PLACE)
    numbers = {n: p for n, p in numbers.items() if not n.is_Integer}
    return str(part.xreplace(numbers))


def coefficients(expression: Formula) -> Coefficients:
    """Return skeleton -> numbers (outer coefficient first) of an expanded formula."""
    found: Coefficients = {}
    for term in sympy.Add.make_args(expanded(expression)):
        factor, rest = term.as_coeff_Mul()
        skeleton, numbers = _skeleton(rest)
        found.setdefault(skeleton, []).append((float(factor), *numbers))
    return {name: sorted(rows) for name, rows in found.items()}


def agree(one: Coefficients, other: Coefficients, tolerance: float = 0.05) -> bool:
    """Tell whether two formulas have the same terms, numbers within a tolerance."""
    if one.keys() != other.keys():
        return False
    for name, rows in one.items():
        if len(rows) != len(other[name]):
            return False
        for mine, theirs in zip(rows, other[name], strict=True):
            pairs = zip(mine, theirs, strict=True)
            if any(abs(a - b) > tolerance * abs(a) for a, b in pairs):
                return False
    return True
