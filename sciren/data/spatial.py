"""Splits by place: whole longitude-latitude cells go to the same fold."""

import math
import random
from typing import Any

import numpy as np

from sciren.data.frames import coordinates, leading_rows
from sciren.data.splits import PARTS, Split
from sciren.data.table import Table
from sciren.errors import ConfigError, DataError

# Eight bytes each: 80 MB, and cells of 0.08 degrees of the globe
_MOST_CELLS = 10_000_000


def split_by_block(
    lon: Any, lat: Any, degrees: float = 2.0, folds: int = 5, seed: int = 0
) -> np.ndarray:
    """Deal longitude-latitude cells to folds, whole cells together.

    The cells of the bounding grid, empty ones included, are shuffled and every
    ``folds``-th one goes to the same fold; seed 12345 gives the published split of
    the soil carbon sites. Use the result with ``split_by_fold``.

    Args:
        lon, lat: (n,) degrees east and north.
        degrees: side of a cell.
        folds: number of folds.
        seed: of the shuffle.
    Returns:
        (n,) int64 fold of each row, 0 .. folds - 1.
    Raises:
        ConfigError: cell side or number of folds is not usable.
        DataError: a coordinate is missing or outside the globe, or a fold is empty.
        ShapeError: lon and lat differ in length.
    """
    if not degrees > 0 or folds < 2:
        raise ConfigError(
            f"degrees={degrees} and folds={folds}: a cell needs a positive side and "
            "there must be at least 2 folds"
        )
    east, north = coordinates(lon, lat, "row")
    columns = _cells(east, degrees)
    rows = _cells(north, degrees)
    width = int(columns.max()) + 1
    number = width * (int(rows.max()) + 1)
    if number > _MOST_CELLS:
        raise ConfigError(
            f"degrees={degrees} makes {number} cells of this area; use larger cells"
        )
    # Python's own shuffle: the published split was made by it, seed for seed.
    cells = list(range(number))
    random.Random(seed).shuffle(cells)
    fold_of_cell = np.empty(len(cells), dtype=np.int64)
    fold_of_cell[cells] = np.arange(len(cells)) % folds
    fold = fold_of_cell[rows * width + columns]
    empty = sorted(set(range(folds)) - set(fold.tolist()))
    if empty:
        raise DataError(
            f"fold {empty[0]} of {folds} has no rows; use fewer folds or smaller cells"
        )
    return fold


def _cells(coordinate: np.ndarray, degrees: float) -> np.ndarray:
    # A multiple of the cell side below the first place: cells do not move with single
    # rows.
    origin = degrees * math.floor(coordinate.min() / degrees)
    return np.floor((coordinate - origin) / degrees).astype(np.int64)


def split_by_fold(table: Table, fold: Any, test: int = 0, valid: int = 1) -> Split:
    """Take one fold for the test, one for validation and the others to learn from.

    Args:
        table: n rows.
        fold: (n,) fold of each row, such as from ``split_by_block``.
        test, valid: which fold is which.
    Raises:
        ConfigError: test and valid are the same fold.
        DataError: a part has no rows.
        ShapeError: fold has another length than the table.
    """
    if test == valid:
        raise ConfigError(f"fold {test} cannot be test and validation at once")
    ids = leading_rows(fold, len(table), "fold")
    masks = ((ids != test) & (ids != valid), ids == valid, ids == test)
    for part, mask in zip(PARTS, masks, strict=True):
        if not mask.any():
            known = ", ".join(map(str, np.unique(ids).tolist()))
            raise DataError(f"{part} has no rows; the folds that occur are {known}")
    return Split(*(table.take(mask) for mask in masks))
