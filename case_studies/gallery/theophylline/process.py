"""One compartment after an oral dose."""

from typing import Any

import numpy as np

from sciren import Parameter, process_model


@process_model(
    parameters=[
        Parameter("volume", low=0, start=30, unit="L", meaning="of distribution"),
        Parameter("ka", low=0, start=1.5, unit="h-1", kind="constant"),
        Parameter("ke", low=0, start=0.08, unit="h-1", kind="constant"),
    ],
    forcings=["dose", "weight", "t"],
    targets=["c"],
)
def oral_dose(p: Any, f: Any) -> Any:
    """Concentration after uptake and loss of first order.

        c = dose weight ka / (volume (ka - ke)) (exp(-ke t) - exp(-ka t))

    Reference: Pinheiro and Bates 2000, Mixed-Effects Models in S and S-PLUS, chapter 8.
    """
    rise = np.exp(-p.ke * f.t) - np.exp(-p.ka * f.t)
    return f.dose * f.weight * p.ka / (p.volume * (p.ka - p.ke)) * rise
