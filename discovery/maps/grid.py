"""A grid of features in a NetCDF file or Zarr store, read block by block."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.data.opening import opened_dataset
from sciren.errors import ColumnError, DataError, FormatError, closest_names

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

CELLS = 250_000
"""Most cells of a block: about 100 MB with ten features, and tasks of about a second."""

Region = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Grid:
    """Variables on common dimensions, of which cells are the rows of a table.

    Attributes:
        path: of the file or store.
        names: variables (or coordinates) that are columns of a block.
        sizes: dimension -> length, in the order of the results.
    """

    path: Path
    names: tuple[str, ...]
    sizes: Mapping[str, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions."""
        return tuple(self.sizes.values())

    @property
    def chunks(self) -> tuple[int, ...]:
        """Lengths of a block: whole last dimensions, as many as `CELLS` allow."""
        # From the last dimension, which lies together in the file: it is taken whole
        # while cells are left, the first ones are cut.
        left, lengths = CELLS, []
        for size in reversed(self.shape):
            length = max(1, min(size, left))
            lengths.append(length)
            left //= length
        return tuple(reversed(lengths))

    def regions(self) -> list[Region]:
        """Return the blocks, dimension -> (first, end), in the order of the cells."""
        starts = [
            range(0, size, step)
            for size, step in zip(self.shape, self.chunks, strict=True)
        ]
        return [
            {
                name: (start, min(start + step, size))
                for (name, size), step, start in zip(
                    self.sizes.items(), self.chunks, corner, strict=True
                )
            }
            for corner in product(*starts)
        ]

    def block(self, region: Region) -> "pd.DataFrame":
        """Return the cells of a block, one row a cell, one column a variable.

        Raises:
            DataError: a variable holds no numbers.
        """
        import pandas as pd

        shape = tuple(end - first for first, end in region.values())
        with opened_dataset(self.path) as dataset:
            return pd.DataFrame(
                {name: self._cells(dataset[name], region, shape) for name in self.names}
            )

    def _cells(
        self, variable: "xr.DataArray", region: Region, shape: Sequence[int]
    ) -> Any:
        inside: Any = {
            name: slice(*region[str(name)])
            for name in variable.dims
            if str(name) in region
        }
        values = variable.isel(inside).to_numpy()
        if values.dtype.kind not in "iufb":
            raise DataError(
                f"{self.path}: variable {str(variable.name)!r} holds "
                f"{values.dtype}, not numbers"
            )
        order = [name for name in self.sizes if name in variable.dims]
        # 1. Dimensions in the order of the grid. 2. New axes for those it lacks. 3.
        # Broadcast to the block and flatten, so that the k-th cell of every variable is
        # the same place.
        values = values.transpose([variable.dims.index(name) for name in order])
        places = tuple(
            slice(None) if name in variable.dims else np.newaxis for name in self.sizes
        )
        return np.broadcast_to(values[places], shape).ravel().astype(float)


def open_grid(path: Path, names: Sequence[str]) -> Grid:
    """Read which dimensions the variables have; their values are read by blocks.

    Variables may lack dimensions (an elevation has no time); coordinates count as well.

    Args:
        path: NetCDF file or Zarr store.
        names: of the variables that are needed.
    Raises:
        ColumnError: a variable is not there.
        DataError: the file cannot be read, or the grid has no cell.
    """
    with opened_dataset(path) as dataset:
        variables = [str(name) for name in dataset.variables]
        for name in names:
            if name not in variables:
                raise ColumnError(
                    f"{path}: there is no variable {name!r}. {closest_names(name, variables)}"
                )
        used = {str(d) for name in names for d in dataset[name].dims}
        # the order of the variable with the most dimensions, which others follow
        lead = max(names, key=lambda name: len(dataset[name].dims))
        order = [str(d) for d in dataset[lead].dims]
        order += [
            str(d) for d in dataset.sizes if str(d) in used and str(d) not in order
        ]
        sizes = {name: int(dataset.sizes[name]) for name in order}
    if not sizes or not math.prod(sizes.values()):
        raise DataError(f"{path}: has no cell; name a grid of {', '.join(names)}")
    return Grid(path, tuple(names), sizes)


def check_units(grid: Grid, units: Mapping[str, str]) -> None:
    """Refuse variables in another unit than the columns that the run was made from.

    Args:
        grid: whose variables may say their units.
        units: column -> unit of the run, empty where none is known.
    Raises:
        DataError: both are known, of one kind, and differ.
    """
    from symbolic.units.conversion import conversion

    with opened_dataset(grid.path) as dataset:
        told = {name: str(dataset[name].attrs.get("units", "")) for name in grid.names}
    for name, unit in told.items():
        wanted = units.get(name, "")
        if not unit.strip() or not wanted.strip():
            continue
        try:
            change = conversion(unit, wanted)
        # Notes ("see manual") are no units of the same kind, and cannot be compared.
        except FormatError:
            continue
        # Spellings may differ where numbers do not: "degC" and "Celsius".
        if change(np.array([0.0, 1.0])).tolist() != [0, 1]:
            raise DataError(
                f"{grid.path}: variable {name!r} is in {unit}, and the run was made from "
                f"{wanted}; convert the grid (or mend its attribute units)"
            )


def coordinates(path: Path, sizes: Mapping[str, int]) -> "dict[str, xr.DataArray]":
    """Return the coordinates of a grid's dimensions, where it has them."""
    with opened_dataset(path) as dataset:
        return {name: dataset[name].load() for name in sizes if name in dataset.coords}
