"""Targets and latents for new rows, by the equations or by the network of a run."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from discovery.results.record import DiscoveryRecord, equations_of
from discovery.runs.files import read_json
from discovery.runs.stored import load_discovery, network_of, stored_config
from sciren.errors import (
    ColumnError,
    ConfigError,
    DataError,
    DataWarning,
    closest_names,
)

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table

Using = Literal["equations", "network"]

ENDINGS = (".csv", ".csv.gz", ".parquet")


def predict(
    run: Path,
    data: Path,
    out: Path,
    using: Using = "equations",
    overwrite: bool = False,
) -> str:
    """Write targets and latents for every row of a file; return a line about it.

    One row is written for each row of the file. Rows with a missing feature are empty;
    where a forcing is missing, the latents are there and the targets empty. By the
    equations of a run with a bootstrap, columns such as ``rb_low`` and ``rb_high`` follow:
    95 % intervals of what the equations give, without the noise of an observation.

    Args:
        run: folder of the discovery.
        data: csv, csv.gz, parquet, NetCDF or Zarr.
        out: csv, csv.gz or parquet.
        using: the equations (needs neither network nor process model), or the network.
        overwrite: whether a file at ``out`` may be replaced.
    Raises:
        ConfigError: ``out`` cannot be written, or the run has no equations.
        DataError: run or file cannot be read, or a column cannot be used.
    """
    from discovery.runs.folder import open_run
    from discovery.runs.manifest import edited_note

    _check_out(out, overwrite)
    discovery = load_discovery(open_run(run))
    frame = _read_like_training(Path(run), data)
    try:
        result = predict_frame(discovery, frame, using, intervals=True)
    except ColumnError as error:
        raise ColumnError(f"{data}: {error}") from error
    except DataError as error:
        raise DataError(f"{data}: {error}") from error
    if edited_note(Path(run)):
        result = result.assign(edited=1)
    _write(out, result)
    if discovery.consistency == "FAIL" and using == "equations":
        warnings.warn(
            f"{run}: the verification of these equations FAILED; see its report",
            DataWarning,
            stacklevel=2,
        )
    return f"wrote {out}: {len(result):,} rows, {', '.join(result.columns)}, by {using}"


def _read_like_training(run: Path, data: Path) -> "pd.DataFrame":
    """Read new rows as the table of the run was read, or else as a plain table.

    Numbers and words that mark gaps, and ids, are those of the run either way.
    """
    from discovery.config.reading import ReadingSettings
    from discovery.tables.sources import read_with

    stored = ReadingSettings()
    names: list[str] = []
    if (run / "config.yaml").is_file():
        config = stored_config(run)
        stored = ReadingSettings.model_validate(config.data.reading())
        names = [*config.features, *config.forcings.values()]
    plain = ReadingSettings(missing=stored.missing, ids=stored.ids)
    try:
        frame = read_with(data, stored, names)
        if stored == plain or set(names) & set(frame.columns):
            return frame
    except DataError:
        if stored == plain:
            raise
    return read_with(data, plain, names)


def _check_out(out: Path, overwrite: bool) -> None:
    if not out.name.lower().endswith(ENDINGS):
        raise ConfigError(
            f"{out}: unknown kind of file; the known endings are {', '.join(ENDINGS)}"
        )
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; name a file in it")
    if out.exists() and not overwrite:
        raise ConfigError(
            f"{out}: is there already; choose another name, or replace it with "
            "--overwrite"
        )


def _write(out: Path, frame: "pd.DataFrame") -> None:
    from discovery.runs.files import write_csv, write_parquet

    out.parent.mkdir(parents=True, exist_ok=True)
    (write_parquet if out.name.lower().endswith(".parquet") else write_csv)(out, frame)


def predict_frame(
    discovery: DiscoveryRecord,
    frame: "pd.DataFrame",
    using: Using = "equations",
    intervals: bool = False,
) -> "pd.DataFrame":
    """Return targets and latents of every row of a frame, its index kept.

    Args:
        discovery: of a run, or from memory.
        frame: columns by name.
        using: the equations, or the network.
        intervals: also 95 % intervals of the equations, where resamples are known.

    Raises:
        ConfigError: there are no equations, or ``using`` does not exist.
        ColumnError: a feature is not in the frame.
        DataError: text or infinities in a column that is needed.
    """
    if using == "equations":
        return _by_equations(discovery, frame, intervals)
    if using != "network":
        raise ConfigError(
            f"using={using!r} does not exist; use 'equations' or 'network'"
        )
    return _by_network(discovery, frame)


def _by_equations(
    discovery: DiscoveryRecord, frame: "pd.DataFrame", intervals: bool
) -> "pd.DataFrame":
    from discovery.results.intervals import interval_columns

    model = equations_of(discovery)
    if model.process is None and model.target_names:
        return _by_network(discovery, frame, model)
    columns = _columns(frame, model.used_features(), model.forcing_columns)
    _warn_beyond(discovery, columns)
    with np.errstate(all="ignore"):
        result = model.predict(columns)
    if intervals and discovery.replicates is not None:
        limits = interval_columns(model, discovery.replicates, columns)
        result = result.assign(**{n: v for n, v in limits.items() if n not in result})
    return result.set_axis(frame.index, axis=0)


def _by_network(
    discovery: DiscoveryRecord, frame: "pd.DataFrame", equations: Any = None
) -> "pd.DataFrame":
    """Targets and latents by torch; with equations these give the latents."""
    import pandas as pd
    import torch

    model = network_of(discovery)
    forcings = _forcing_columns(discovery)
    columns = _columns(frame, model.feature_names, forcings)
    _warn_beyond(discovery, columns)
    table, rows = _table(columns, model.feature_names, forcings)
    names = [*model.target_names, *model.latent_names]
    result = pd.DataFrame(np.nan, index=frame.index, columns=list(dict.fromkeys(names)))
    if not len(table):
        return result
    if equations is None:
        latents, constants = model.latents(table), model.constants()
    else:
        values = equations.latents({n: columns[n][rows] for n in model.feature_names})
        latents, constants = (
            torch.from_numpy(values.to_numpy(copy=True)),
            equations.constants,
        )
    shared = torch.tensor(list(constants.values()), dtype=torch.float64)
    with torch.no_grad():
        targets = model.decoder.evaluate(latents, shared, table.forcings)
    for names, part in ((model.latent_names, latents), (model.target_names, targets)):
        for name, column in zip(names, part.numpy().T, strict=True):
            values = np.full(len(frame), np.nan)
            values[rows] = column
            result[name] = values
    return result


def _forcing_columns(discovery: DiscoveryRecord) -> dict[str, str]:
    """Return the process model's name -> column of a run, or of the equations."""
    if discovery.folder is not None:
        return dict(read_json(discovery.folder / "data.json")["forcings"])
    if discovery.equations is not None:
        return dict(discovery.equations.forcing_columns)
    return {name: name for name in network_of(discovery).decoder.forcings}


