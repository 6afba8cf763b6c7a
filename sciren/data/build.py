"""From a DataFrame to the checked arrays of a Table (numpy and pandas only)."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, get_type_hints

import numpy as np
import pandas as pd

from sciren.data import frames
from sciren.data.conversion import as_frame
from sciren.data.kinds import (
    NUMERIC,
    FeatureKind,
    Kinds,
    kinds_in_order,
    kinds_of,
)
from sciren.data.labels import label_codes, row_name
from sciren.data.markers import refuse_markers, replace_markers
from sciren.data.stamps import time_column
from sciren.errors import ConfigError, DataError, DataWarning, closest_names

Names = Sequence[str] | Mapping[str, Any]

# A spread this small against the values themselves is rounding, not information.
_CONSTANT_BELOW = 1e-12

_GAP_MARKER = -9999.0  # of FLUXNET, AmeriFlux, ICOS and most climate archives


@dataclass
class Arrays:
    """Every row of the frame, checked column by column; the fields are Table's."""

    features: np.ndarray
    forcings: dict[str, np.ndarray]
    targets: np.ndarray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    forcing_columns: dict[str, str]
    target_columns: dict[str, str]
    units: dict[str, str]
    weights: np.ndarray | None
    blocks: np.ndarray
    time: np.ndarray | None
    row_ids: np.ndarray
    groups: np.ndarray | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, FeatureKind] = field(default_factory=dict)

    def keep(self, rows: np.ndarray) -> None:
        """Leave only the rows where the (n,) mask is true."""
        self.features, self.targets = self.features[rows], self.targets[rows]
        self.forcings = {name: part[rows] for name, part in self.forcings.items()}
        self.weights = None if self.weights is None else self.weights[rows]
        self.time = None if self.time is None else self.time[rows]
        # Numbered anew: what counts blocks would count those that were dropped.
        self.blocks = frames.consecutive(self.blocks[rows])
        self.row_ids = self.row_ids[rows]
        self.groups = None if self.groups is None else self.groups[rows]


class CellReading(TypedDict, total=False):
    """How the cells of a table are read.

    Attributes:
        constant: a feature with one value only is an error (``"raise"``, the default), or
            kept (``"keep"``).
        time_format: of the time stamps, such as ``%d.%m.%Y %H:%M``; default: ISO 8601, or
            digits such as 201301310015.
        gap_markers: numbers or words that mark missing values.
        not_missing: numbers that look like gap markers and are data.
    """

    constant: Literal["raise", "keep"]
    time_format: str | None
    gap_markers: Sequence[float | str]
    not_missing: Sequence[float]


class TableReading(CellReading, total=False):
    """How the rows of a `Table` are read, beside what `CellReading` says.

    Attributes:
        missing: rows with an empty feature or forcing are dropped and counted in
            ``dropped`` (``"drop"``, the default), or an error (``"raise"``).
        missing_forcing: ``"keep"`` leaves nan in the forcings, for prediction of latents
            only; the default is ``"drop"``.
        timezone: clock to which stamps with an offset are brought, such as ``+01:00``;
            default: theirs.
        categorical: features that are classes; truth values, pandas categories and text
            that is mostly no numbers and no dates always are.
        periodic: feature -> period in its unit, such as ``{"doy": 365.25}``.
        kinds: of features, where they are known, such as those of a model.
    """

    missing: Literal["drop", "raise"]
    missing_forcing: Literal["drop", "keep"]
    timezone: str | None
    categorical: Sequence[str]
    periodic: Mapping[str, float] | None
    kinds: Kinds | None


