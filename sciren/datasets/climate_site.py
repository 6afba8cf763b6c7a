"""Checked climate columns of n sites, and everything that the recipe makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciren.datasets import climate_heat as heat
from sciren.datasets import climate_water as water
from sciren.datasets.climate_recipe import ClimateRecipe
from sciren.decoders.physical_constants import MONTHS

Array = np.ndarray

NO_BEDROCK = 20  # layers


def miami_npp(mat: Any, precipitation: Any, carbon_share: float = 0.45) -> Array:
    """Net primary production by the Miami model (n,), gC m-2 yr-1.

        min[3000 / (1 + exp(1.315 - 0.119 T)), 3000 (1 - exp(-0.000664 P))] carbon_share

    Args:
        mat: mean annual temperature, degC.
        precipitation: mm yr-1.
    Reference: Lieth 1973, Human Ecology 1, 303 (the Miami model); 1975 in Primary
        Productivity of the Biosphere, Ecological Studies 14.
    """
    t, p = np.asarray(mat, dtype=float), np.asarray(precipitation, dtype=float)
    warm = 3000 / (1 + np.exp(1.315 - 0.119 * t))
    wet = 3000 * (1 - np.exp(-0.000664 * p))
    return carbon_share * np.minimum(warm, wet)


@dataclass(frozen=True, eq=False)
class Site:
    """Checked columns of n sites and what follows from them."""

    columns: dict[str, Array]
    recipe: ClimateRecipe

    def __len__(self) -> int:
        return len(self.columns["mat"])

    def given(self, name: str, otherwise: Any) -> Array:
        """Return a column, or what stands for it."""
        return self.columns.get(name, np.broadcast_to(otherwise, len(self)))

    @property
    def air(self) -> Array:
        """Monthly air temperature (n, 12), degC."""
        c = self.columns
        return heat.air_temperature(c["mat"], c["amplitude"], c["latitude"])

    @property
    def rain(self) -> Array:
        """Monthly precipitation (n, 12), mm."""
        wave = heat.season(self.columns["latitude"])[:, 0]
        swing = self.given("rain_swing", 0.0)[:, None]
        return self.columns["precipitation"][:, None] / MONTHS * (1 + swing * wave)

    @property
    def pet(self) -> Array:
        """Monthly potential evaporation (n, 12), mm; scaled to the given yearly sum."""
        monthly = water.potential_evaporation(self.air, self.columns["latitude"])
        if "pet" not in self.columns:
            return monthly
        # The given sum keeps the seasons of the formula; without any (too cold) it is
        # spread evenly.
        total = monthly.sum(1)
        even = np.where(total > 0, 0.0, self.columns["pet"] / MONTHS)[:, None]
        scale = self.columns["pet"] / np.where(total > 0, total, 1.0)
        return monthly * scale[:, None] + even

    @property
    def npp(self) -> Array:
        """Net primary production (n,), gC m-2 yr-1."""
        c = self.columns
        made = miami_npp(c["mat"], c["precipitation"], self.recipe.carbon_share)
        return self.given("npp", made)

    @property
    def woody(self) -> Array:
        """Share of trees (n,), from the aridity where no column gives it."""
        low, high = self.recipe.aridity
        # 1 mm: where nothing evaporates every rain is plenty.
        ratio = self.columns["precipitation"] / np.maximum(self.pet.sum(1), 1.0)
        return self.given("woody", np.clip((ratio - low) / (high - low), 0, 1))

    @property
    def warming(self) -> Array:
        """Soil minus air mean temperature (n,), K."""
        return np.interp(self.columns["mat"], (0.0, 20.0), self.recipe.soil_warming)

    @property
    def soil_mean(self) -> Array:
        """Mean soil temperature (n,), degC."""
        return self.columns["mat"] + self.warming

    @property
    def soil_amplitude(self) -> Array:
        """Amplitude at the soil surface (n,), K."""
        return np.maximum(self.columns["amplitude"] - np.maximum(self.warming, 0), 0.0)

    @property
    def damping(self) -> float:
        """Damping depth, m."""
        return heat.damping_depth(self.recipe.diffusivity)

    def temperature(self, depth: Array) -> Array:
        """Soil temperature (n, layers, 12), K."""
        latitude = self.columns["latitude"]
        return heat.soil_temperature(
            self.soil_mean, self.soil_amplitude, latitude, self.damping, depth
        )

    @property
    def thaw(self) -> Array:
        """Greatest thaw depth (n,), m; 42 where nothing stays frozen."""
        mean, swing = self.soil_mean, self.soil_amplitude
        surface = heat.air_temperature(mean, swing, self.columns["latitude"])
        # Solve amplitude exp(-z/d) = -mean for z: below it the warmest day is frozen.
        ratio = swing / np.where(mean < 0, -mean, 1.0)
        fade = self.damping * np.log(np.maximum(ratio, 1.0))
        recipe = self.recipe
        return heat.thaw_depth(
            mean, surface, recipe.thawed_conductivity, recipe.ground_ice, fade
        )

    def water_scalar(self, depth: Array) -> Array:
        """Water scalar (n, layers, 12)."""
        recipe = self.recipe
        wetness = water.demand_met(self.rain, self.pet, recipe.capacity)
        if recipe.water == "century":
            wetness = water.century_scalar(wetness)
        spread = water.with_depth(wetness, depth, recipe.water_depth)
        if recipe.water == "century":
            return np.clip(spread, 0.01, 1)
        return water.water_scalar(spread, self.temperature(depth))

    def oxygen(self, depth: Array) -> Array:
        """Oxygen scalar (n, layers)."""
        lack = (1 - self.recipe.oxygen_floor) * (
            1 - np.exp(-depth / self.recipe.oxygen_depth)
        )
        return 1 - self.given("waterlogged", 0.0)[:, None] * lack

    def bedrock(self, interfaces: Sequence[float]) -> Array:
        """Layers above bedrock (n,); all where its depth is unknown."""
        depth = self.given("bedrock_depth", np.nan)
        above = (np.asarray(interfaces)[:NO_BEDROCK] <= depth[:, None]).sum(1)
        return np.where(np.isnan(depth), NO_BEDROCK, np.maximum(above, 1))

    def inputs(self) -> dict[str, Array]:
        """Debris and litter (n, 12), gC m-2 month-1: NPP falls, a twelfth a month."""
        # Debris comes from trees only; what is left is litter in fixed shares.
        wood = self.recipe.wood_share * self.woody
        shares = [wood, *(part * (1 - wood) for part in self.recipe.litter_shares)]
        names = ("input_cwd", "input_litter1", "input_litter2", "input_litter3")
        return {
            name: np.repeat((self.npp * share / MONTHS)[:, None], MONTHS, axis=1)
            for name, share in zip(names, shares, strict=True)
        }
