"""Plausible forcing drawn at random, over the world's climates, for tests and timing."""

from collections.abc import Mapping

import numpy as np

from sciren.decoders.clm5.forcing import CLM5Forcing
from sciren.decoders.clm5.geometry import LAYERS, NODES
from sciren.decoders.physical_constants import FREEZING, MONTHS

CLIMATES = ("permafrost", "boreal", "temperate", "mediterranean", "arid", "tropical")
# mean annual temperature (degC), its amplitude (K), NPP (gC m-2 yr-1), mean of
# log10(-water potential / MPa) and its seasonal amplitude: low and high of each climate
_RANGES = np.array(
    [
        [(-16, -3), (10, 20), (60, 250), (-2.3, -1.3), (0, 0.4)],
        [(-3, 4), (9, 16), (150, 500), (-2.5, -1.5), (0.1, 0.5)],
        [(6, 14), (6, 12), (350, 900), (-2.2, -1.2), (0.1, 0.6)],
        [(12, 19), (5, 9), (250, 700), (-1.3, -0.4), (0.5, 1.1)],
        [(8, 27), (5, 13), (15, 200), (-0.4, 0.25), (0.1, 0.6)],
        [(22, 28), (0.5, 3), (600, 1400), (-2.6, -1.6), (0, 0.7)],
    ]
)
_DEPTH = np.array(NODES[:LAYERS])[:, None]
_MONTH = np.arange(MONTHS) + 0.5
_THAWED = 42.0  # thaw depth where nothing freezes, m


def draw_forcing(n_sites: int, seed: int = 0) -> CLM5Forcing:
    """Draw forcing; site s has climate s mod 6 of `CLIMATES`.

    Harmonic temperature waves damped with depth, seasonal water potential, oxygen short
    where it is wet, thaw depth from the temperature wave, bedrock below layer 6 to 20.

    Args:
        n_sites: number of sites.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    ranges = _RANGES[np.arange(n_sites) % len(CLIMATES)]
    drawn = rng.uniform(ranges[..., 0], ranges[..., 1]).T
    names = ("mat", "amplitude", "npp", "dry", "drying")
    site: dict[str, np.ndarray] = dict(zip(names, drawn, strict=True))
    site["damping"] = rng.uniform(1.6, 2.6, n_sites)
    # Summer is in July, at a quarter of the sites in January, and the driest month near
    # it.
    site["warmest"] = np.where(rng.random(n_sites) < 0.25, 12.5, 6.5)
    site["driest"] = site["warmest"] + rng.uniform(-2, 2, n_sites)
    temperature = _temperature(site)
    water = _water(site, temperature)
    nitrogen = rng.uniform(0.35, 1, (n_sites, 1, 1)) + 0.1 * _wave(
        site["warmest"]
    ) * np.exp(-_DEPTH)
    rock = np.where(rng.random(n_sites) < 0.4, 20, rng.integers(6, 20, n_sites))
    return CLM5Forcing(
        **_inputs(site, rng),
        **_thaw(site, rng),
        nbedrock=np.repeat(rock[:, None], MONTHS, axis=1),
        o_scalar=_oxygen(water, rng),
        n_scalar=nitrogen.clip(0.05, 1),
        soil_temperature=temperature,
        w_scalar=water,
    )


def _wave(peak: np.ndarray, lag: np.ndarray | float = 0.0) -> np.ndarray:
    """Yearly cosine (n, 1 or 20, 12) with its greatest value at month `peak` (n,)."""
    phase = 2 * np.pi * (_MONTH - peak[:, None, None]) / MONTHS
    return np.cos(phase - lag)


def _temperature(site: Mapping[str, np.ndarray]) -> np.ndarray:
    mean, amplitude, damping = (
        site[name][:, None, None] for name in ("mat", "amplitude", "damping")
    )
    lag = _DEPTH / damping
    # Temperature wave damped and delayed with depth: exp(-z/d) cos(wt - z/d).
    return FREEZING + mean + amplitude * np.exp(-lag) * _wave(site["warmest"], lag)


def _water(site: Mapping[str, np.ndarray], temperature: np.ndarray) -> np.ndarray:
    mean, swing = site["dry"][:, None, None], site["drying"][:, None, None]
    potential = -(10 ** (mean + swing * np.exp(-_DEPTH) * _wave(site["driest"])))
    # Freezing depression, MPa: latent heat of fusion 333.7 J g-1 times (T - Tf) / T.
    frozen = 333.7 * (temperature - FREEZING) / temperature
    potential = np.where(
        temperature < FREEZING, np.minimum(potential, frozen), potential
    )
    potential = np.minimum(potential, -0.002)
    # Log of potential between 2 MPa (dry) and 0.002 MPa (wet), as in CLM5.
    return (np.log(2 / -potential) / np.log(2 / 0.002)).clip(0.01, 1)


def _oxygen(water: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    waterlogged = rng.random((len(water), 1, 1)) < 0.2
    short = 1 - 0.6 * (1 - np.exp(-_DEPTH / 0.5))
    return np.where(waterlogged & (water > 0.75), short, 1.0).clip(0.2, 1)


def _thaw(
    site: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    mean, amplitude = site["mat"], site["amplitude"]
    n_sites = len(mean)
    shallow = (rng.random(n_sites) < 0.5) & (np.arange(n_sites) % len(CLIMATES) < 2)
    # Where the yearly mean is above freezing everything thaws, and the ratio is not
    # used.
    cold = mean < 0
    ratio = np.where(cold, amplitude / np.where(cold, -mean, 1.0), 1.0)
    # Depth at which the damped amplitude no longer lifts the mean above freezing.
    deepest = site["damping"] * np.log(np.maximum(ratio, 1.0))
    deepest = np.where(shallow, rng.uniform(0.15, 2, n_sites), deepest)
    last = np.where(cold, deepest, _THAWED)
    grown = ((np.arange(MONTHS) - 3) / 6).clip(0, 1) * rng.uniform(
        0.8, 1.2, (n_sites, 1)
    )
    current = np.where(cold[:, None], last[:, None] * grown, _THAWED)
    return {
        "altmax_lastyear": np.repeat(last[:, None], MONTHS, axis=1),
        "altmax_current": current,
    }


def _inputs(
    site: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    # Litter falls two months after the warmest; a year gets all of its input, whatever
    # the season.
    share = rng.dirichlet((6, 5, 8, 3), len(site["npp"]))
    season = 1 + 0.8 * _wave(site["warmest"] + 2)[:, 0]
    season /= season.sum(axis=1, keepdims=True)
    yearly = site["npp"][:, None] * share
    names = ("input_cwd", "input_litter1", "input_litter2", "input_litter3")
    return {name: yearly[:, k, None] * season for k, name in enumerate(names)}