def check_options(given: Mapping[str, Any], options: type, caller: str) -> None:
    """Refuse keywords that no option has.

    Raises:
        ConfigError: with the closest name.
    """
    options_known = sorted(get_type_hints(options))
    for name in given:
        if name not in options_known:
            raise ConfigError(
                f"{caller} has no option {name!r}. {closest_names(name, options_known)}"
            )


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which columns of a frame are what, and how they are read; see ``Table.from_frame``."""

    features: Sequence[str]
    forcings: Names = ()
    targets: Names = ()
    units: Mapping[str, str] | None = None
    time: Any = None
    weights: Any = None
    groups: Any = None
    missing: Literal["drop", "raise"] = "drop"
    constant: Literal["raise", "keep"] = "raise"
    missing_forcing: Literal["drop", "keep"] = "drop"
    time_format: str | None = None
    timezone: str | None = None
    gap_markers: Sequence[float | str] = ()
    not_missing: Sequence[float] = ()
    categorical: Sequence[str] = ()
    periodic: Mapping[str, float] | None = None
    kinds: Kinds | None = None

    def __post_init__(self) -> None:
        _check_choice("missing", self.missing, ("drop", "raise"))
        _check_choice("constant", self.constant, ("raise", "keep"))
        _check_choice("missing_forcing", self.missing_forcing, ("drop", "keep"))
        if isinstance(self.features, str):
            object.__setattr__(self, "features", (self.features,))

    @property
    def labels(self) -> list[str]:
        """Columns whose cells are names, not amounts."""
        named = (self.time, self.groups, *self.categorical)
        return [name for name in named if isinstance(name, str)]


def collect(frame: Any, roles: Roles) -> Arrays:
    """Check a frame and return the arrays of a Table; see ``Table.from_frame``."""
    frame = as_frame(frame)
    frames.check_unique_columns(frame)
    # Before anything else looks at cells: a declared marker is a gap in every role but
    # that of a label.
    frame = replace_markers(frame, roles.gap_markers, keep=roles.labels)
    names = tuple(roles.features)
    frames.check_columns(frame, names, "feature")
    forcing_columns, forcings = _split_names(frame, roles.forcings, "forcing")
    target_columns, _ = _split_names(frame, roles.targets, "target", arrays=False)
    kinds = kinds_of(frame, names, roles.categorical, roles.periodic, roles.kinds)
    stamps, row_weights, blocks = _row_data(frame, roles)
    arrays = Arrays(
        features=_features(frame, names, kinds),
        forcings=forcings,
        targets=_stack(frame, target_columns.values()),
        feature_names=names,
        target_names=tuple(target_columns),
        forcing_columns=forcing_columns,
        target_columns=target_columns,
        units=_units(frame, roles, forcing_columns, forcings, target_columns),
        weights=row_weights,
        blocks=blocks,
        time=stamps,
        row_ids=np.arange(len(frame)),
        groups=None if roles.groups is None else blocks,
        kinds=kinds,
    )
    # Checks below see usable rows only: what is constant or a marker among them counts.
    _drop_incomplete(arrays, frame.index, roles.missing, roles.missing_forcing)
    _check_targets(arrays)
    # Codes of classes may lie anywhere; 9999 may be a class.
    amounts = {n: v for n, v in _columns(arrays).items() if n not in kinds}
    refuse_markers(amounts, roles.not_missing)
    _warn_of_markers(arrays, roles.not_missing)
    if roles.constant == "raise":
        _check_not_constant(arrays)
    return arrays


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name}={value!r} does not exist; use one of {choices}")


def _features(frame: pd.DataFrame, names: Sequence[str], kinds: Kinds) -> np.ndarray:
    pairs = zip(names, kinds_in_order(kinds, names), strict=True)
    columns = [kind.encoded(frame, name) for name, kind in pairs]
    return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))


def _stack(frame: pd.DataFrame, names: Any) -> np.ndarray:
    columns = [frames.numeric_column(frame, name) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))


def _split_names(
    frame: pd.DataFrame, names: Names, role: str, arrays: bool = True
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return decoder's name -> column, and decoder's name -> values in frame order."""
    if isinstance(names, str):
        names = (names,)
    wanted = dict(names) if isinstance(names, Mapping) else {n: n for n in names}
    if not isinstance(names, Mapping):
        frames.check_columns(frame, list(names), role)
    columns = {name: c for name, c in wanted.items() if isinstance(c, str)}
    for column in columns.values():
        frames.check_columns(frame, [column], role)
    values = {}
    for name, source in wanted.items():
        if name in columns:
            values[name] = frames.numeric_column(frame, source)
        elif arrays:
            values[name] = _array(source, frame, f"{role} {name!r}")
        else:
            raise DataError(f"{role} {name!r} must name a column, got {source!r}")
    return columns, values


def _array(source: Any, frame: pd.DataFrame, name: str) -> np.ndarray:
    values = frames.leading_rows(source, len(frame), name).astype(np.float64)
    infinite = np.isinf(values).reshape(len(values), -1).any(axis=1)
    if infinite.any():
        where = row_name(frame.index, int(infinite.argmax()))
        raise DataError(f"{name} is infinite in {where}; use nan for missing values")
    return values


def _units(
    frame: pd.DataFrame,
    roles: Roles,
    forcing_columns: Mapping[str, str],
    forcings: Mapping[str, Any],
    targets: Mapping[str, str],
) -> dict[str, str]:
    """Return the units of the columns in use; given ones go before the frame's own."""
    known = dict(frame.attrs.get("units", {})) | dict(roles.units or {})
    arrays = [name for name in forcings if name not in forcing_columns]
    used = {*roles.features, *forcing_columns.values(), *arrays, *targets.values()}
    return {name: unit for name, unit in known.items() if name in used}


