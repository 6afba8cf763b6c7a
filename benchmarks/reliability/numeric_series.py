"""Laws of simulations and fits on series of groups at extreme legal inputs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import sciren
from benchmarks.reliability.numeric import Sample
from sciren import dynamics
from sciren.dynamics import (
    Directions,
    GroupDeviations,
    SeriesProcess,
    Trajectory,
    Values,
)
from sciren.dynamics.fitting import series_problem
from sciren.dynamics.groups.deviations import Deviations
from sciren.dynamics.local_values import LocalScale

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
    groups = min(GROUPS, len(s.y))
    rows = min(len(s.y) // groups, MOST_ROWS)
    taken = slice(0, groups * rows)
    frame = {
        "site": np.repeat(["a", "b", "c"][:groups], rows),
        "day": np.tile(np.arange(rows), groups),
        "x": np.repeat(s.x[:groups, 0], rows), "v": s.x[taken, -1],
        "rain": np.abs(s.x[taken, 0]), "q": np.abs(s.y[taken]),
    }  # fmt: skip
    return sciren.SeriesTable.from_frame(
        frame, group="site", time="day", time_unit="d", forcings=["rain"], targets=["q"],
        static=static, features=features,
    )  # fmt: skip


def groups_alone(s: Sample) -> None:
    """Numbers of groups that are fitted alone are finite and within their bounds."""
    model = sciren.ScIReN(sciren.KANEncoder(1, 1), "auto", _store(per="group"))
    found = dynamics.fit_groups(
        series_problem(model, _series(s, static=("x",)))
    ).physical
    assert np.isfinite(found).all()
    assert ((found >= 0.01 - 1e-9) & (found <= 0.9 + 1e-9)).all()


def function_of_rows(s: Sample) -> None:
    """A function of a column has finite coefficients."""
    assert torch.isfinite(
        dynamics.fit_functions(_store(), _series(s, features=("v",))).theta
    ).all()


def function_of_a_state(s: Sample) -> None:
    """A function of a state has finite values where the state has been."""
    largest = float(np.abs(s.x[:, 0]).max()) or 1.0
    drain = sciren.Parameter(
        "k", low=0, inputs=["state.store"], range=(0, 5 * largest), start=0.3
    )
    declare = sciren.process_model(
        [drain], ["rain"], ["q"], state=[sciren.State("store")]
    )
    fit = dynamics.fit_state_function(declare(_emptied), _series(s))
    assert np.isfinite(fit.function.value(fit.visited)).all()


def _run(s: Sample) -> tuple[SeriesProcess, Trajectory]:
    """Return a simulation with k = 0.3, and a start learned from zero."""
    process = SeriesProcess(_store(per="group"), _series(s))
    groups = len(process.table)
    known = Values({"k": np.full(groups, 0.3)}, {"store": np.zeros(groups)})
    return process, process.simulate(known)


def _slopes(s: Sample) -> None:
    """A store keeps 1 - k of itself, and loses itself for each unit of k."""
    process, run = _run(s)
    local = dynamics.local_jacobians(process, run)
    np.testing.assert_allclose(local.by_state[0, 0], 0.7, rtol=1e-12)
    store = run.states[0, :-1].T
    np.testing.assert_allclose(local.by_parameter[0, 0], -store, rtol=1e-12)


def _derivatives(s: Sample) -> None:
    """Derivatives are differences of simulations, and a start fades by 1 - k a row."""
    process, run = _run(s)
    by = dynamics.jacobian(process, run, Directions(["k"], ["store"]))
    assert np.isfinite(by).all()
    rows = np.arange(process.table.rows)
    fading = np.broadcast_to(0.3 * 0.7**rows, by[1, 0].shape)
    np.testing.assert_allclose(by[1, 0], fading, rtol=1e-9)
    ahead, back = (
        process.simulate(replace(run.values, parameters={"k": np.full(by.shape[2], k)}))
        for k in (0.3 + 1e-5, 0.3 - 1e-5)
    )
    slope = (ahead.outputs[0] - back.outputs[0]).T / 2e-5
    # differences of two sums as large as the outputs, at most a digit above rounding
    size = float(np.abs(run.outputs).max())
    np.testing.assert_allclose(by[0, 0], slope, rtol=1e-4, atol=1e-6 * size)


def _transposed(s: Sample) -> None:
    """The adjoint of weights is the weighted sum of the derivatives."""
    process, run = _run(s)
    weights = np.random.default_rng(s.seed).normal(
        size=run.outputs.transpose(0, 2, 1).shape
    )
    by_k, by_start = dynamics.adjoint(dynamics.local_jacobians(process, run), weights)
    by = dynamics.jacobian(process, run, Directions(["k"], ["store"]))
    size = float(np.abs(by[0]).sum())
    np.testing.assert_allclose(
        by_k[0].sum(-1), (weights * by[0]).sum((0, 2)), rtol=1e-9, atol=1e-12 * size
    )
    np.testing.assert_allclose(by_start[0], (weights * by[1]).sum((0, 2)), rtol=1e-9)


def _scores(s: Sample) -> None:
    """Observations agree with themselves, nothing better, and scores know no unit."""
    process, run = _run(s)
    numbers = ["nse", "kge", "bias"]
    own = dynamics.group_scores(process, process.table.targets)[numbers]
    best = own.fillna({"nse": 1, "kge": 1, "bias": 0})  # of fewer rows than are scored
    np.testing.assert_allclose(best, np.tile([1.0, 1.0, 0.0], (len(own), 1)), atol=1e-9)
    outputs = run.outputs.transpose(1, 2, 0)
    scores = dynamics.group_scores(process, outputs)[numbers]
    assert not np.isinf(np.asarray(scores)).any()
    assert not (np.asarray(scores[["nse", "kge"]]) > 1 + 1e-9).any()
    table = replace(process.table, targets=8 * process.table.targets)
    scaled = dynamics.group_scores(replace(process, table=table), 8 * outputs)[numbers]
    np.testing.assert_allclose(scaled, scores, rtol=1e-6)


def _bands(s: Sample) -> None:
    """Bands have numbers and an order, and hold what groups that do not deviate do."""
    decoder = _store(per="group", deviation="lognormal")
    model = sciren.ScIReN(sciren.KANEncoder(1, 1), "auto", decoder)
    series = _series(s, static=("x",))
    model.set_scaling(
        sciren.FeatureScaling.fit(torch.from_numpy(series.static)), ("x",)
    )
    law = Deviations.declared(LocalScale(decoder, model.constraints))
    count = len(law.names)
    known = GroupDeviations(
        law, series.groups[:1], np.zeros((1, count)), np.zeros((1, count, count)),
        np.zeros(count),
    )  # fmt: skip
    low, high = dynamics.series_bands(model, series, known, draws=20, seed=s.seed)
    assert np.isfinite(low).all()
    assert (low <= high).all()
    run = dynamics.simulate_series(model, series, known).outputs
    # The first group deviates by nothing at all, so its band is its run.
    np.testing.assert_allclose(low[:, 0], run[:, 0], rtol=1e-9)
    np.testing.assert_allclose(high[:, 0], run[:, 0], rtol=1e-9)


SERIES_LAWS = {
    "fit_groups": groups_alone, "fit_functions": function_of_rows,
    "fit_state_function": function_of_a_state,
}  # fmt: skip
"""Laws of about a second a sample."""

SIMULATION_LAWS: dict[str, Callable[[Sample], None]] = {
    "local_jacobians": _slopes, "jacobian": _derivatives, "adjoint": _transposed,
    "group_scores": _scores, "series_bands, simulate_series": _bands,
}  # fmt: skip
"""Laws of a simulation, of milliseconds a sample."""
