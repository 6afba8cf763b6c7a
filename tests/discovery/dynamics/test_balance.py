"""Mass balances of free runs: closed where all that moves is named, open where a bound adds."""

import numpy as np
import pandas as pd
import pytest

from discovery.dynamics.balance import balance_errors, lying_at_bounds
from sciren import Balance, Parameter, SeriesTable, State, process_model
from sciren.dynamics import Directions, SeriesProcess, Values, jacobian
from sciren.functions import maximum

DAYS = 40
BALANCE = Balance(storage=["h"], inflow=["rain"], outflow=["q"])
DECLARED = {
    "parameters": [Parameter("k", low=0.01, high=2), Parameter("pump", low=0, high=5)],
    "state": [State("h", start=5.0, low=0, high=20)],
    "forcings": ["rain"],
    "targets": ["q"],
    "balance": BALANCE,
}


def taken(s, p):
    """A pump takes as much from an empty tank as from a full one."""
    return p.k * maximum(s.h, 0.0) / (1 + s.h) + p.pump


@process_model(time="step", **DECLARED)
def tank(s, p, f):
    q = taken(s, p)
    return {"h": s.h + f.rain - q}, {"q": q}


@process_model(time="ode", solver="rk4", **DECLARED)
def tank_in_time(s, p, f):
    q = taken(s, p)
    return {"h": f.rain - q}, {"q": q}


def run(model, pump, rain=3.0):
    wet = np.where(np.arange(DAYS) % 20 < 5, rain, 0.0)
    frame = pd.DataFrame({"day": np.arange(DAYS, dtype=float), "rain": wet})
    table = SeriesTable.from_frame(
        frame, group=None, time="day", time_unit="d", forcings=["rain"]
    )
    process = SeriesProcess(model, table, substeps=8 if model.time == "ode" else 1)
    parameters = {"k": np.array([0.5]), "pump": np.array([pump])}
    values = Values(parameters, {"h": np.array([5.0])})
    return process, values, process.simulate(values)


@pytest.mark.parametrize("model", [tank, tank_in_time], ids=["step", "ode"])
@pytest.mark.parametrize(
    ("pump", "rain"), [(1.0, 3.0), (0.0, 9.0)], ids=["dry", "full"]
)
def test_a_bound_that_holds_a_state_opens_the_balance_and_is_named(model, pump, rain):
    process, _, trajectory = run(model, pump, rain)
    assert trajectory.states.min() >= 0.0
    assert trajectory.states.max() <= 20.0
    assert balance_errors(process, trajectory)[0] > 0.01
    [told] = lying_at_bounds(process, trajectory, 0)
    assert told.startswith("h lies at a bound in ")


@pytest.mark.parametrize("model", [tank, tank_in_time], ids=["step", "ode"])
def test_a_state_inside_its_bounds_closes_the_balance(model):
    process, _, trajectory = run(model, pump=0.0, rain=1.0)
    assert balance_errors(process, trajectory)[0] < 1e-12
    assert lying_at_bounds(process, trajectory, 0) == []


@pytest.mark.parametrize("model", [tank, tank_in_time], ids=["step", "ode"])
def test_derivatives_are_those_of_a_tank_that_runs_dry_and_fills_again(model):
    process, values, trajectory = run(model, pump=1.0)
    assert (trajectory.states == 0).any()
    found = jacobian(process, trajectory, Directions(static=("k", "pump")))
    for place, name in enumerate(("k", "pump")):
        ahead, back = (
            process.simulate(
                Values(
                    {**values.parameters, name: values.parameters[name] + step},
                    values.starts,
                )
            ).outputs[0, :, 0]
            for step in (1e-6, -1e-6)
        )
        np.testing.assert_allclose(
            found[place, 0, 0], (ahead - back) / 2e-6, rtol=1e-6, atol=1e-7
        )