def _row_data(
    frame: pd.DataFrame, roles: Roles
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray]:
    """Return time stamps, weights and blocks of every row."""

    def values(source: Any, role: str) -> Any:
        if isinstance(source, str):
            frames.check_columns(frame, [source], role)
            return frame[source].reset_index(drop=True)
        return frames.leading_rows(source, len(frame), role)

    time, weights, groups = roles.time, roles.weights, roles.groups
    stamps = row_weights = None
    if time is not None:
        label = time if isinstance(time, str) else "time"
        stamps = time_column(
            values(time, "time"),
            frame.index,
            label,
            roles.time_format,
            roles.timezone,
        )
    if isinstance(weights, str):
        frames.check_columns(frame, [weights], "weights")
        row_weights = frames.numeric_column(frame, weights)
    elif weights is not None:
        row_weights = frames.leading_rows(weights, len(frame), "weights").astype(float)
    if row_weights is not None:
        row_weights = frames.check_weights(row_weights, frame.index)
    # Unit of resampling: what was said (groups), else what weather and seasons share (a
    # week), else the row.
    if groups is not None:
        label = f"group column {groups!r}" if isinstance(groups, str) else "groups"
        blocks = label_codes(values(groups, "groups"), frame.index, label)[0]
    elif stamps is not None:
        blocks = frames.week_blocks(stamps)
    else:
        blocks = np.arange(len(frame))
    return stamps, row_weights, blocks


def _drop_incomplete(
    arrays: Arrays, index: pd.Index, missing: str, missing_forcing: str
) -> None:
    """Drop rows with an empty feature or forcing; a row counts for its first gap."""
    rows = len(index)
    if rows == 0:
        raise DataError("the data have no rows; check the file and the row filter")
    gaps = {
        f"missing feature {name}": np.isnan(arrays.features[:, i])
        for i, name in enumerate(arrays.feature_names)
    }
    if missing_forcing == "drop":
        for name, values in arrays.forcings.items():
            column = arrays.forcing_columns.get(name, name)
            gap = np.isnan(values).reshape(rows, -1).any(axis=1)
            gaps[f"missing forcing {column}"] = np.asarray(gap)
    keep = np.ones(rows, dtype=bool)
    for reason, gap in gaps.items():
        # Counted once, for the first reason, so that counts add up to the rows left
        # out.
        new = keep & gap
        if new.any():
            arrays.dropped[reason] = int(new.sum())
            keep &= ~gap
            if missing == "raise":
                where = row_name(index, int(new.argmax()))
                raise DataError(
                    f"{reason} in {where} ({int(new.sum())} of {rows} rows); fill the "
                    "gap or remove these rows"
                )
    if not keep.any():
        reasons = "; ".join(f"{why}: {count}" for why, count in arrays.dropped.items())
        raise DataError(
            f"none of the {rows} rows has every feature and forcing ({reasons}); "
            "leave out the emptiest column"
        )
    if not keep.all():
        arrays.keep(keep)


def _check_targets(arrays: Arrays) -> None:
    for name, values in zip(arrays.target_names, arrays.targets.T, strict=True):
        if np.isnan(values).all():
            raise DataError(
                f"target column {arrays.target_columns[name]!r} has no value in any of "
                f"the {len(values)} usable rows; name another column or other rows"
            )


def _columns(arrays: Arrays) -> dict[str, np.ndarray]:
    """Return every column in use by its name, (n,) or (n, ...)."""
    columns = dict(zip(arrays.feature_names, arrays.features.T, strict=True))
    targets = dict(zip(arrays.target_names, arrays.targets.T, strict=False))
    for names, parts in (
        (arrays.forcing_columns, arrays.forcings),
        (arrays.target_columns, targets),
    ):
        columns |= {column: parts[name] for name, column in names.items()}
    return columns


def _warn_of_markers(arrays: Arrays, data: Sequence[float]) -> None:
    """Warn of the usual gap marker where it lies among the other values."""
    for name, values in _columns(arrays).items():
        count = int((values == _GAP_MARKER).sum())
        if count and _GAP_MARKER not in data:
            warnings.warn(
                f"column {name!r} is {_GAP_MARKER:g} in {count} of {len(values)} rows; "
                "if that marks missing values, leave these cells empty",
                DataWarning,
                stacklevel=4,
            )


def _check_not_constant(arrays: Arrays) -> None:
    for name, values in zip(arrays.feature_names, arrays.features.T, strict=True):
        kind = arrays.kinds.get(name, NUMERIC)
        if np.ptp(values) <= _CONSTANT_BELOW * np.abs(values).max():
            raise DataError(
                f"feature {name!r} is {kind.shown(values[0])} in all {len(values)} "
                "usable rows; "
                "a constant column teaches nothing, remove it from the features"
            )
