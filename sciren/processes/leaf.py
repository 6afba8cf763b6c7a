"""Photosynthesis of C3 leaves: the model of Farquhar, von Caemmerer and Berry."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, minimum, sqrt
from sciren.parameters import Forcing, Parameter
from sciren.processes.light import nonrectangular
from sciren.processes.respiration import FLUX
from sciren.processes.temperature import arrhenius_factor, peaked_factor

LEAF = [
    Parameter("vcmax25", 5, 200, FLUX, "carboxylation at 25 degC", start=60),
    Parameter("jmax25", 10, 400, FLUX, "electron transport at 25 degC", start=105),
    Parameter("rd25", 0.05, 5, FLUX, "respiration at 25 degC", start=0.9),
    Parameter("alpha", 0.1, 0.4, "1", "electrons per photon", "constant", 0.24),
    Parameter(
        "theta", 0.1, 0.99, "1", "curvature of the light response", "constant", 0.85
    ),
    Parameter("oxygen", unit="mmol mol-1", meaning="O2", kind="fixed", start=210),
]
WEATHER = [
    Forcing("ta", -5, 50, "degC", "leaf temperature"),
    Forcing("ppfd", 0, 2500, FLUX, "photon flux density"),
]


def net_assimilation(p: Any, ci: Any, ta: Any, ppfd: Any) -> Any:
    """Return the net uptake of a leaf, umol m-2 s-1, at ci in umol mol-1.

    Constants of Rubisco: Bernacchi et al. 2001; responses with an optimum of vcmax and
    jmax: Medlyn et al. 2002.
    """
    kc = 404.9 * arrhenius_factor(ta, 79430)
    ko = 278.4 * arrhenius_factor(ta, 36380)
    point = 42.75 * arrhenius_factor(ta, 37830)
    vcmax = p.vcmax25 * peaked_factor(ta, 65330, 200000, 635)
    jmax = p.jmax25 * peaked_factor(ta, 43900, 200000, 640)
    rd = p.rd25 * arrhenius_factor(ta, 46390)
    # Light saturates towards jmax; four electrons carry one CO2.
    electrons = nonrectangular(p.alpha * ppfd, jmax, p.theta)
    by_rubisco = vcmax * (ci - point) / (ci + kc * (1 + p.oxygen / ko))
    by_light = electrons / 4 * (ci - point) / (ci + 2 * point)
    # The scarcer of the two limits; its kink has slopes on both sides.
    return minimum(by_rubisco, by_light) - rd


@process_model(
    parameters=LEAF,
    forcings=[Forcing("ci", 1, 2000, "umol mol-1", "CO2 between the cells"), *WEATHER],
    targets=["a_net"],
    target_units={"a_net": FLUX},
)
def fvcb(p: Any, f: Any) -> Any:
    """Net uptake of a leaf, limited by Rubisco or by light.

        a_net = min(Ac, Aj) - rd,  Ac = vcmax (ci - G)/(ci + Kc (1 + oxygen/Ko))
        Aj = J/4 (ci - G)/(ci + 2 G),
        theta J^2 - (alpha ppfd + jmax) J + alpha ppfd jmax = 0

    vcmax, jmax with an optimum temperature, the others with Arrhenius responses from
    their values at 25 degC (Kc 404.9, G 42.75 umol mol-1, Ko 278.4 mmol mol-1).
    Limits: -rd at ci = G and, above G, in the dark; Ac for low ci, Aj for high ci.
    Identifiability: vcmax25 and jmax25 need both limitations among the data; rd25 and
    alpha trade off; the conductance of the mesophyll shifts vcmax25.
    Reference: Farquhar et al. 1980, Planta 149, 78-90; Bernacchi et al. 2001, Plant, Cell
    and Environment 24, 253-259.
    """
    return net_assimilation(p, f.ci, f.ta, f.ppfd)


@process_model(
    parameters=[
        Parameter("g1", 0.5, 15, "kPa^0.5", "slope of stomata", start=4),
        *LEAF,
    ],
    forcings=[
        Forcing("ca", 100, 2000, "umol mol-1", "CO2 at the leaf"),
        Forcing("vpd", 0, 8, "kPa", "vapour pressure deficit at the leaf"),
        *WEATHER,
    ],
    targets=["a_net", "gs"],
    target_units={"a_net": FLUX, "gs": "mol m-2 s-1"},
)
def fvcb_medlyn_coupled(p: Any, f: Any) -> dict[str, Any]:
    """Leaf with stomata that follow Medlyn's model without a residual conductance.

        ci = ca g1/(g1 + sqrt(vpd)),  a_net = fvcb(ci),
        gs = 1.6 (1 + g1/sqrt(vpd)) a_net/ca

    With g0 = 0 uptake and conductance follow without solving for ci.
    Limits: Fick's law a_net = gs (ca - ci)/1.6 holds exactly; ci -> ca in moist air.
    Identifiability: g1 and vcmax25 trade off without observed gs or transpiration.
    Reference: Medlyn et al. 2011, Global Change Biology 17, 2134-2144, with `fvcb`.
    """
    # below 0.05 kPa the slope of sqrt and the conductance grow without bound
    dryness = sqrt(maximum(f.vpd, 0.05))
    ci = f.ca * p.g1 / (p.g1 + dryness)
    a_net = net_assimilation(p, ci, f.ta, f.ppfd)
    return {"a_net": a_net, "gs": 1.6 * (1 + p.g1 / dryness) * a_net / f.ca}
