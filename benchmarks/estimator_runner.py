"""The estimator as a method of the benchmarks: fit, equations, verdict."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import sympy

from benchmarks.cases import Case
from benchmarks.cases.case import Formula
from benchmarks.peers import Found

if TYPE_CHECKING:
    from discovery import ScIReNRegressor


def estimated(case: Case, budget: float) -> Found:
    """Fit the estimator; accepted is what it calls supported and names alone.

    Args:
        budget: seconds of work for compositions; training has no budget.
    """
    from discovery import ScIReNRegressor

    frame = pd.DataFrame(case.features, columns=list(case.names))
    forcings = {name: name for name in case.forcings}
    model = ScIReNRegressor(
        decoder=case.process,
        features=list(case.names),
        forcings=forcings or None,
        random_state=0,
        compose=budget,
        bootstrap=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame.assign(**case.forcings), case.target)
        return _found(model)


def _found(model: "ScIReNRegressor") -> Found:
    found, verdict = model.discovery_, model.verdict_
    equations = found.equations
    if equations is None:
        return Found(None, False, verdict.headline)
    (name,) = equations.equations
    expression = without_bounds(equations.equations[name])
    several = [
        str(row["equals"])
        for row in equations.edges.to_dict("records")
        if row["status"] == "closed" and "," in str(row["equals"])
    ]
    whole = not equations.functions
    accepted = whole and not several and verdict.headline == "supported"
    said = [verdict.headline, *several, *([] if whole else ["an undefined function"])]
    intervals = {
        str(row["constant"]): (float(row["low"]), float(row["high"]))
        for row in found.process_constants
        if np.isfinite([float(row["low"]), float(row["high"])]).all()
    }
    return Found(
        expression if whole else None,
        accepted,
        "; ".join(said),
        dict(model.constants_),
        intervals=intervals,
    )


def without_bounds(expression: Formula) -> Formula:
    """Return the formula inside its bounds: what stands in max and min beside numbers."""

    def inner(*parts: Formula) -> Formula:
        moving = [part for part in parts if part.free_symbols]
        return moving[0] if len(moving) == 1 else sympy.Max(*parts)

    return sympy.expand_mul(
        expression.replace(sympy.Max, inner).replace(sympy.Min, inner)
    )
