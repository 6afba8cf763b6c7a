"""Buckets: daily water balances with few stores, ready to use and to copy."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, minimum
from sciren.parameters import Parameter
from sciren.states import Balance, State


def _evaporated(s: Any, p: Any, f: Any) -> dict[str, Any]:
    return {"et": f.pet * minimum(s.soil / p.smax, 1)}


@process_model(
    parameters=[
        Parameter("smax", low=20, high=500, unit="mm", per="group", start=150,
                  meaning="capacity of the soil"),
        Parameter("k", low=0.002, high=0.3, unit="d-1", per="group", start=0.05,
                  meaning="outflow of the slow store"),
        Parameter("beta", low=0.3, high=6, per="group", start=2,
                  meaning="how suddenly a wet soil sheds rain"),
    ],
    state=[
        State("soil", start=0.5, of="smax", unit="mm", meaning="water in the soil"),
        State("slow", start=15, unit="mm", meaning="water in the slow store"),
    ],
    time="step",
    warmup=365,
    forcings=["rain", "pet"],
    targets=["q"],
    target_units={"q": "mm d-1"},
    balance=Balance(["soil", "slow"], ["rain"], ["q", "et"], _evaporated),
)  # fmt: skip
def two_stores(s: Any, p: Any, f: Any) -> Any:
    """Soil of limited capacity above a linear store; one step is one day.

        wet   = min(soil / smax, 1)
        quick = rain wet^beta,  drain = 0.02 soil wet,  et = pet wet
        soil' = min(soil + rain - quick - et - drain, smax), the surplus runs off
        q     = quick + surplus + k (slow + drain)

    Units mm and mm d-1. Reference: Bergstrom 1992 for rain wet^beta (HBV); Perrin et
    al. 2003 for daily stores of this kind.
    """
    wet = minimum(s.soil / p.smax, 1)
    quick, drain = f.rain * wet**p.beta, 0.02 * s.soil * wet
    soil = s.soil + f.rain - quick - f.pet * wet - drain
    # What does not fit is runoff of the same day, so that rain - et - q is the change
    # of the stores exactly.
    over, base = maximum(soil - p.smax, 0), p.k * (s.slow + drain)
    return (
        {"soil": soil - over, "slow": s.slow + drain - base},
        {"q": quick + over + base},
    )
