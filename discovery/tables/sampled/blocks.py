"""Blocks of a file's rows that train, in the units and with the filters of a study."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.settings import RunConfig
from discovery.tables.assembling import (
    in_wanted_units,
    kept_rows,
    roles,
    table_arguments,
)
from discovery.tables.magnitudes import Magnitudes
from discovery.tables.origin import Origin, cells
from discovery.tables.sampled.held_out import HeldOut, refuse_split
from sciren.data.blocks import rows_of_block
from sciren.data.file_rows import FileRows
from sciren.errors import ConfigError, NoRowsError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.tables.sampled.drawing import Sample
    from sciren.data import Split, Table
    from sciren.data.kinds import Kinds
    from sciren.decoders import Decoder


@dataclass(frozen=True)
class StudyBlock:
    """Rows of a file as a study reads them, without those that validate or test.

    Attributes:
        place: of the rows.
        config: of the study.
        columns: that are read.
        magnitudes: powers of ten by which columns are divided.
        kinds: of features that are classes or periodic, as in the sample.
        held: what is not learned from.
    """

    place: FileRows
    config: RunConfig
    columns: tuple[str, ...]
    magnitudes: Magnitudes
    kinds: "Kinds"
    held: HeldOut

    @property
    def rows(self) -> int:
        """Number of rows in the file."""
        return self.place.rows

    def table(self) -> "Table | None":
        """Read the rows that train; None where there are none.

        Raises:
            ColumnError, DataError: as for the whole table.
        """
        config, place = self.config, self.place
        ends = config.forcings, config.targets
        read = cells(config.data, place.frame(self.columns), roles(config, *ends)[1])
        read.index += place.first
        origin = in_wanted_units(config, Origin(read, str(place.path), "", {}))
        try:
            frame = kept_rows(config, origin, lambda said: None)[0]
        # Of the whole file some rows were kept: the sample has shown that.
        except NoRowsError:
            return None
        frame = self.magnitudes.divide(frame)
        reading: dict[str, Any] = table_arguments(config, frame, *ends, self.magnitudes)
        if self.kinds:
            reading["kinds"] = self.kinds
        table = rows_of_block(frame, reading, 0, origin.source)
        if table is None:
            return None
        trains = np.flatnonzero(self.held.trains(frame, table))
        # From here row_ids count the rows of the file, not those that the filters kept.
        table = replace(table, row_ids=frame.index.to_numpy()[table.row_ids])
        return table.take(trains) if len(trains) else None


def study_blocks(
    config: RunConfig,
    sample: "Sample | None",
    frame: "pd.DataFrame",
    table: "Table",
    split: "Split",
    magnitudes: Magnitudes,
) -> tuple[StudyBlock, ...]:
    """Return the blocks of the file that a sample was drawn from; none without one.

    Args:
        config: the settings.
        sample: that was drawn;  frame: those of its rows that the filters kept.
        table, split: the usable ones among them.
        magnitudes: powers of ten by which columns are divided.
    """
    if sample is None:
        return ()
    held = HeldOut.of(config, frame, table, split)
    return tuple(
        StudyBlock(place, config, sample.columns, magnitudes, table.kinds, held)
        for place in sample.places
    )


def check_sampled(config: RunConfig, decoder: "Decoder") -> None:
    """Refuse, before the file is read, what cannot be done with a sample of its rows.

    Raises:
        ConfigError: a key that does not go together with ``data.sample``.
    """
    from discovery.config.build import model_of
    from discovery.config.file import train_config
    from sciren.decoders.dynamic import DynamicModel
    from sciren.errors import TrainingError
    from sciren.training.many_rows.fit import check_many_rows

    if config.data.sample is None:
        return
    if isinstance(decoder, DynamicModel):
        raise ConfigError(
            f"key 'data.sample': process model {decoder.name!r} has states, whose series "
            "cannot be cut; leave sample out"
        )
    refuse_split(config)
    settings = train_config(config).replace(ladder=False)
    try:
        check_many_rows(model_of(config, decoder), settings)
    except TrainingError as error:
        raise ConfigError(f"key 'data.sample': {error}") from error
