"""Three compartments with numbers of every person about what age and lean mass say."""

from typing import Any

from sciren import Forcing, Parameter, State, process_model

CONCENTRATION = "ug l-1"


def _latent(name: str, start: float, unit: str) -> Parameter:
    return Parameter(
        name, low=0, start=start, unit=unit, per="group", deviation="lognormal"
    )


@process_model(
    parameters=[
        _latent("v1", 5, "l"), _latent("v2", 10, "l"), _latent("v3", 5, "l"),
        _latent("cl1", 2.5, "l min-1"), _latent("cl2", 2, "l min-1"),
        _latent("cl3", 0.1, "l min-1"),
    ],
    state=[State(name, unit=CONCENTRATION) for name in ("c1", "c2", "c3")],
    time="ode",
    forcings=[Forcing("rate", unit="ug min-1")],
    targets={"conc": "c1"},
    target_units={"conc": CONCENTRATION},
    error="proportional+floor",
)  # fmt: skip
def compartments(s: Any, p: Any, f: Any) -> Any:
    """Blood, and tissues that exchange with it fast and slowly.

    Reference: Minto et al. 1997, Anesthesiology 86, 10-23.
    """
    away, deep = p.cl2 * (s.c1 - s.c2), p.cl3 * (s.c1 - s.c3)
    return {
        "c1": (f.rate - p.cl1 * s.c1 - away - deep) / p.v1,
        "c2": away / p.v2,
        "c3": deep / p.v3,
    }
