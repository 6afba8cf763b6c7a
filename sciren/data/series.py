"""SeriesTable: series of groups with static and dynamic columns, padded and checked once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, Unpack

import numpy as np

from sciren.data.build import Names, Roles, check_options
from sciren.data.series_build import SeriesReading, collect_series
from sciren.errors import DataError, ShapeError, closest_names

DAY = np.timedelta64(1, "D").astype("timedelta64[ns]")


@dataclass(frozen=True, eq=False)
class SeriesTable:
    """Series of G groups (catchments, sites, people) in physical units.

    Series are padded at their ends to the longest, T rows: padded rows repeat the last
    one, so that a step over them has numbers, and are never compared.

    Args:
        groups: labels of the groups, G.
        lengths: (G,) number of rows of every group.
        static: (G, d) float64, features that are constant in a group.
        features: (T, G, k) float64, features that change in time.
        forcings: name in the process model -> (T, G) float64, no nan.
        targets: (T, G, m) float64, nan = not observed; m = 0 for prediction.
        static_names, feature_names, target_names: of the columns.
        forcing_columns, target_columns: name in the process model -> column.
        units: column -> unit.
        time: (T, G) datetime64[ns], or float64 where the column holds numbers.
        time_unit: of numbers, or "d" for stamps: of `intervals`.
        row_ids: (T, G) positions of the rows in the frame, -1 where padded.
        counted: (T, G) bool, rows that may be compared; the rows before them run.
        group_column, time_column: of the table that it was read from; None for one group.
    Raises:
        ShapeError: parts differ in their groups or rows.
    """

    groups: tuple[str, ...]
    lengths: np.ndarray
    static: np.ndarray
    features: np.ndarray
    forcings: Mapping[str, np.ndarray]
    targets: np.ndarray
    static_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    time: np.ndarray
    row_ids: np.ndarray
    counted: np.ndarray
    time_unit: str = "d"
    forcing_columns: Mapping[str, str] = field(default_factory=dict)
    target_columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    group_column: str | None = None
    time_column: str = "time"

    def __post_init__(self) -> None:
        shape = self.time.shape
        parts = {
            "features": self.features.shape[:2],
            "targets": self.targets.shape[:2],
            "row_ids": self.row_ids.shape,
            "counted": self.counted.shape,
        } | {f"forcing {name}": part.shape for name, part in self.forcings.items()}
        for name, size in parts.items():
            if size != shape:
                raise ShapeError(f"{name} have shape {size}, the time has {shape}")
        if not len(self.groups) == len(self.lengths) == len(self.static) == shape[1]:
            raise ShapeError(
                f"{len(self.groups)} groups, {len(self.lengths)} lengths and "
                f"{len(self.static)} static rows for {shape[1]} series"
            )

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def rows(self) -> int:
        """T, the number of rows of the longest group."""
        return len(self.time)

    @property
    def active(self) -> np.ndarray:
        """Where a row exists, (T, G) bool."""
        return np.arange(self.rows)[:, None] < self.lengths

    @property
    def intervals(self) -> np.ndarray:
        """Time from every row to the next of its group, (T, G), in `time_unit`.

        The last row of a group takes the interval before it, padded rows take 0.
        """
        ahead = np.diff(self.time, axis=0)
        if self.time.dtype.kind == "M":
            ahead = ahead / DAY
        steps = (
            np.concatenate([ahead, ahead[-1:]])
            if len(ahead)
            else np.ones(self.time.shape)
        )
        # Differences at the end of a group reach into its padding, where time repeats.
        last = self.lengths - 1
        columns = np.arange(len(self))
        steps[last, columns] = np.where(last > 0, steps[last - 1, columns], 1.0)
        return np.where(self.active, steps.astype(float), 0.0)

    def compared(self, warmup: int = 0) -> np.ndarray:
        """Where a target is compared, (T, G, m) bool: observed, counted, run in.

        Args:
            warmup: first rows of every group that only run.
        """
        late = np.arange(self.rows)[:, None] >= warmup
        usable = self.active & self.counted & late
        return usable[..., None] & ~np.isnan(self.targets)

    def take(self, groups: Sequence[int] | np.ndarray) -> Self:
        """Return the groups at these positions, without padding that only others need."""
        # Positions and masks alike become positions.
        chosen = np.arange(len(self))[np.asarray(groups)]
        rows = int(self.lengths[chosen].max()) if len(chosen) else 0
        cut = (slice(rows), chosen)
        return replace(
            self,
            groups=tuple(self.groups[k] for k in chosen),
            lengths=self.lengths[chosen],
            static=self.static[chosen],
            features=self.features[cut],
            forcings={name: part[cut] for name, part in self.forcings.items()},
            targets=self.targets[cut],
            time=self.time[cut],
            row_ids=self.row_ids[cut],
            counted=self.counted[cut],
        )

    def named(self, groups: Sequence[str]) -> Self:
        """Return the groups with these labels.

        Raises:
            DataError: no group has that label.
        """
        missing = [name for name in groups if name not in self.groups]
        if missing:
            raise DataError(
                f"no group is called {missing[0]!r}. {closest_names(missing[0], self.groups)}"
            )
        return self.take([self.groups.index(name) for name in groups])

    def within(self, first: Any, end: Any) -> Self:
        """Return the series up to a time, of which only rows in [first, end) count.

        Rows before the first run, so that states are right when the period begins; rows
        after the end are cut off.
        """
        # Rows after the end would only cost time: nothing before them depends on them.
        inside = self.active & (self.time >= first) & (self.time < end)
        lengths = (self.active & (self.time < end)).sum(0)
        keep = np.flatnonzero(inside.any(0))
        # At least one row, so that a group without any can be laid out; it is left out
        # next.
        limited = replace(
            self, counted=self.counted & inside, lengths=np.maximum(lengths, 1)
        )
        return limited.take(keep)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        group: str | None,
        time: str,
        static: Sequence[str] = (),
        features: Sequence[str] = (),
        forcings: Names = (),
        targets: Names = (),
        **reading: Unpack[SeriesReading],
    ) -> Self:
        """Take the series from a long table: one row a group and time, in any order.

        Args:
            frame: a pandas, polars or pyarrow table, or a mapping column -> array.
            group: column of the groups (catchments, sites, people); None: one group.
            time: column of time stamps, or of numbers with ``time_unit``.
            static: columns that are constant in every group, for latents per group.
            features: columns that change in time, for latents per row.
            forcings: columns, or process model's name -> column; every row needs them.
            targets: columns, or process model's name -> column; empty where not
                observed, and none at all for prediction.
            reading: how cells are read, see `sciren.data.series_build.SeriesReading`.
        Raises:
            ColumnError, DataError: as in ``Table.from_frame``, and where a time occurs
                twice in a group, a row is missing in between, a static column changes
                inside a group; the message names the row.
        """
        check_options(reading, SeriesReading, "SeriesTable.from_frame")
        known: dict[str, Any] = dict(reading)
        time_unit, gaps = known.pop("time_unit", None), known.pop("gaps", "raise")
        roles = Roles(
            features=[*static, *features], forcings=forcings, targets=targets, time=time,
            groups=group, missing="raise", **known,
        )  # fmt: skip
        return cls(**collect_series(frame, roles, static, time_unit, gaps))
