"""Files of predictions: csv, parquet, NetCDF after the CF conventions, Excel."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.file import versions
from discovery.runs.files import (
    make_folder,
    read_record,
    write_csv,
    write_excel,
    write_netcdf,
    write_parquet,
)
from discovery.runs.folder import check_writable
from discovery.runs.formulas import without_formulas
from discovery.uncertainty.columns import OUTSIDE
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from discovery.results.record import DiscoveryRecord

    Stamps = tuple[str, np.ndarray] | None

CSV, PARQUET, NETCDF, EXCEL = (".csv", ".csv.gz"), (".parquet",), (".nc",), (".xlsx",)
ENDINGS = (*CSV, *PARQUET, *NETCDF, *EXCEL)
EXCEL_ROWS = 1_048_575  # a sheet holds 2^20 rows, the first names the columns
_LIMITS = {
    # The longer endings first: reco_mean_low also ends with _low.
    "_mean_low": "lower limit of the {level} interval of the mean of {name}",
    "_mean_high": "upper limit of the {level} interval of the mean of {name}",
    "_low": "lower limit of the {level} interval of {name}",
    "_high": "upper limit of the {level} interval of {name}",
}


def check_place(out: Path, overwrite: bool) -> None:
    """Make sure that predictions may be written to this file.

    Raises:
        ConfigError: its kind is unknown or needs a package, something is there, or the place
            cannot be written.
    """
    if not out.name.lower().endswith(ENDINGS):
        raise ConfigError(
            f"{out}: unknown kind of file; the known endings are {', '.join(ENDINGS)}"
        )
    if out.name.lower().endswith(EXCEL) and find_spec("openpyxl") is None:
        raise ConfigError(
            f"{out}: writing Excel needs an extra; pip install 'sciren[excel]', or "
            "write .csv"
        )
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; name a file in it")
    if out.exists() and not overwrite:
        raise ConfigError(
            f"{out}: is there already; choose another name, or replace it with "
            "--overwrite"
        )
    check_writable(out)


def check_not_read(out: Path, data: Path) -> None:
    """Make sure that predictions do not take the place of the rows they are made from.

    Raises:
        ConfigError: both are one file or folder.
    """
    if out.exists() and data.exists() and out.samefile(data):
        raise ConfigError(
            f"{out}: holds the rows that are predicted for; choose another name for the "
            "predictions"
        )


def write_predictions(
    out: Path,
    frame: "pd.DataFrame",
    discovery: "DiscoveryRecord",
    stamps: "Stamps" = None,
    level: float = 0.95,
) -> None:
    """Write predictions, whole or not at all.

    Text in csv and Excel that a spreadsheet would run as a formula gets an apostrophe in
    front. In csv time stamps stay as the file wrote them; elsewhere they are dates.

    Args:
        out: the file; its ending says the kind, see `check_place`.
        frame: one row for each row of the file.
        discovery: what predicted; gives units.
        stamps: name of the time column and its dates (n,).
        level: probability of the intervals, for their names.
    Raises:
        ConfigError: it cannot be written.
    """
    name = out.name.lower()
    # A CSV keeps the stamps as the table had them; the other formats hold true times.
    if stamps is not None and not name.endswith(CSV):
        frame = frame.assign(**{stamps[0]: stamps[1]})
    make_folder(out.parent)
    if name.endswith(CSV):
        write_csv(out, frame)
    elif name.endswith(PARQUET):
        write_parquet(out, frame)
    elif name.endswith(NETCDF):
        write_netcdf(out, dataset_of(frame, discovery, stamps, level))
    else:
        if len(frame) > EXCEL_ROWS:
            raise ConfigError(
                f"{out}: a sheet holds {EXCEL_ROWS:,} rows, these are {len(frame):,}; "
                "write .csv or .parquet"
            )
        write_excel(out, without_formulas(frame))


def dataset_of(
    frame: "pd.DataFrame",
    discovery: "DiscoveryRecord",
    stamps: "Stamps" = None,
    level: float = 0.95,
) -> "xr.Dataset":
    """Return predictions as a data set with units and names after CF 1.11.

    Its dimension is the time where every stamp occurs once, else the row.

    Reference: Eaton et al., NetCDF Climate and Forecast Metadata Conventions.
    """
    import xarray as xr

    row, rows = "row", np.arange(len(frame))
    # A dimension needs values that occur once; several sites share their stamps.
    if stamps is not None and len(np.unique(stamps[1])) == len(frame):
        row, rows = stamps
    describe = describer(discovery, level)
    variables = {
        name: (row, _values(column), describe(name))
        for name, column in ((str(n), column) for n, column in frame.items())
        if name != row
    }
    dataset = xr.Dataset(variables, {row: (row, rows)})
    dataset[row].attrs = (
        {"standard_name": "time", "axis": "T"}
        if row != "row"
        else {"long_name": "row of the file, the first is 0"}
    )
    dataset.attrs = global_attributes()
    return dataset


def global_attributes() -> dict[str, str]:
    """Return what CF asks a data set to say of itself."""
    return {
        "Conventions": "CF-1.11",
        "title": "Predictions of a process model with equations for hidden parameters",
        "source": f"sciren {versions()['sciren']}",
    }


def _values(column: "pd.Series") -> np.ndarray:
    """Return a column as numbers, dates or text; text that is missing is empty."""
    # NetCDF has no booleans; bytes with flag_values are what CF asks for.
    if column.dtype.kind == "b" or column.name == OUTSIDE:
        return column.to_numpy(dtype=np.int8)
    if column.dtype.kind in "iufMm":
        return column.to_numpy()
    return column.fillna("").astype(str).to_numpy(dtype=object)


def describer(
    discovery: "DiscoveryRecord", level: float
) -> Callable[[str], dict[str, Any]]:
    """Return a function: name of a column -> its attributes."""
    units = units_of(discovery)
    share = f"{100 * level:.4g} %"

    def describe(name: str) -> dict[str, Any]:
        if name == OUTSIDE:
            return {
                "long_name": "whether the row lies beyond the rows of the training",
                # as the CF conventions ask: a flag carries the meanings of its values
                "flag_values": np.array([0, 1], dtype=np.int8),
                "flag_meanings": "inside outside",
            }
        for end, text in _LIMITS.items():
            base = name.removesuffix(end)
            if name.endswith(end) and base in units:
                attributes = {"long_name": text.format(level=share, name=base)}
                return attributes | _unit(units, base)
        return {"long_name": name} | _unit(units, name)

    return describe


def _unit(units: dict[str, str], name: str) -> dict[str, str]:
    return {"units": units[name]} if units.get(name) else {}


def units_of(discovery: "DiscoveryRecord") -> dict[str, str]:
    """Return the units of columns, targets and latents, empty where none is known."""
    units: dict[str, str] = {}
    if discovery.equations is not None:
        units |= dict(discovery.equations.unit_of)
    if discovery.model is not None:
        units |= {p.name: p.unit for p in discovery.model.decoder.parameters}
    if discovery.folder is not None:
        record = read_record(discovery.folder / "data.json")
        columns: dict[str, str] = record["units"]
        targets: dict[str, str] = record["targets"]
        units |= columns
        units |= {name: columns.get(column, "") for name, column in targets.items()}
    return units
