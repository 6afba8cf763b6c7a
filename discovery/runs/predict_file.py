"""predict, from file to file: new rows in, targets and latents with their ids out."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.config.file import apply_override
from discovery.config.reading import ReadingSettings
from discovery.results.record import DiscoveryRecord
from discovery.runs.predict import Using, kinds_of, powers_of, predict_frame
from discovery.runs.predict_warnings import known_ranges
from discovery.runs.prediction_files import (
    check_not_read,
    check_place,
    write_predictions,
)
from discovery.runs.stored import load_discovery, stored_config
from sciren.errors import ColumnError, ConfigError, DataError, closest_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from discovery.config.settings import RunConfig

GIVEN = "_given"  # end of the name of a column that is passed through and predicted too


def predict(
    run: Path,
    data: Path,
    out: Path,
    using: Using = "equations",
    overwrite: bool = False,
    interval: float | None = 0.95,
    columns: Sequence[str] = (),
    reading: Sequence[str] = (),
) -> str:
    """Write targets and latents for every row of a file; return a line about it.

    One row is written for each row of the file. Rows with a missing feature are empty;
    where a forcing is missing, the latents are there and the targets empty. First come
    the columns that say which row it is: time, groups and ids of the run, where the file
    has them, and the ``columns`` asked for. Intervals follow, where they are known:
    ``reco_low``, ``reco_high`` of a new observation, ``reco_mean_low``,
    ``reco_mean_high`` of its mean, ``rb_low``, ``rb_high`` of a latent; ``outside`` is 1
    where a row lies beyond the rows that the model was made from.

    Args:
        run: folder of the discovery.
        data: csv, csv.gz, Excel, parquet, NetCDF or Zarr; gaps are marked as in its data.
        out: csv, csv.gz, parquet, NetCDF (.nc) or Excel (.xlsx).
        using: the equations (needs neither network nor process model), or the network.
        overwrite: whether a file at ``out`` may be replaced.
        interval: probability of the intervals, None for none.
        columns: of the file, passed through; where one is predicted as well, the given
            one becomes ``reco_given``.
        reading: ``"data.separator=;"`` and the like, one a key, where the file is written
            in another way than the table of the run.
    Raises:
        ConfigError: ``out`` cannot be written, the run has no equations, or a key of
            ``reading`` does not exist.
        DataError: run or file cannot be read, or a column cannot be used or holds an
            undeclared gap marker.
    """
    from discovery.runs.folder import open_run
    from discovery.runs.manifest import edited_note

    check_place(out, overwrite)
    check_not_read(out, data)
    discovery = load_discovery(open_run(run))
    config = stored_config(run) if (run / "config.yaml").is_file() else None
    # 1. Read as the run was. 2. Its units. 3. Predict. 4. Columns that name the row first.
    frame, written = _read_like_training(config, data, reading)
    with _named(data):
        _check_present(frame, columns)
        # Columns that are passed through keep the unit of the file.
        meant = written.not_missing
        inputs = frame if config is None else _in_wanted_units(config, frame, meant)
        _refuse_markers(discovery, inputs, meant)
        result = predict_frame(discovery, inputs, using, interval)
    # A column and not only a warning: the file is handed on without its messages.
    if edited_note(Path(run)):
        result = result.assign(edited=1)
    passed = passed_through(frame, _row_names(config), columns, set(result.columns))
    result = passed.join(result)
    write_predictions(out, result, discovery, _stamps(config, frame), interval or 0.95)
    return f"wrote {out}: {len(result):,} rows, {', '.join(result.columns)}, by {using}"


@contextmanager
def _named(data: Path) -> Iterator[None]:
    """Begin what is wrong with rows by the name of their file."""
    try:
        yield
    except ColumnError as error:
        raise ColumnError(f"{data}: {error}") from error
    except DataError as error:
        raise DataError(f"{data}: {error}") from error


def _in_wanted_units(
    config: "RunConfig", frame: "pd.DataFrame", not_missing: Sequence[float]
) -> "pd.DataFrame":
    """Return the rows in the units that the run was made in, see ``convert``."""
    from discovery.tables.converting import converted

    wanted = {n: unit for n, unit in config.convert.items() if n in frame.columns}
    return converted(frame, wanted, config.units, not_missing)


def _refuse_markers(
    discovery: DiscoveryRecord, frame: "pd.DataFrame", meant: Sequence[float]
) -> None:
    """Refuse what looks like a gap marker: it would be taken for a measurement.

    Raises:
        DataError: with column and number, and the keys that declare it.
    """
    from sciren.data.frames import numeric_column
    from sciren.data.markers import marker_beyond

    kinds = {} if discovery.series is not None else kinds_of(discovery)
    powers = powers_of(discovery)
    for name, ends in known_ranges(discovery).items():
        if name not in frame.columns or name in kinds:
            continue
        low, high = (end * powers.get(name, 1.0) for end in ends)
        marker = marker_beyond(numeric_column(frame, name), low, high, meant)
        if marker is not None:
            number = f"{marker.value:.15g}"
            raise DataError(
                f"column {name!r} is {number} in {marker.count} of {len(frame)} rows, far "
                f"from {low:g} to {high:g}, where the model was made; if that marks gaps "
                f'add --set "data.missing=[{number}]", if it was measured add '
                f'--set "data.not_missing=[{number}]"'
            )


def _keys_of(changes: Sequence[str]) -> dict[str, Any]:
    """Return the keys of reading that changes such as ``data.separator=;`` name."""
    tree: dict[str, Any] = {}
    for change in changes:
        key = apply_override(tree, change)
        known = [f"data.{name}" for name in ReadingSettings.model_fields]
        if key not in known:
            raise ConfigError(
                f"--set {change}: predict takes keys that say how the file is written. "
                f"{closest_names(key, known)}"
            )
    return tree.get("data", {})


def _read_like_training(
    config: "RunConfig | None", data: Path, changes: Sequence[str] = ()
) -> "tuple[pd.DataFrame, ReadingSettings]":
    """Read new rows as the table of the run was read, or else as a plain table.

    Numbers and words that mark gaps, and ids, are those of the run either way; what the
    changes name goes before all. The settings that read the file are returned, too.
    """
    from discovery.tables.sources import read_with, reading_settings

    changed = _keys_of(changes)

    stored = ReadingSettings()
    names: list[str] = []
    if config is not None:
        labels = [config.data.groups, getattr(config.split, "column", None)]
        labels += config.categorical
        # Labels are read as text, or site 007 would become 7 and a class another one.
        ids = dict.fromkeys([*config.data.ids, *(name for name in labels if name)])
        stored = reading_settings(config.data.reading() | {"ids": tuple(ids)} | changed)
        names = [*config.features, *config.forcings.values()]
    elif changed:
        stored = reading_settings(changed)
    plain = ReadingSettings(missing=stored.missing, ids=stored.ids)
    stamps = [name for name in (config and config.data.time,) if name]
    try:
        frame = read_with(data, stored, names, stamps)
        # New files often come as plain csv although the training file did not: where
        # the stored form fails, or finds none of the columns, the plain one is tried.
        if changed or stored == plain or set(names) & set(frame.columns):
            return frame, stored
    except DataError as error:
        if changed or stored == plain:
            raise _with_option(error) from error
    try:
        return read_with(data, plain, names, stamps), plain
    except DataError as error:
        raise _with_option(error) from error


def _with_option(error: DataError) -> DataError:
    """Say how keys that a message proposes are given to a prediction."""
    hint = " (here --set data.KEY=VALUE)" if "data: {" in str(error) else ""
    return DataError(f"{error}{hint}")


def _row_names(config: "RunConfig | None") -> list[str]:
    """Return the columns of a run that say which row it is: time, groups, ids."""
    from discovery.tables.networks import time_of

    if config is None:
        return []
    names = [time_of(config.data), config.data.groups, *config.data.ids]
    return list(dict.fromkeys(name for name in names if name))


def _stamps(
    config: "RunConfig | None", frame: "pd.DataFrame"
) -> "tuple[str, np.ndarray] | None":
    """Return the time column of a run and its dates, where the file has such stamps."""
    from discovery.tables.networks import time_of
    from sciren.data.stamps import time_column

    name = None if config is None else time_of(config.data)
    if config is None or name is None or name not in frame.columns:
        return None
    layout = None if config.data.format else config.data.time_format
    zone = config.data.timezone
    try:
        return name, time_column(frame[name], frame.index, name, layout, zone)
    except DataError:  # stamps of another kind are passed through as they are written
        return None


def _check_present(frame: "pd.DataFrame", columns: Sequence[str]) -> None:
    present = list(map(str, frame.columns))
    for name in columns:
        if name not in present:
            raise ColumnError(
                f"--columns {name}: there is no such column. "
                f"{closest_names(name, present)}"
            )


def passed_through(
    frame: "pd.DataFrame",
    row_names: Sequence[str],
    columns: Sequence[str],
    predicted: Collection[str],
) -> "pd.DataFrame":
    """Return the columns that go from the file to the results.

    Args:
        frame: rows of the file.
        row_names: columns that are taken where they are there.
        columns: columns that were asked for.
        predicted: names of the results; a column of such a name gets another.
    """
    taken = [n for n in row_names if n in frame.columns and n not in predicted]
    passed = frame.loc[:, list(dict.fromkeys([*taken, *columns]))]
    names = [f"{n}{GIVEN}" if n in predicted else n for n in map(str, passed.columns)]
    return passed.set_axis(names, axis=1)
