"""GR4J behind a store of snow that melts by degree days, both from the shelf."""

from types import SimpleNamespace
from typing import Any

from sciren import Balance, Forcing, Parameter, process_model
from sciren.decoders import decoder_named

SNOW: Any = decoder_named("degree_day_snow")
RUNOFF: Any = decoder_named("gr4j")
SLEET = 4.0  # degC over which rain turns to snow, half of them above the threshold
MM = "mm d-1"


def _number(name: str, low: float, high: float, unit: str, start: float) -> Parameter:
    return Parameter(name, low, high, unit, start=start, per="group")


def _thawed(s: Any, p: Any, f: Any) -> tuple[Any, Any]:
    """Return the snow at the end of the day, and what GR4J gets in place of rain."""
    numbers = SimpleNamespace(ddf=p.ddf, tt=p.tt + SLEET / 2, tm=p.tt, width=SLEET)
    states, out = SNOW.function(s, numbers, f)
    return states, SimpleNamespace(p=out["liquid"], pet=f.pet)


def _flows(s: Any, p: Any, f: Any) -> Any:
    return RUNOFF.balance.flows(s, p, _thawed(s, p, f)[1])


@process_model(
    parameters=[
        _number("x1", 10, 2500, "mm", 350),
        _number("x2", -8, 8, MM, 0),
        _number("x3", 5, 600, "mm", 90),
        _number("x4", 0.6, 2.95, "d", 1.7),
        _number("ddf", 0.5, 10, "mm degC-1 d-1", 3),
        _number("tt", -3, 4, "degC", 0.5),
    ],
    state=[*SNOW.states, *RUNOFF.states],
    forcings=[Forcing("p", unit=MM), Forcing("ta", unit="degC"), Forcing("pet", unit=MM)],
    targets=["q"],
    target_units={"q": MM},
    warmup=365,
    balance=Balance(
        ["swe", *RUNOFF.balance.storage], RUNOFF.balance.inflow,
        RUNOFF.balance.outflow, _flows,
    ),
)  # fmt: skip
def gr4j_snow(s: Any, p: Any, f: Any) -> Any:
    """Runoff by the day; Perrin et al. 2003 for GR4J, Hock 2003 for degree days."""
    snow, water = _thawed(s, p, f)
    states, out = RUNOFF.function(s, p, water)
    return {**snow, **states}, out
