"""The kinds of files that hold a table, told by the ends of their names."""

from importlib.util import find_spec
from pathlib import Path

from sciren.errors import DataError

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".dat", ".dat.gz")
EXCEL = (".xlsx", ".xlsm")
PARQUET = ".parquet"
DATASETS = (".nc", ".nc4", ".zarr")
ENDINGS = (*TEXT, *EXCEL, PARQUET, *DATASETS)
OTHER_SHEETS = (".xls", ".xlsb", ".ods")
"""Spreadsheets that are not read."""


def kind_of(path: Path) -> str:
    """Return the known ending, after checking that there is something to read.

    Raises:
        DataError: there is no such file, it is empty, or of an unknown kind.
    """
    name = path.name.lower()
    kind = max((end for end in ENDINGS if name.endswith(end)), key=len, default="")
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path")
    if name.endswith(OTHER_SHEETS):
        raise DataError(f"{path}: save the sheet as .xlsx or .csv, which are read")
    if not kind:
        endings = ", ".join(ENDINGS)
        raise DataError(
            f"{path}: unknown kind of file; the known endings are {endings}"
        )
    if kind == ".zarr":
        require_zarr(path)
    elif path.is_dir():
        raise DataError(f"{path}: this is a folder; name the file inside it")
    elif path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    return kind


def require_zarr(path: Path) -> None:
    """Refuse a Zarr folder where the package that reads it is not installed."""
    if find_spec("zarr") is None:
        raise DataError(
            f"{path}: reading Zarr needs an extra; pip install 'sciren[big]'"
        )
