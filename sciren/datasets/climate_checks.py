"""Climate columns of sites, checked: units that look wrong, gaps, impossible values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciren.errors import DataError, ShapeError

Array = np.ndarray


@dataclass(frozen=True)
class Column:
    """Admissible range, unit and usual mistake of one climate column."""

    low: float
    high: float
    unit: str
    hint: str
    gaps: bool = False


COLUMNS: Mapping[str, Column] = {
    "mat": Column(
        -60.0,
        45.0,
        "degC",
        "temperatures are in degrees C: subtract 273.15 from kelvin",
    ),
    "amplitude": Column(
        0.0, 40.0, "K", "it is half the yearly range of the monthly mean temperatures"
    ),
    "precipitation": Column(
        0.0, 15_000.0, "mm yr-1", "it is a yearly sum and never negative"
    ),
    "latitude": Column(-90.0, 90.0, "degrees north", "south is negative"),
    "pet": Column(0.0, 5_000.0, "mm yr-1", "it is a yearly sum and never negative"),
    "npp": Column(0.0, 4_000.0, "gC m-2 yr-1", "dry matter times about 0.45 is carbon"),
    "rain_swing": Column(
        -1.0, 1.0, "", "it is (wettest - driest) / (wettest + driest) month"
    ),
    "woody": Column(0.0, 1.0, "", "it is a share of the area"),
    "waterlogged": Column(0.0, 1.0, "", "it is a share of the area"),
    "bedrock_depth": Column(
        0.0, 100.0, "m", "divide centimetres by 100; leave empty where unknown", True
    ),
}


def check_columns(given: Mapping[str, Any]) -> dict[str, Array]:
    """Return the columns as (n,) float64 arrays; those that are None are left out.

    Single numbers are taken for all sites.

    Raises:
        ShapeError: columns differ in length.
        DataError: a value is missing or impossible; names site, column and next step.
    """
    arrays = {
        name: np.asarray(values, dtype=np.float64)
        for name, values in given.items()
        if values is not None
    }
    lengths = {name: array.shape for name, array in arrays.items() if array.ndim}
    if (
        any(len(shape) > 1 for shape in lengths.values())
        or len(set(lengths.values())) > 1
    ):
        raise ShapeError(f"climate columns need one value a site, got shapes {lengths}")
    # A single number stands for all sites.
    sites = next(iter(lengths.values()), (1,))
    columns = {name: np.broadcast_to(array, sites) for name, array in arrays.items()}
    for name, values in columns.items():
        _check(name, values, COLUMNS[name])
    return columns


def _check(name: str, values: Array, column: Column) -> None:
    # Negated so that nan is outside; where gaps are allowed it is let in again.
    outside = ~((values >= column.low) & (values <= column.high))
    if column.gaps:
        outside &= ~np.isnan(values)
    if not outside.any():
        return
    site = int(outside.argmax())
    unit = f" {column.unit}" if column.unit else ""
    value = values[site]
    said = "is missing (nan)" if np.isnan(value) else f"is {value:g}{unit}"
    raise DataError(
        f"{name!r} of site {site} {said}; it must lie between {column.low:g} and "
        f"{column.high:g}{unit}: {column.hint}. {int(outside.sum())} of {len(values)} "
        "sites have such values; drop or fill them before"
    )
