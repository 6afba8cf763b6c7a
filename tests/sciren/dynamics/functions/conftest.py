"""Stores whose evaporation follows a column of the row and whose drainage follows the store."""

import numpy as np
import pandas as pd
import pytest

from sciren import Parameter, SeriesTable, State, process_model
from sciren.datasets.catchments import autoregressive, weather
from sciren.functions import minimum


@process_model(
    parameters=[
        Parameter("evap", low=0, high=2, start=0.5),
        Parameter("drain", low=0, inputs=["state.soil"], range=(0, 200), start=1),
        Parameter("leak", low=0, high=0.2, per="group", start=0.05),
    ],
    state=[State("soil", start=60, low=0, learn_start=True)],
    warmup=10, forcings=["rain", "pet"], targets=["q"],
)  # fmt: skip
def store(s, p, f):
    et = p.evap * f.pet * minimum(s.soil / 120, 1)
    return {"soil": s.soil + f.rain - et - p.leak * s.soil - p.drain}, {"q": p.drain}


def simulated(days, groups, seed=0):
    """evap = 0.4 + 0.6 v, drain = 2e-4 soil^2.2, leak from 0.02 to 0.05."""
    rng = np.random.default_rng(seed)
    rain, pet = weather(rng, days, groups)
    v = 0.5 + 0.4 * np.sin(np.arange(days)[:, None] / 30 + np.arange(groups))
    leak, soil = np.linspace(0.02, 0.05, groups), np.full(groups, 60.0)
    q = np.empty((days, groups))
    for t in range(days):
        q[t] = 2e-4 * soil**2.2
        et = (0.4 + 0.6 * v[t]) * pet[t] * np.minimum(soil / 120, 1)
        soil = np.maximum(soil + rain[t] - et - leak * soil - q[t], 0)
    noisy = q * np.exp(0.03 * autoregressive(rng, days, groups, 0.6))
    columns = {"rain": rain, "pet": pet, "q": noisy, "v": v,
               "junk": autoregressive(rng, days, groups, 0.9)}  # fmt: skip
    frame = pd.DataFrame({name: one.T.ravel() for name, one in columns.items()})
    return frame.assign(
        g=np.repeat(np.arange(groups), days).astype(str),
        t=np.tile(np.arange(days), groups),
    )


def series_of(frame, features=("v", "junk")):
    return SeriesTable.from_frame(
        frame, group="g", time="t", time_unit="d", features=list(features),
        forcings=["rain", "pet"], targets=["q"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def stores_in_time():
    return series_of(simulated(90, 3))
