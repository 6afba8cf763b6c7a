"""Logistic growth of leaves from the first day they were weighed."""

from typing import Any

from sciren import Parameter, State, process_model


@process_model(
    parameters=[
        Parameter("rate", low=0.02, high=0.5, start=0.12, unit="d-1", per="group",
                  meaning="relative growth of small plants"),
        Parameter("heaviest", low=2, high=80, start=18, unit="g", per="group",
                  meaning="weight that growth ends at", deviation="lognormal"),
        Parameter("first", low=0.01, high=1, start=0.1, unit="g", kind="constant",
                  meaning="weight on the first day"),
    ],
    state=[State("leaves", start=1, of="first", unit="g")],
    time="ode",
    targets={"weight": "leaves"},
    target_units={"weight": "g"},
    error="proportional",
)  # fmt: skip
def logistic(s: Any, p: Any, f: Any) -> Any:
    """Growth that slows down towards the heaviest weight.

        d leaves / dt = rate leaves (1 - leaves / heaviest)

    Reference: Davidian and Giltinan 1995, Nonlinear Models for Repeated Measurement Data.
    """
    return {"leaves": p.rate * s.leaves * (1 - s.leaves / p.heaviest)}
