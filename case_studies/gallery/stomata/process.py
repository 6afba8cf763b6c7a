"""Stomatal conductance by the optimality model of Medlyn."""

from typing import Any

import numpy as np

from sciren import Parameter, process_model

CO2 = 400.0  # umol mol-1; the record has no concentration at the leaf


@process_model(
    parameters=[
        Parameter("g1", low=0, high=15, start=4, unit="kPa^0.5", meaning="slope"),
        Parameter("g0", low=0, start=0.05, unit="mol m-2 s-1", kind="constant"),
    ],
    forcings=["vpd", "a"],
    targets=["gs"],
)
def medlyn(p: Any, f: Any) -> Any:
    """Conductance follows photosynthesis a, less so in dry air.

        gs = g0 + 1.6 (1 + g1 / sqrt(vpd)) a / CO2

    Reference: Medlyn et al. 2011, Global Change Biology 17, 2134.
    """
    return p.g0 + 1.6 * (1 + p.g1 / np.sqrt(f.vpd)) * f.a / CO2
