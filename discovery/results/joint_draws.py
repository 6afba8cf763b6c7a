"""Constants of equations drawn from their joint normal law, effects of classes included."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.results.equation_problem import equation_problem

DRAWS = 400  # ten of them lie beyond each limit of 95 %

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.search.problem import SymbolicProblem


def draws_with_classes(
    equations: "SymbolicModel", model: "ScIReN", table: "Table", count: int = DRAWS
) -> "pd.DataFrame | None":
    """Return draws theta + C^(1/2) e of all printed constants; None without class effects.

    Effects of classes are drawn to their mean by the fit, and resampled rows do not see how
    far; nor are effect, slope and level of a class independent.

    Args:
        equations: fitted on the table.
        model: brings process model and comparison with the data.
        table: training rows.
        count: of the draws.
    Returns:
        Columns as of `discovery.results.intervals.replicates_table`.
    """
    import pandas as pd
    import torch

    from symbolic.search.refit import spread_at

    if not _has_class_effects(equations):
        return None
    with torch.no_grad():
        problem, theta = equation_problem(equations, model, table)
        covariance = spread_at(problem, theta).covariance
        values, vectors = torch.linalg.eigh((covariance + covariance.T) / 2)
        # always the same draws: the same equations give the same limits
        normal = np.random.default_rng(0).standard_normal((count, len(theta)))
        root = vectors * values.clamp_min(0).sqrt()
        draws = theta + torch.from_numpy(normal).to(theta) @ root.T
        physical = model.constant_scale.to_physical(problem.constants_of(draws))
        inside = printed_values(equations, problem, draws, with_drawn=True)
    names = model.decoder.constant_names
    process = dict(zip(names, physical.cpu().numpy().T, strict=True))
    return pd.DataFrame(
        process | {f"{latent}::{name}": v for (latent, name), v in inside.items()}
    )


def _has_class_effects(equations: "SymbolicModel") -> bool:
    from symbolic.terms.bounded import printed_constants

    listed = printed_constants(
        equations.structures, equations.constraints, equations.units
    )
    return any(constant.drawn for constant in listed)


def printed_values(
    equations: "SymbolicModel",
    problem: "SymbolicProblem",
    draws: "Tensor",
    with_drawn: bool = False,
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return (latent, name) -> (R,) printed constants, in raw units, of constants (R, P).

    Args:
        with_drawn: also those that the fit draws to a mean, effects of classes.
    """
    from symbolic.terms.bounded import printed_constants

    values: dict[tuple[str, str], list[float]] = {}
    # Constants of theta are scaled; a reader wants those of the printed equation, so
    # every draw is brought to raw units.
    for row in draws:
        for constant in printed_constants(
            problem.structures_at(row), equations.constraints, equations.units
        ):
            if with_drawn or not constant.drawn:
                place = constant.latent, constant.name
                values.setdefault(place, []).append(constant.value)
    return {place: np.array(drawn) for place, drawn in values.items()}
