"""Process models through which a latent is seen, each with one unknown constant.

Forcings are observed; the latent depends on the features by an unknown formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from sciren.decoders import Decoder, process_model
from sciren.functions import exp
from sciren.parameters import Parameter

GAS_CONSTANT = 8.314e-3  # kJ mol-1 K-1
SLOW_RATE = 0.02  # yr-1, decomposition of the slow pool
PSYCHROMETRIC = 0.066  # kPa K-1
HEAT_OF_AIR = 1.2  # kJ m-3 K-1, density times heat capacity
LATENT_HEAT = 2450.0  # J g-1


def _latent(name: str, unit: str) -> Parameter:
    return Parameter(name, low=0.0, unit=unit)


def _constant(name: str, start: float, unit: str = "") -> Parameter:
    return Parameter(name, low=0.0, unit=unit, kind="constant", start=start)


@process_model([_latent("rb", "umol m-2 s-1"), _constant("q10", 1.5)], ["ta"], ["reco"])
def q10(p: Any, f: Any) -> Any:
    """Respiration, a factor q10 more for ten degrees of warming."""
    return p.rb * p.q10 ** ((f.ta - 15.0) / 10.0)


@process_model(
    [_latent("vmax", "mmol s-1"), _constant("km", 1.0, "mmol")],
    ["substrate"],
    ["uptake"],
)
def michaelis_menten(p: Any, f: Any) -> Any:
    """Uptake that saturates with the substrate."""
    return p.vmax * f.substrate / (p.km + f.substrate)


@process_model(
    [_latent("rate", "yr-1"), _constant("initial", 50.0, "g")], ["years"], ["mass"]
)
def first_order_decay(p: Any, f: Any) -> Any:
    """Mass left of litter bags of one initial mass."""
    return p.initial * exp(-p.rate * f.years)


@process_model(
    [_latent("growth", "d-1"), _constant("capacity", 20.0, "g")], ["days"], ["biomass"]
)
def logistic_growth(p: Any, f: Any) -> Any:
    """Biomass that starts at 1 g and grows towards a capacity."""
    return p.capacity / (1.0 + (p.capacity - 1.0) * exp(-p.growth * f.days))


@process_model(
    [_latent("attenuation", "m-1"), _constant("passed", 0.7)],
    ["incident", "depth"],
    ["light"],
)
def beer_lambert(p: Any, f: Any) -> Any:
    """Light at a depth of water, part of it reflected at the surface."""
    return p.passed * f.incident * exp(-p.attenuation * f.depth)


@process_model(
    [_latent("base", "umol m-2 s-1"), _constant("energy", 40.0, "kJ mol-1")],
    ["kelvin"],
    ["flux"],
)
def arrhenius(p: Any, f: Any) -> Any:
    """Rate of a reaction with an activation energy, base rate at 288.15 K."""
    return p.base * exp(p.energy / GAS_CONSTANT * (1.0 / 288.15 - 1.0 / f.kelvin))


@process_model(
    [_latent("conductance", "mm s-1"), _constant("drag", 4.0, "mm s-1 per m s-1")],
    ["radiation", "vpd", "ta", "wind"],
    ["evaporation"],
)
def penman(p: Any, f: Any) -> Any:
    """Evaporation after Penman and Monteith, mg m-2 s-1.

    (D rn + c vpd ga) / (D + g (1 + ga / gs)), ga = drag * wind; the latent is gs.
    """
    slope = 2503.0 * exp(17.27 * f.ta / (f.ta + 237.3)) / (f.ta + 237.3) ** 2
    aerodynamic = p.drag * f.wind
    energy = slope * f.radiation + HEAT_OF_AIR * f.vpd * aerodynamic
    resisted = slope + PSYCHROMETRIC * (1.0 + aerodynamic / p.conductance)
    return 1000.0 * energy / resisted / LATENT_HEAT


@process_model(
    [_latent("fast", "yr-1"), _constant("transfer", 0.3)],
    ["input", "erosion"],
    ["carbon"],
)
def two_pool(p: Any, f: Any) -> Any:
    """Carbon at steady state: a fast pool that erodes, and a slow one that it feeds.

    c1 = input / (fast + erosion), c2 = transfer * fast * c1 / slow, seen is c1 + c2.
    """
    first = f.input / (p.fast + f.erosion)
    return first * (1.0 + p.transfer * p.fast / SLOW_RATE)


@dataclass(frozen=True)
class Process:
    """A decoder with plausible numbers.

    Attributes:
        decoder: latent, one constant and forcings to one target.
        scale: mean of the latent;  constant: range of the true constant.
        forcings: name -> (low, high), uniform in between.
    """

    decoder: Decoder
    scale: float
    constant: tuple[float, float]
    forcings: Mapping[str, tuple[float, float]]

    @property
    def constant_name(self) -> str:
        """Name of the unknown constant."""
        return self.decoder.constant_names[0]


PROCESSES: dict[str, Process] = {
    "Q10": Process(q10, 3.0, (1.3, 2.5), {"ta": (-5.0, 30.0)}),
    "Michaelis-Menten": Process(
        michaelis_menten, 5.0, (0.5, 3.0), {"substrate": (0.1, 8.0)}
    ),
    "first-order decay": Process(
        first_order_decay, 0.6, (60.0, 120.0), {"years": (0.1, 4.0)}
    ),
    "logistic growth": Process(
        logistic_growth, 0.5, (25.0, 60.0), {"days": (1.0, 12.0)}
    ),
    "Beer-Lambert": Process(
        beer_lambert,
        0.5,
        (0.6, 0.95),
        {"incident": (100.0, 800.0), "depth": (0.2, 5.0)},
    ),
    "Arrhenius": Process(arrhenius, 2.0, (30.0, 80.0), {"kelvin": (268.0, 305.0)}),
    "Penman": Process(
        penman,
        8.0,
        (3.0, 8.0),
        {
            "radiation": (50.0, 600.0),
            "vpd": (0.2, 3.0),
            "ta": (5.0, 32.0),
            "wind": (0.5, 6.0),
        },
    ),
    "two-pool": Process(
        two_pool, 0.6, (0.1, 0.5), {"input": (100.0, 600.0), "erosion": (0.3, 1.5)}
    ),
}


def draw_forcings(
    process: Process, features: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return forcings (n,) each, mildly correlated with the features (n, d)."""
    z = (features - features.mean(0)) / features.std(0)
    found = {}
    for name, (low, high) in process.forcings.items():
        mixed = 0.4 * z[:, rng.integers(z.shape[1])] + 0.92 * rng.normal(size=len(z))
        found[name] = low + (high - low) * norm.cdf(mixed)
    return found
