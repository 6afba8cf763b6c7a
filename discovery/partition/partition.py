"""partition: from a tower's file to equations of uptake and respiration, and sums."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.file import config_from_mapping
from discovery.partition.checks import check_enough
from discovery.partition.record import Partition, PartitionOptions
from discovery.partition.sums import (
    FLUXES,
    Parts,
    daily_means,
    replicate_sums,
    tower_threshold,
    usable,
    with_intervals,
)
from discovery.partition.tower import Tower, read_tower
from discovery.runs.alone import alone
from discovery.runs.files import make_folder, write_csv, write_json
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray
Say = Callable[[str], None]

NIGHT, DAY = "night", "day"
FINISHED, UNFINISHED = "partition.json", "partition.unfinished"


def partition(
    path: Path,
    out: Path,
    options: PartitionOptions | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Partition:
    """Partition the net exchange of a tower into uptake and respiration.

        night: nee = rb(x) f(ta)
        day: rb(x) f(ta) - nee = alpha(x) beta(x) rg/(alpha(x) rg + beta(x)), beta less in
        dry air

    rb, alpha and beta are equations of slow drivers x, found and judged by two runs.

    Args:
        path: table of half hours, FLUXNET columns or plain names.
        out: folder of the results.
        overwrite: whether results that are there may be replaced; they go when the work
            begins.
        quiet: no progress on stderr.
    Raises:
        SciRenError: the table cannot be used, or a run fails.
    """
    from discovery.runs.workflow import progress_of

    options = options or PartitionOptions()
    _check_free(out, overwrite)
    tower = read_tower(path, options.columns)
    say = progress_of(quiet).say
    speed, speeds = tower_threshold(tower.frame, options.replicates, options.seed)
    rows = usable(tower.frame, speed)
    check_enough(tower.frame, rows, path)
    with alone(out, "partition"):
        _check_free(out, overwrite)  # another process may have been faster
        _begin(out)
        calm = (
            f", friction velocity at night at least {speed:.3g} m s-1" if speed else ""
        )
        say(f"{len(rows):,} measured half hours{calm}")
        parts = _parts(tower, rows, out, options, quiet)
        return _finished(tower, parts, speed, speeds, out, options, say)


def _begin(out: Path) -> None:
    """Mark the folder as ours while it grows, so that the next call may replace it."""
    make_folder(out)
    (out / UNFINISHED).touch()
    # Half of new results beside the old summary would pass for a partitioning.
    (out / FINISHED).unlink(missing_ok=True)


def _check_free(out: Path, overwrite: bool) -> None:
    """Leave alone what is no partitioning, and one that is finished unless told."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if (out / FINISHED).is_file() and not overwrite:
        raise ConfigError(
            f"{out}: a partitioning is there already; choose another folder, or replace "
            "it with --overwrite"
        )
    if not ((out / FINISHED).is_file() or (out / UNFINISHED).is_file()):
        raise ConfigError(
            f"{out}: holds something else than a partitioning, so it is left alone; "
            "choose another folder"
        )


def _parts(
    tower: Tower,
    rows: Array,
    out: Path,
    options: PartitionOptions,
    quiet: bool,
) -> Parts:
    """Find the equations of the night, and with them those of the day."""
    from discovery.partition.response import Response
    from discovery.results.result import Discovery
    from discovery.runs.workflow import run

    part = tower.frame.iloc[rows]
    dark, lit = part[part.night.to_numpy()], part[~part.night.to_numpy()]

    def response(name: str, frame: "pd.DataFrame", flux: Array) -> Response:
        settings = _settings(name, tower, options)
        table = out / f"{name}.csv"
        write_csv(table, _table(frame.assign(flux=flux), tower, settings, options))
        config = config_from_mapping(settings | _places(out, name))
        folder = run(config, overwrite=True, quiet=quiet)  # of this folder, as checked
        (target,) = settings["targets"]
        return Response(Discovery.load(folder), settings["forcings"], target)

    night = response(NIGHT, dark, dark.nee.to_numpy())
    # Respiration of the day is that of the night's equation at the day's temperature;
    # what is left of net exchange is uptake.
    uptake = night.flux(lit, night.found) - lit.nee.to_numpy()
    return Parts(night, response(DAY, lit, uptake), options.rows)


