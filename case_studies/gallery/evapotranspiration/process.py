"""Latent heat by Priestley and Taylor."""

from typing import Any

import numpy as np

from sciren import Parameter, process_model

GAMMA = 0.066  # kPa K-1, psychrometric constant near sea level


@process_model(
    parameters=[
        Parameter("alpha", low=0, high=2, unit="1", meaning="share of potential")
    ],
    forcings=["rn", "g", "ta"],
    targets=["le"],
)
def priestley_taylor(p: Any, f: Any) -> Any:
    """Latent heat is a share of the energy that warmth lets evaporate.

        le = alpha D / (D + gamma) (rn - g),  D the slope of saturation vapour pressure

    Reference: Priestley and Taylor 1972, Monthly Weather Review 100, 81.
    """
    pressure = 0.6108 * np.exp(17.27 * f.ta / (f.ta + 237.3))
    slope = 4098 * pressure / (f.ta + 237.3) ** 2
    return p.alpha * slope / (slope + GAMMA) * (f.rn - f.g)