def _columns(
    frame: "pd.DataFrame", features: Sequence[str], forcings: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return the columns that are needed; a forcing that is not there is all nan."""
    from sciren.data.frames import numeric_column

    present = list(map(str, frame.columns))
    columns = {}
    for name in features:
        if name not in present:
            raise ColumnError(
                f"there is no column {name!r}, which the model needs. "
                f"{closest_names(name, present)}"
            )
        columns[name] = numeric_column(frame, name)
    for name in forcings.values():
        if name in present:
            columns[name] = numeric_column(frame, name)
        else:
            columns[name] = columns.get(name, np.full(len(frame), np.nan))
            warnings.warn(
                f"there is no column {name!r} for the process model, so only the "
                f"latents are computed. {closest_names(name, present)}",
                DataWarning,
                stacklevel=4,
            )
    return columns


def _warn_beyond(discovery: DiscoveryRecord, columns: Mapping[str, np.ndarray]) -> None:
    """Warn where rows lie outside the data that the model was made from."""
    if discovery.folder is None:
        return
    ranges = read_json(discovery.folder / "data.json")["ranges"]
    for name, values in columns.items():
        if name not in ranges or np.isnan(values).all():
            continue
        low, high = ranges[name]
        share = float(np.nanmean((values < low) | (values > high)))
        if share > 0:
            warnings.warn(
                f"column {name!r}: {share:.1%} of the rows are outside {low:g} to "
                f"{high:g}, where the model was made; there it extrapolates",
                DataWarning,
                stacklevel=4,
            )


def _table(
    columns: Mapping[str, np.ndarray],
    features: Sequence[str],
    forcings: Mapping[str, str],
) -> "tuple[Table, np.ndarray]":
    """Return the rows with all features as a table, and their positions."""
    import torch

    from sciren.data import Table

    x = np.stack([columns[name] for name in features], axis=1)
    rows = np.flatnonzero(~np.isnan(x).any(1))
    given = {
        name: torch.tensor(columns[column][rows]) for name, column in forcings.items()
    }
    empty = torch.empty(len(rows), 0, dtype=torch.float64)
    table = Table(torch.tensor(x[rows]), given, empty, tuple(features), ())
    return table, rows
