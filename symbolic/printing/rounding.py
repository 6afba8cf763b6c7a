"""Printed equations: every constant rounded, with as many digits as accuracy needs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy

from symbolic.printing.numbers import printed_value

MOST_DIGITS = 12  # beyond it printed constants are longer than they are known


def rounded(expression: sympy.Expr, digits: int) -> Any:
    """Return the expression with every float rounded to significant digits."""
    # integers and fractions are exact and stay
    floats = expression.atoms(sympy.Float)
    values = {
        number: sympy.Float(printed_value(float(number), digits)) for number in floats
    }
    return expression.xreplace(values)


def enough_digits(
    expressions: Mapping[str, sympy.Expr],
    evaluate: Callable[[sympy.Expr], np.ndarray],
    loss: float,
    least: int = 3,
) -> int:
    """Return the smallest number of digits that costs every expression at most `loss`.

    Args:
        evaluate: expression -> values on the data.
        loss: allowed 1 - R2 of the rounded against the unrounded values.
    """
    for digits in range(least, MOST_DIGITS):
        worst = max(
            unexplained(evaluate(expression), evaluate(rounded(expression, digits)))
            for expression in expressions.values()
        )
        if worst <= loss:
            return digits
    return MOST_DIGITS


def unexplained(truth: np.ndarray, other: np.ndarray) -> float:
    """Return 1 - R2 of other against truth; against its mean square where constant.

    Infinite where other is not a number and truth is one.
    """
    # a value that only the rounded formula lacks
    if np.any(np.isfinite(truth) & ~np.isfinite(other)):
        return np.inf
    missed = float(np.nansum((other - truth) ** 2))
    spread = float(np.nansum((truth - np.nanmean(truth)) ** 2))
    size = float(np.nansum(truth**2))
    # a constant has no variance to explain: its size is the measure
    if spread <= 1e-20 * size:
        spread = size
    if missed == 0.0:
        return 0.0
    return missed / spread if spread > 0 else np.inf
