"""GR4J behind a store of snow that melts by degree days."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from sciren import Balance, Forcing, Parameter, State, process_model
from sciren.processes import gr4j

SLEET = (
    4.0  # degC over which rain turns to snow, half above and half below the threshold
)
MM = "mm d-1"


def _number(name: str, low: float, high: float, unit: str, start: float) -> Parameter:
    return Parameter(name, low, high, unit, start=start, per="group")


def _thawed(s: Any, p: Any, f: Any) -> tuple[Any, Any]:
    """Return snow at the end of the day and the water that leaves it."""
    share = np.minimum(np.maximum((p.tt - f.ta) / SLEET + 0.5, 0), 1)
    held = s.snow + f.p * share
    melt = np.minimum(p.ddf * np.maximum(f.ta - p.tt, 0), held)
    return held - melt, f.p * (1 - share) + melt


def _flows(s: Any, p: Any, f: Any) -> Any:
    _, water = _thawed(s, p, f)
    return gr4j.balance.flows(s, p, SimpleNamespace(p=water, pet=f.pet))


@process_model(
    parameters=[
        _number("x1", 10, 2500, "mm", 350),
        _number("x2", -8, 8, MM, 0),
        _number("x3", 5, 600, "mm", 90),
        _number("x4", 0.6, 2.95, "d", 1.7),
        _number("ddf", 0.5, 10, "mm degC-1 d-1", 3),
        _number("tt", -3, 4, "degC", 0.5),
    ],
    state=[State("snow", unit="mm", low=0), *gr4j.states],
    forcings=[
        Forcing("p", unit=MM),
        Forcing("ta", unit="degC"),
        Forcing("pet", unit=MM),
    ],
    targets=["q"],
    target_units={"q": MM},
    warmup=365,
    balance=Balance(
        ["snow", *gr4j.balance.storage],
        gr4j.balance.inflow,
        gr4j.balance.outflow,
        _flows,
    ),
)
def gr4j_snow(s: Any, p: Any, f: Any) -> Any:
    """Runoff by the day; Perrin et al. 2003 for GR4J, Hock 2003 for degree days."""
    snow, water = _thawed(s, p, f)
    states, out = gr4j.function(s, p, SimpleNamespace(p=water, pet=f.pet))
    return {"snow": snow, **states}, out
