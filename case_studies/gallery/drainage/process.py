"""One store of water whose drainage is not known."""

from typing import Any

import numpy as np

from sciren import Balance, Forcing, Parameter, State, process_model

MM = "mm d-1"


def _flows(s: Any, p: Any, f: Any) -> dict[str, Any]:
    return {"et": f.pet * np.minimum(s.soil / p.smax, 1)}


@process_model(
    parameters=[
        Parameter(
            "drain", low=0, unit=MM, inputs=["state.soil"], range=(0, 150), start=2
        ),
        Parameter("smax", low=20, high=600, unit="mm", kind="constant", start=200),
    ],
    state=[
        State("soil", start=200, low=0, unit="mm", meaning="water in the catchment")
    ],
    forcings=[Forcing("p", unit=MM), Forcing("pet", unit=MM)],
    targets=["q"],
    target_units={"q": MM},
    warmup=365,
    balance=Balance(["soil"], ["p"], ["q", "et"], _flows),
)
def store(s: Any, p: Any, f: Any) -> Any:
    """Storage fills with rain, evaporates and drains as a function of itself.

        soil' = soil + p - pet min(soil / smax, 1) - drain(soil),    q = drain(soil)

    Reference: Kirchner 2009, Water Resources Research 45, W02429.
    """
    et = f.pet * np.minimum(s.soil / p.smax, 1)
    return {"soil": s.soil + f.p - et - p.drain}, {"q": p.drain}
