"""The series of a study: what a configuration says of groups, time and parts."""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.settings import AutoSplit, GroupSplit, RunConfig, TimeSplit
from discovery.tables.networks import time_of
from discovery.tables.plausible import check_outliers, check_varies
from discovery.tables.study import SeriesStudy
from sciren.data.frames import LEAST_SCORED, has_one_value
from sciren.data.stamps import PlainNumbersError
from sciren.errors import ConfigError, DataError, DataWarning, TrainingError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import SeriesTable
    from sciren.data.series_splits import SeriesSplit
    from sciren.decoders.dynamic import DynamicModel

# a straight line through two groups leaves none that could contradict it
LEAST_GROUPS = 3

LEAST_STILL = 5  # observations of a group; fewer may well be equal by their rounding


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
    _refuse_features(config, decoder)


def _refuse_features(config: RunConfig, decoder: "DynamicModel") -> None:
    """Refuse features and splits that the latents of a process have no use for."""
    split = config.split
    if decoder.row_latents:
        if not config.features:
            raise ConfigError(
                f"key 'features': is empty, and latent {decoder.row_latents[0].name!r} of "
                f"{decoder.name!r} is a function of features of the row; name columns that "
                "change in time"
            )
        return
    if decoder.state_latents and not decoder.group_latents:
        if config.features:
            raise ConfigError(
                f"key 'features': latent {decoder.state_latents[0].name!r} of "
                f"{decoder.name!r} is a function of a state and the same in all groups; "
                "write features: []"
            )
        return
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


def series_study(
    decoder: "DynamicModel",
    frame: "pd.DataFrame",
    kept: np.ndarray,
    forcings: Mapping[str, str],
    targets: Mapping[str, str],
    shared: dict[str, Any],
) -> SeriesStudy:
    """Take the series of a frame, split them, and refuse what no training learns from.

    Args:
        decoder: the process model.
        frame: the rows;  kept: (n,) their positions in the file.
        forcings, targets: process model's name -> column.
        shared: what `Source` holds.
    Raises:
        ColumnError, DataError: columns, rows or parts cannot be used.
        DecoderError: the process model fails on a few rows.
    """
    import torch

    from sciren.decoders.dry_run import check_process_model
    from sciren.dynamics.local_values import check_start

    config = shared["config"]
    table = series_of(config, decoder, frame, forcings, targets)
    _check_columns(table, frame.index, config.data.not_missing)
    # Series are padded to one length; only active cells are rows of the file.
    there = table.active
    flat = {
        name: torch.from_numpy(part[there]) for name, part in table.forcings.items()
    }
    # One step of the process on all rows as if each stood alone.
    check_process_model(decoder, flat)
    try:
        check_start(decoder, table)
    except TrainingError as error:
        raise DataError(str(error)) from error
    # -1 marks padding and must not wrap round to the last row.
    rows = np.where(table.row_ids >= 0, kept[table.row_ids], -1)
    table = replace(table, row_ids=rows)
    _warn_of_still_groups(table)
    split = series_split(config, table)
    _check_parts(split, decoder, relation=bool(table.static_names))
    return SeriesStudy(decoder=decoder, table=table, split=split, **shared)


def _check_columns(
    table: "SeriesTable", index: "pd.Index", meant: Collection[float]
) -> None:
    """Refuse series of which a value lies grossly apart, or a target does not vary."""
    there, name_of = table.active, {**table.forcing_columns, **table.target_columns}
    # Arrays are (time, group): row_ids[0] is the first row of every group, which stands
    # for its static features.
    rows, first = table.row_ids[there], table.row_ids[0]
    dynamic = dict(
        zip(table.feature_names, table.features.transpose(2, 0, 1), strict=True)
    )
    targets = dict(
        zip(table.target_names, table.targets.transpose(2, 0, 1), strict=True)
    )
    for name, values in {**table.forcings, **dynamic, **targets}.items():
        check_outliers(name_of.get(name, name), values[there], rows, index, meant)
    for name, values in zip(table.static_names, table.static.T, strict=True):
        check_outliers(name, values, first, index, meant)
    for name, values in targets.items():
        check_varies(name_of.get(name, name), values[there])


def _warn_of_still_groups(table: "SeriesTable") -> None:
    """Warn of groups of which a target has one value: a dead sensor or a code for none."""
    there = table.active
    for place, name in enumerate(table.target_names):
        values = np.where(there, table.targets[..., place], np.nan)
        still = [
            group
            for group, own in enumerate(values.T)
            if np.isfinite(own).sum() >= LEAST_STILL
            and has_one_value(own[np.isfinite(own)])
        ]
        if still:
            first = still[0]
            value = values[np.isfinite(values[:, first]), first][0]
            warnings.warn(
                f"target column {table.target_columns.get(name, name)!r} is {value:g} in "
                f"every row of group {table.groups[first]} ({len(still)} of "
                f"{len(table.groups)} groups have one value): a single such group may hide "
                "what the others show; leave it out with data.rows unless it was measured",
                DataWarning,
                stacklevel=2,
            )


