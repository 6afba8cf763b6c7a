"""A simulated tower whose uptake and respiration are known."""

import numpy as np
import pandas as pd
import pytest


def simulate(days=120, seed=0, noise=0.5, rise=1.5):
    """Half hours with weather of the season and the day, and the fluxes behind nee."""
    generator = np.random.default_rng(seed)
    time = pd.date_range("2019-04-01 00:15", periods=48 * days, freq="30min")
    hour, day = time.hour + time.minute / 60, np.arange(len(time)) / 48
    rg = np.maximum(700 * np.sin((hour - 6) / 12 * np.pi), 0)
    warm = generator.normal(0, 2, days).repeat(48)
    ta = (
        12 + 8 * np.sin(day / days * np.pi) + 4 * np.sin((hour - 9) / 12 * np.pi) + warm
    )
    vpd = np.maximum(0.8 * (ta - 5), 0)
    rb = 2 + rise * np.sin(day / days * np.pi)
    reco = rb * np.exp(150 * (1 / 61.02 - 1 / (ta + 46.02)))
    gpp = 0.05 * 25 * rg / (0.05 * rg + 25)
    nee = reco - gpp + generator.normal(0, noise, len(time))
    frame = pd.DataFrame({"time": time, "nee": nee, "ta": ta, "sw_in": rg, "vpd": vpd})
    return frame, {"gpp": np.asarray(gpp), "reco": np.asarray(reco)}


@pytest.fixture(scope="package")
def simulated():
    return simulate()
