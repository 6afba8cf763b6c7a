"""Small stand-ins for the collections of profiles, with the same columns."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

LAYERS = ((0, 10), (10, 30), (30, 60), (60, 100))


def sodah_frame(sites: int = 12, profiles: int = 3, seed: int = 0) -> pd.DataFrame:
    """NEON-like layers: sites far apart, several profiles each, climate per site."""
    rng = np.random.default_rng(seed)
    rows = []
    for site in range(sites):
        mat, rain = rng.uniform(-8, 22), rng.uniform(250, 2000)
        lat, lon = 28.0 + 3 * (site % 5), -118.0 + 4 * (site // 5)
        for one in range(profiles):
            clay, sand = rng.uniform(5, 45), rng.uniform(10, 50)
            surface = rng.uniform(2, 6) * np.exp(-0.03 * mat)
            for top, bottom in LAYERS:
                rows.append(
                    {
                        "profile_id": f"p{site:02d}{one}",
                        "network": "NEON",
                        "site_code": f"S{site:02d}",
                        "lat": lat + 0.01 * one,
                        "lon": lon,
                        "land_cover": ["mixedForest", "cultivatedCrops"][site % 2],
                        "mat": mat,
                        "map": rain,
                        "layer_top": float(top),
                        "layer_bot": float(bottom),
                        "soc": surface * np.exp(-(top + bottom) / 80),
                        "bd": np.nan if top == 60 else 1.1 + top / 200,
                        "clay": clay,
                        "sand": sand,
                        "ph_h2o": rng.uniform(4, 8),
                        "fe_ox": rng.uniform(0.5, 4),
                        "al_ox": rng.uniform(0.5, 4),
                        "hzn": "A",
                        "block_2deg": site,
                    }
                )
    return pd.DataFrame(rows)


def africa_frame(places: int = 25, seed: int = 0) -> pd.DataFrame:
    """Layers like those of the African collection, one profile a place."""
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(places):
        warm, cold = rng.uniform(28, 38), rng.uniform(5, 20)
        for top, bottom in LAYERS[:3]:
            rows.append(
                {
                    "profile_id": f"AF {place:02d}",
                    "lat": -20.0 + 2 * (place % 10),
                    "lon": 10.0 + 2 * (place // 10),
                    "layer_top": float(top),
                    "layer_bot": float(bottom),
                    "soc": 1.5 * np.exp(-top / 30) * rng.uniform(0.5, 2),
                    "clay": rng.uniform(5, 60),
                    "sand": rng.uniform(10, 40),
                    "ph_h2o": rng.uniform(4.5, 8),
                    "cec": rng.uniform(2, 40),
                    "bd": 1.4 if place % 3 == 0 else np.nan,
                    "drainage": "V" if place == 0 else "W",
                    "tmax_warmest_month": warm,
                    "tmin_coldest_month": cold,
                    "tmid_proxy": (warm + cold) / 2,
                    "map": rng.uniform(100, 2000),
                    "prec_wettest_month": 200.0,
                    "prec_driest_month": 10.0 + place,
                    "block_2deg": place // 2,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[pd.DataFrame, str], Path]:
    """Put a frame where the readers look for it; return the folder of the data sets."""

    def put(frame: pd.DataFrame, name: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(file, index=False)
        return tmp_path

    return put


@pytest.fixture
def sodah() -> pd.DataFrame:
    """Layers of a small collection like SoDaH."""
    return sodah_frame()


@pytest.fixture
def africa() -> pd.DataFrame:
    """Layers of a small collection like the African one."""
    return africa_frame()
