"""Embedded data sets with a known truth (no torch, no download)."""

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
    "RespirationStudy",
    "RespirationTruth",
    "SoilCarbonStudy",
    "SoilCarbonTruth",
    "make_respiration",
    "make_soil_carbon",
    "surrogate_temperature",
]
