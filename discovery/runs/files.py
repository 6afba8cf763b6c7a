"""Files that appear whole or not at all, and their hashes."""

import hashlib
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.runs.formulas import without_formulas
from discovery.runs.leftovers import NEW, dead, hidden_beside, remove
from sciren.bounded import parse_json, read_bounded
from sciren.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

UNPACKING = (OSError, EOFError, zipfile.BadZipFile, zlib.error)
"""What the standard library raises for a damaged zip file."""


def write_whole(
    path: Path, write: Callable[[Path], Any], put: Callable[[Path], Any] | None = None
) -> None:
    """Let ``write`` fill a hidden file that then takes the place of ``path``.

    The end of the name stays, because writers choose a compression by it.

    Args:
        path: of the file;  write: fills the hidden one.
        put: moves the hidden file to its place; default renames it.
    """
    # Two suffixes at most: .csv.gz. Beside the file, because a rename is only atomic
    # within one file system.
    hidden = hidden_beside(path, suffix="".join(path.suffixes[-2:]))
    try:
        for left in dead(path, NEW):
            remove(left)
        write(hidden)
        if put is None:
            hidden.replace(path)
        else:
            put(hidden)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror or error}; choose another place"
        ) from error
    finally:
        # After a rename it is gone already; after an error half of a file is removed.
        with suppress(OSError):
            hidden.unlink()


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, if it is not there yet.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror or error}; choose another place"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Any, indent: int | None = 2) -> None:
    """Write data as JSON, whole or not at all; what is not finite becomes null.

    Args:
        path: of the file.
        data: see `plain`.
        indent: spaces a level; None for long lists of numbers, which nobody reads.
    """
    write_text(path, json_text(data, indent))


def json_text(data: Any, indent: int | None = 2) -> str:
    """Return the text that `write_json` writes."""
    # NaN is no JSON: browsers and other languages refuse the file.
    text = json.dumps(plain(data), indent=indent, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def write_csv(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table without its index, full precision, whole or not at all.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    plain_text = without_formulas(frame)
    write_whole(path, lambda file: plain_text.to_csv(file, index=False))


def write_parquet(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as parquet without its index, whole or not at all."""
    write_whole(path, lambda file: frame.to_parquet(file, index=False))


def write_netcdf(path: Path, dataset: "xr.Dataset") -> None:
    """Write a data set as NetCDF-4, whole or not at all."""
    write_whole(path, lambda file: dataset.to_netcdf(file, engine="h5netcdf"))


def write_excel(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as an Excel sheet without its index, whole or not at all."""
    write_whole(path, lambda file: frame.to_excel(file, index=False, engine="openpyxl"))


def plain(value: Any) -> Any:
    """Return numbers, texts, lists and mappings only, ready for JSON.

    Raises:
        TypeError: for an object that has no plain form.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        # Integers of a datetime64 would be nanoseconds without their unit.
        times = value.dtype.kind in "mM"
        return plain(value.astype(str).tolist() if times else value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | Path):
        return str(value) if isinstance(value, Path) else value
    raise TypeError(f"{type(value).__name__} has no plain form for JSON")


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        DataError: it is missing or no JSON.
    """
    try:
        return parse_json(read_bounded(path))
    except FileNotFoundError:
        raise DataError(f"{path}: is missing; run `sciren discover` again") from None
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as JSON: {problem}") from error


def read_record(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON file of a run that holds a mapping with these keys.

    Raises:
        DataError: it is missing, no JSON, or something else.
    """
    record = read_json(path)
    missing = [key for key in keys if not isinstance(record, dict) or key not in record]
    if not isinstance(record, dict) or missing:
        what = f"has no {missing[0]!r}" if missing else "holds no mapping"
        raise DataError(
            f"{path}: is not as `sciren discover` writes it (it {what}); run it again"
        )
    return record


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder (Zarr) with names."""
    total = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if not file.is_file():
            continue
        if path.is_dir():
            # Names belong to the content of a folder; the zero byte ends a name as no
            # name can.
            total.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
