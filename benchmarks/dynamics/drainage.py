"""An unknown drainage g(S) = k S^2.2 of one store, 10 years, 8 % AR noise, as a curve."""

import time
from typing import Any

import numpy as np
import pandas as pd

from sciren import Parameter, SeriesTable, State, TrainConfig, process_model
from sciren.datasets.catchments import autoregressive, weather
from sciren.dynamics import fit_state_function
from sciren.functions import minimum

SCALE, EXPONENT, CAPACITY = 2e-4, 2.2, 120.0
DAYS, NOISE, MEMORY = 3650, 0.08, 0.6


@process_model(
    parameters=[
        Parameter(
            "drain",
            low=0,
            unit="mm d-1",
            inputs=["state.soil"],
            range=(0, 250),
            start=1,
        ),
        Parameter("smax", low=20, high=500, unit="mm", kind="constant", start=200),
    ],
    state=[State("soil", start=60, learn_start=True, low=0)],
    time="step",
    warmup=60,
    forcings=["rain", "pet"],
    targets=["q"],
)
def store(s: Any, p: Any, f: Any) -> Any:
    """One store whose drainage is not known; one step is one day."""
    et = f.pet * minimum(s.soil / p.smax, 1)
    return {"soil": s.soil + f.rain - et - p.drain}, {"q": p.drain}


def run(seeds: range) -> list[dict[str, Any]]:
    """Return one row a seed: seconds, error of the curve, capacity (120)."""
    return [_one(seed) for seed in seeds]


def _one(seed: int) -> dict[str, Any]:
    table = SeriesTable.from_frame(
        _frame(seed), group=None, time="day", forcings=["rain", "pet"], targets=["q"]
    )
    begin = time.process_time()
    found = fit_state_function(store, table, TrainConfig(residual="log"))
    seconds = time.process_time() - begin
    low, middle, high = np.quantile(found.visited, [0.02, 0.5, 0.98])
    x = np.linspace(low, high, 101)
    error = found.function.value(x) / (SCALE * x**EXPONENT) - 1
    at = found.function.value(np.array([middle]))[0] / (SCALE * middle**EXPONENT) - 1
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "largest error of the curve, 2-98 % of the states": f"{np.abs(error).max():.1%}",
        "error at the median state": f"{at:+.1%}",
        "smax": round(found.constants["smax"], 1),
    }


def _frame(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rain, pet = (one[:, 0] for one in weather(rng, DAYS, 1))
    soil, q = 60.0, np.empty(DAYS)
    for t in range(DAYS):
        q[t] = SCALE * soil**EXPONENT
        soil = soil + rain[t] - pet[t] * min(soil / CAPACITY, 1) - q[t]
        soil = max(soil, 0.0)
    noisy = q * np.exp(NOISE * autoregressive(rng, DAYS, 1, MEMORY)[:, 0])
    days = pd.date_range("2001-01-01", periods=DAYS)
    return pd.DataFrame({"day": days, "rain": rain, "pet": pet, "q": noisy})
