"""A configuration for a table of series, from its columns: groups, time, process, split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.decoders.dynamic import DynamicModel

TIMES = ("time", "date", "datetime", "timestamp", "day", "t", "doy")
UNITS = {"_s": "s", "_min": "min", "_h": "h", "_d": "d", "_yr": "yr"}
"""End of the name of a column of times -> its unit."""
GROUPS = (
    "site", "basin", "catchment", "gauge", "station", "subject", "person", "plot", "group",
    "id", "site_id", "basin_id", "gauge_id", "station_id",
)  # fmt: skip
WORDS: Mapping[str, Sequence[str]] = {
    "p": ("precip", "precipitation", "prcp", "rain", "rainfall"),
    "rain": ("p", "precip", "precipitation", "prcp", "rainfall"),
    "ta": (
        "t",
        "temp",
        "temperature",
        "tair",
        "tmean",
        "tas",
        "airtemp",
        "air_temperature",
    ),
    "pet": ("et0", "pe", "potential_evapotranspiration", "evap_pot"),
    "pan": ("pan_evaporation",),
    "q": ("discharge", "runoff", "flow", "streamflow", "qobs", "q_obs"),
    "e": ("et", "aet", "evapotranspiration", "evaporation"),
    "doy": ("budburst", "budbreak", "event_day"),
}
"""Name in a process of the shelf -> what columns of it are called, without units."""

FEW = 5  # groups; fewer leave no group out of which a relation could be judged


@dataclass(frozen=True)
class Suggestion:
    """Settings for a table of series, and what they were read from.

    Attributes:
        settings: content of a configuration;  comments: what was seen, one a line.
    """

    settings: dict[str, Any]
    comments: tuple[str, ...]


def suggest_series(path: Path) -> Suggestion:
    """Say how a table of series may be read, and which process of the shelf takes it.

    Args:
        path: CSV, Parquet or Excel; one row a group and time.
    Raises:
        ConfigError: no column holds times, rows are no series, or no process fits.
        DataError: the file cannot be read.
    """
    from discovery.tables.sources import read_frame

    frame = read_frame(path)
    time = _time_of(frame, path)
    group = _group_of(frame, time, path)
    numeric = [
        str(n) for n in frame.select_dtypes("number").columns if n not in (time, group)
    ]
    model, forcings, targets = _process_for(numeric, path)
    static = _static(
        frame, group, [n for n in numeric if n not in _used(forcings, targets)]
    )
    count = 1 if group is None else len(set(_column(frame, group).tolist()))
    features = static if count >= FEW else []
    data: dict[str, Any] = {"path": str(path), "time": time}
    if group is not None:
        data["groups"] = group
    split = (
        {"kind": "group"}
        if features
        else {"kind": "time", **_periods(_column(frame, time))}
    )
    settings = {
        "data": data, "features": features, "decoder": model.name, "forcings": forcings,
        "targets": targets, "split": split, "out": f"runs/{path.name.split('.')[0]}",
    }  # fmt: skip
    if not _stamps(_column(frame, time)):
        settings["units"] = {time: _time_word(time)[1]}
    return Suggestion(settings, _comments(frame, group, model, static, features, count))


def _used(*named: Mapping[str, str]) -> set[str]:
    return {column for pairs in named for column in pairs.values()}


def _bare(name: str) -> str:
    """Return a column's name without unit and case: "PET [mm/d]" -> pet."""
    word = name.lower().split("[")[0].split("(")[0].strip().replace(" ", "_")
    for end in ("_mm", "_degc", "_mm_d", "_c"):
        word = word.removesuffix(end)
    return word


def _time_word(name: str) -> tuple[str, str]:
    """Return the bare name of a column of times, and its unit: time_min -> time, min."""
    word = _bare(name)
    for end, unit in UNITS.items():
        if word.endswith(end) and word.removesuffix(end) in TIMES:
            return word.removesuffix(end), unit
    return word, "d"


def _stamps(values: "pd.Series") -> bool:
    return values.dtype.kind not in "iuf"


def _time_of(frame: "pd.DataFrame", path: Path) -> str:
    import pandas as pd

    for name in sorted(frame.columns, key=lambda n: _time_word(str(n))[0] not in TIMES):
        values, known = _column(frame, str(name)), _time_word(str(name))[0] in TIMES
        # Numbers are times under a name that says so; texts are where they read as such.
        if not _stamps(values):
            if known:
                return str(name)
            continue
        head = values.dropna().head(50)
        read = pd.to_datetime(head.astype(str), errors="coerce", format="mixed")
        if len(head) and bool(read.notna().all()):
            return str(name)
    raise ConfigError(
        f"{path}: no column holds times; call it time, date or day, or time_min where it "
        "counts minutes, or write the configuration of a table without series: sciren init "
        "FOLDER"
    )


