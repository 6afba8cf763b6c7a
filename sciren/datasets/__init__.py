"""Embedded data sets with a known truth (no torch, no download)."""

from sciren.datasets.respiration import (
    RespirationStudy,
    RespirationTruth,
    make_respiration,
)
from sciren.datasets.temperature import surrogate_temperature

__all__ = [
    "RespirationStudy",
    "RespirationTruth",
    "make_respiration",
    "surrogate_temperature",
]
