"""The equations as a least-squares problem on the data, as profiles and resamples need it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.search.problem import SymbolicProblem


def equation_problem(
    equations: "SymbolicModel", model: "ScIReN", table: "Table"
) -> "tuple[SymbolicProblem, Tensor]":
    """Return the equations as a least-squares problem and their constants (P,)."""
    from symbolic.search.observations import observed_by, raw_process_constants
    from symbolic.search.problem import SymbolicProblem

    data = observed_by(equations.structures, model, table)
    problem = SymbolicProblem(
        data.term,
        data.scaled,
        equations.structures,
        domain_margin=equations.record.options.domain_margin,
    )
    raw = raw_process_constants(model, equations.constants)
    return problem, problem.start(raw)[0]


def refitted_constants(
    problem: "SymbolicProblem",
    equations: "SymbolicModel",
    model: "ScIReN",
    constants: Mapping[str, float],
) -> "Tensor":
    """Constants (P,) of the equations in the minimum next to given constants."""
    from symbolic.search.observations import raw_process_constants
    from symbolic.search.refit import refit

    # Only the start moves to the given values; all constants are free in the refit.
    raw = raw_process_constants(model, equations.constants | dict(constants))
    return refit(
        problem.term, problem.scaled, equations.structures, raw, with_covariance=False
    ).theta
