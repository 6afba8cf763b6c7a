"""Runoff of catchments by the day."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, minimum, tanh, where
from sciren.parameters import Parameter
from sciren.processes.stores import DEMAND, RAIN, WARMTH, WATER, snow_share
from sciren.states import Balance, State

FIRST, SECOND = 3, 6
"""Days of the two unit hydrographs of gr4j for x4 up to 3 days."""


def _group(
    name: str, low: float, high: float, unit: str, meaning: str, start: float
) -> Parameter:
    return Parameter(name, low, high, unit, meaning, start=start, per="group")


def _delayed(word: str, days: int) -> list[State]:
    return [
        State(f"{word}{day}", unit="mm", meaning=f"due in day {day}")
        for day in range(1, days + 1)
    ]


def first_curve(day: int, x4: Any) -> Any:
    """Return the share of the first unit hydrograph that has passed after some days."""
    return minimum(day / x4, 1) ** 2.5


def second_curve(day: int, x4: Any) -> Any:
    """Return the share of the second, twice as long, that has passed after some days."""
    u = minimum(day / x4, 2)
    return where(u < 1, 0.5 * u**2.5, 1 - 0.5 * (2 - u) ** 2.5)


DELAYED = (*_delayed("fast", SECOND), *_delayed("slow", FIRST))
"""States of gr4j: what is due in so many days, the first of them today."""

STORED = tuple(s.name for s in DELAYED if not s.name.endswith("1"))
"""Those whose water is still on its way at the end of the day."""


def gr4j_flows(s: Any, p: Any, f: Any) -> dict[str, Any]:
    """Return evaporation and groundwater exchange of a day of gr4j, which it does not give."""
    water, evaporated, _ = _production(s, p, f)
    slow, fast = _hydrographs(s, p, water)
    exchange = _exchange(s, p)
    # What the exchange really moves: a store cannot give more than it holds.
    routed = maximum(s.routing + slow[0] + exchange, 0) - s.routing - slow[0]
    direct = maximum(fast[0] + exchange, 0) - fast[0]
    return {"e": minimum(f.p, f.pet) + evaporated, "exchange": routed + direct}


@process_model(
    parameters=[
        _group("x1", 100, 1200, "mm", "capacity of the soil", 350),
        _group("x2", -5, 3, "mm d-1", "exchange with groundwater", 0),
        _group("x3", 20, 300, "mm", "capacity of routing", 90),
        _group("x4", 1.1, 2.9, "d", "base of the unit hydrograph", 1.7),
    ],
    state=[
        State("soil", 0.3, of="x1", unit="mm", low=0, meaning="production store"),
        State("routing", 0.5, of="x3", unit="mm", low=0, meaning="routing store"),
        *DELAYED,
    ],
    forcings=[RAIN, DEMAND],
    targets=["q"],
    target_units={"q": WATER},
    warmup=180,
    balance=Balance(
        ["soil", "routing", *STORED],
        ["p", "exchange"],
        ["q", "e"],
        gr4j_flows,
    ),
)
def gr4j(s: Any, p: Any, f: Any) -> Any:
    """Daily runoff by two stores and two unit hydrographs.

        net rain and net evaporation of the day, soil' after both, percolation
        90 % of the water through the first hydrograph to the routing store, 10 % through
        the second; exchange x2 (routing/x3)^3.5 for both; q = outflow of both

    The hydrographs are the states slow1 to slow3 and fast1 to fast6: what is due in so
    many days. Start with half a year of warm-up.
    Limits: no runoff without rain and stores; x2 = 0 closes the balance.
    Identifiability: x2 absorbs errors of rain and evaporation; x1 and x2, x3 and x4 trade
    off; q is only piecewise smooth in x4.
    Reference: Perrin, Michel & Andreassian 2003, Journal of Hydrology 279, 275-289.
    """
    water, _, soil = _production(s, p, f)
    slow, fast = _hydrographs(s, p, water)
    exchange = _exchange(s, p)
    # Loss to the groundwater can ask for more than there is: neither path goes below
    # zero.
    routing = maximum(s.routing + slow[0] + exchange, 0)
    # The integral over a day of an outflow by the fifth power of what the store holds.
    released = routing * (1 - (1 + (routing / p.x3) ** 4) ** -0.25)
    q = released + maximum(fast[0] + exchange, 0)
    states = {f"slow{k + 1}": part for k, part in enumerate(slow)}
    states |= {f"fast{k + 1}": part for k, part in enumerate(fast)}
    return {"soil": soil, "routing": routing - released, **states}, {"q": q}


def _production(s: Any, p: Any, f: Any) -> tuple[Any, Any, Any]:
    """Return water for the hydrographs, evaporation of the soil, soil after the day."""
    # 1. Rain and demand of a day are netted first; only one of them is left.
    rain, thirst = maximum(f.p - f.pet, 0), maximum(f.pet - f.p, 0)
    full = s.soil / p.x1
    # tanh is 1 to the last bit beyond 13
    drying, wetting = (tanh(minimum(part / p.x1, 13)) for part in (thirst, rain))
    # 2. Production store: both are integrals over the day of a store that fills or
    # dries.
    evaporated = s.soil * (2 - full) * drying / (1 + (1 - full) * drying)
    stored = p.x1 * (1 - full**2) * wetting / (1 + full * wetting)
    soil = s.soil - evaporated + stored
    # 3. Percolation; 4/9 is the published constant.
    percolated = soil * (1 - (1 + (4 * soil / (9 * p.x1)) ** 4) ** -0.25)
    return rain - stored + percolated, evaporated, soil - percolated


def _hydrographs(s: Any, p: Any, water: Any) -> tuple[list[Any], list[Any]]:
    """Return what is due in the coming days by the first and by the second hydrograph."""
    slow = [getattr(s, f"slow{k}") for k in range(1, FIRST + 1)]
    fast = [getattr(s, f"fast{k}") for k in range(1, SECOND + 1)]
    return (
        _shifted(slow, 0.9 * water, first_curve, p.x4),
        _shifted(fast, 0.1 * water, second_curve, p.x4),
    )


def _exchange(s: Any, p: Any) -> Any:
    return p.x2 * (s.routing / p.x3) ** 3.5


def _shifted(due: list[Any], water: Any, curve: Any, x4: Any) -> list[Any]:
    """Move what is due by a day, and spread new water over the days."""
    # due[0] has left already: it was the outflow of the day before.
    later = [*due[1:], 0.0]
    # Every point of the curve ends one day and begins the next.
    passed = [curve(day, x4) for day in range(len(due) + 1)]
    return [
        remaining + water * (after - before)
        for remaining, before, after in zip(later, passed, passed[1:], strict=False)
    ]


@process_model(
    parameters=[
        _group("beta", 1, 6, "1", "shape of recharge", 2.5),
        _group("fc", 50, 1000, "mm", "field capacity", 200),
        _group("k0", 0.05, 0.9, "d-1", "fast outflow", 0.3),
        _group("k1", 0.01, 0.5, "d-1", "outflow of the upper store", 0.1),
        _group("k2", 1e-3, 0.2, "d-1", "outflow of the lower store", 0.03),
        _group("lp", 0.2, 1, "1", "share of fc without limit", 0.7),
        _group("perc", 0, 10, WATER, "percolation", 1.5),
        _group("uzl", 0, 100, "mm", "threshold of fast outflow", 5),
        Parameter("tt", -2.5, 2.5, "degC", "rain above", "constant", 0),
        Parameter(
            "cfmax", 0.5, 10, "mm degC-1 d-1", "melt per degree", "constant", 3.5
        ),
        Parameter("cfr", 0, 0.1, "1", "refreezing", "fixed", 0.05),
        Parameter("cwh", 0, 0.2, "1", "water that snow holds", "fixed", 0.1),
        Parameter("width", 0.1, 5, "degC", "range of sleet", "fixed", 2),
    ],
    state=[
        State("snow", unit="mm", low=0, meaning="snow as water"),
        State("melted", unit="mm", low=0, meaning="water held by snow"),
        State("soil", 0.5, of="fc", unit="mm", low=0, meaning="water of the soil"),
        State("upper", 5, unit="mm", low=0, meaning="upper store"),
        State("lower", 20, unit="mm", low=0, meaning="lower store"),
    ],
    forcings=[RAIN, WARMTH, DEMAND],
    targets=["q", "e"],
    target_units={"q": WATER, "e": WATER},
    warmup=365,
    balance=Balance(["snow", "melted", "soil", "upper", "lower"], ["p"], ["q", "e"]),
)
def hbv(s: Any, p: Any, f: Any) -> Any:
    """Daily runoff by snow, soil and two stores, without routing.

        snow and melt by degree days above tt, refreezing cfr, water held up to cwh snow
        recharge = (rain + melt) (soil/fc)^beta,  e = min(soil, pet soil/(lp fc))
        q = k0 max(upper - uzl, 0) + k1 upper + k2 lower, one after another

    Limits: p = q + e + growth of all stores; soil keeps at most fc.
    Identifiability: k0 and uzl, k1 and perc, fc, lp and beta trade off; cfr and cwh are
    hardly seen and fixed.
    Reference: Bergstrom 1976; Seibert 1997, Nordic Hydrology 28, 247-262.
    """
    # 1. Snow: falls, melts, freezes again, holds water up to cwh.
    falling = f.p * snow_share(f.ta, p.tt, p.width)
    snow = s.snow + falling
    melt = minimum(p.cfmax * maximum(f.ta - p.tt, 0), snow)
    held = s.melted + melt
    freezing = minimum(p.cfr * p.cfmax * maximum(p.tt - f.ta, 0), held)
    snow, held = snow - melt + freezing, held - freezing
    passing = maximum(held - p.cwh * snow, 0)
    # 2. Soil: the wetter it is, the more passes on.
    water = f.p - falling + passing
    # a dry soil has no slope in its power; 1e-5 mm as in public code
    recharge = water * minimum(maximum(s.soil, 1e-5) / p.fc, 1) ** p.beta
    soil = s.soil + water - recharge
    excess = maximum(soil - p.fc, 0)
    soil = soil - excess
    e = minimum(soil, f.pet * minimum(soil / (p.lp * p.fc), 1))
    # 3. Stores: percolation first, then the fast outflow, then the others from what is
    # left.
    upper = s.upper + recharge + excess
    down = minimum(upper, p.perc)
    upper = upper - down
    q0 = p.k0 * maximum(upper - p.uzl, 0)
    q1 = p.k1 * (upper - q0)
    lower = s.lower + down
    q2 = p.k2 * lower
    states = {
        "snow": snow, "melted": held - passing, "soil": soil - e,
        "upper": upper - q0 - q1, "lower": lower - q2,
    }  # fmt: skip
    return states, {"q": q0 + q1 + q2, "e": e}
