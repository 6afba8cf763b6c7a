"""Embedded data sets with a known truth (no torch, no download), and soil forcing."""

from sciren.datasets.at_neu import download_at_neu, fetch_at_neu
from sciren.datasets.catchments import Catchments, make_catchments
from sciren.datasets.climate import climate_summary, forcing_from_climate
from sciren.datasets.climate_heat import amplitude_from_latitude
from sciren.datasets.climate_recipe import ClimateRecipe
from sciren.datasets.climate_site import miami_npp
from sciren.datasets.respiration import (
    RespirationStudy,
    RespirationTruth,
    make_respiration,
)
from sciren.datasets.soil_carbon import (
    SoilCarbonStudy,
    SoilCarbonTruth,
    make_soil_carbon,
)
from sciren.datasets.temperature import surrogate_temperature

__all__ = [
    "Catchments",
    "ClimateRecipe",
    "RespirationStudy",
    "RespirationTruth",
    "SoilCarbonStudy",
    "SoilCarbonTruth",
    "amplitude_from_latitude",
    "climate_summary",
    "download_at_neu",
    "fetch_at_neu",
    "forcing_from_climate",
    "make_catchments",
    "make_respiration",
    "make_soil_carbon",
    "miami_npp",
    "surrogate_temperature",
]
