"""Small simulated catchments and a store whose drainage is a function of its state."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sciren import Parameter, SeriesTable, State, process_model
from sciren.datasets import make_catchments
from sciren.dynamics import SeriesProcess, Values
from sciren.dynamics.buckets import two_stores
from sciren.functions import minimum

COLUMNS: dict[str, Any] = {
    "group": "basin", "time": "day", "static": ["x1", "x2"], "forcings": ["rain", "pet"],
    "targets": ["q"],
}  # fmt: skip


@process_model(
    parameters=[
        Parameter("drain", low=0, unit="mm d-1", inputs=["state.soil"], range=(0, 250)),
        Parameter("smax", low=20, high=500, unit="mm", kind="constant"),
        Parameter("r", low=0, high=1),
    ],
    state=[State("soil", start=60, learn_start=True, low=0)],
    warmup=10, forcings=["rain", "pet"], targets=["q"],
)  # fmt: skip
def store(s, p, f):
    et = f.pet * minimum(s.soil / p.smax, 1)
    return {"soil": s.soil + f.rain - et - p.drain}, {"q": p.drain * (1 - p.r)}


class Power:
    """k x^b as a function of a state."""

    def __init__(self, k, b):
        self.k, self.b = k, b

    def value(self, x):
        return self.k * x**self.b

    def slope(self, x):
        return self.k * self.b * x ** (self.b - 1)

    def by_constants(self, x):
        return np.stack([x**self.b, self.k * x**self.b * np.log(x)], -1)


@pytest.fixture(scope="session")
def frame():
    whole = make_catchments(seed=3, groups=3, years=1).frame
    lengths = (
        whole["basin"].replace({"b01": "120", "b02": "90", "b03": "60"}).astype(int)
    )
    ragged = whole.groupby("basin").cumcount() < lengths
    return pd.DataFrame(whole[ragged]).reset_index(drop=True)


@pytest.fixture(scope="session")
def table(frame):
    return SeriesTable.from_frame(frame, **COLUMNS)


@pytest.fixture(scope="session")
def buckets(table):
    return SeriesProcess(two_stores, table)


@pytest.fixture(scope="session")
def bucket_values():
    parameters = {
        "smax": np.array([90.0, 160.0, 240.0]),
        "k": np.array([0.02, 0.05, 0.1]),
        "beta": np.array([1.5, 2.0, 3.0]),
    }
    return Values(parameters, {"soil": np.full(3, 0.5), "slow": np.full(3, 15.0)})


@pytest.fixture(scope="session")
def stores(table):
    return SeriesProcess(store, table)


@pytest.fixture(scope="session")
def store_values(table):
    share = 0.3 + 0.2 * np.sin(np.arange(table.rows))[:, None] + np.zeros(len(table))
    parameters = {"smax": np.full(3, 120.0), "r": share}
    return Values(parameters, {"soil": np.full(3, 60.0)}, {"drain": Power(2e-4, 2.2)})
