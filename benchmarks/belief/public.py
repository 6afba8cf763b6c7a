"""Simulated records as tables and models of the toolkit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.belief.laws import Record
from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.decoders import Q10Respiration
from sciren.inference.observed import ObservedProcess


@dataclass(frozen=True, eq=False)
class Case:
    """A record as a table, with a model around it."""

    record: Record
    table: Table
    model: ScIReN

    @classmethod
    def of(cls, record: Record, seed: int = 0) -> "Case":
        """Take the columns of a record; the encoder is not trained."""
        torch.set_num_threads(1)
        time = "time" if record.ordered else None
        table = Table.from_frame(
            record.frame, list(record.features), ["ta"], ["reco"], time=time
        )
        encoder = KANEncoder(len(record.features), 1, seed=seed)
        return cls(record, table, ScIReN(encoder, "auto", Q10Respiration()))

    @property
    def process(self) -> ObservedProcess:
        """The rows seen through the process; no encoder is needed."""
        return ObservedProcess.of(self.model, self.table)

    def trained(self) -> tuple[Table, Table]:
        """Train the encoder; return the rows that trained and those that validated."""
        held = (
            np.arange(len(self.table)) // 20 % 5 == 4
        )  # every fifth stretch of 20 rows
        train, valid = self.table.take(~held), self.table.take(held)
        fit(self.model, train, valid, TrainConfig(profiles=False, ladder=False))
        return train, valid


def percent(values: Sequence[float] | np.ndarray) -> str:
    """Return a mean share in percent."""
    return f"{100.0 * float(np.nanmean(values)):.1f}"
