"""Conductance of stomata for water vapour, from the uptake of the leaf."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, sqrt
from sciren.parameters import Forcing, Parameter
from sciren.processes.respiration import FLUX

CONDUCTANCE = "mol m-2 s-1"
UPTAKE = Forcing("a_net", -5, 60, FLUX, "net uptake of the leaf")
DEFICIT = Forcing("vpd", 0, 8, "kPa", "vapour pressure deficit at the leaf")


def _residual_conductance(start: float) -> Parameter:
    return Parameter("g0", 1e-5, 0.1, CONDUCTANCE, "without uptake", "constant", start)


@process_model(
    parameters=[
        Parameter("g1", 0.5, 15, "kPa^0.5", "slope", start=4),
        _residual_conductance(0.005),
    ],
    forcings=[
        UPTAKE,
        Forcing("ca", 100, 2000, "umol mol-1", "CO2 at the leaf"),
        DEFICIT,
    ],
    targets=["gs"],
    target_units={"gs": CONDUCTANCE},
)
def medlyn(p: Any, f: Any) -> Any:
    """Stomata that gain the most carbon for their water.

        gs = g0 + 1.6 (1 + g1/sqrt(vpd)) max(a_net, 0)/ca,  vpd at least 0.05 kPa

    Limits: g0 in the dark; falls with vpd towards g0 + 1.6 a_net/ca.
    Identifiability: g0 and g1 correlate; fix g0 = 0 or offer rows of little uptake. In
    CLM5 g1 is 2.35 for needleleaf, 4.12 evergreen and 4.45 deciduous broadleaf trees.
    Reference: Medlyn et al. 2011, Global Change Biology 17, 2134-2144; Lin et al. 2015.
    """
    # 1.6: diffusivity of water vapour in air over that of CO2.
    slope = 1.6 * (1 + p.g1 / sqrt(maximum(f.vpd, 0.05)))
    return p.g0 + slope * maximum(f.a_net, 0) / f.ca


@process_model(
    parameters=[
        Parameter("g1", 2, 20, "1", "slope", start=9),
        _residual_conductance(0.01),
    ],
    forcings=[
        UPTAKE,
        Forcing("cs", 100, 2000, "umol mol-1", "CO2 at the surface of the leaf"),
        Forcing("hs", 0, 1, "1", "relative humidity at the surface of the leaf"),
    ],
    targets=["gs"],
    target_units={"gs": CONDUCTANCE},
)
def ball_berry(p: Any, f: Any) -> Any:
    """Stomata that follow the relative humidity.

        gs = g0 + g1 max(a_net, 0) hs/cs

    Limits: g0 in dry air and in the dark.
    Identifiability: g0 and g1 correlate without rows of little uptake.
    Reference: Ball, Woodrow & Berry 1987, Progress in Photosynthesis Research IV, 221-224.
    """
    return p.g0 + p.g1 * maximum(f.a_net, 0) * f.hs / f.cs


@process_model(
    parameters=[
        Parameter("g1", 2, 20, "1", "slope", start=9),
        _residual_conductance(0.01),
        Parameter("d0", 0.2, 10, "kPa", "vapour pressure deficit", "constant", 1.5),
        Parameter("gamma", unit="umol mol-1", meaning="CO2 without uptake", kind="fixed",
                  start=50),
    ],
    forcings=[
        UPTAKE,
        Forcing("cs", 100, 2000, "umol mol-1", "CO2 at the surface of the leaf"),
        DEFICIT,
    ],
    targets=["gs"],
    target_units={"gs": CONDUCTANCE},
)  # fmt: skip
def leuning(p: Any, f: Any) -> Any:
    """Stomata that follow the vapour pressure deficit.

        gs = g0 + g1 max(a_net, 0)/((cs - gamma)(1 + vpd/d0))

    Limits: no response to vpd for large d0; needs cs > gamma.
    Identifiability: for vpd >> d0 only the product g1 d0.
    Reference: Leuning 1995, Plant, Cell and Environment 18, 339-355.
    """
    uptake = maximum(f.a_net, 0)
    return p.g0 + p.g1 * uptake / ((f.cs - p.gamma) * (1 + f.vpd / p.d0))