def _group_of(frame: "pd.DataFrame", time: str, path: Path) -> str | None:
    """Return the column under which every time occurs once; None where it does alone."""
    if not frame[time].duplicated().any():
        return None
    named = [n for n in frame.columns if _bare(str(n)) in GROUPS]
    texts = [n for n in frame.columns if frame[n].dtype.kind in "OSU" and n != time]
    for name in dict.fromkeys([*named, *texts]):
        if not frame.duplicated([name, time]).any():
            return str(name)
    twice = int(frame[time].duplicated().to_numpy().argmax())
    raise ConfigError(
        f"{path}: time {frame[time].iloc[twice]} occurs twice, and no column tells groups "
        f"apart; call it site, basin or {GROUPS[-5]}, so that every group has a time once"
    )


def _static(
    frame: "pd.DataFrame", group: str | None, names: Sequence[str]
) -> list[str]:
    """Return the columns that are constant in every group, and differ between groups."""
    if group is None:
        return []
    codes = _column(frame, group).astype(str).to_numpy(dtype=str)
    labels, first, place = np.unique(codes, return_index=True, return_inverse=True)
    static = []
    for name in names:
        values = _column(frame, name).to_numpy(dtype=float)
        own = values[first]
        # What is the same in all groups cannot explain why they differ.
        if len(labels) > 1 and np.ptp(own) > 0 and bool((values == own[place]).all()):
            static.append(name)
    return static


def _column(frame: "pd.DataFrame", name: str) -> "pd.Series":
    return cast("pd.Series", frame[name])


def _process_for(
    columns: Sequence[str], path: Path
) -> "tuple[DynamicModel, dict[str, str], dict[str, str]]":
    """Return the process with states of the shelf that uses most of the columns."""
    from sciren.decoders.dynamic import DynamicModel
    from sciren.processes import SHELF

    best, closest = None, ("", ["every column"])
    for model in SHELF.values():
        if not isinstance(model, DynamicModel):
            continue
        names = (*model.forcings, *model.targets)
        matched = _matched(names, columns)
        missing = [name for name in names if name not in matched]
        if not missing and (best is None or len(matched) > len(best[1])):
            best = model, matched
        # A process of which the table has nothing is not close, however little it needs.
        if matched and (len(missing) < len(closest[1]) or not closest[0]):
            closest = model.name, missing
    if best is None:
        near = (
            f"the closest, {closest[0]}, also needs {', '.join(closest[1])}"
            if closest[0]
            else f"none knows any of {', '.join(columns) or 'no numbers'}"
        )
        raise ConfigError(
            f"{path}: no process with memory of the shelf takes its columns; {near}. Name "
            "the columns as `sciren processes` does, or write your own process: sciren init "
            "FOLDER --process-model"
        )
    model, matched = best
    forcings, targets = (
        {name: matched[name] for name in part}
        for part in (model.forcings, model.targets)
    )
    return model, forcings, targets


def _matched(names: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Return name -> column, each column once; names themselves before other words."""
    matched: dict[str, str] = {}
    for words in (lambda n: (n,), lambda n: WORDS.get(n, ())):
        for name in names:
            for column in columns:
                free = name not in matched and column not in matched.values()
                if free and _bare(column) in words(name):
                    matched[name] = column
    return matched


def _periods(values: "pd.Series") -> dict[str, list[Any]]:
    """Return periods of three fifths, a fifth and a fifth of the times."""
    import pandas as pd

    stamps = _stamps(values)
    known = np.unique((pd.to_datetime(values) if stamps else values).to_numpy())
    ends = [known[int(share * (len(known) - 1))] for share in (0, 0.6, 0.8, 1)]
    after = [known[min(int(share * (len(known) - 1)) + 1, len(known) - 1)]
             for share in (0.6, 0.8)]  # fmt: skip

    def written(value: Any) -> Any:
        return str(pd.Timestamp(value).date()) if stamps else float(value)

    first = [ends[0], *after]
    pairs = zip(("train", "valid", "test"), first, ends[1:], strict=True)
    return {name: [written(a), written(b)] for name, a, b in pairs}


def _comments(
    frame: "pd.DataFrame",
    group: str | None,
    model: "DynamicModel",
    static: Sequence[str],
    features: Sequence[str],
    count: int,
) -> tuple[str, ...]:
    whole = f"{len(frame):,} rows" + (f" of {count} groups ({group})" if group else "")
    lines = [
        f"{whole}; the process {model.name} takes the columns (sciren processes {model.name})",
    ]
    if features:
        lines.append(
            "features are constant in every group: they predict its parameters"
        )
    elif static:
        lines.append(
            f"{count} groups are too few for relations with {', '.join(static)}"
        )
    if not features:
        lines.append("every group gets numbers of its own, judged in a later period")
    return tuple(lines)
