"""How rates change with temperature: Arrhenius, with and without an optimum."""

from typing import Any

from sciren.decoders.physical_constants import FREEZING
from sciren.decoders.process import process_model
from sciren.functions import exp
from sciren.parameters import Forcing, Parameter

GAS_CONSTANT = 8.314462618
"""J mol-1 K-1, CODATA 2018."""
REFERENCE = 298.15
"""25 degrees C in K, where rates of leaves and enzymes are compared."""


def kelvin(celsius: Any) -> Any:
    """Return a temperature in K from degrees C."""
    return celsius + FREEZING


def arrhenius_factor(celsius: Any, energy: Any, gas: float = GAS_CONSTANT) -> Any:
    """Return a rate over that at 25 degrees C, for an activation energy in J mol-1.

    Written with the difference to 25 degrees C, because the pre-exponential factor of the
    textbook form is of the order of 1e11 and correlates with the energy.
    """
    absolute = kelvin(celsius)
    return exp(energy * (absolute - REFERENCE) / (REFERENCE * gas * absolute))


def peaked_factor(celsius: Any, energy: Any, deactivation: Any, entropy: Any) -> Any:
    """Return a rate over that at 25 degrees C, with an optimum temperature.

    Args:
        celsius: degrees C;  energy, deactivation: J mol-1;  entropy: J mol-1 K-1.
    """
    absolute = kelvin(celsius)
    at_reference = (REFERENCE * entropy - deactivation) / (REFERENCE * GAS_CONSTANT)
    here = (absolute * entropy - deactivation) / (absolute * GAS_CONSTANT)
    # The rise of Arrhenius, times the share of enzymes that is still active relative to
    # that at 25 degrees C.
    rise = arrhenius_factor(celsius, energy)
    return rise * (1 + exp(at_reference)) / (1 + exp(here))


@process_model(
    parameters=[
        Parameter("k25", low=0, meaning="rate at 25 degC"),
        Parameter("ea", 2e4, 1.2e5, "J mol-1", "activation energy", "constant", 6e4),
    ],
    forcings=[Forcing("ta", -40, 60, "degC", "temperature")],
    targets=["k"],
)
def arrhenius(p: Any, f: Any) -> Any:
    """Rate that rises with temperature, with T = ta + 273.15 K.

        k = k25 exp(ea (T - 298.15) / (298.15 R T))

    Limits: k = k25 at 25 degC; k is in the unit of k25.
    Identifiability: k25 and ea are told apart where 25 degC lies among the data.
    Reference: Bernacchi et al. 2001, Plant, Cell and Environment 24, 253-259.
    """
    return p.k25 * arrhenius_factor(f.ta, p.ea)


@process_model(
    parameters=[
        Parameter("k25", low=0, meaning="rate at 25 degC"),
        Parameter("ha", 3e4, 1.2e5, "J mol-1", "activation energy", "constant", 6.5e4),
        Parameter("ds", 610, 670, "J mol-1 K-1", "entropy of deactivation", "constant", 635),
        Parameter("hd", unit="J mol-1", meaning="energy of deactivation", kind="fixed",
                  start=2e5),
    ],
    forcings=[Forcing("ta", -40, 60, "degC", "leaf temperature")],
    targets=["k"],
)  # fmt: skip
def arrhenius_peaked(p: Any, f: Any) -> Any:
    """Rate with an optimum temperature, with T = ta + 273.15 K.

        k = k25 exp(ha (T - 298.15)/(298.15 R T))
            (1 + exp((298.15 ds - hd)/(298.15 R))) / (1 + exp((T ds - hd)/(T R)))

    Limits: k = k25 at 25 degC; optimum at T = hd/(ds - R ln(ha/(hd - ha))).
    Identifiability: hd, ds and ha are collinear without data above the optimum, so hd is
    fixed.
    Reference: Johnson et al. 1942; Medlyn et al. 2002, Plant, Cell and Environment 25,
    1167-1179; growth temperature in ds: Kattge & Knorr 2007.
    """
    return p.k25 * peaked_factor(f.ta, p.ha, p.hd, p.ds)
