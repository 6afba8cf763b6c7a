"""archive: everything that a finished run rests on, in one zip file.

    run/            the folder of the run, as `sciren discover` wrote it
    data/           the table of observations (left out with ``data=False``: licences)
    process/        the user's own process model, where there is one
    environment.txt versions of all packages, as pip reads them
    archive.json    hashes of the files, and where they stood
    CITATION.cff, LICENSE.txt (of the equations and tables), README.md

The same run gives the same bytes: files are sorted and their dates are fixed.
"""

import json
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from discovery.archive.texts import citation, licence, readme
from discovery.config.file import versions
from discovery.runs.files import file_hash, read_record, write_whole
from discovery.runs.folder import open_run
from discovery.runs.manifest import MANIFEST, owned_files, process_file
from discovery.runs.stored import load_discovery, stored_config
from sciren.errors import ConfigError, DataError

RECORD, ENVIRONMENT = "archive.json", "environment.txt"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold


def archive(
    run: Path,
    out: Path | None = None,
    data: bool = True,
    licence_name: str = "CC-BY-4.0",
    overwrite: bool = False,
) -> Path:
    """Write a run and all it rests on into a zip file.

    Args:
        run: folder of the run.
        out: the zip file; default ``RUN.zip`` beside the run.
        data: whether to put the observations in; their licence has to allow it.
        licence_name: SPDX name of the licence of equations, tables and pictures.
        overwrite: whether a file at ``out`` may be replaced.
    Raises:
        ConfigError: something stands at ``out``.
        DataError: no such run, it was altered, or its data or process file have changed.
    """
    folder = open_run(run)
    target = out or folder.with_name(f"{folder.resolve().name}.zip")
    if target.exists() and not overwrite:
        raise ConfigError(
            f"{target}: is there already; choose another name, or replace it with "
            "--overwrite"
        )
    files = contents(folder, data)
    record = _record(folder, files)
    discovery = load_discovery(folder)
    texts = {
        RECORD: json.dumps(record, indent=2, ensure_ascii=False) + "\n",
        ENVIRONMENT: environment(),
        "CITATION.cff": citation(discovery, licence_name),
        "LICENSE.txt": licence(licence_name),
        "README.md": readme(discovery, target.name, data),
    }
    write_whole(target, lambda place: _write(place, files, texts))
    return target


def contents(folder: Path, data: bool) -> dict[str, Path]:
    """Return name in the archive -> file, without what the archive itself adds.

    Raises:
        DataError: the data are not where the run says, or have changed since.
    """
    config = stored_config(folder)
    names = [
        *owned_files(folder),
        *([Path(MANIFEST)] if (folder / MANIFEST).is_file() else []),
    ]
    files = {f"run/{name.as_posix()}": folder / name for name in names}
    process = process_file(config)
    if process is not None:
        _require(process, "the process model")
        files[f"process/{process.name}"] = process
    if data and config.data.path is not None:
        path = config.data.path
        _require(path, "the data")
        # An archive with other data than those of the run would never reproduce it.
        digest = read_record(folder / "data.json", "sha256")["sha256"]
        if path.is_file() and file_hash(path) != digest:
            raise DataError(
                f"{path}: has changed since the run was made; run `sciren discover` again, "
                "or leave the data out with --no-data"
            )
        files |= _tree(path)
    return files


def _tree(path: Path) -> dict[str, Path]:
    """Return the data file, or all files of a Zarr folder."""
    if path.is_file():
        return {f"data/{path.name}": path}
    inside = sorted(file for file in path.rglob("*") if file.is_file())
    return {
        f"data/{path.name}/{file.relative_to(path).as_posix()}": file for file in inside
    }


def _require(path: Path, what: str) -> None:
    if not path.exists():
        raise DataError(
            f"{path}: {what} of the run cannot be read; put the file back, or archive "
            "the run where it is"
        )


def _record(folder: Path, files: dict[str, Path]) -> dict[str, Any]:
    config = stored_config(folder)
    place = config.data.path
    return {
        "format": 1,
        "versions": versions(),
        "data": place and f"data/{place.name}",
        # The path is that of this machine; name and function are enough to find it
        # below process/.
        "decoder": config.decoder and config.decoder.name.rpartition("/")[2],
        "sha256": {name: file_hash(path) for name, path in sorted(files.items())},
    }


def environment() -> str:
    """Return one line a package, ``name==version``, sorted."""
    pairs = {
        (distribution.metadata["Name"], distribution.version)
        for distribution in metadata.distributions()
        if distribution.metadata["Name"]
    }
    lines = sorted(f"{name}=={version}" for name, version in pairs)
    return "\n".join(lines) + "\n"


def _write(place: Path, files: dict[str, Path], texts: dict[str, str]) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted({*files, *texts}):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            # Upper half: permissions of Unix, the same whatever the file had.
            info.external_attr = 0o644 << 16
            if name in texts:
                packed.writestr(info, texts[name])
                continue
            with files[name].open("rb") as source, packed.open(info, "w") as into:
                # A mebibyte at a time: tables may be larger than the memory.
                while chunk := source.read(1 << 20):
                    into.write(chunk)
