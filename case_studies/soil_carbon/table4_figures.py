"""Figures 10 and 11: what ScIReN learned from measured carbon, and its map of w-scaling."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from case_studies.layout import save_figures
from case_studies.soil_carbon.table4_cells import Cell, Study
from case_studies.soil_carbon.table4_methods import BLACK_BOXES, ONE_LAYER
from visualize import plot_effects, plot_map, plot_observed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 160
MOST = 3  # features shown for each parameter
WATER = "w_scaling"


def write_figures(study: Study, cells: Sequence[Cell]) -> list[Path]:
    """Draw the figures of the finished cells of a data set; return the PNG files."""
    named = ((f"{study.stem}_{name}", figure) for name, figure in draw(study, cells))
    return save_figures(named, study.out / "figures", DPI)


def draw(study: Study, cells: Sequence[Cell]) -> "Iterator[tuple[str, Figure]]":
    """Yield name and figure: relationships, map, predictions against measurements."""
    done = [cell for cell in cells if (cell.folder / "predictions.csv").exists()]
    mine = [cell for cell in done if cell.method.name == ONE_LAYER]
    if mine:
        effects = relationships(mine)
        data = study.profiles.layers.groupby("site").first()
        yield (
            "figure10",
            plot_effects(
                effects, data, study.profiles.units, band="range over the splits"
            ),
        )
    shown = [ONE_LAYER, *BLACK_BOXES]
    maps = {
        name: map_values([cell for cell in done if cell.method.name == name])
        for name in shown
        if WATER in study.predicted and any(c.method.name == name for c in done)
    }
    if maps:
        first = next(iter(maps.values()))
        fields = {name: frame[WATER].to_numpy() for name, frame in maps.items()}
        yield (
            "figure11",
            plot_map(first["lon"], first["lat"], fields, "w-scaling", columns=3),
        )
    predictions = {
        name: pd.concat([cell.table("predictions") for cell in group])
        for name, group in _by_method(done).items()
    }
    if predictions:
        observed = next(iter(predictions.values())).set_index("row")["observed"]
        series = {
            name: frame.set_index("row")["predicted"].reindex(observed.index).to_numpy()
            for name, frame in predictions.items()
        }
        yield "observed", plot_observed(observed.to_numpy(), series, "soc", "gC m-3")


def _by_method(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.method.name, []).append(cell)
    return found


def relationships(cells: Sequence[Cell]) -> pd.DataFrame:
    """Mean effect over the splits with the band of all splits, most important first.

    The curves of the splits are laid on one grid and centred; only the ``MOST`` features
    with the largest mean effect are kept for each parameter.
    """
    parts: Any = pd.concat(
        [cell.table("effects").assign(split=cell.number) for cell in cells]
    )
    rows = []
    for (latent, feature), part in parts.groupby(["latent", "feature"], sort=False):
        low, high = part["value"].min(), part["value"].max()
        grid = np.linspace(low, high, 60)
        curves = []
        for _, one in part.groupby("split"):
            y = np.interp(grid, one["value"], one["effect"])
            curves.append(y - y.mean())
        stack = np.array(curves)
        rows.append(
            pd.DataFrame(
                {
                    "latent": latent,
                    "feature": feature,
                    "value": grid,
                    "effect": stack.mean(0),
                    "low": stack.min(0),
                    "high": stack.max(0),
                }
            )
        )
    joined: Any = pd.concat(rows, ignore_index=True)
    spread = joined.groupby(["latent", "feature"])["effect"].agg(np.ptp)
    best = spread.groupby("latent", group_keys=False).nlargest(MOST)
    keys = set(best.index)
    kept = [
        (a, b) in keys for a, b in zip(joined["latent"], joined["feature"], strict=True)
    ]
    return pd.DataFrame(joined[kept])


def map_values(cells: Sequence[Cell]) -> pd.DataFrame:
    """Mean of w-scaling over the splits' models for every site, one point a place.

    Profiles of one site lie within a few kilometres of each other: their mean is drawn.
    """
    joined: Any = pd.concat([cell.table("latents") for cell in cells])
    sites = joined.groupby("site")[["lat", "lon", WATER]].mean()
    cell = sites[["lat", "lon"]].round(0)
    places = sites.assign(row=cell["lat"], column=cell["lon"])
    return places.groupby(["row", "column"], as_index=False)[
        ["lat", "lon", WATER]
    ].mean()
