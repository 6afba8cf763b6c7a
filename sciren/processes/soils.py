"""What soils hold: water in their pores, solutes on their grains."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, where
from sciren.parameters import Forcing, Parameter

SOLUTE = Forcing("c", 0, 5000, "mg L-1", "concentration; noise below 0 counts as 0")
HELD = {"q": "mg g-1"}


@process_model(
    parameters=[
        Parameter("theta_r", 0, 0.15, "1", "residual water content", start=0.078),
        Parameter("theta_s", 0.3, 0.6, "1", "saturated water content", start=0.43),
        Parameter("alpha", 0.002, 0.2, "cm-1", "inverse of the air entry", start=0.036),
        Parameter("n", 1.05, 4, "1", "width of pore sizes", start=1.56),
        Parameter("ks", 0.1, 1000, "cm d-1", "saturated conductivity", start=24.96),
        Parameter("l", -2, 2, "1", "tortuosity", "constant", 0.5),
    ],
    forcings=[Forcing("h", -16000, 100, "cm", "pressure head, negative in dry soil")],
    targets=["theta", "k"],
    target_units={"theta": "1", "k": "cm d-1"},
)
def van_genuchten(p: Any, f: Any) -> dict[str, Any]:
    """Retention curve and conductivity of a soil.

        theta = theta_r + (theta_s - theta_r) S,  S = (1 + x)^-m,  x = (alpha |h|)^n
        k = ks S^l (1 - (x/(1 + x))^m)^2,  m = 1 - 1/n;  S = 1 and k = ks for h >= 0

    x/(1 + x) is 1 - S^(1/m) of the usual form, without its cancellation.
    Limits: theta_s and ks when wet, theta_r and 0 when dry.
    Identifiability: theta_r with n, l with ks; alpha with n where few points are wet.
    Reference: van Genuchten 1980, Soil Science Society of America Journal 44, 892-898;
    Mualem 1976.
    """
    dry = f.h < 0
    suction = where(
        dry, -f.h, 1
    )  # powers of 0 have no slope; 1 cm is not used when wet
    x = (p.alpha * suction) ** p.n
    m = 1 - 1 / p.n
    saturation = where(dry, (1 + x) ** (-m), 1)
    passing = where(dry, (1 - (x / (1 + x)) ** m) ** 2, 1)
    theta = p.theta_r + (p.theta_s - p.theta_r) * saturation
    return {"theta": theta, "k": p.ks * saturation**p.l * passing}


@process_model(
    parameters=[
        Parameter("qmax", 0.1, 500, "mg g-1", "capacity", start=25),
        Parameter("kl", 1e-4, 50, "L mg-1", "affinity", "constant", 0.3),
    ],
    forcings=[SOLUTE],
    targets=["q"],
    target_units=HELD,
)
def langmuir(p: Any, f: Any) -> Any:
    """Sorption on a limited number of equal places.

        q = qmax kl c/(1 + kl c)

    Limits: qmax kl c for small c, qmax for large c.
    Identifiability: qmax kl only, where c is small.
    Reference: Langmuir 1918, Journal of the American Chemical Society 40, 1361-1403.
    """
    c = maximum(f.c, 0)
    return p.qmax * p.kl * c / (1 + p.kl * c)


@process_model(
    parameters=[
        Parameter("kf", 1e-3, 500, "mg g-1", "sorption at 1 mg L-1", start=4),
        Parameter("inv_n", 0.1, 1.2, "1", "exponent 1/n", "constant", 0.7),
        Parameter("c1", unit="mg L-1", meaning="unit of c", kind="fixed", start=1),
    ],
    forcings=[SOLUTE],
    targets=["q"],
    target_units=HELD,
)
def freundlich(p: Any, f: Any) -> Any:
    """Sorption on places of many kinds.

        q = kf (c/c1)^inv_n,  c1 = 1 mg L-1

    Limits: 0 at c = 0; linear at inv_n = 1.
    Identifiability: kf and inv_n trade off unless the data span c1; then fix c1 in the
    middle of the data.
    Reference: Freundlich 1907, Zeitschrift fur physikalische Chemie 57, 385-470.
    """
    return p.kf * (maximum(f.c, 0) / p.c1) ** p.inv_n
