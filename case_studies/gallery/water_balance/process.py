"""Mean runoff of a basin by the curve of Fu."""

from typing import Any

from sciren import Parameter, process_model


@process_model(
    parameters=[Parameter("w", low=1, high=10, unit="1", meaning="storage and plants")],
    forcings=["p", "pet"],
    targets=["q"],
)
def fu(p: Any, f: Any) -> Any:
    """Runoff is precipitation less evaporation of a basin without change of storage.

        q = p ((1 + (pet/p)^w)^(1/w) - pet/p)

    Reference: Zhang et al. 2004, Water Resources Research 40, W02502.
    """
    dryness = f.pet / f.p
    return f.p * ((1 + dryness**p.w) ** (1 / p.w) - dryness)
