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
            Arrow interface ``__arrow_c_stream__``; or a mapping name -> (n,) array.
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
    if isinstance(data, Mapping):
        return _from_mapping(data)
    raise DataError(
        f"a {type(data).__name__} is no table; give a path, a pandas, polars or pyarrow "
        "table, or a mapping name -> array"
    )


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
