"""Respiration of ecosystems and soils as a function of temperature and moisture."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.decoders.q10 import Q10Respiration
from sciren.functions import exp, maximum
from sciren.parameters import Forcing, Parameter
from sciren.processes.temperature import GAS_CONSTANT, kelvin

FLUX = "umol m-2 s-1"

q10 = Q10Respiration()


def lloyd_taylor_factor(p: Any, temperature: Any) -> Any:
    """Return respiration over that at tref, for e0 (K), tref and t0 (degrees C) of p."""
    return exp(p.e0 * (1 / (p.tref - p.t0) - 1 / (temperature - p.t0)))


@process_model(
    parameters=[
        Parameter("rb", 0.01, 20, FLUX, "respiration at tref", start=2),
        Parameter("e0", 50, 400, "K", "temperature sensitivity", "constant", 150),
        Parameter("tref", unit="degC", meaning="reference", kind="fixed", start=15),
        Parameter("t0", unit="degC", meaning="zero point", kind="fixed", start=-46.02),
    ],
    forcings=[Forcing("ta", -40, 50, "degC", "air or soil temperature")],
    targets=["reco"],
    target_units={"reco": FLUX},
)
def lloyd_taylor(p: Any, f: Any) -> Any:
    """Respiration whose temperature sensitivity falls as it gets warmer.

        reco = rb exp(e0 (1/(tref - t0) - 1/(ta - t0)))

    Limits: reco = rb at ta = tref; the factor for 10 degrees falls with ta; the formula
    has a pole at ta = t0, so that it must not be used near -46 degC.
    Identifiability: e0 and t0 cannot be told apart, so t0 is fixed. rb and e0 correlate
    unless tref lies among the data, and a latent rb that follows the season absorbs e0.
    Reference: Lloyd & Taylor 1994, Functional Ecology 8, 315-323 (tref 10 degC, e0
    308.56 K); tref 15 degC and bounds of e0 as in Lasslop et al. 2010, Global Change
    Biology 16, 187-208.
    """
    return p.rb * lloyd_taylor_factor(p, f.ta)


@process_model(
    parameters=[
        Parameter("sxtot", 1e-3, 0.2, "g cm-3", "soil carbon", start=0.048),
        Parameter("alpha", 1e10, 1e12, "mg cm-3 h-1", "rate factor", "constant", 5.38e10),
        Parameter("ea", 40, 100, "kJ mol-1", "activation energy", "constant", 72.26),
        Parameter("kmsx", 1e-8, 1e-4, "g cm-3", "half saturation of substrate", "constant",
                  9.95e-7),
        Parameter("kmo2", 1e-3, 0.5, "1", "half saturation of oxygen", "constant", 0.121),
        Parameter("soluble", unit="1", meaning="soluble share", kind="fixed", start=4.14e-4),
        Parameter("dliq", unit="1", meaning="diffusion in water", kind="fixed", start=3.17),
        Parameter("dgas", unit="1", meaning="diffusion in air", kind="fixed", start=1.67),
        Parameter("bulk", unit="g cm-3", meaning="bulk density", kind="fixed", start=0.80),
        Parameter("solid", unit="g cm-3", meaning="of particles", kind="fixed", start=2.52),
        Parameter("oxygen", unit="1", meaning="O2 in air", kind="fixed", start=0.209),
        Parameter("depth", unit="cm", meaning="active soil", kind="fixed", start=10),
    ],
    forcings=[
        Forcing("ts", -5, 45, "degC", "soil temperature"),
        Forcing("theta", 0, 0.65, "1", "water content of the soil, cm3 cm-3"),
    ],
    targets=["flux"],
    target_units={"flux": "mg m-2 h-1"},
)  # fmt: skip
def damm(p: Any, f: Any) -> Any:
    """Soil respiration limited by substrate and oxygen, dual Arrhenius-Michaelis-Menten.

        rate = alpha exp(-ea/(R T)) [Sx]/(kmsx + [Sx]) [O2]/(kmo2 + [O2])
        [Sx] = sxtot soluble dliq theta^3,  [O2] = dgas oxygen a^(4/3)
        a = max(1 - bulk/solid - theta, 0),  flux = 10^4 depth rate  (mg C m-2 h-1)

    Limits: no flux from dry soil (theta = 0) nor from saturated soil (a = 0).
    Identifiability: alpha and ea correlate nearly perfectly; sxtot and kmsx are known as
    a ratio only where [Sx] << kmsx; free kmo2 only with data from wet soil.
    Reference: Davidson et al. 2012, Global Change Biology 18, 371-384; constants of the
    fit at field scale.
    """
    # Pores without water; diffusion in them goes as a^(4/3), in water films as theta^3.
    air = maximum(1 - p.bulk / p.solid - f.theta, 0)
    substrate = p.sxtot * p.soluble * p.dliq * f.theta**3
    oxygen = p.dgas * p.oxygen * air ** (4 / 3)
    # R in kJ, as ea
    fastest = p.alpha * exp(-p.ea / (GAS_CONSTANT / 1000 * kelvin(f.ts)))
    rate = fastest * substrate / (p.kmsx + substrate) * oxygen / (p.kmo2 + oxygen)
    return 1e4 * p.depth * rate
