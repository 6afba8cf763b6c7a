"""What the user decides of a partitioning, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PartitionOptions:
    """What the user decides.

    Args:
        columns: role -> column, see `discovery.partition.tower`.
        response: how respiration follows temperature, lloyd_taylor or q10.
        rows: of night and of day that the equations are sought in, spread evenly.
        replicates: resamples behind the intervals of the sums.
        seed: of everything random.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    response: str = "lloyd_taylor"
    rows: int = 3000
    replicates: int = 50
    seed: int = 0


@dataclass(frozen=True)
class Partition:
    """What was found.

    Attributes:
        folder: holds the runs ``night`` and ``day``, the files of the tables below, and
            ``fluxes.csv`` with every half hour (umol m-2 s-1).
        daily, yearly: sums in gC m-2 d-1 and gC m-2 yr-1 with intervals.
        scores: one row a method and part of the day: rmse and r2 of net exchange on days
            that nothing learned from.
        summary: everything in one mapping, as in ``partition.json``.
    """

    folder: Path
    daily: "pd.DataFrame"
    yearly: "pd.DataFrame"
    scores: "pd.DataFrame"
    summary: Mapping[str, Any]
