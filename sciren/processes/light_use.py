"""Light use efficiency of canopies: MOD17 and the P-model."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, minimum, sqrt
from sciren.parameters import Forcing, Parameter
from sciren.processes.temperature import arrhenius_factor

UPTAKE = "kg m-2 d-1"


def ramp(value: Any, low: Any, high: Any) -> Any:
    """Return 0 up to low, 1 from high, and a straight line between."""
    return minimum(maximum((value - low) / (high - low), 0), 1)


@process_model(
    parameters=[
        Parameter(
            "lue_max", 2e-4, 3e-3, "kg MJ-1", "uptake per unit of light", start=1e-3
        ),
        Parameter("tlo", -15, 0, "degC", "no uptake below", "constant", -8),
        Parameter("thi", 5, 20, "degC", "no limit above", "constant", 10),
        Parameter("vlo", 1, 1000, "Pa", "no limit below", "constant", 650),
        Parameter("vhi", 1500, 8000, "Pa", "no uptake above", "constant", 4000),
    ],
    forcings=[
        Forcing("tmin", -40, 35, "degC", "lowest temperature of the day"),
        Forcing("vpd", 0, 8000, "Pa", "vapour pressure deficit of the day"),
        Forcing("fapar", 0, 1, "1", "absorbed share of light"),
        Forcing("par", 0, 16, "MJ m-2 d-1", "photosynthetically active radiation"),
    ],
    targets=["gpp"],
    target_units={"gpp": UPTAKE},
)
def mod17(p: Any, f: Any) -> Any:
    """Uptake of a day from light, reduced by cold nights and dry air.

        gpp = lue_max ramp(tmin; tlo, thi) (1 - ramp(vpd; vlo, vhi)) fapar par

    where ramp rises from 0 to 1; par is 0.45 of global radiation.
    Limits: 0 below tlo and above vhi, lue_max fapar par in mild moist air. Outside the
    ramps there is no gradient, so start them wide.
    Identifiability: thresholds only if the data cross them; lue_max scales with the bias
    of fapar.
    Reference: Running et al. 2004, BioScience 54, 547-560; Zhao et al. 2005.
    """
    cold, dry = ramp(f.tmin, p.tlo, p.thi), ramp(f.vpd, p.vlo, p.vhi)
    return p.lue_max * cold * (1 - dry) * f.fapar * f.par


@process_model(
    parameters=[
        Parameter("kphio", 0.01, 0.125, "mol mol-1", "quantum yield", start=0.08),
        Parameter("beta", 20, 500, "1", "cost of carboxylation", "constant", 146),
        Parameter(
            "cstar", unit="1", meaning="cost of electrons", kind="fixed", start=0.41
        ),
    ],
    forcings=[
        Forcing("ta", 0, 45, "degC", "air temperature of the growing season"),
        Forcing("vpd", 0, 8000, "Pa", "vapour pressure deficit"),
        Forcing("co2", 150, 1000, "umol mol-1", "carbon dioxide"),
        Forcing("pressure", 40000, 106000, "Pa", "air pressure"),
        Forcing("fapar", 0, 1, "1", "absorbed share of light"),
        Forcing("ppfd", 0, 80, "mol m-2 d-1", "photon flux density"),
        Forcing(
            "viscosity", 0.5, 2, "1", "of water, relative to 25 degC and 101325 Pa"
        ),
    ],
    targets=["gpp", "chi"],
    target_units={"gpp": "g m-2 d-1", "chi": "1"},
)
def pmodel(p: Any, f: Any) -> dict[str, Any]:
    """Uptake of C3 plants that balance the costs of water and carboxylation (weeks).

        chi = G/ca + (1 - G/ca) xi/(xi + sqrt(vpd)),  xi = sqrt(beta (K + G)/(1.6 viscosity))
        m = (chi ca - G)/(chi ca + 2 G),  m' = m sqrt(1 - (cstar/m)^(2/3))
        gpp = 12.0107 kphio (0.352 + 0.022 ta - 0.00034 ta^2) m' fapar ppfd  (g C)

    ca is the partial pressure of CO2 (Pa), G the photorespiratory compensation point, K
    the half saturation of Rubisco in air. Viscosity: 1.467 at 10, 1.125 at 20, 0.896 at
    30 degC (Huber et al. 2009).
    Limits: chi -> 1 in moist air, G/ca in dry air; not below 0 degC.
    Identifiability: kphio, fapar and ppfd as a product only; beta from observed chi, or
    from a contrast between dry and wet sites.
    Reference: Prentice et al. 2014, Ecology Letters 17, 82-91; Wang et al. 2017; Stocker
    et al. 2020, Geoscientific Model Development 13, 1545-1581 (R 8.3145).
    """
    gas = 8.3145
    # Partial pressures, Pa: enzymes see those, not mixing ratios.
    ca = 1e-6 * f.co2 * f.pressure
    point = 4.332 * f.pressure / 101325 * arrhenius_factor(f.ta, 37830, gas)
    kc = 39.97 * arrhenius_factor(f.ta, 79430, gas)
    ko = 27480 * arrhenius_factor(f.ta, 36380, gas)
    half = kc * (1 + 0.209476 * f.pressure / ko)
    xi = sqrt(p.beta * (half + point) / (1.6 * f.viscosity))
    # the slope of sqrt at 0 is infinite; 1 Pa is far below what sensors resolve
    dryness = sqrt(maximum(f.vpd, 1))
    chi = point / ca + (1 - point / ca) * xi / (xi + dryness)
    m = (chi * ca - point) / (chi * ca + 2 * point)
    # electrons cost more than m allows where m <= cstar: no uptake, and no root of it
    left = maximum(1 - (p.cstar / maximum(m, 1e-6)) ** (2 / 3), 1e-12)
    temperature = 0.352 + 0.022 * f.ta - 0.00034 * f.ta**2
    lue = 12.0107 * p.kphio * temperature * m * sqrt(left)
    return {"gpp": lue * f.fapar * f.ppfd, "chi": chi}
