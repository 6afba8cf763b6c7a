"""Run folders and files that appear whole or not at all."""

import hashlib
import json
import math
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

# every finished run holds these; --overwrite touches no folder without them
RUN_FILES = ("config.yaml", "data.json")


def is_run(folder: Path) -> bool:
    """Whether the folder is a finished run."""
    return all((folder / name).is_file() for name in RUN_FILES)


def open_run(folder: Path | str) -> Path:
    """Return the path of a finished run.

    Raises:
        DataError: there is no such folder, or it is none of ours.
    """
    path = Path(folder)
    if not path.is_dir():
        raise DataError(f"{path}: no such run folder; `sciren discover` makes one")
    missing = [name for name in RUN_FILES if not (path / name).is_file()]
    if missing:
        raise DataError(
            f"{path}: is not a run of sciren, {missing[0]} is missing; "
            "name the folder that `sciren discover` wrote"
        )
    return path


def check_free(out: Path, overwrite: bool) -> None:
    """Make sure that a run may be written to this path.

    Raises:
        ConfigError: something stands there that may not be replaced.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise ConfigError(f"{out}: is a file; choose a folder for the results")
    if not is_run(out):
        raise ConfigError(
            f"{out}: holds files that are no run of sciren, so it is left alone; "
            "choose another folder"
        )
    if not overwrite:
        raise ConfigError(
            f"{out}: a run is there already; choose another folder, or replace it "
            "with --overwrite"
        )


@contextmanager
def run_folder(out: Path | str, overwrite: bool = False) -> Iterator[Path]:
    """Give a hidden folder beside ``out`` that takes its place when all is written.

    An error or an interrupt inside removes what was written and leaves ``out`` as it
    was; an old run is replaced at the very end only.

    Args:
        out: folder of the results; its parents are made.
        overwrite: whether an existing run may be replaced.
    Raises:
        ConfigError: ``out`` may not be replaced, or cannot be written.
    """
    out = Path(out).resolve()
    check_free(out, overwrite)
    hidden = _hidden(out, "new")
    try:
        hidden.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be written: {error.strerror}; choose another folder"
        ) from error
    try:
        yield hidden
        put_in_place(hidden, out, overwrite)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _hidden(path: Path, purpose: str) -> Path:
    return path.with_name(f".{path.name}.{purpose}-{secrets.token_hex(4)}")


def put_in_place(hidden: Path, out: Path, overwrite: bool) -> None:
    """Let a finished hidden folder take the place of ``out``; an old run goes last."""
    check_free(out, overwrite)  # another process may have been faster
    if not out.exists():
        hidden.rename(out)
        return
    old = _hidden(out, "old")
    out.rename(old)
    try:
        hidden.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a hidden file that then takes the place of ``path``.

    The end of the name stays, because writers choose a compression by it.
    """
    hidden = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        write(hidden)
        hidden.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror or error}; choose another place"
        ) from error
    finally:
        with suppress(OSError):
            hidden.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    _write(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Any) -> None:
    """Write data as JSON, whole or not at all; what is not finite becomes null."""
    text = json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_csv(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table without its index, full precision, whole or not at all."""
    _write(path, lambda file: frame.to_csv(file, index=False))


def write_parquet(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as parquet without its index, whole or not at all."""
    _write(path, lambda file: frame.to_parquet(file, index=False))


def plain(value: Any) -> Any:
    """Return numbers, texts, lists and mappings only, ready for JSON.

    Raises:
        TypeError: for an object that has no plain form.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
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
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: is missing; run `sciren discover` again") from None
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as JSON: {problem}") from error


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder (Zarr) with names."""
    total = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if not file.is_file():
            continue
        if path.is_dir():
            total.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