def _check_parts(split: "SeriesSplit", decoder: "DynamicModel", relation: bool) -> None:
    """Refuse parts in which no relation can be contradicted, or nothing is compared."""
    if relation and len(split.train) < LEAST_GROUPS:
        raise DataError(
            f"train has {len(split.train)} groups, at least {LEAST_GROUPS} are needed to "
            "find what their features explain; give more groups or other fractions, or "
            "fit every group alone with features: [] and a split by time"
        )
    unknowns = len(decoder.latent_names) + len(decoder.constant_names)
    least = max(LEAST_SCORED, 1 + unknowns), LEAST_SCORED, LEAST_SCORED
    for part, needed, table in zip(split._fields, least, split, strict=True):
        # Rows of the warm-up only bring the state to its course and are not scored.
        by_target = table.compared(decoder.warmup).sum((0, 1))
        compared = int(by_target.sum())
        for name, count in zip(table.target_names, by_target, strict=True):
            if compared >= needed and not count:
                raise DataError(
                    f"{part} has no observed {table.target_columns.get(name, name)!r} after "
                    f"the first {decoder.warmup} rows of every group, which only run; set "
                    f"the periods of the split so that {part} holds some, or drop the target"
                )
        if compared < needed:
            raise DataError(
                f"{part} has {compared} observed targets after the first {decoder.warmup} "
                f"rows of every group, which only run; at least {needed} are needed: give "
                "longer series or periods, or a shorter warmup of the process model"
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
    static = _static(config, decoder, frame)
    try:
        return SeriesTable.from_frame(
            frame,
            group=data.groups,
            time=time,
            static=static,
            features=[name for name in config.features if name not in static],
            forcings=forcings,
            targets=targets,
            units=units,
            time_unit=config.units.get(time),
            time_format=None if data.format else data.time_format,
            gaps="keep" if decoder.time == "ode" else "raise",
            not_missing=data.not_missing,
        )
    except PlainNumbersError as error:
        raise DataError(
            f"{error}; where they count from a start, name their unit, "
            f"units: {{{time}: d}} (or h, min, s)"
        ) from error


def _static(
    config: RunConfig, decoder: "DynamicModel", frame: "pd.DataFrame"
) -> list[str]:
    """Return the features of groups; others change in time, for latents of rows.

    Raises:
        ConfigError: latents of rows or of groups have no feature of their kind.
    """
    if not decoder.row_latents:
        return list(config.features)
    group = config.data.groups
    key = np.zeros(len(frame)) if group is None else frame[group].to_numpy()
    known = [n for n in config.features if n in frame.columns]
    counts = frame[known].groupby(key).nunique(dropna=False)
    static = [n for n in known if bool(np.all(np.asarray(counts[n]) <= 1))]
    if len(static) == len(config.features):
        raise ConfigError(
            f"key 'features': {', '.join(static)} are constant in every group, and latent "
            f"{decoder.row_latents[0].name!r} of {decoder.name!r} changes in time; name "
            "columns that change, or declare it per='group'"
        )
    # A latent of groups is no function of what changes in time, nor the other way round.
    if static and not decoder.group_latents:
        raise ConfigError(
            f"key 'features': {', '.join(static)} are constant in every group, and no latent "
            f"of {decoder.name!r} is declared per='group'; leave them out"
        )
    if not static and decoder.group_latents and _left_out(config.split):
        raise ConfigError(
            f"key 'features': none is constant in every group, so latents per group of "
            f"{decoder.name!r} say nothing about groups that are left out; split by time, or "
            "name features of groups"
        )
    return static


def _left_out(split: Any) -> bool:
    return not isinstance(split, TimeSplit) or bool(split.fractions)


def series_split(config: RunConfig, table: "SeriesTable") -> "SeriesSplit":
    """Deal series to the parts as a configuration says: groups, periods, or both."""
    from sciren.data import split_series

    how = config.split
    if isinstance(how, TimeSplit):
        periods = {"train": how.train, "valid": how.valid, "test": how.test}
        return split_series(table, how.fractions, periods, how.seed)
    assert isinstance(how, AutoSplit | GroupSplit)  # `refuse_for_series` has asked
    return split_series(table, how.fractions, seed=how.seed)


def units_of(config: RunConfig, frame: "pd.DataFrame") -> dict[str, str]:
    """Return column -> unit: what the file says, what the configuration says."""
    return {**frame.attrs.get("units", {}), **config.units, **config.convert}
