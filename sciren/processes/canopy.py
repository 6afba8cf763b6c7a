"""Light inside a canopy."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, log
from sciren.parameters import Forcing, Parameter
from sciren.processes.respiration import FLUX


@process_model(
    parameters=[
        Parameter("k", 0.3, 0.9, "1", "extinction", start=0.5),
        Parameter("pmax", 1, 100, FLUX, "uptake of a leaf in strong light", start=25),
        Parameter(
            "alpha", 1e-3, 0.22, "1", "uptake per unit of weak light", start=0.05
        ),
        Parameter("clumping", 0.4, 1, "1", "clumping of leaves", "fixed", 1),
    ],
    forcings=[
        Forcing("lai", 0, 10, "1", "leaf area index, m2 m-2"),
        Forcing("par", 0, 2500, FLUX, "photon flux density above the canopy"),
    ],
    targets=["fapar", "apar", "gpp"],
    target_units={"fapar": "1", "apar": FLUX, "gpp": FLUX},
)
def beer_lambert(p: Any, f: Any) -> dict[str, Any]:
    """Light absorbed by a canopy, and what its leaves take up from it.

        fapar = 1 - exp(-K lai),  K = k clumping,  apar = fapar par
        gpp = pmax/K ln((alpha K par + pmax)/(alpha K par exp(-K lai) + pmax))

    gpp is the integral of the rectangular hyperbola over the leaf area.
    Limits: 0 without leaves, fapar -> 1 in dense canopies.
    Identifiability: k, clumping and lai as a product only, so clumping is fixed.
    Reference: Monsi & Saeki 1953, Japanese Journal of Botany 14, 22-52.
    """
    extinction = p.k * p.clumping
    passed = exp(-extinction * f.lai)
    # Light that a leaf at the top gets: K par; deeper it has passed exp(-K lai).
    top = p.alpha * extinction * f.par
    gpp = p.pmax / extinction * log((top + p.pmax) / (top * passed + p.pmax))
    return {"fapar": 1 - passed, "apar": (1 - passed) * f.par, "gpp": gpp}
