"""Study: everything that a discovery starts from, rows or series."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from discovery.config.settings import RunConfig
from discovery.tables.magnitudes import Magnitudes

if TYPE_CHECKING:
    from sciren.data import SeriesTable, Split, Table
    from sciren.data.blocks import RowBlock
    from sciren.data.series_splits import SeriesSplit
    from sciren.decoders import Decoder
    from sciren.decoders.dynamic import DynamicModel


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is known of the data whatever their process.

    Args:
        config: settings of the discovery.
        source, fingerprint: where the data are from, and their hash.
        read, kept: rows of the file, and those that the filter keeps.
        formulas: name -> true formula or value as text, where known.
        labels: name of the group in every row of the file, where groups are given.
        magnitudes: powers of ten by which columns were divided.
    """

    config: RunConfig
    source: str = ""
    fingerprint: str = ""
    read: int = 0
    kept: int = 0
    formulas: Mapping[str, str] = field(default_factory=dict)
    labels: np.ndarray | None = None
    magnitudes: Magnitudes = field(default_factory=Magnitudes)


@dataclass(frozen=True, kw_only=True)
class Study(Source):
    """Rows and the process model behind each of them.

    Args:
        decoder: the process model; plain regression has the identity.
        table: all rows that can be used; ``row_ids`` count the rows of the file.
        split: rows to learn from, to choose with and to report on.
        truth: latent -> its true value in every row of the file, where known.
        coordinates: "lon", "lat" -> value in every row of the file, where the split
            names them.
        blocks: all rows of the file that train, where the table is only a sample.
    """

    decoder: "Decoder"
    table: "Table"
    split: "Split"
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    coordinates: Mapping[str, np.ndarray] = field(default_factory=dict)
    blocks: "tuple[RowBlock, ...]" = ()

    def about_sample(self) -> str:
        """Say which rows decide and which are solved on; empty where all fit."""
        if not self.blocks:
            return ""
        total = sum(block.rows for block in self.blocks)
        return (
            f"Choices, equations, scores and intervals rest on a sample of {self.read:,} "
            f"of {total:,} rows, drawn with seed {self.config.split.seed}; curves and constants "
            "of the network on all rows that train"
        )


@dataclass(frozen=True, kw_only=True)
class SeriesStudy(Source):
    """Series of groups and the process with memory that runs through them.

    Args:
        decoder: the process model.
        table: all series; ``row_ids`` count the rows of the file.
        split: series to learn from, to choose with and to report on.
    """

    decoder: "DynamicModel"
    table: "SeriesTable"
    split: "SeriesSplit"
