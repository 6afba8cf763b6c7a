"""Is a found formula the true one? Form, features and constants of one case."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from benchmarks.cases.case import Case, Formula
from benchmarks.cases.coefficients import (
    TimeLimitError,
    agree,
    coefficients,
    time_limit,
)
from benchmarks.cases.equivalence import Comparison, compare

TOLERANCE = 0.05
SYMBOLIC_SECONDS = 5.0
NUMERIC_SECONDS = 10.0
NEGLIGIBLE = 1e-3
LARGEST_FORMULA = 400


@dataclass(frozen=True)
class Score:
    """What is right about a found formula.

    Attributes:
        exact: the true formula, constants within 5 % (or within two standard errors
            with curves within 0.1 % of the range), process constants included.
        form: the true form, whatever its constants.
        features: exactly the true features.
        how: "symbolic", "numeric", or why it was not decided.
    """

    exact: bool
    form: bool
    features: bool
    how: str


def score(
    case: Case, expression: Formula | None, constants: Mapping[str, float]
) -> Score:
    """Compare a found formula of the latent, and process constants, with the truth."""
    if expression is None:
        return Score(False, False, False, "no formula")
    if not case.used:  # no relation: only a formula without features is right
        flat = not expression.free_symbols
        return Score(flat, flat, flat, "constant")
    expression = _real(expression, case)
    seen = bool(_used(case, expression) == case.used)
    if sympy.count_ops(expression) > LARGEST_FORMULA:
        return Score(False, False, seen, "too large")
    process = all(
        abs(constants.get(name, np.nan) - value) <= TOLERANCE * abs(value)
        for name, value in case.constants.items()
    )
    if _symbolically(case, expression):
        return Score(process, True, seen, "symbolic")
    found = _numerically(case, expression)
    if found is None:
        return Score(False, False, seen, "not comparable")
    form = found.same_form and seen
    exact = form and found.same_constants(TOLERANCE) and process
    return Score(exact, form, seen, "numeric")


def _real(expression: Formula, case: Case) -> Formula:
    """Replace symbols by the case's own of the same name."""
    own = {str(symbol): symbol for symbol in case.symbols}
    return expression.xreplace({s: own[str(s)] for s in expression.free_symbols})


def _used(case: Case, expression: Formula) -> set[str]:
    """Features of a formula that move it by more than 0.1 % of its deviation."""
    symbols = case.symbols
    value = sympy.lambdify(symbols, expression, "numpy")
    scale, used = case.latent.std(), set()

    def at(columns: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(value(*columns.T)), (len(columns),))

    base = at(case.features)
    for i, symbol in enumerate(symbols):
        if symbol not in expression.free_symbols:
            continue
        moved = case.features.copy()
        moved[:, i] = np.median(moved[:, i])
        change = np.std(at(moved) - base)
        if not change <= NEGLIGIBLE * scale:
            used.add(case.names[i])
    return used


def _symbolically(case: Case, expression: Formula) -> bool:
    try:
        with time_limit(SYMBOLIC_SECONDS):
            truth = coefficients(sympy.N(case.truth))
            return agree(truth, coefficients(sympy.N(expression)), TOLERANCE)
    except (TimeLimitError, TypeError, ValueError, RecursionError, OverflowError):
        return False


def _numerically(case: Case, expression: Formula) -> Comparison | None:
    noise = case.latent_error
    if case.process is None:
        noise = case.noise * float(case.latent.std())
    try:
        with time_limit(NUMERIC_SECONDS):
            return compare(expression, case.symbols, case.features, case.latent, noise)
    except (TimeLimitError, TypeError, ValueError, RecursionError, OverflowError):
        return None
