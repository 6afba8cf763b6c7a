"""Quotients instead of the series that stand in for them near 0/0.

A process model that divides by a difference writes its limit as a second branch,

    where(|z| < 0.001, 1 - z/2 + z^2/6, (1 - exp(-z))/z),

so that no row is 0/0. A reader wants the quotient; its value at 0/0 is its limit.
"""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from symbolic.expression.evaluate import compile_numpy

WIDEST = 0.02
"""Threshold below which a branch may be such a series (`sciren.processes.exponentials`)."""

SAME = 1e-9
"""Relative difference of the branches at half the threshold: both are exact there but for
the series' next term, below 1e-12. A real threshold (no melt below 0.01 degrees) has
branches that differ by their own size."""

TRIALS = 3  # random places at which they must agree
NEAR = 1e-6  # relative distance to half the threshold at which they are compared


def with_quotients(process: Mapping[str, Any]) -> dict[str, Any]:
    """Return target -> expression with the quotient for every series of its limit."""
    return {name: with_quotient(expression) for name, expression in process.items()}


def with_quotient(expression: Any) -> Any:
    """Write the quotient where a branch is only its series near 0/0."""
    branched = sorted(
        (p for p in expression.atoms(sympy.Piecewise) if _threshold(p) is not None),
        key=sympy.count_ops,
        reverse=True,  # what is inside another branch goes with it
    )
    # From the outermost branch on, and again after each: writing one quotient takes the
    # branches inside it with it.
    for piecewise in branched:
        condition = piecewise.args[0][1]
        quotient = _given(piecewise.args[1][0], condition, holds=False)
        series = _given(piecewise.args[0][0], condition, holds=True)
        if _agree(series, quotient, condition):
            return with_quotient(expression.xreplace({piecewise: quotient}))
    return expression


def _threshold(piecewise: Any) -> float | None:
    """Return the small positive number that the first of two branches stays below."""
    if len(piecewise.args) != 2 or piecewise.args[1][1] != sympy.true:
        return None
    condition = piecewise.args[0][1]
    limit: Any = getattr(condition, "rhs", None)
    if not isinstance(condition, sympy.StrictLessThan) or not limit.is_number:
        return None
    return float(limit) if 0 < limit <= WIDEST else None


def _given(expression: Any, condition: Any, *, holds: bool) -> Any:
    """Take the branch of everything that hangs on one condition."""
    return expression.replace(
        lambda e: e.is_Piecewise and e.args[0][1] == condition,
        lambda e: e.args[0 if holds else 1][0],
    )


def _agree(series: Any, quotient: Any, condition: Any) -> bool:
    """Whether both branches have one value where the condition just holds."""
    names = sorted(map(str, (series + quotient + condition.lhs).free_symbols))
    inside = sorted(map(str, condition.lhs.free_symbols))
    evaluate = {
        branch: compile_numpy(branch, names)
        for branch in (series, quotient, condition.lhs)
    }
    draw, half = random.Random(0), float(condition.rhs) / 2

    def at(branch: Any, place: Mapping[str, float]) -> float:
        columns = [np.array([place[name]]) for name in names]
        return float(evaluate[branch](*columns)[0])

    def on_half(place: dict[str, float]) -> dict[str, float]:
        # what is guarded is proportional to a time, a rate or a distance of rates
        factor = half / at(condition.lhs, place)
        moves = ({**place, name: place[name] * factor} for name in inside)
        on = (m for m in moves if abs(at(condition.lhs, m) / half - 1) < NEAR)
        return next(on, {})

    # At random places, since two expressions that agree there agree everywhere but for
    # an event of probability zero; the draw is seeded.
    for _ in range(TRIALS):
        place = on_half({name: draw.uniform(0.5, 2) for name in names})
        if not place:
            return False
        first, second = at(series, place), at(quotient, place)
        if not abs(first - second) <= SAME * abs(first):
            return False
    return True
