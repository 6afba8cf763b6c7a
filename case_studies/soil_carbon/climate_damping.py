"""How soil temperature fades with depth: measured profiles beside the recipe."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from case_studies.soil_carbon.profiles import read_layers
from sciren.datasets import ClimateRecipe

FILE = "soil_respiration_cosore/soil_temperature_profiles_daily.csv.gz"
YEAR = 365.25  # days
SHALLOWEST, DEEPEST = 0.02, 50.0  # m, limits of a fitted damping depth
SHORTEST = 300  # days; shorter records hold no whole year
NAMES = {
    "d20190504_SAVAGE_hf006-03": "Harvard Forest",
    "d20190626_VARGAS": "El Eden, Yucatan",
    "d20200305_VARGAS": "James Reserve",
    "d20200328_UEYAMA_FAIRBANKS": "Fairbanks, permafrost",
}


def damping_table(data: Path) -> pd.DataFrame:
    """Fit the wave of the recipe to every measured profile.

        T = m + g z + a exp(-z / d) cos(w t - p - z / d)

    Args:
        data: folder with the data sets.
    Returns:
        One row a site: days, depths (number, deepest in cm), amplitude (K), damping depth
        (m) with its standard error over blocks of 30 days (nan where the
        data do not determine it), the same from the fading
        alone and from the lag alone, rmse with the fitted and with the recipe's damping
        depth (K), and the fitted diffusivity (1e-6 m2 s-1).
    """
    frame = read_layers(data / FILE, ("dataset", "date", "depth_cm", "tsoil"))
    rows = []
    groups: Any = frame.dropna(subset=["tsoil"]).groupby("dataset")
    for name, part in groups:
        rows.append({"site": NAMES.get(str(name), str(name))} | _site(part))
    return pd.DataFrame(rows)


def _site(part: pd.DataFrame) -> dict[str, float]:
    day = (pd.to_datetime(part["date"]) - pd.Timestamp("2000-01-01")).dt.days.to_numpy()
    z = part["depth_cm"].to_numpy(dtype=float) / 100
    t = part["tsoil"].to_numpy(dtype=float)
    recipe = _recipe_depth()
    fit = fit_wave(day, z, t)
    apart = fit_wave(day, z, t, apart=True)
    held = fit_wave(day, z, t, damping=recipe)
    return {
        "days": float(len(np.unique(day))),
        "depths": float(len(np.unique(z))),
        "deepest_cm": float(100 * z.max()),
        "whole_year": float(np.ptp(day) >= SHORTEST),
        "amplitude": fit["amplitude"],
        "damping": fit["damping"],
        "damping_se": _spread(day, z, t),
        "from_fading": apart["damping"],
        "from_lag": apart["lag_depth"],
        "rmse": fit["rmse"],
        "recipe": recipe,
        "rmse_recipe": held["rmse"],
        "diffusivity": np.pi * fit["damping"] ** 2 / (YEAR * 86_400) * 1e6,
    }


def _recipe_depth() -> float:
    return float(np.sqrt(ClimateRecipe().diffusivity * YEAR * 86_400 / np.pi))


def fit_wave(
    day: np.ndarray,
    z: np.ndarray,
    t: np.ndarray,
    damping: float | None = None,
    apart: bool = False,
) -> dict[str, float]:
    """Fit mean, gradient, amplitude, phase and damping depth to temperatures.

    Args:
        day, z, t: (n,) days, depth in m, temperature in degC.
        damping: held at this depth, m; default fitted.
        apart: fading and lag have a depth each.
    Returns:
        mean, gradient, amplitude, phase, damping, lag_depth, rmse.
    """
    angle = 2 * np.pi * day / YEAR

    def complete(theta: np.ndarray) -> tuple[float, float]:
        fade = damping if damping is not None else float(np.exp(theta[0]))
        return fade, float(np.exp(theta[1])) if apart else fade

    def linear(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fade, lag = complete(theta)
        wave = np.exp(-z / fade)
        columns = [np.ones_like(z), z, wave * np.cos(angle - z / lag)]
        columns.append(wave * np.sin(angle - z / lag))
        design = np.column_stack(columns)
        weights, *_ = np.linalg.lstsq(design, t, rcond=None)
        return weights, design @ weights - t

    start = np.log(np.full(2 if apart else 1, 1.0))
    theta = start
    if damping is None or apart:
        limits = (np.log(SHALLOWEST), np.log(DEEPEST))
        theta = least_squares(lambda p: linear(p)[1], start, bounds=limits).x
    weights, residual = linear(theta)
    fade, lag = complete(theta)
    return {
        "mean": float(weights[0]),
        "gradient": float(weights[1]),
        "amplitude": float(np.hypot(weights[2], weights[3])),
        "phase": float(np.arctan2(weights[3], weights[2])),
        "damping": fade,
        "lag_depth": lag,
        "rmse": float(np.sqrt(np.mean(residual**2))),
    }


def _spread(day: np.ndarray, z: np.ndarray, t: np.ndarray) -> float:
    """Standard error of the damping depth by leaving out months (jackknife)."""
    months = (day - day.min()) // 30
    depths = np.array(
        [
            fit_wave(day[months != month], z[months != month], t[months != month])[
                "damping"
            ]
            for month in np.unique(months)
        ]
    )
    many = len(depths)
    # at its limit a depth is not determined, however little it moves
    if many < 3 or max(depths) > 0.9 * DEEPEST:
        return float("nan")
    return float(np.sqrt((many - 1) / many * np.sum((depths - np.mean(depths)) ** 2)))
