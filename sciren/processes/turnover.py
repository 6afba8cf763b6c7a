"""Soil carbon by the month."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, maximum, minimum, where
from sciren.parameters import Forcing, Parameter
from sciren.states import Balance, State

STOCK = "t ha-1"
RATES = {"dpm": 10.0, "rpm": 0.3, "bio": 0.66, "hum": 0.02}
"""yr-1 of decomposable and resistant plant material, microbes and humus."""


@process_model(
    parameters=[
        Parameter("ratio", 0.2, 3, "1", "of decomposable to resistant input", start=1.44,
                  per="group"),
        Parameter("cover", 0.6, 1, "1", "0.6 under plants, 1 for bare soil", "fixed", 0.6),
        Parameter("depth", 1, 100, "cm", "of the layer", "fixed", 23),
    ],
    state=[
        State("dpm", 0.2, unit=STOCK, low=0, meaning="decomposable plant material"),
        State("rpm", 5, unit=STOCK, low=0, meaning="resistant plant material"),
        State("bio", 0.7, unit=STOCK, low=0, meaning="microbes"),
        State("hum", 25, unit=STOCK, low=0, meaning="humus"),
        State("deficit", 0, unit="mm", meaning="moisture deficit of the top soil"),
    ],
    forcings=[
        Forcing("ta", -40, 40, "degC", "air temperature of the month"),
        Forcing("rain", 0, 1000, "mm", "rain of the month"),
        Forcing("pan", 0, 500, "mm", "open pan evaporation of the month"),
        Forcing("clay", 0, 100, "%", "clay"),
        Forcing("plants", 0, 10, STOCK, "carbon input of the month"),
    ],
    targets=["soc", "co2"],
    target_units={"soc": STOCK, "co2": STOCK},
    balance=Balance(list(RATES), ["plants"], ["co2"]),
)  # fmt: skip
def rothc_month(s: Any, p: Any, f: Any) -> Any:
    """A month of the Rothamsted carbon model, without inert carbon.

        loss of a pool = pool (1 - exp(-a b cover k/12))
        a = 47.91/(1 + exp(106.06/(ta + 18.27))), 0 below -5 degC
        b = 0.2 + 0.8 (M - deficit)/(M - 0.444 M) up to 1,
        M = -(20 + 1.3 clay - 0.01 clay^2) depth/23
        of all loss x/(x + 1) to CO2, 0.46/(x + 1) to microbes, 0.54/(x + 1) to humus,
        x = 1.67 (1.85 + 1.60 exp(-0.0786 clay)); input follows the loss

    deficit adds up rain - 0.75 pan between M and 0.
    Limits: input = co2 + growth of the pools; no loss in frost.
    Identifiability: clay and input trade off; inert carbon is not seen in total carbon.
    Reference: Jenkinson 1990; Coleman & Jenkinson 1999, RothC-26.3.
    """
    driest = -(20 + 1.3 * f.clay - 0.01 * f.clay**2) * p.depth / 23
    balance = s.deficit + f.rain - 0.75 * f.pan
    deficit = minimum(maximum(balance, driest), 0)
    moist = 0.2 + 0.8 * (driest - deficit) / (driest - 0.444 * driest)
    b = minimum(moist, 1)  # which is 1 from 0.444 of the driest on
    mild = f.ta > -5
    # The inner where keeps the pole at -18.27 degrees out of the unused branch.
    a = where(mild, 47.91 / (1 + exp(106.06 / (where(mild, f.ta, 0.0) + 18.27))), 0.0)
    share = {n: 1 - exp(-a * b * p.cover * k / 12) for n, k in RATES.items()}
    loss = {name: getattr(s, name) * part for name, part in share.items()}
    total = loss["dpm"] + loss["rpm"] + loss["bio"] + loss["hum"]
    x = 1.67 * (1.85 + 1.60 * exp(-0.0786 * f.clay))
    # Of the loss: x/(x + 1) to CO2, the rest to microbes and humus; inputs come after
    # it.
    gains = {
        "dpm": f.plants * p.ratio / (1 + p.ratio), "rpm": f.plants / (1 + p.ratio),
        "bio": 0.46 * total / (x + 1), "hum": 0.54 * total / (x + 1),
    }  # fmt: skip
    pools = {name: getattr(s, name) - loss[name] + gains[name] for name in RATES}
    soc = pools["dpm"] + pools["rpm"] + pools["bio"] + pools["hum"]
    return pools | {"deficit": deficit}, {"soc": soc, "co2": total * x / (x + 1)}
