"""Monthly forcing of the soil carbon model at simulated sites, from their features."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sciren.decoders.physical_constants import FREEZING, MONTHS

SUMMER = 6.5  # month of the warmest surface
THAWED = 42.0  # thaw depth where nothing freezes for long: CLM5's deepest node, m
_MONTH = np.arange(MONTHS) + 0.5
_INPUTS = ("input_cwd", "input_litter1", "input_litter2", "input_litter3")


def draw_climate(
    features: pd.DataFrame,
    lat: np.ndarray,
    nodes: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draw the arrays of `CLM5Forcing`, consistent with the features.

    Soil temperature is a yearly wave about bio1, damped with depth; water potential
    falls with dryness (precipitation against potential evaporation) and in frost;
    inputs sum to npp over the year, with more wood where there is more vegetation;
    sand is that of the features. Bedrock is below layer 20 at 40 % of the sites, else
    anywhere from 6 to 19.

    Args:
        features: (n, 10) in physical units, see `soil_sites.FEATURES`.
        lat: (n,) degrees north.
        nodes: (20,) depths of the layers, m.
        rng: of what the features leave open.
    """
    n_sites, depth = len(features), nodes[:, None]
    mean = features["bio1"].to_numpy()
    # Seasons grow with latitude, from 2 K in the south of the area.
    swing = 2.0 + 0.2 * (lat - 24.5) + rng.uniform(0, 3, n_sites)
    damping = rng.uniform(1.6, 2.6, n_sites)
    lag = depth / damping[:, None, None]
    temperature = FREEZING + mean[:, None, None]
    temperature = temperature + swing[:, None, None] * np.exp(-lag) * _wave(
        np.full(n_sites, SUMMER), lag
    )
    water = _water(features, temperature, depth, rng)
    nitrogen = rng.uniform(0.35, 1, n_sites)[:, None, None]
    nitrogen = nitrogen + 0.1 * _wave(np.full(n_sites, SUMMER)) * np.exp(-depth)
    rock = np.where(rng.random(n_sites) < 0.4, 20, rng.integers(6, 20, n_sites))
    waterlogged = rng.random((n_sites, 1, 1)) < 0.2
    short = 1 - 0.6 * (1 - np.exp(-depth / 0.5))
    sand = features["sand"].to_numpy()[:, None, None] + 0 * temperature
    return {
        **_inputs(features, rng),
        **_thaw(mean, swing, damping, rng),
        "nbedrock": np.repeat(rock[:, None], MONTHS, axis=1),
        "o_scalar": np.where(waterlogged & (water > 0.75), short, 1.0).clip(0.2, 1),
        "n_scalar": nitrogen.clip(0.05, 1),
        "sand": sand,
        "soil_temperature": temperature,
        "w_scalar": water,
    }


def _wave(peak: np.ndarray, lag: np.ndarray | float = 0.0) -> np.ndarray:
    """Return a yearly cosine (n, 1 or 20, 12), greatest at month `peak` (n,)."""
    phase = 2 * np.pi * (_MONTH - peak[:, None, None]) / MONTHS
    return np.cos(phase - lag)


def _water(
    features: pd.DataFrame,
    temperature: np.ndarray,
    depth: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the water scalar, ln(-2 / psi) / ln(-2 / -0.002), psi in MPa."""
    n_sites = len(features)
    # A rough potential evaporation of the mean temperature, mm yr-1.
    demand = 350 + 40 * features["bio1"].clip(lower=0).to_numpy()
    supply = features["bio12"].to_numpy() / demand
    dryness = 0.3 - 2.3 * supply / (supply + 0.45) + rng.normal(0, 0.1, n_sites)
    seasonal = rng.uniform(0.1, 0.65, n_sites)
    driest = SUMMER + rng.uniform(-2, 2, n_sites)
    exponent = dryness[:, None, None] + seasonal[:, None, None] * (
        np.exp(-depth) * _wave(driest)
    )
    frost = 333.7 * (temperature - FREEZING) / temperature
    potential = np.where(
        temperature < FREEZING, np.minimum(-(10**exponent), frost), -(10**exponent)
    )
    scalar = np.log(2 / np.maximum(-potential, 0.002)) / np.log(2 / 0.002)
    return scalar.clip(0.01, 1)


def _thaw(
    mean: np.ndarray, swing: np.ndarray, damping: np.ndarray, rng: np.random.Generator
) -> Mapping[str, np.ndarray]:
    # The wave fades as exp(-z / damping) and no longer lifts the mean above freezing where
    # that is -mean / swing. Warm sites have no such depth: their ratio is not used.
    cold = mean < 0
    ratio = np.where(cold, swing / np.where(cold, -mean, 1.0), 1.0)
    last = np.where(cold, damping * np.log(np.maximum(ratio, 1.0)), THAWED)
    grown = ((_MONTH - 3.5) / 6).clip(0, 1) * rng.uniform(0.8, 1.2, (len(mean), 1))
    return {
        "altmax_lastyear": np.repeat(last[:, None], MONTHS, axis=1),
        "altmax_current": np.where(cold[:, None], last[:, None] * grown, THAWED),
    }


def _inputs(
    features: pd.DataFrame, rng: np.random.Generator
) -> Mapping[str, np.ndarray]:
    """Return debris and litter (n, 12), gC m-2 month-1."""
    n_sites = len(features)
    share = rng.dirichlet((6, 5, 8, 3), n_sites)
    wood = features["vegc"].to_numpy() / 10_000
    # More vegetation, more of the input falls as wood.
    share[:, 0] *= 0.5 + wood
    share /= share.sum(1, keepdims=True)
    season = 1 + 0.8 * _wave(np.full(n_sites, SUMMER + 2))[:, 0]
    season /= season.sum(axis=1, keepdims=True)
    yearly = features["npp"].to_numpy()[:, None] * share
    return {name: yearly[:, k, None] * season for k, name in enumerate(_INPUTS)}
