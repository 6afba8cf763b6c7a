"""From an xarray Dataset to the arguments of ``Table.from_frame``."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sciren.data.build import Names
from sciren.errors import ColumnError, ShapeError, closest_names

if TYPE_CHECKING:
    import xarray as xr


def flatten(
    dataset: "xr.Dataset",
    features: Sequence[str],
    forcings: Names,
    targets: Names,
    others: Sequence[Any],
    row: str | None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the variables along the rows as a frame, and every forcing by its name.

    Dimensions of size 1 are passed over, as in files of a single place.

    Args:
        dataset: variables with a row dimension.
        features, forcings, targets: as in ``Table.from_dataset``.
        others: further variables that are wanted in the frame; what is no text is
            passed over.
        row: name of the row dimension; default: the dimension of the first feature.
    Returns:
        Frame with units in its attributes, and forcing -> column or array (n, ...).
    Raises:
        ColumnError: a variable does not exist.
        ShapeError: a variable has not the row dimension, or others beside it.
    """
    features = [features] if isinstance(features, str) else list(features)
    wanted = [*features, *_sources(targets), *(o for o in others if isinstance(o, str))]
    if row is None:
        row = _row_dimension(dataset, features)
    elif row not in dataset.sizes:
        hint = closest_names(row, map(str, dataset.sizes))
        raise ColumnError(f"row dimension {row!r} is not in the data set. {hint}")
    columns = {name: _variable(dataset, name, row) for name in wanted}
    for name, variable in columns.items():
        if variable.ndim != 1:
            raise ShapeError(
                f"variable {name!r} has dimensions {variable.dims}, needs only {row!r}; "
                "stack them into one dimension that counts the rows"
            )
    inputs: dict[str, Any] = {}
    pairs = forcings if isinstance(forcings, Mapping) else _same(forcings)
    for name, source in pairs.items():
        inputs[name] = source
        if isinstance(source, str):
            variable = _variable(dataset, source, row)
            # One value a row is a column, and can be named in messages; profiles stay
            # arrays.
            if variable.ndim == 1:
                columns[source] = variable
            else:
                # Rows first, as (n, ...): profiles keep their further dimensions in
                # their order.
                inputs[name] = variable.transpose(row, ...).to_numpy()
    frame = pd.DataFrame({name: v.to_numpy() for name, v in columns.items()})
    frame.attrs["units"] = {
        name: str(v.attrs["units"]) for name, v in columns.items() if "units" in v.attrs
    }
    return frame, inputs


def _sources(names: Names) -> list[str]:
    if isinstance(names, Mapping):
        return [source for source in names.values() if isinstance(source, str)]
    return list(_same(names))


def _same(names: Sequence[str]) -> dict[str, str]:
    listed = [names] if isinstance(names, str) else names
    return {name: name for name in listed}


def _row_dimension(dataset: "xr.Dataset", features: Sequence[str]) -> str:
    for name in features[:1]:
        # A variable of one single row has no dimension left after squeezing.
        dims = _find(dataset, name).squeeze().dims or _find(dataset, name).dims
        if len(dims) == 1:
            return str(dims[0])
    raise ShapeError(
        "the rows of the data set are not clear: the first feature needs exactly one "
        "dimension, or name it with row=..."
    )


def _find(dataset: "xr.Dataset", name: str) -> "xr.DataArray":
    if name not in dataset.variables:
        hint = closest_names(name, map(str, dataset.variables))
        raise ColumnError(f"variable {name!r} is not in the data set. {hint}")
    return dataset[name]


def _variable(dataset: "xr.Dataset", name: str, row: str) -> "xr.DataArray":
    variable = _find(dataset, name)
    if row not in variable.dims:
        raise ShapeError(
            f"variable {name!r} has dimensions {variable.dims}, without the row "
            f"dimension {row!r}"
        )
    # A single place has longitude and latitude of size one beside its rows.
    single = [d for d, size in variable.sizes.items() if size == 1 and d != row]
    return variable.squeeze(single, drop=True)
