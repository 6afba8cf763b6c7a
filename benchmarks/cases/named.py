"""Cases from published formulas: those inside the class, and the list of the others."""

from dataclasses import dataclass

import numpy as np
import sympy

from benchmarks.cases.case import ROWS, Case, Stream, case_rng, feature_symbol
from benchmarks.cases.formulas import FEYNMAN, KEIJZER, NGUYEN
from benchmarks.cases.membership import why_outside

COLLECTIONS = {"Nguyen": NGUYEN, "Keijzer": KEIJZER, "Feynman": FEYNMAN}
DISTRACTORS = 2


@dataclass(frozen=True)
class NamedFormula:
    """A published formula.

    Attributes:
        name, expression: in real symbols;  ranges: variable -> (low, high).
        outside: why it is not inside the class; "" when it is.
    """

    name: str
    expression: sympy.Expr
    ranges: dict[str, tuple[float, float]]
    outside: str


def named_formulas() -> list[NamedFormula]:
    """Return all formulas, each with the verdict of the class test."""
    lines = [line for text in COLLECTIONS.values() for line in text.split("\n") if line]
    return [_formula(line) for line in lines]


def _formula(line: str) -> NamedFormula:
    name, text, variables = (part.strip() for part in line.split(";"))
    ranges = dict(_range(word) for word in variables.split())
    symbols = {variable: feature_symbol(variable) for variable in ranges}
    expression = sympy.parse_expr(text, local_dict=symbols)
    by_symbol = {symbols[variable]: limits for variable, limits in ranges.items()}
    return NamedFormula(name, expression, ranges, why_outside(expression, by_symbol))


def _range(word: str) -> tuple[str, tuple[float, float]]:
    name, *limits = word.split(":")
    low, high = map(float, limits) if limits else (1.0, 5.0)
    return name, (low, high)


def named_case(formula: NamedFormula, stream: Stream, seed: int = 0) -> Case:
    """Return a case: uniform on the published ranges, two distractors, no noise."""
    rng = case_rng(stream, formula.name, 0, seed)
    extra = {f"distractor{i + 1}": (1.0, 5.0) for i in range(DISTRACTORS)}
    ranges = formula.ranges | extra
    columns = [rng.uniform(low, high, ROWS) for low, high in ranges.values()]
    names = tuple(ranges)
    values = sympy.lambdify([feature_symbol(n) for n in names], formula.expression)
    clean = np.broadcast_to(values(*columns), (ROWS,)).astype(float)
    return Case(
        name=formula.name,
        group="named",
        features=np.stack(columns, axis=1),
        names=names,
        target=clean,
        clean=clean,
        truth=formula.expression,
        latent=clean,
        noise=0.0,
        inside=not formula.outside,
    )
