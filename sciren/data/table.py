"""The table of one study: named features, forcings and targets, checked once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import torch
from torch import Tensor

from sciren.data.build import (
    Arrays,
    Names,
    Roles,
    TableReading,
    check_options,
    collect,
)
from sciren.data.kinds import Kinds
from sciren.data.labelled import flatten
from sciren.errors import DataError, ShapeError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of observations in physical units; models scale what they need.

    Args:
        features: (n, d) float64, no nan.
        forcings: decoder's name -> (n, ...) float64.
        targets: (n, t) float64, nan = not observed; t = 0 for prediction.
        feature_names: columns of the features.
        target_names: decoder's names of the targets.
        forcing_columns, target_columns: decoder's name -> column.
        units: column -> unit.
        weights: (n,) float64, not negative, or None for equal weights.
        blocks: (n,) int64, unit of resampling: the group (site) where groups are
            given, else the calendar week where there is a time, else the row.
            Ids are consecutive from 0. Default: the row.
        time: (n,) datetime64[ns] or None.
        row_ids: (n,) positions of the rows in the frame they came from.
        groups: (n,) ids of the groups (sites) that were given, or None; parts of a
            table keep the ids of the whole.
        dropped: reason -> rows left out on the way; each row counts once.
        kinds: feature -> kind, of those that are classes or periodic; their numbers in
            ``features`` are those of the kind.
    Raises:
        ShapeError: parts differ in their number of rows, or names in their number.
    """

    features: Tensor
    forcings: Mapping[str, Tensor]
    targets: Tensor
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    forcing_columns: Mapping[str, str] = field(default_factory=dict)
    target_columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    weights: Tensor | None = None
    blocks: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    time: np.ndarray | None = None
    row_ids: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    groups: np.ndarray | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    kinds: Kinds = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = len(self.features)
        # The dataclass is frozen: defaults that depend on other fields are set past it.
        if len(self.blocks) == 0:
            object.__setattr__(
                self, "blocks", torch.arange(rows, device=self.features.device)
            )
        if len(self.row_ids) == 0:
            object.__setattr__(self, "row_ids", np.arange(rows))
        counts = {name: len(part) for name, part in self._parts().items()}
        if len(set(counts.values())) != 1:
            raise ShapeError(f"every part needs one row per sample, got {counts}")
        for part, names in (
            ("features", self.feature_names),
            ("targets", self.target_names),
        ):
            shape = tuple(getattr(self, part).shape)
            if len(shape) != 2 or shape[1] != len(names):
                raise ShapeError(f"{part} have shape {shape} and {len(names)} names")

    def _parts(self) -> dict[str, Any]:
        parts = {
            "features": self.features,
            "targets": self.targets,
            "weights": self.weights,
            "blocks": self.blocks,
            "time": self.time,
            "row_ids": self.row_ids,
            "groups": self.groups,
        } | {f"forcing {name}": part for name, part in self.forcings.items()}
        return {name: part for name, part in parts.items() if part is not None}

    def __len__(self) -> int:
        return len(self.features)

    @property
    def grouped(self) -> bool:
        """Whether groups (sites) were given."""
        return self.groups is not None

    @property
    def observed(self) -> Tensor:
        """Where a target was measured, (n, t) bool."""
        return ~torch.isnan(self.targets)

    def take(self, rows: Tensor | np.ndarray | slice) -> "Table":
        """Return the chosen rows (positions, a bool mask or a slice), in that order.

        Blocks are numbered anew from 0; ``row_ids`` keep the original positions.
        """
        # Masks, slices and positions become positions once, for tensors and arrays
        # alike.
        chosen = torch.arange(len(self))[
            rows if isinstance(rows, slice) else torch.as_tensor(rows).cpu()
        ]
        index, device = chosen.numpy(), self.features.device
        chosen = chosen.to(device)
        blocks = torch.unique(self.blocks[chosen], return_inverse=True)[1]
        return replace(
            self,
            features=self.features[chosen],
            forcings={name: part[chosen] for name, part in self.forcings.items()},
            targets=self.targets[chosen],
            weights=None if self.weights is None else self.weights[chosen],
            blocks=blocks,
            time=None if self.time is None else self.time[index],
            row_ids=self.row_ids[index],
            groups=None if self.groups is None else self.groups[index],
        )

    @classmethod
    def concatenate(cls, tables: Sequence["Table"]) -> "Table":
        """Put parts of one table together again, rows in their order in the frame.

        Tables of different frames follow each other, and no group of one is taken for a
        group of another.

        Args:
            tables: with the same columns, at least one.
        """
        first = tables[0]
        ids = np.concatenate([table.row_ids for table in tables])
        # Parts of one frame have different rows; the same number twice means two
        # frames.
        same_frame = len(np.unique(ids)) == len(ids)
        order = np.argsort(ids, kind="stable") if same_frame else np.arange(len(ids))
        weights = [table.weights for table in tables if table.weights is not None]
        times = [table.time for table in tables if table.time is not None]
        joined = replace(
            first,
            features=torch.cat([table.features for table in tables]),
            forcings={
                name: torch.cat([table.forcings[name] for table in tables])
                for name in first.forcings
            },
            targets=torch.cat([table.targets for table in tables]),
            weights=torch.cat(weights) if len(weights) == len(tables) else None,
            blocks=_apart([table.blocks for table in tables]),
            time=np.concatenate(times) if len(times) == len(tables) else None,
            row_ids=ids if same_frame else np.arange(len(ids)),
            groups=_groups_of(tables, same_frame),
        )
        # take numbers the blocks anew, after the rows are in their final order.
        return joined.take(order)

    def to(self, device: torch.device | str) -> "Table":
        """Return the table with its tensors on another device."""
        return replace(
            self,
            features=self.features.to(device),
            forcings={name: part.to(device) for name, part in self.forcings.items()},
            targets=self.targets.to(device),
            weights=None if self.weights is None else self.weights.to(device),
            blocks=self.blocks.to(device),
        )

    def column_ranges(self) -> dict[str, tuple[float, float]]:
        """Return column -> (smallest, largest) over all rows, physical units.

        Covers features, forcings that are columns, and targets that were observed.
        """
        columns = dict(zip(self.feature_names, self.features.unbind(1), strict=True))
        for name, column in self.forcing_columns.items():
            # A column may be feature and forcing at once; the first says the same.
            columns.setdefault(column, self.forcings[name])
        for i, name in enumerate(self.target_names):
            columns.setdefault(self.target_columns.get(name, name), self.targets[:, i])
        return {
            name: (float(known.min()), float(known.max()))
            for name, values in columns.items()
            if len(known := values[~torch.isnan(values)])
        }

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        features: Sequence[str],
        forcings: Names = (),
        targets: Names = (),
        units: Mapping[str, str] | None = None,
        time: Any = None,
        weights: Any = None,
        groups: Any = None,
        **reading: Unpack[TableReading],
    ) -> "Table":
        """Take features, forcings and targets from the columns of a table.

        Args:
            frame: one row per sample: a pandas, polars or pyarrow table, or a mapping
                column -> array.
            features: columns for the encoder.
            forcings: columns, or decoder's name -> column or array (n, ...).
            targets: columns, or decoder's name -> column; empty for prediction.
            units: column -> unit, before those in ``frame.attrs["units"]``; columns
                that are not used here are passed over.
            time: column or (n,) time stamps; blocks are then calendar weeks.
            weights: column or (n,) row weights, finite, not negative.
            groups: column or (n,) labels such as sites; blocks are then the groups.
            reading: how rows and cells are read: ``missing``, ``categorical``,
                ``time_format`` and more, see `sciren.data.build.TableReading`.
        Raises:
            ColumnError: a column does not exist; the message gives the closest names.
            DataError: double names, text, infinities, a constant feature, a target
                without any value, no rows left, empty time or group cells, a repeated
                extreme far outside the other values that is not declared.
            ShapeError: an array has another number of rows than the frame.
        """
        if len(features) == 0:
            raise DataError(
                "no features are named; the encoder needs at least one column"
            )
        check_options(reading, TableReading, "Table.from_frame")
        roles = Roles(
            features=features, forcings=forcings, targets=targets, units=units, time=time,
            weights=weights, groups=groups, **reading,
        )  # fmt: skip
        return cls(**_tensors(collect(frame, roles)))

    @classmethod
    def from_dataset(
        cls,
        dataset: "xr.Dataset",
        features: Sequence[str],
        forcings: Names = (),
        targets: Names = (),
        units: Mapping[str, str] | None = None,
        time: Any = None,
        weights: Any = None,
        groups: Any = None,
        row: str | None = None,
        **reading: Any,
    ) -> "Table":
        """Take features, forcings and targets from the variables of a data set.

        Features, targets, time, weights and groups have the row dimension alone;
        forcings may have further dimensions (soil profiles) and arrive as (n, ...).
        Units are read from the variables' attribute ``units`` where none are given.

        Args:
            dataset: an xarray Dataset, such as from NetCDF or Zarr.
            row: dimension that counts the rows; default: that of the first feature.
            features, forcings, targets, units, time, weights, groups: as in
                ``from_frame``, with variables in place of columns.
            reading: what else ``from_frame`` takes, such as ``missing`` or
                ``categorical``.
        Raises:
            ColumnError, DataError, ShapeError: as in ``from_frame``, and where a
                variable has other dimensions than needed.
        """
        frame, inputs = flatten(
            dataset, features, forcings, targets, (time, weights, groups), row
        )
        return cls.from_frame(
            frame, features, inputs, targets, units=units, time=time,
            weights=weights, groups=groups, **reading,
        )  # fmt: skip


def _apart(ids: Sequence[Tensor]) -> Tensor:
    """Return ids of several tables, those of each above those of the one before."""
    shifted, first = [], 0
    for ids_of_table in ids:
        shifted.append(ids_of_table + first)
        first += int(ids_of_table.max()) + 1 if len(ids_of_table) else 0
    return torch.cat(shifted)


def _groups_of(tables: Sequence[Table], same_frame: bool) -> np.ndarray | None:
    known = [table.groups for table in tables if table.groups is not None]
    if len(known) < len(tables):
        return None
    # Parts of one table keep the ids of the whole: a site in both is one site.
    if same_frame:
        return np.concatenate(known)
    return _apart([torch.as_tensor(groups) for groups in known]).numpy()


def _tensors(arrays: Arrays) -> dict[str, Any]:
    """Return Table's arguments, numeric arrays as tensors."""
    parts = {name: getattr(arrays, name) for name in arrays.__dataclass_fields__}
    for name in ("features", "targets", "weights", "blocks"):
        if parts[name] is not None:
            parts[name] = torch.tensor(parts[name])
    parts["forcings"] = {name: torch.tensor(v) for name, v in arrays.forcings.items()}
    return parts
