"""Simulated soil profiles of the conterminous United States: places and features.

Ranges are plausible for the area and its usual sources (WorldClim for climate, SoilGrids
for soil, CESM2 for vegetation); correlations are those that such maps show.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtr

WEST, EAST, SOUTH, NORTH = -124.763068, -66.949895, 24.5, 49.384358


@dataclass(frozen=True)
class Feature:
    """One feature of the sites.

    Attributes:
        low, high: range in physical units.
        shape: parameters of the beta distribution inside the range.
        trend: how much it grows with longitude, latitude and their product.
    """

    low: float
    high: float
    unit: str
    meaning: str
    shape: tuple[float, float]
    trend: tuple[float, float, float]


FEATURES: dict[str, Feature] = {
    "bio1": Feature(
        -2, 25, "degC", "annual mean temperature", (3.0, 2.6), (0, -2, 0)
    ),
    "bio12": Feature(
        50, 3000, "mm yr-1", "annual precipitation", (1.9, 3.6), (1.2, -0.2, 0)
    ),
    "clay": Feature(2, 60, "%", "clay content", (2.2, 3.2), (0.3, -0.1, 0)),
    "sand": Feature(5, 95, "%", "sand content", (2.4, 2.6), (0.3, 0, 0)),
    "bulk_density": Feature(
        600, 1750, "kg m-3", "bulk density", (4.0, 2.4), (-0.3, -0.6, 0)
    ),
    "wilting_point": Feature(
        3, 35, "%", "volumetric water at the wilting point", (2.4, 3.0), (0.2, 0, 0)
    ),
    "ph": Feature(4, 9, "", "pH in water", (2.6, 2.6), (-1.2, 0, 0)),
    "cec": Feature(
        3, 60, "cmol kg-1", "cation exchange capacity (charge)", (2.2, 3.6), (0, 0.3, 0)
    ),
    "npp": Feature(
        0, 1500, "gC m-2 yr-1", "net primary production", (2.2, 3.2), (1, -0.3, 0)
    ),
    "vegc": Feature(
        0, 30000, "gC m-2", "vegetation carbon", (1.7, 3.4), (0.9, 0, 0)
    ),
}  # fmt: skip

_SOIL, _GROWTH = ("clay", "wilting_point", "cec"), ("bio12", "npp", "vegc")
_WITHIN = {"soil": 0.855, "growth": 0.76}
_PAIRS = {
    ("bio1", "bio12"): 0.2, ("bio1", "npp"): 0.3, ("bio1", "vegc"): 0.1,
    ("bio1", "bulk_density"): 0.35, ("bio1", "ph"): 0.1, ("bio1", "cec"): -0.15,
    ("sand", "clay"): -0.45, ("sand", "wilting_point"): -0.5, ("sand", "cec"): -0.45,
    ("bulk_density", "cec"): -0.35, ("bulk_density", "wilting_point"): -0.2,
    ("bulk_density", "clay"): -0.15, ("bulk_density", "npp"): -0.15,
    ("bulk_density", "bio12"): -0.2, ("bulk_density", "vegc"): -0.3,
    ("ph", "bio12"): -0.6, ("ph", "npp"): -0.5, ("ph", "vegc"): -0.5,
    ("ph", "cec"): 0.2, ("ph", "clay"): 0.15, ("ph", "bulk_density"): 0.3,
    ("clay", "npp"): 0.1, ("clay", "bio12"): 0.1,
}  # fmt: skip


def correlations() -> pd.DataFrame:
    """Return the correlations of the normal scores behind the features."""
    names = list(FEATURES)
    matrix = pd.DataFrame(np.eye(len(names)), names, names)
    for group, value in ((_SOIL, _WITHIN["soil"]), (_GROWTH, _WITHIN["growth"])):
        for feature in group:
            for other in group:
                if feature != other:
                    matrix.loc[feature, other] = value
    for (feature, other), value in _PAIRS.items():
        matrix.loc[feature, other] = matrix.loc[other, feature] = value
    return matrix


def draw_places(n_sites: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Draw longitude and latitude (n,), degrees, in clusters inside the area."""
    count = max(3, n_sites // 8)
    # Profiles cluster as field campaigns do: few centres with many sites.
    centres = rng.uniform((WEST, SOUTH), (EAST, NORTH), (count, 2))
    weights = rng.gamma(0.7, size=count)
    picked = centres[rng.choice(count, n_sites, p=weights / weights.sum())]
    places = picked + rng.normal(0, (1.2, 0.9), picked.shape)
    # What falls outside is drawn again about the same centre, so that the clusters
    # stay.
    while (outside := _outside(places)).any():
        again = int(outside.sum())
        places[outside] = picked[outside] + rng.normal(0, (1.2, 0.9), (again, 2))
    return places[:, 0], places[:, 1]


def _outside(places: np.ndarray) -> np.ndarray:
    low, high = np.array((WEST, SOUTH)), np.array((EAST, NORTH))
    return np.any((places < low) | (places > high), axis=1)


def draw_features(
    lon: np.ndarray, lat: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the ten features (n, 10) at places, smooth in space and correlated."""
    east = 2 * (lon - WEST) / (EAST - WEST) - 1
    north = 2 * (lat - SOUTH) / (NORTH - SOUTH) - 1
    trends = np.stack([east, north, east * north], axis=1)
    columns = [
        trends @ np.array(feature.trend) + _field(lon, lat, rng)
        for feature in FEATURES.values()
    ]
    # Normal scores with the wanted correlations, then each to its own distribution:
    # ndtr to ranks, the inverse beta function to the range.
    scores = _with_correlations(np.stack(columns, 1), correlations().to_numpy())
    frame = pd.DataFrame(
        {
            name: feature.low
            + (feature.high - feature.low) * betaincinv(*feature.shape, ndtr(score))
            for (name, feature), score in zip(FEATURES.items(), scores.T, strict=True)
        }
    )
    # Sand is a share of what clay leaves, so that both fit into the soil.
    sand = FEATURES["sand"]
    share = (frame["sand"] - sand.low) / (sand.high - sand.low)
    frame["sand"] = (
        sand.low
        + (100 - sand.low - frame["clay"]).clip(upper=sand.high - sand.low) * share
    )
    return frame


def _field(lon: np.ndarray, lat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random field (n,) with some noise at every place, deviation 1."""
    # Twelve plane waves of some 25 degrees; the sum of 12 cosines has variance 6.
    waves = rng.normal(0, 2 * np.pi / 25, (2, 12))
    phase = rng.uniform(0, 2 * np.pi, 12)
    smooth = np.cos(np.stack([lon, 1.3 * lat], 1) @ waves + phase).sum(1) / np.sqrt(6)
    return 0.8 * smooth + 0.6 * rng.normal(size=len(lon))


def _with_correlations(raw: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Bring (n, k) to exactly the wanted correlations, moving it as little as possible."""
    standard = (raw - raw.mean(0)) / raw.std(0)
    now = standard.T @ standard / len(raw)
    # Whitened symmetrically, then coloured: the rotation that moves the columns least.
    return standard @ _power(now, -0.5) @ _power(wanted, 0.5)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T
