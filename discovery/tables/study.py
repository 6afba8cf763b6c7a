"""Study: everything that a discovery starts from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from discovery.config.settings import RunConfig
from discovery.tables.magnitudes import Magnitudes

if TYPE_CHECKING:
    from sciren.data import Split, Table
    from sciren.decoders import Decoder


@dataclass(frozen=True)
class Study:
    """Everything that a discovery starts from.

    Args:
        config: its settings.
        decoder: the process model; plain regression has the identity.
        table: all rows that can be used; ``row_ids`` count the rows of the file.
        split: rows to learn from, to choose with and to report on.
        source, fingerprint: where the data are from, and their hash.
        read, kept: rows of the file, and those that the filter keeps.
        truth: latent -> its true value in every row of the file, where known.
        formulas: name -> true formula or value as text, where known.
        labels: name of the group in every row of the file, where groups are given.
        coordinates: "lon", "lat" -> value in every row of the file, where the split
            names them.
        magnitudes: powers of ten by which columns were divided.
    """

    config: RunConfig
    decoder: "Decoder"
    table: "Table"
    split: "Split"
    source: str = ""
    fingerprint: str = ""
    read: int = 0
    kept: int = 0
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    labels: np.ndarray | None = None
    coordinates: Mapping[str, np.ndarray] = field(default_factory=dict)
    magnitudes: Magnitudes = field(default_factory=Magnitudes)
