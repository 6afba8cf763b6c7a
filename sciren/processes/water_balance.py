"""Long-term water balance: evaporation from supply and demand (Budyko's hypothesis)."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.parameters import Forcing, Parameter

YEARLY = "mm yr-1"
CLIMATE = [
    Forcing("p", 10, 6000, YEARLY, "precipitation, mean of many years"),
    Forcing("pet", 10, 4000, YEARLY, "potential evaporation, mean of many years"),
]
FLUXES = {"e": YEARLY, "q": YEARLY}


def _balance(share: Any, supply: Any) -> dict[str, Any]:
    """Return evaporation and runoff, which add up to the supply."""
    return {"e": share * supply, "q": supply - share * supply}


@process_model(
    parameters=[Parameter("omega", 1.05, 8, "1", "of the catchment", start=2.6)],
    forcings=CLIMATE,
    targets=["e", "q"],
    target_units=FLUXES,
)
def budyko(p: Any, f: Any) -> dict[str, Any]:
    """Evaporation and runoff of a catchment in Fu's form of the Budyko curve.

        e/p = 1 + x - (1 + x^omega)^(1/omega),  x = pet/p,  q = p - e

    Limits: e -> 0 for omega -> 1, e -> min(p, pet) for large omega.
    Identifiability: one parameter for each long-term mean; none for x far from 1.
    Reference: Fu 1981; Zhang et al. 2004, Water Resources Research 40, W02502.
    """
    x = f.pet / f.p
    return _balance(1 + x - (1 + x**p.omega) ** (1 / p.omega), f.p)


@process_model(
    parameters=[Parameter("n", 0.3, 6, "1", "of the catchment", start=1.9)],
    forcings=CLIMATE,
    targets=["e", "q"],
    target_units=FLUXES,
)
def budyko_turc_pike(p: Any, f: Any) -> dict[str, Any]:
    """Evaporation and runoff of a catchment in the form of Turc, Pike and Choudhury.

        e/p = x/(1 + x^n)^(1/n),  x = pet/p,  q = p - e

    Limits: e -> min(p, pet) for large n.
    Identifiability: as `budyko`; omega is about n + 0.7.
    Reference: Pike 1964, Journal of Hydrology 2, 116-123; Yang et al. 2008.
    """
    x = f.pet / f.p
    return _balance(x / (1 + x**p.n) ** (1 / p.n), f.p)


@process_model(
    parameters=[Parameter("w", 0.05, 4, "1", "water available to plants", start=1)],
    forcings=CLIMATE,
    targets=["e", "q"],
    target_units=FLUXES,
)
def budyko_zhang(p: Any, f: Any) -> dict[str, Any]:
    """Evaporation and runoff of a catchment in Zhang's form for forest and grass.

        e/p = (1 + w x)/(1 + w x + 1/x),  x = pet/p,  q = p - e

    Limits: e -> p in dry climates; e exceeds pet where x < (w - 1)/w.
    Identifiability: as `budyko`.
    Reference: Zhang et al. 2001, Water Resources Research 37, 701-708.
    """
    x = f.pet / f.p
    return _balance((1 + p.w * x) / (1 + p.w * x + 1 / x), f.p)
