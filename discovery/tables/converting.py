"""Columns in other units than the file has them: what `convert` asks for."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sciren.data.frames import numeric_column
from sciren.data.markers import refuse_markers
from sciren.errors import ColumnError, DataError, FormatError, closest_names
from symbolic.units.conversion import conversion


def converted(
    frame: pd.DataFrame,
    convert: Mapping[str, str],
    units: Mapping[str, str],
    not_missing: Sequence[float] = (),
) -> pd.DataFrame:
    """Return a table whose columns are in the wanted units; their units go along.

    Args:
        frame: columns by name, with units in ``attrs["units"]`` where the file has them.
        convert: column -> unit that is wanted.
        units: column -> unit that the user declared, before that of the file.
        not_missing: numbers that look like gap markers and are data.
    Raises:
        ColumnError: there is no such column.
        DataError: the unit of a column is not known, or measures something else; or a
            column holds an undeclared gap marker.
    """
    if not convert:
        return frame
    # The user is believed before the file.
    unit_of = {**frame.attrs.get("units", {}), **units}
    moved = {}
    for name, wanted in convert.items():
        if name not in frame.columns:
            raise ColumnError(
                f"key 'convert.{name}': there is no column {name!r}. "
                f"{closest_names(name, map(str, frame.columns))}"
            )
        if not unit_of.get(name, "").strip():
            raise DataError(
                f"key 'convert.{name}': the unit of column {name!r} is not known; write "
                f"units: {{{name}: its unit in the file}}"
            )
        try:
            # A function and not a factor: degrees Celsius and kelvin differ by an
            # offset too.
            change = conversion(unit_of[name], wanted)
        except FormatError as error:
            raise DataError(f"key 'convert.{name}': {error}") from error
        values = numeric_column(frame, name)
        refuse_markers(
            {name: values}, not_missing
        )  # -9999 K is no marker any more in degC
        moved[name] = change(values)
    result = frame.assign(**moved)
    result.attrs = {**frame.attrs, "units": {**unit_of, **convert}}
    return result
