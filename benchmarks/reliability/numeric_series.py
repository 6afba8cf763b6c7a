"""Laws of fits on series of groups at extreme legal inputs."""

from typing import Any

import numpy as np
import torch

import sciren
from benchmarks.reliability.numeric import Sample
from sciren.dynamics import fit_functions, fit_groups
from sciren.dynamics.fitting import series_problem

GROUPS, MOST_ROWS = 3, 30  # of a group; a fit of a function takes a second


def _emptied(s: Any, p: Any, f: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Lose a share k of a store at every step."""
    return {"store": s.store + f.rain - p.k * s.store}, {"q": p.k * s.store}


def _store(**declared: Any) -> Any:
    k = sciren.Parameter("k", low=0.01, high=0.9, start=0.3, **declared)
    declare = sciren.process_model([k], ["rain"], ["q"], state=[sciren.State("store")])
    return declare(_emptied)


def _series(
    s: Sample, static: tuple[str, ...] = (), features: tuple[str, ...] = ()
) -> sciren.SeriesTable:
    rows = min(len(s.y) // GROUPS, MOST_ROWS)
    taken = slice(0, GROUPS * rows)
    frame = {
        "site": np.repeat(["a", "b", "c"], rows), "day": np.tile(np.arange(rows), GROUPS),
        "x": np.repeat(s.x[:GROUPS, 0], rows), "v": s.x[taken, -1],
        "rain": np.abs(s.x[taken, 0]), "q": np.abs(s.y[taken]),
    }  # fmt: skip
    return sciren.SeriesTable.from_frame(
        frame, group="site", time="day", time_unit="d", forcings=["rain"], targets=["q"],
        static=static, features=features,
    )  # fmt: skip


def groups_alone(s: Sample) -> None:
    """Numbers of groups that are fitted alone are finite and within their bounds."""
    model = sciren.ScIReN(sciren.KANEncoder(1, 1), "auto", _store(per="group"))
    found = fit_groups(series_problem(model, _series(s, static=("x",)))).physical
    assert np.isfinite(found).all()
    assert ((found >= 0.01 - 1e-9) & (found <= 0.9 + 1e-9)).all()


def function_of_rows(s: Sample) -> None:
    """A function of a column has finite coefficients."""
    assert torch.isfinite(
        fit_functions(_store(), _series(s, features=("v",))).theta
    ).all()


SERIES_LAWS = {"fit_groups": groups_alone, "fit_functions": function_of_rows}
"""Laws of about a second a sample."""
