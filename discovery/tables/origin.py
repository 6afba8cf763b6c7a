"""Where the observations come from: a file, or a data set that the package brings."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.runs.files import file_hash
from sciren.errors import ConfigError, SciRenError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.config.data import DataSettings
    from discovery.tables.sampled.drawing import Sample
    from sciren.datasets import SoilCarbonStudy


@dataclass(frozen=True)
class Origin:
    """A frame of observations and what is known about it.

    Args:
        frame: one row an observation; ``frame.attrs["units"]`` where it has units.
        source: file or data set, for the reader.
        fingerprint: SHA-256 of the file, or of the values of the data set.
        truth: name -> formula or value as text, where the data are simulated.
        sample: the rows that were drawn, where not all were; the index of the frame then
            counts the rows of the file.
    """

    frame: "pd.DataFrame"
    source: str
    fingerprint: str
    truth: Mapping[str, str]
    sample: "Sample | None" = None


def read_origin(
    data: "DataSettings",
    columns: Sequence[str] = (),
    labels: Sequence[str] = (),
    seed: int = 0,
) -> Origin:
    """Read the file, or make the embedded data set.

    Args:
        data: where it is and how it is written.
        columns: that are needed; in NetCDF they say which dimension counts the rows.
        labels: columns of sites or parts, whose text is kept as written.
        seed: of the sample, where the file is larger than memory.
    Raises:
        DataError: the file cannot be used; the message names it.
        ConfigError: the data set does not take these settings.
    """
    if data.path is not None:
        if data.sample is None:
            frame, sample = cells(data, data.path, labels, columns), None
        else:
            from discovery.tables.sampled.drawing import draw

            sample = draw(data, columns, seed)
            frame = cells(data, sample.frame, labels)
            frame.index = sample.positions
        return Origin(frame, data.source, file_hash(data.path), {}, sample)
    assert data.dataset is not None  # the settings hold one of both
    make = {"respiration": _respiration, "soil-carbon": _soil_carbon}
    frame = make[data.dataset.name](data.source, data.dataset.settings)
    return Origin(frame, data.source, _hash(frame), frame.attrs["truth"])


def cells(
    data: "DataSettings",
    source: "Path | pd.DataFrame",
    labels: Sequence[str],
    columns: Sequence[str] = (),
) -> "pd.DataFrame":
    """Read a file, or go on from cells of it, as ``data`` says that it is written."""
    from discovery.config.reading import ReadingSettings
    from discovery.tables.sources import read_with

    # Read as text: 007 stays 007.
    ids = tuple(dict.fromkeys([*data.ids, *labels]))
    reading = ReadingSettings.model_validate(data.reading() | {"ids": ids})
    stamps = [data.time] if data.time else []
    return read_with(source, reading, columns, stamps)


def _respiration(source: str, settings: Mapping[str, Any]) -> "pd.DataFrame":
    """Make the simulated record; its column ``part`` holds the published split."""
    from sciren.datasets import make_respiration

    try:
        study = make_respiration(**settings)
    except (TypeError, SciRenError) as error:
        raise ConfigError(f"{source} cannot be made: {error}") from error
    parts = np.select(
        [study.train, study.valid, study.test], ["train", "valid", "test"], ""
    )
    frame = study.frame.assign(part=parts)
    frame.attrs["units"] = dict(study.units)
    truth = study.truth
    frame.attrs["truth"] = {"rb": truth.formula, "q10": f"{truth.q10:g}"}
    return frame


def _soil_carbon(source: str, settings: Mapping[str, Any]) -> "pd.DataFrame":
    """Make the simulated profiles; column ``part`` holds the first published split."""
    study = soil_carbon_study(source, settings)
    parts = np.full(len(study.frame), "train", dtype=object)
    split = study.tables(1)
    parts[split.valid.row_ids], parts[split.test.row_ids] = "valid", "test"
    frame = study.frame.assign(part=parts)
    frame.attrs["units"] = dict(study.units)
    frame.attrs["truth"] = study.truth.formulas
    return frame


def soil_carbon_study(source: str, settings: Mapping[str, Any]) -> "SoilCarbonStudy":
    """Make the simulated soil profiles.

    Raises:
        ConfigError: settings that the generator does not take.
    """
    from sciren.datasets import make_soil_carbon

    try:
        return make_soil_carbon(**settings)
    except (TypeError, SciRenError) as error:
        raise ConfigError(f"{source} cannot be made: {error}") from error


def _hash(frame: "pd.DataFrame") -> str:
    total = hashlib.sha256()
    for name in frame.columns:
        values = frame[name].to_numpy()
        # Bytes of objects are addresses; their texts are the content.
        known = values.astype(str) if values.dtype == object else values
        total.update(str(name).encode() + b"\0" + np.ascontiguousarray(known).tobytes())
    return total.hexdigest()
