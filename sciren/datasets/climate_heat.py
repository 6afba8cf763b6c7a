"""Soil temperature and thaw from the mean and the amplitude of the air temperature."""

import numpy as np

from sciren.decoders.physical_constants import DAY, FREEZING, MONTHS

Array = np.ndarray

YEAR = 365.25 * DAY  # s
THAWED = 42.0  # thaw depth where nothing stays frozen: CLM5's deepest node, m
FUSION = 334e6  # heat of melting ice, 334 kJ kg-1, J m-3 of water
_NORTH, _SOUTH = 6.5, 12.5  # warmest time of the year: mid July, mid January
_MONTH = np.arange(MONTHS) + 0.5


def season(latitude: Array, lag: Array | float = 0.0) -> Array:
    """Yearly cosine (n, ..., 12) that is 1 in the middle of the warm season.

    Args:
        latitude: (n,); south of the equator the warm season is January.
        lag: radians, (..., n or 1, k, 1) or a number.
    """
    warmest = np.where(latitude < 0, _SOUTH, _NORTH)
    return np.cos(2 * np.pi * (_MONTH - warmest[:, None, None]) / MONTHS - lag)


def air_temperature(mat: Array, amplitude: Array, latitude: Array) -> Array:
    """Monthly mean air temperature (n, 12), degC: one harmonic about the mean."""
    return mat[:, None] + amplitude[:, None] * season(latitude)[:, 0]


def amplitude_from_latitude(latitude: Array, continentality: Array | float) -> Array:
    """Amplitude of monthly air temperature where no column gives it, (n,) K.

        2 amplitude = (continentality + 20.4) sin|latitude| / 1.7

    Args:
        latitude: (n,) degrees north.
        continentality: 0 oceanic to about 60 in the interior of continents.
    Reference: index of Gorczynski 1920, K = 1.7 A / sin(latitude) - 20.4 with the yearly
        range A, solved for A.
    """
    steep = np.sin(np.deg2rad(np.abs(np.asarray(latitude, dtype=float))))
    return np.maximum((np.asarray(continentality) + 20.4) * steep / 3.4, 0.5)


def damping_depth(diffusivity: float) -> float:
    """Depth at which the yearly wave has shrunk by e, sqrt(2 diffusivity / omega), m.

    Args:
        diffusivity: thermal, m2 s-1.
    """
    return float(np.sqrt(diffusivity * YEAR / np.pi))


def soil_temperature(
    mean: Array, amplitude: Array, latitude: Array, damping: float, depth: Array
) -> Array:
    """Monthly soil temperature (n, layers, 12), K: a wave that fades and lags with depth.

        T = mean + amplitude exp(-z / d) cos(omega (t - t_warm) - z / d)

    Args:
        mean, amplitude: (n,) of the soil surface, degC and K.
        latitude: (n,) degrees north.
        damping: d, m.
        depth: (layers,) z, m.
    Reference: solution of the heat equation for a sine at the surface, e.g. Campbell and
        Norman 1998, An Introduction to Environmental Biophysics.
    """
    # Fading and lag have the same depth scale in a uniform soil.
    down = depth[:, None] / damping
    wave = amplitude[:, None, None] * np.exp(-down) * season(latitude, down)
    return FREEZING + mean[:, None, None] + wave


def thaw_depth(
    mean: Array, surface: Array, conductivity: float, water: float, fade: Array
) -> Array:
    """Greatest thaw depth of the year (n,), m; `THAWED` where the ground is not frozen.

        sqrt(2 k D / (L w)),  D = sum of the surface's degree seconds above freezing

    where the mean soil temperature is below zero and at most where the temperature wave
    still rises above freezing.

    Args:
        mean: (n,) of the soil, degC.
        surface: (n, 12) monthly temperature of the soil surface, degC.
        conductivity: k of thawed soil, W m-1 K-1.
        water: w, volume of ice to be melted per volume of soil.
        fade: (n,) depth where the warmest day is at freezing, m.
    Reference: Stefan's solution for thawing ground, with the thawing index of the surface.
    """
    # Degree seconds above freezing, from twelve months of equal length.
    degrees = np.maximum(surface, 0.0).sum(1) * YEAR / MONTHS
    stefan = np.sqrt(2 * conductivity * degrees / (FUSION * water))
    return np.where(mean < 0, np.minimum(stefan, fade), THAWED)
