"""Water held and passed on by soils."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import where
from sciren.parameters import Forcing, Parameter


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
