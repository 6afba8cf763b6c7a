"""The series of a study: what a configuration says of groups, time and parts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from discovery.config.settings import AutoSplit, GroupSplit, RunConfig, TimeSplit
from discovery.tables.networks import time_of
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import SeriesTable
    from sciren.data.series_splits import SeriesSplit
    from sciren.decoders.dynamic import DynamicModel


def refuse_for_series(config: RunConfig, decoder: "DynamicModel") -> None:
    """Refuse settings that a process with memory has no use for, before data are read.

    Raises:
        ConfigError: with the key and what to write instead.
    """
    name, split = decoder.name, config.split
    if time_of(config.data) is None:
        raise ConfigError(
            f"key 'data.time': process model {name!r} carries a state from row to row, so "
            "name the column that says when a row was (and data.groups, where there are "
            "several sites)"
        )
    for key, given in (
        ("data.weights", config.data.weights),
        ("categorical", config.categorical),
        ("periodic", config.periodic),
        ("truth", config.truth),
        ("controls", config.controls),
    ):
        if given:
            raise ConfigError(
                f"key {key!r}: does not exist yet for process models with memory, and "
                f"{name!r} has states; leave it out"
            )
    if not isinstance(split, AutoSplit | GroupSplit | TimeSplit):
        raise ConfigError(
            f"key 'split.kind': {split.kind} deals single rows, and {name!r} carries a "
            "state from row to row; use group, time, or time with fractions for both"
        )
    if isinstance(split, GroupSplit) and split.column is not None:
        raise ConfigError(
            "key 'split.column': series are dealt by their groups; name the column as "
            "data.groups"
        )
    if not config.features and not isinstance(split, TimeSplit):
        raise ConfigError(
            "key 'features': is empty, so every group gets numbers of its own, which say "
            "nothing about other groups; split by time, or name features"
        )
    if not config.features and isinstance(split, TimeSplit) and split.fractions:
        raise ConfigError(
            "key 'split.fractions': without features nothing is known about groups that "
            "are left out; leave fractions out, or name features"
        )


def series_of(
    config: RunConfig,
    decoder: "DynamicModel",
    frame: "pd.DataFrame",
    forcings: Mapping[str, str],
    targets: Mapping[str, str],
) -> "SeriesTable":
    """Take the series of a study from the rows of its file.

    A time column that has a unit under ``units`` holds numbers in that unit, any other
    holds stamps.

    Raises:
        ColumnError, DataError: as `sciren.SeriesTable.from_frame`.
    """
    from sciren.data import SeriesTable

    data, time = config.data, time_of(config.data)
    assert time is not None  # `refuse_for_series` has asked
    units = units_of(config, frame)
    return SeriesTable.from_frame(
        frame,
        group=data.groups,
        time=time,
        static=config.features,
        forcings=forcings,
        targets=targets,
        units=units,
        time_unit=config.units.get(time),
        time_format=None if data.format else data.time_format,
        gaps="keep" if decoder.time == "ode" else "raise",
        not_missing=data.not_missing,
    )


def series_split(config: RunConfig, table: "SeriesTable") -> "SeriesSplit":
    """Deal series to the parts as a configuration says: groups, periods, or both."""
    from sciren.data import split_series

    how = config.split
    if isinstance(how, TimeSplit):
        periods = {"train": how.train, "valid": how.valid, "test": how.test}
        return split_series(table, how.fractions, periods, config.seed)
    assert isinstance(how, AutoSplit | GroupSplit)  # `refuse_for_series` has asked
    return split_series(table, how.fractions, seed=config.seed)


def units_of(config: RunConfig, frame: "pd.DataFrame") -> dict[str, str]:
    """Return column -> unit: what the file says, what the configuration says."""
    return {**frame.attrs.get("units", {}), **config.units, **config.convert}
