"""Logistic growth of a plant."""

from typing import Any

import numpy as np

from sciren import Parameter, process_model


@process_model(
    parameters=[
        Parameter("weight_end", low=0, start=20, unit="g", meaning="weight at the end"),
        Parameter("half_time", low=0, start=50, unit="d", kind="constant"),
        Parameter("scale", low=0, start=10, unit="d", kind="constant"),
    ],
    forcings=["t"],
    targets=["weight"],
)
def logistic(p: Any, f: Any) -> Any:
    """Weight grows to its end, half of it at the half time.

    Reference: Davidian and Giltinan 1995, Nonlinear Models for Repeated Measurement Data.
    """
    return p.weight_end / (1 + np.exp(-(f.t - p.half_time) / p.scale))