def _settings(name: str, tower: Tower, options: PartitionOptions) -> dict[str, Any]:
    process: dict[str, Any] = {
        "decoder": options.response,
        "forcings": {"ta": "ta"},
        "targets": {"reco": "flux"},
    }
    if name == DAY and tower.dry_air:
        process = {
            "decoder": "light_response_vpd",
            "forcings": {"rg": "rg", "vpd": "vpd"},
            "targets": {"gpp": "flux"},
        }
    elif name == DAY:
        process = {
            "decoder": "rectangular_hyperbola",
            "forcings": {"light": "rg"},
            "targets": {"gpp": "flux"},
        }
    units = {"ta": "degC", "rg": "W m-2", "vpd": "hPa", "flux": "umol m-2 s-1"}
    # A slow driver has the unit of what it is the mean of.
    used = [*tower.features, *process["forcings"].values(), "flux"]
    base = {name: name.removesuffix("_slow") for name in used}
    return process | {
        "features": list(tower.features),
        "units": {n: units[b] for n, b in base.items() if b in units},
        "encoder": {"kind": "kan", "hidden": []},
        "split": {"kind": "column", "column": "split"},
        # resamples of weeks follow for the sums, so the runs need none of their own
        "train": {"bootstrap": 0},
        "discovery": {"bootstrap": 0, "baselines": False},
        "seed": options.seed,
    }  # fmt: skip


def _places(out: Path, name: str) -> dict[str, Any]:
    return {
        "data": {"path": str(out.resolve() / f"{name}.csv"), "time": "time"},
        "out": str(out.resolve() / name),
    }


def _table(
    frame: "pd.DataFrame",
    tower: Tower,
    settings: Mapping[str, Any],
    options: PartitionOptions,
) -> "pd.DataFrame":
    names = ["time", *tower.features, *settings["forcings"].values(), "flux", "split"]
    places = np.linspace(0, len(frame) - 1, min(options.rows, len(frame)))
    return frame.iloc[places.round().astype(int)][list(dict.fromkeys(names))]


def _finished(
    tower: Tower,
    parts: Parts,
    speed: float,
    speeds: Array,
    out: Path,
    options: PartitionOptions,
    say: Say,
) -> Partition:
    """Make sums, intervals, scores and the summary, and write them."""
    import pandas as pd

    from discovery.partition.scores import scores_of
    from discovery.partition.summary import summarise

    frame = tower.frame
    rows = usable(frame, speed)
    # Two fits of the same equations: to all rows for the sums, without the test days
    # for the scores.
    fluxes = parts.fluxes(frame, parts.fit(frame, rows))
    learned = rows[(frame.split != "test").to_numpy()[rows]]
    scored = parts.fluxes(frame, parts.fit(frame, learned))["nee"]
    measured = frame.nee.to_numpy()
    fluxes["nee_filled"] = np.where(np.isfinite(measured), measured, fluxes["nee"])
    daily = pd.DataFrame(daily_means(frame, fluxes))
    say(f"intervals: {options.replicates} resamples of weeks")
    drawn, constants = replicate_sums(parts, frame, speeds, options.seed)
    daily.index.name = drawn.index.name = "day"
    year = pd.DatetimeIndex(daily.index).year.rename("year")
    sums = pd.DataFrame(daily.groupby(year).sum())
    # Resamples are summed to years first and then give quantiles: limits of days do not
    # add.
    yearly = with_intervals(sums, pd.DataFrame(drawn.groupby(year).sum()))
    yearly = _with_speeds(yearly, parts, frame, speeds).assign(days=year.value_counts())
    daily = with_intervals(daily, drawn)
    scores, e0 = scores_of(tower, scored, rows)
    summary = summarise(out, tower, speed, speeds, constants, e0)
    for name, table in (("daily", daily), ("yearly", yearly)):
        write_csv(out / f"{name}.csv", table.reset_index())
    write_csv(out / "fluxes.csv", pd.DataFrame({"time": frame.time, **fluxes}))
    write_csv(out / "scores.csv", scores)
    write_json(out / FINISHED, dict(summary))
    (out / UNFINISHED).unlink()
    return Partition(out, daily, yearly, scores, summary)


def _with_speeds(
    yearly: "pd.DataFrame", parts: Parts, frame: "pd.DataFrame", speeds: Array
) -> "pd.DataFrame":
    """Add what the threshold of friction velocity alone moves: its 5 and 95 %."""
    import pandas as pd

    if not speeds.any():
        return yearly
    for end, share in (("calm", 0.05), ("windy", 0.95)):
        rows = usable(frame, float(np.quantile(speeds, share)))
        daily = daily_means(frame, parts.fluxes(frame, parts.fit(frame, rows)))
        years = pd.DatetimeIndex(next(iter(daily.values())).index).year
        sums = {f"{n}_{end}": daily[n].groupby(years).sum() for n in FLUXES}
        yearly = yearly.assign(**sums)
    return yearly
