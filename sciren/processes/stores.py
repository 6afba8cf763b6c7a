"""Stores of water that carry their content from day to day."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, maximum, minimum, tanh
from sciren.parameters import Forcing, Parameter
from sciren.states import Balance, State

WATER = "mm d-1"
RAIN = Forcing("p", 0, 500, WATER, "precipitation")
DEMAND = Forcing("pet", 0, 20, WATER, "potential evaporation")
WARMTH = Forcing("ta", -50, 50, "degC", "air temperature")


def snow_share(ta: Any, threshold: Any, width: Any) -> Any:
    """Return the share of precipitation that is snow: 1 in the cold, 0 from threshold.

    A ramp, because a step has no slope from which the threshold could be learned.
    """
    return minimum(maximum((threshold - ta) / width, 0), 1)


@process_model(
    parameters=[
        Parameter(
            "ddf", 0.5, 10, "mm degC-1 d-1", "melt per degree", start=3, per="group"
        ),
        Parameter("tt", -2.5, 2.5, "degC", "rain above", "constant", 0),
        Parameter("tm", -2.5, 2.5, "degC", "melt above", "constant", 0),
        Parameter("width", 0.1, 5, "degC", "range of sleet", "fixed", 2),
    ],
    state=[State("swe", unit="mm", low=0, meaning="snow as water")],
    forcings=[RAIN, WARMTH],
    targets=["liquid"],
    target_units={"liquid": WATER},
    balance=Balance(["swe"], ["p"], ["liquid"]),
)
def degree_day_snow(s: Any, p: Any, f: Any) -> Any:
    """Snow that melts in proportion to the degrees above a threshold.

        snow = p share,  share = (tt - ta)/width between 0 and 1
        melt = min(ddf max(ta - tm, 0), swe + snow),  liquid = p - snow + melt
        swe' = swe + snow - melt

    Limits: precipitation = liquid + growth of swe; no melt below tm.
    Identifiability: tt and ddf trade off; ddf only while snow remains.
    Reference: Hock 2003, Journal of Hydrology 282, 104-115.
    """
    # Snow of the day may melt on the same day, which keeps melt below what there is.
    snow = f.p * snow_share(f.ta, p.tt, p.width)
    melt = minimum(p.ddf * maximum(f.ta - p.tm, 0), s.swe + snow)
    return {"swe": s.swe + snow - melt}, {"liquid": f.p - snow + melt}


@process_model(
    parameters=[
        Parameter("smax", 10, 1000, "mm", "capacity", start=150, per="group"),
        Parameter("c", 0.3, 1, "1", "share of it without limit", "constant", 0.75),
    ],
    state=[
        State("soil", 0.5, of="smax", unit="mm", low=0, meaning="water of the soil")
    ],
    forcings=[RAIN, DEMAND],
    targets=["e", "q"],
    target_units={"e": WATER, "q": WATER},
    balance=Balance(["soil"], ["p"], ["e", "q"]),
)
def bucket(s: Any, p: Any, f: Any) -> Any:
    """Soil as a bucket that overflows.

        w = soil + p,  e = min(w, pet min(1, w/(c smax)))
        q = max(0, w - e - smax),  soil' = w - e - q

    Limits: p = e + q + growth of soil; no runoff below smax.
    Identifiability: smax only if the bucket overflows or runs dry.
    Reference: Manabe 1969, Monthly Weather Review 97, 739-774.
    """
    # Rain comes before evaporation: a wet day evaporates its own rain.
    water = s.soil + f.p
    e = minimum(water, f.pet * minimum(1, water / (p.c * p.smax)))
    q = maximum(water - e - p.smax, 0)
    return {"soil": water - e - q}, {"e": e, "q": q}


@process_model(
    parameters=[Parameter("k", 1e-3, 1, "d-1", "outflow", start=0.1, per="group")],
    state=[State("store", 10, unit="mm", low=0, meaning="water of the store")],
    forcings=[RAIN],
    targets=["q"],
    target_units={"q": WATER},
    balance=Balance(["store"], ["p"], ["q"]),
)
def linear_reservoir(s: Any, p: Any, f: Any) -> Any:
    """A store that loses a share of its water each day, exact for constant rain.

        store' = store exp(-k) + p/k (1 - exp(-k)),  q = p - (store' - store)

    Limits: p = q + growth of store; the store ends at p/k.
    Identifiability: k from recessions.
    Reference: Nash 1957; exact for any k, unlike an explicit step.
    """
    left = exp(-p.k)
    lost = tanh(p.k / 2) * (1 + left)  # 1 - left, without its cancellation for small k
    store = s.store * left + f.p * lost / p.k
    return {"store": store}, {"q": f.p + s.store - store}
