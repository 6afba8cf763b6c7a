"""Flow and oxygen of rivers."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, maximum, sqrt
from sciren.parameters import Forcing, Parameter
from sciren.processes.exponentials import exponential_difference


@process_model(
    parameters=[
        Parameter("n", 0.01, 0.15, "s m^(-1/3)", "roughness", start=0.035),
        Parameter(
            "side", 0, 5, "1", "run of the banks for each unit of rise", "fixed", 0
        ),
    ],
    forcings=[
        Forcing("depth", 0, 30, "m", "depth of water"),
        Forcing("width", 0.1, 1000, "m", "width of the bed"),
        Forcing("slope", 1e-6, 0.2, "1", "slope of the energy line"),
    ],
    targets=["q"],
    target_units={"q": "m3 s-1"},
)
def manning(p: Any, f: Any) -> Any:
    """Discharge of a trapezoidal channel in uniform flow.

        q = A (A/P)^(2/3) sqrt(slope)/n
        A = depth (width + side depth),  P = width + 2 depth sqrt(1 + side^2)

    Limits: 0 without water; depth is at least 1e-6 m, where powers still have slopes.
    Backwater is ignored.
    Identifiability: n and slope as sqrt(slope)/n only.
    Reference: Manning 1891; Chow 1959, Open-Channel Hydraulics.
    """
    depth = maximum(f.depth, 1e-6)
    area = depth * (f.width + p.side * depth)
    perimeter = f.width + 2 * depth * sqrt(1 + p.side**2)
    return area * (area / perimeter) ** (2 / 3) * sqrt(f.slope) / p.n


@process_model(
    parameters=[
        Parameter("kd", 0.05, 0.5, "d-1", "decay of organic matter", start=0.25),
        Parameter("ka", 0.2, 4, "d-1", "reaeration", start=0.7),
        Parameter("l0", 1, 60, "mg L-1", "oxygen demand at the start", start=15),
    ],
    forcings=[
        Forcing("t", 0, 30, "d", "time of travel"),
        Forcing("d0", 0, 15, "mg L-1", "deficit of oxygen at the start"),
        Forcing("saturation", 5, 15, "mg L-1", "saturated oxygen"),
    ],
    targets=["oxygen"],
    target_units={"oxygen": "mg L-1"},
)
def streeter_phelps(p: Any, f: Any) -> Any:
    """Oxygen of a river below a discharge of organic matter (rates to base e).

        oxygen = saturation - D
        D = kd l0 (exp(-kd t) - exp(-ka t))/(ka - kd) + d0 exp(-ka t)

    and kd l0 t exp(-kd t) + d0 exp(-ka t) where ka = kd.
    Limits: saturation - d0 at the start, saturation far below. Rates of old tables are to
    base 10 (times 2.303); at other temperatures kd 1.047^(T - 20), ka 1.024^(T - 20).
    Identifiability: kd and l0 trade off near the discharge; kd and ka can be exchanged
    where d0 = 0 and l0 is free.
    Reference: Streeter & Phelps 1925, Public Health Bulletin 146.
    """
    sag = p.kd * p.l0 * exponential_difference(p.kd, p.ka, f.t)
    return f.saturation - sag - f.d0 * exp(-p.ka * f.t)
