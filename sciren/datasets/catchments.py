"""Simulated catchments: daily discharge of two stores whose constants follow attributes.

    smax = 100 + 150 / (1 + exp(-1.5 x1))       mm
    k    = 0.05 exp(0.6 x2)                      d-1
    beta = 2 + 0.5 x3 + 0.6 |x1|
    q    = simulated * exp(noise e),  e autoregressive with standard deviation one

The attributes x1 .. x5 are correlated; x4 and x5 matter for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

ATTRIBUTES = ("x1", "x2", "x3", "x4", "x5")
TRUE_EDGES = (("x1", "smax"), ("x2", "k"), ("x3", "beta"), ("x1", "beta"))
# Of every pair: enough that features imitate one another, and can still be told apart.
CORRELATION = 0.4
UNITS = {"rain": "mm d-1", "pet": "mm d-1", "q": "mm d-1"}


@dataclass(frozen=True, eq=False)
class Catchments:
    """Daily rows of simulated catchments and what they were made from.

    Attributes:
        frame: basin, day, x1 .. x5, rain, pet, q, one row a catchment and day.
        latents: one row a catchment: basin, smax, k, beta.
        clean: (T, G) discharge without noise.
    """

    frame: pd.DataFrame
    latents: pd.DataFrame
    clean: np.ndarray


def make_catchments(
    seed: int = 0,
    groups: int = 40,
    years: int = 5,
    noise: float = 0.08,
    memory: float = 0.7,
) -> Catchments:
    """Simulate catchments.

    Args:
        seed: of attributes, weather and noise.
        groups: number of catchments;  years: of 365 days.
        noise: standard deviation of log q;  memory: its autocorrelation from day to day.
    """
    rng = np.random.default_rng(seed)
    days = 365 * years
    names = [f"b{k + 1:02d}" for k in range(groups)]
    x = _attributes(rng, groups)
    latents = relations(x)
    rain, pet = weather(rng, days, groups)
    clean = discharge(latents, rain, pet)
    # Errors in proportion to the flow, as those of rating curves.
    observed = clean * np.exp(noise * autoregressive(rng, days, groups, memory))
    frame = pd.DataFrame(
        {
            "basin": np.repeat(names, days),
            "day": np.tile(pd.date_range("2001-01-01", periods=days), groups),
            **{name: np.repeat(x[:, k], days) for k, name in enumerate(ATTRIBUTES)},
            "rain": rain.T.ravel(),
            "pet": pet.T.ravel(),
            "q": observed.T.ravel(),
        }
    )
    frame.attrs["units"] = dict(UNITS)
    return Catchments(frame, pd.DataFrame({"basin": names, **latents}), clean)


def _attributes(rng: np.random.Generator, groups: int) -> np.ndarray:
    """Return standard normal attributes (G, 5) with equal correlations, within +-2."""
    size = len(ATTRIBUTES)
    # Correlated attributes: a feature without effect imitates those that have one.
    covariance = CORRELATION + (1 - CORRELATION) * np.eye(size)
    drawn = rng.multivariate_normal(np.zeros(size), covariance, groups)
    return np.clip(drawn, -2.0, 2.0)


def relations(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the true latents (G,) of attributes (G, 5)."""
    return {
        "smax": 100 + 150 / (1 + np.exp(-1.5 * x[:, 0])),
        "k": 0.05 * np.exp(0.6 * x[:, 1]),
        "beta": 2 + 0.5 * x[:, 2] + 0.6 * np.abs(x[:, 0]),
    }


def weather(
    rng: np.random.Generator, days: int, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return rain and potential evaporation (T, G), mm d-1: wet days, a warm season."""
    wet = rng.random((days, groups)) < 0.35
    rain = wet * rng.gamma(0.7, 9.0, (days, groups))
    season = 2.0 - 1.6 * np.cos(2 * np.pi * np.arange(days) / 365.25)
    pet = season[:, None] * rng.uniform(0.8, 1.2, groups)
    return rain, pet


def discharge(
    latents: Mapping[str, np.ndarray], rain: np.ndarray, pet: np.ndarray
) -> np.ndarray:
    """Return discharge (T, G) of two stores; `sciren.dynamics.buckets` has the formulas."""
    smax, k, beta = (latents[name] for name in ("smax", "k", "beta"))
    # Written again without the process model: a study must not share a mistake with it.
    soil, slow = 0.5 * smax, np.full_like(smax, 15.0)
    q = np.empty_like(rain)
    for t in range(len(rain)):
        wet = np.minimum(soil / smax, 1)
        quick, drain = rain[t] * wet**beta, 0.02 * soil * wet
        soil = soil + rain[t] - quick - pet[t] * wet - drain
        over, base = np.maximum(soil - smax, 0), k * (slow + drain)
        soil, slow = soil - over, slow + drain - base
        q[t] = quick + over + base
    return q


def autoregressive(
    rng: np.random.Generator, days: int, groups: int, memory: float
) -> np.ndarray:
    """Return noise (T, G) of standard deviation one with this lag-one correlation."""
    noise = rng.normal(size=(days, groups))
    # Shocks shrunk so that the sum keeps deviation one from the first day on.
    noise[1:] *= np.sqrt(1 - memory**2)
    for t in range(1, days):
        noise[t] += memory * noise[t - 1]
    return noise
