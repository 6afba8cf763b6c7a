"""How far the constants move when whole blocks of the data are drawn again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from discovery.results.equation_problem import equation_problem, refitted_constants
from discovery.results.identification import Identification, verdicts
from discovery.results.joint_draws import printed_values
from discovery.verdict.record import DOUBTED, Verdict
from sciren.inference.intervals.quantiles import NORMAL_95

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

COLUMNS = (
    "constant", "latent", "source", "estimate", "error", "low", "high", "unit", "method",
)  # fmt: skip

NO_ERROR = 1e-12  # of the value: rounding of double precision, as in sciren.data
CURVATURE = "curvature, robust errors"  # how an interval without resamples was found


@dataclass(frozen=True)
class Draws:
    """Constants of the equations, refitted on resampled blocks.

    Args:
        process: process constant -> (replicates,) physical values.
        encoder: latent, name of a printed constant -> (replicates,) in raw units.
    """

    process: Mapping[str, NDArray[np.float64]]
    encoder: Mapping[tuple[str, str], NDArray[np.float64]]


def bootstrap_equations(
    equations: "SymbolicModel",
    model: "ScIReN",
    table: "Table",
    replicates: int,
    seed: int = 0,
    minima: Iterable[Mapping[str, float]] = (),
) -> Draws:
    """Refit all constants of the equations on resampled blocks.

    Blocks are calendar weeks, groups, or rows (`Table.blocks`), because neighbouring
    rows are not independent. Where rows are many, a resample takes one Gauss-Newton
    step; else it is refitted completely.

    Args:
        equations: fitted on the table.
        model: brings process model and comparison with the data.
        table: training rows.
        replicates: how many resamples.
        seed: of the resampling.
        minima: constant -> value at other minima of the profile; every resample is also
            refitted from there and keeps its best.
    """
    import torch

    from sciren.solvers.bootstrap import block_bootstrap

    with torch.no_grad():
        problem, theta = equation_problem(equations, model, table)
        # Resamples of a constant with two minima belong to both: each is refitted from
        # all of them and keeps its best, or the interval would hide the other minimum.
        others = [
            refitted_constants(problem, equations, model, constant)
            for constant in minima
        ]
        starts = torch.stack([theta, *others])
        draws = block_bootstrap(problem, starts, replicates, seed)
        scale = model.constant_scale
        physical = scale.to_physical(problem.constants_of(draws)).cpu().numpy()
        # resamples do not see how far effects of classes are drawn to their mean
        inside = printed_values(equations, problem, draws)
    names = model.decoder.constant_names
    return Draws(
        {name: physical[:, k] for k, name in enumerate(names)},
        inside,
    )


def constant_rows(equations: "SymbolicModel", draws: Draws | None) -> "pd.DataFrame":
    """Return estimate, error and 95 % interval of every constant, process ones first.

    In time order errors follow from the curvature and the slow part of the residuals,
    because weeks that are drawn again forget what lasts longer; with few groups from the
    residuals of whole groups, whose resamples are too much alike. Else errors are deviations
    over the resamples, intervals their 2.5 and 97.5 % quantiles; without draws both follow
    from the curvature and the residuals of rows or blocks.
    """
    import pandas as pd

    from symbolic.terms.constant_rows import quantile_95

    record = equations.record.constants
    cosines, groups = (0, 0) if record is None else (record.cosines, record.groups)
    quantile = quantile_95(cosines, groups)
    how = f"residuals in time order, {cosines} cosines" if cosines else CURVATURE
    if groups:
        how = f"residuals of {groups} groups"
    # Resampled weeks forget what lasts longer than a week: in time order the slow part
    # of the residuals gives the error instead.
    if cosines or groups:
        draws = None
    rows = [
        _row(name, "", "", value, equations.errors.get(name, np.nan),
             equations.unit_of.get(name, ""), draws and draws.process.get(name), quantile, how)
        for name, value in equations.constants.items()
    ]  # fmt: skip
    listed: Sequence[Mapping[Any, Any]] = equations.table.to_dict("records")
    for constant in listed:
        name, latent = str(constant["name"]), str(constant["latent"])
        resampled = draws and draws.encoder.get((latent, name))
        rows.append(
            _row(name, latent, constant["source"], constant["value"],
                 constant["error"], constant["unit"], resampled, quantile, how)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    name: str,
    latent: str,
    source: str,
    value: float,
    error: float,
    unit: str,
    draws: NDArray[np.float64] | None,
    quantile: float = NORMAL_95,
    method: str = CURVATURE,
) -> dict[str, Any]:
    low, high = value - quantile * error, value + quantile * error
    if draws is not None and len(draws) > 1:
        # Quantiles and not multiples of the deviation: constants near a bound have
        # skewed draws.
        error = float(np.std(draws, ddof=1))
        low, high = (float(q) for q in np.quantile(draws, (0.025, 0.975)))
        method = f"block bootstrap, {len(draws)} resamples"
    values = (name, latent, source, float(value), error, low, high, unit, method)
    return dict(zip(COLUMNS, values, strict=True))


def network_constants(
    model: "ScIReN", profiles: Sequence[Identification]
) -> "pd.DataFrame":
    """Return the process constants of a network that has no equations."""
    import pandas as pd

    rows = []
    for name, value in model.constants().items():
        unit = next(p.unit for p in model.decoder.parameters if p.name == name)
        row = _row(name, "", "", value, np.nan, unit, None)
        # Backwards, so that the first profile of the list is written last and stays.
        for profile in profiles[::-1]:
            if profile.constant == name:
                how = f"profile, {profile.model}"
                row |= {
                    "error": profile.error,
                    "low": profile.low,
                    "high": profile.high,
                }
                row |= {"method": how}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def with_verdicts(
    frame: "pd.DataFrame", profiles: Sequence[Identification], model: "ScIReN"
) -> "pd.DataFrame":
    """Add whether each process constant is identified, and why not."""
    # Constants of closed forms have no profile and are not judged here.
    process = frame[frame["latent"] == ""]
    rows = zip(process["constant"], process["low"], process["high"], strict=True)
    intervals = {str(name): (float(low), float(high)) for name, low, high in rows}
    positive = {p.name: p.positive for p in model.decoder.parameters.constants}
    judged = verdicts(profiles, intervals, positive)
    judged = [
        judged[name] if latent == "" else (None, "")
        for name, latent in zip(frame["constant"], frame["latent"], strict=True)
    ]
    changed = frame.assign(
        identified=[identified for identified, _ in judged],
        reason=[why for _, why in judged],
    )
    # Of a direction along which nothing changes, a pseudo-inverse gives the error zero,
    # which a reader would take for certainty.
    still = changed["error"] <= NO_ERROR * changed["estimate"].abs()
    doubted = np.array([word is False for word in changed["identified"]], dtype=bool)
    changed.loc[still & doubted, ["error", "low", "high"]] = np.nan
    return changed


def with_doubts(frame: "pd.DataFrame", verdict: Verdict) -> "pd.DataFrame":
    """Call no constant identified that the verdict doubts, so that one word is said of it."""
    changed = frame.copy()
    for place, name, latent in zip(
        frame.index, frame["constant"], frame["latent"], strict=True
    ):
        doubt = verdict.doubt_about(str(name)) if latent == "" else None
        if doubt is not None and changed.at[place, "identified"]:
            changed.at[place, "identified"] = False
            changed.at[place, "reason"] = f"{DOUBTED}{doubt.sentence}"
    return changed
