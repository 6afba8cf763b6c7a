"""Tables of other libraries as a pandas DataFrame."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sciren.errors import DataError


def as_frame(data: Any) -> pd.DataFrame:
    """Return a table as a DataFrame; a DataFrame is returned as a shallow copy.

    Args:
        data: a pandas DataFrame; a polars or pyarrow table, or another object with the
            Arrow interface ``__arrow_c_stream__``; an xarray Dataset of one dimension;
            or a mapping name -> (n,) array.
    Raises:
        DataError: this is no table, or its columns differ in length.
    """
    if isinstance(data, pd.DataFrame):
        return data.copy(deep=False)
    # polars, pyarrow and others speak this interface: no library needs a case of its
    # own.
    if hasattr(data, "__arrow_c_stream__"):
        import pyarrow

        return pyarrow.table(data).to_pandas()
    if hasattr(data, "data_vars"):
        return _from_dataset(data)
    if isinstance(data, Mapping):
        return _from_mapping(data)
    raise DataError(
        f"a {type(data).__name__} is no table; give a path, a pandas, polars or pyarrow "
        "table, or a mapping name -> array"
    )


def _from_dataset(dataset: Any) -> pd.DataFrame:
    """Return the variables and coordinates of an xarray Dataset of one dimension."""
    if len(dataset.sizes) > 1:
        raise DataError(
            f"the data set has the dimensions {', '.join(map(str, dataset.sizes))}; give "
            "Table.from_dataset the names of the variables, or select one dimension"
        )
    frame = dataset.to_dataframe()
    named = [name for name in frame.index.names if name is not None]
    # a dimension without coordinate only counts the rows
    frame = frame.reset_index(drop=not any(name in dataset.coords for name in named))
    units = {str(n): str(v.attrs["units"]) for n, v in dataset.variables.items()
             if "units" in v.attrs}  # fmt: skip
    frame.attrs = {"units": units}
    return frame


def _from_mapping(data: Mapping[Any, Any]) -> pd.DataFrame:
    columns = {str(name): _column(name, values) for name, values in data.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"columns have different lengths, {lengths}; give one value a row"
        )
    return pd.DataFrame(columns)


def _column(name: Any, values: Any) -> Any:
    if hasattr(values, "detach"):  # a tensor, wherever it lives
        values = values.detach().cpu().numpy()
    # pandas and numpy columns keep their types, such as dates and categories.
    array = values if hasattr(values, "dtype") else np.asarray(values)
    if array.ndim != 1:
        raise DataError(
            f"column {name!r} has shape {array.shape}; give one value a row, (n,)"
        )
    return array
