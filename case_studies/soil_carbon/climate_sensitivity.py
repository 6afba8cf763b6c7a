"""How much each piece of the climate recipe moves the carbon stock."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from case_studies.soil_carbon.profiles import Profiles
from sciren.datasets import ClimateRecipe, climate_summary, forcing_from_climate
from sciren.decoders import CLM5SoilCarbon

STOCK_DEPTH = 1.0  # m
Columns = Mapping[str, np.ndarray]
Change = Callable[[dict[str, Any], ClimateRecipe], tuple[dict[str, Any], ClimateRecipe]]


def _column(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda c, r: (c | {name: change(np.asarray(c[name], dtype=float))}, r)


def _recipe(**values: Any) -> Change:
    return lambda c, r: (c, replace(r, **values))


def _npp(columns: dict[str, Any], recipe: ClimateRecipe) -> np.ndarray:
    base = {k: columns[k] for k in ("mat", "amplitude", "precipitation", "latitude")}
    return climate_summary(**base, recipe=recipe)["npp"].to_numpy()


def _pet(columns: dict[str, Any], recipe: ClimateRecipe) -> np.ndarray:
    base = {k: columns[k] for k in ("mat", "amplitude", "precipitation", "latitude")}
    return climate_summary(**base, recipe=recipe)["pet"].to_numpy()


CHANGES: Mapping[str, Change] = {
    "air 1 K warmer": _column("mat", lambda v: v + 1),
    "no difference of soil and air": _recipe(soil_warming=(0.0, 0.0)),
    "amplitude 3 K larger": _column("amplitude", lambda v: v + 3),
    "thermal diffusivity halved": _recipe(diffusivity=1.5e-7),
    "thermal diffusivity doubled": _recipe(diffusivity=6e-7),
    "NPP 20 % larger": lambda c, r: (c | {"npp": 1.2 * _npp(c, r)}, r),
    "0.50 gC per g of dry matter": _recipe(carbon_share=0.5),
    "no woody debris": _recipe(wood_share=0.0),
    "twice the lignin": _recipe(litter_shares=(0.15, 0.35, 0.5)),
    "PET 20 % larger": lambda c, r: (c | {"pet": 1.2 * _pet(c, r)}, r),
    "precipitation 20 % smaller": _column("precipitation", lambda v: 0.8 * v),
    "soil holds 75 mm": _recipe(capacity=75.0),
    "seasons of water at all depths": _recipe(water_depth=100.0),
    "water factor of CENTURY": _recipe(water="century"),
    "waterlogged everywhere": lambda c, r: (c | {"waterlogged": 1.0}, r),
    "oxygen floor 0.4": _recipe(oxygen_floor=0.4),
    "nitrogen scalar 1": _recipe(nitrogen=1.0),
    "ground ice 0.25": _recipe(ground_ice=0.25),
    "bedrock at 1 m": lambda c, r: (c | {"bedrock_depth": 1.0}, r),
}


@torch.no_grad()
def stocks(columns: Columns, recipe: ClimateRecipe, decoder: CLM5SoilCarbon) -> Any:
    """Carbon stock to 1 m at parameters in the middle of their priors, (n,) gC m-2."""
    forcing = forcing_from_climate(**columns, recipe=recipe)
    middle = torch.full((len(forcing), 21), 0.5, dtype=torch.float64)
    soc = decoder.soc(decoder.steady_state(middle, forcing))
    return decoder.stock(soc, STOCK_DEPTH).numpy()


def sensitivity_table(profiles: Profiles) -> pd.DataFrame:
    """Change one piece of the recipe at a time.

    Returns:
        One row a piece, the largest first: median, 10 % and 90 % quantile over the sites
        of the relative change of the stock to 1 m, in %.
    """
    decoder, recipe = CLM5SoilCarbon(), ClimateRecipe()
    columns: dict[str, Any] = dict(profiles.climate())
    base = stocks(columns, recipe, decoder)
    rows = []
    for name, change in CHANGES.items():
        changed, numbers = change(columns, recipe)
        moved = 100 * (stocks(changed, numbers, decoder) / base - 1)
        low, middle, high = np.percentile(moved, (10, 50, 90))
        rows.append(
            {
                "piece": name,
                "median_percent": middle,
                "low_percent": low,
                "high_percent": high,
                "mean_absolute_percent": np.abs(moved).mean(),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(
        "mean_absolute_percent", ascending=False, ignore_index=True
    )
