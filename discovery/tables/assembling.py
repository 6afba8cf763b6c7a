"""From cells as they were read to the rows of a study: columns, units, filters, table."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.settings import BlockSplit, RunConfig
from discovery.tables.converting import converted
from discovery.tables.head import require
from discovery.tables.magnitudes import Magnitudes
from discovery.tables.networks import time_of
from discovery.tables.origin import Origin
from discovery.tables.series import units_of
from sciren.errors import (
    ColumnError,
    DataError,
    ExpressionError,
    NoRowsError,
    closest_names,
)

if TYPE_CHECKING:
    import pandas as pd


def roles(
    config: RunConfig, forcings: Mapping[str, str], targets: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return every column that is needed, and those whose cells are labels."""
    data, split = config.data, config.split
    labels = [data.groups, getattr(split, "column", None), *data.only]
    labels += config.categorical
    places = [getattr(split, name, None) for name in ("lon", "lat")]
    needed = [
        *config.features, *forcings.values(), *targets.values(), *config.truth.values(),
        time_of(data), data.weights, *labels, *places,
    ]  # fmt: skip
    return [n for n in needed if n is not None], [n for n in labels if n is not None]


def in_wanted_units(config: RunConfig, origin: Origin) -> Origin:
    """Return the table with the units that ``convert`` asks for."""
    try:
        meant = config.data.not_missing
        frame = converted(origin.frame, config.convert, config.units, meant)
    except (ColumnError, DataError) as error:
        raise type(error)(f"{origin.source}: {error}") from error
    return replace(origin, frame=frame)


def kept_rows(
    config: RunConfig, origin: Origin, say: Callable[[str], None]
) -> tuple["pd.DataFrame", np.ndarray]:
    """Return the rows that the filters keep and their positions in the frame.

    Raises:
        ColumnError: a filter names no column.
        DataError: no row is left.
        ExpressionError: the filter cannot be read.
    """
    from discovery.tables.rows import select_rows

    frame = origin.frame
    kept = _labelled_rows(config, origin)
    if len(kept) < len(frame):
        said = "; ".join(
            f"{k} is {' or '.join(v)}" for k, v in config.data.only.items()
        )
        say(f"kept {len(kept):,} rows where {said}")
    if config.data.rows is None:
        return frame.iloc[kept], kept
    try:
        kept = kept[select_rows(frame.iloc[kept], config.data.rows)]
    except ColumnError as error:
        raise ColumnError(f"{origin.source}: data.rows: {error}") from error
    except (DataError, ExpressionError) as error:
        raise type(error)(f"{origin.source}: data.rows: {error}") from error
    say(f"kept {len(kept):,} rows where {config.data.rows}")
    return frame.iloc[kept], kept


def _labelled_rows(config: RunConfig, origin: Origin) -> np.ndarray:
    """Return the positions of the rows that `data.only` keeps."""
    from sciren.data.labels import id_text

    frame = origin.frame
    keep = np.ones(len(frame), dtype=bool)
    for name, texts in config.data.only.items():
        key = f"data.only.{name}"
        require(frame, name, key)
        # `only` compares text as written in the configuration; numbers of sites are
        # labels too.
        labels = id_text(frame[name])
        keep &= labels.isin(texts).to_numpy()
        if not keep.any():
            labels_present = sorted(set(labels.dropna()))
            raise NoRowsError(
                f"{origin.source}: key {key!r}: no row says {' or '.join(texts)}. "
                f"{closest_names(texts[0], labels_present)}"
            )
    return np.flatnonzero(keep)


def table_arguments(
    config: RunConfig,
    frame: "pd.DataFrame",
    forcings: Mapping[str, str],
    targets: Mapping[str, str],
    magnitudes: Magnitudes,
) -> dict[str, Any]:
    """Return the arguments of `Table.from_frame` that a configuration stands for."""
    return {
        "features": list(config.features),
        "forcings": forcings,
        "targets": targets,
        "units": magnitudes.units(units_of(config, frame)),
        "time": time_of(config.data),
        "weights": config.data.weights,
        "groups": _blocks(config, frame),
        "time_format": None if config.data.format else config.data.time_format,
        "timezone": config.data.timezone,
        "not_missing": config.data.not_missing,
        "categorical": config.categorical,
        "periodic": config.periodic,
    }


def _blocks(config: RunConfig, frame: "pd.DataFrame") -> "str | np.ndarray | None":
    """Return the groups that are named, else the cells (n,) of a split by place.

    What the split holds together is what every resampling draws together.
    """
    from sciren.data.frames import numeric_column

    how = config.split
    axes = ("lon", "lat")
    if config.data.groups is not None or not isinstance(how, BlockSplit):
        return config.data.groups
    if not all(getattr(how, axis) in frame for axis in axes):
        return None  # the split names the column that is not there
    lon, lat = (
        np.floor(numeric_column(frame, getattr(how, axis)) / how.degrees)
        for axis in axes
    )
    # A row without a place leaves the table or is refused by the split.
    cells = np.nan_to_num(np.stack((lon, lat), axis=1), nan=np.finfo(float).max)
    return np.unique(cells, axis=0, return_inverse=True)[1].ravel()
