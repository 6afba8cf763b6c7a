"""The manifest of a run: a hash of everything in it, written last, checked at every door.

A run is evidence only as long as its numbers are those that were computed. Every command
that opens a run compares its files, and the process file it was made with, with the
manifest; a changed digit is refused by the name of its file. What the manifest does not
list belongs to the user and is never deleted.
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from discovery.config.file import versions
from discovery.config.settings import RunConfig
from discovery.runs.files import file_hash, read_json, write_json, write_whole
from discovery.runs.leftovers import is_hidden
from sciren.bounded import DAMAGE
from sciren.errors import DataError, SciRenError

MANIFEST = "manifest.json"
OWN = "sha256 of the rest"  # the manifest's hash of itself
EXPECTED = "being written"  # name -> hash of a file that takes its place
LOCK = ".lock"  # held while a run is written
LONGEST_NAME, LONGEST_PATH = 256, 3000
"""Bytes; POSIX systems allow one less in a name, and 4096 with the folder of the run."""

# A context variable and not a global: threads and notebooks that load another run at
# the same time are not affected. It holds what was found altered, None: not accepted.
_accepted: ContextVar[dict[str, None] | None] = ContextVar(
    "edits accepted", default=None
)


@contextmanager
def edits_accepted(accept: bool = True) -> Iterator[None]:
    """Let altered runs be opened inside; their outputs are marked as edited.

    Raises:
        DataError: what was written into a file of such a run cannot be used.
    """
    altered: dict[str, None] = {}
    token = _accepted.set(altered if accept else None)
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, SciRenError) or not altered:
            raise
        raise DataError(
            f"{', '.join(altered)}: holds what no run holds ({error!r:.200}); take the "
            "edits back, or run `sciren discover` again"
        ) from error
    finally:
        _accepted.reset(token)


def has_legal_name(path: PurePath) -> bool:
    """Whether a system could have a file of this name; to look for another is an error."""
    size = len(str(path).encode("utf-8", "surrogatepass"))
    parts = (len(part.encode("utf-8", "surrogatepass")) for part in path.parts)
    return size < LONGEST_PATH and max(parts, default=0) < LONGEST_NAME


@dataclass(frozen=True)
class Alteration:
    """One way in which a run is not what was written.

    Attributes:
        name: file, relative to the run, or the path of the process file.
        what: "changed" or "missing".
    """

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name} {'was' if self.what == 'changed' else 'is'} {self.what}"


def owned_files(folder: Path) -> list[Path]:
    """Files of a folder relative to it, in order, without manifest and lock."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path
        for path in paths
        if str(path) not in (MANIFEST, LOCK) and not is_hidden(path)
    )


def process_file(config: RunConfig) -> Path | None:
    """Return the file with the user's own process model, if the settings name one."""
    file, colon, _ = (config.decoder.name if config.decoder else "").rpartition(":")
    return Path(file) if colon else None


def write_manifest(folder: Path, data: str, process: Path | None) -> None:
    """Write the manifest of a run whose other files are all there.

    Args:
        folder: of the run.
        data: SHA-256 of the observations.
        process: file of the user's own process model, if there is one.
    """
    process_record = process and {
        "path": str(process.resolve()),
        "sha256": file_hash(process),
    }
    record = {
        "files": {
            # Forward slashes, so that a run can be opened on another system.
            path.as_posix(): file_hash(folder / path)
            for path in owned_files(folder)
        },
        "data": data,
        "process file": process_record,
        "versions": versions(),
        "machine": machine(),
    }
    _write(folder, record)


def machine() -> str:
    """Return what decides the last bits of a sum: processor and its vector unit."""
    import torch

    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def _write(folder: Path, record: dict[str, Any]) -> None:
    """Write a manifest with a hash of itself."""
    write_json(folder / MANIFEST, record | {OWN: _own_hash(record)})


def _own_hash(record: dict[str, Any]) -> str:
    # Sorted keys: the hash is of the content, not of the order in the file. It shows
    # accidents and edits by hand, not a forger, who can compute it as well.
    rest = {key: value for key, value in record.items() if key != OWN}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write_owned(folder: Path, name: str, text: str) -> None:
    """Write a text file of a run again, and its hash into the manifest.

    A kill at any moment leaves a run that passes: the manifest expects the new hash
    beside the old one before the file changes.

    Args:
        folder: of the run;  name: of the file, relative to it;  text: its content.
    """
    path = folder / name

    def put(file: Path) -> None:
        if not (folder / MANIFEST).is_file():
            file.replace(path)
            return
        with _held(folder):
            record = read_manifest(folder)
            digest = file_hash(file)
            _write(folder, record | {EXPECTED: {name: digest}})
            file.replace(path)
            record.pop(EXPECTED, None)
            record["files"][name] = digest
            _write(folder, record)

    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"), put)


def renew(folder: Path, *names: str) -> None:
    """Take files that a command has written since into the manifest, where there is one.

    Args:
        folder: of the run.
        names: of the files, relative to it.
    """
    if not (folder / MANIFEST).is_file():
        return
    with _held(folder):
        record = read_manifest(folder)
        record["files"] |= {name: file_hash(folder / name) for name in names}
        _write(folder, record)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Let one process at a time read and write the manifest, or one would undo the other."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    # The folder itself is locked: no file is left behind, and a death lets go.
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run.

    Raises:
        DataError: it is missing, no JSON, or not as it was written.
    """
    record = read_json(folder / MANIFEST)
    files = record.get("files") if isinstance(record, dict) else None
    well_formed = isinstance(files, dict) and all(
        isinstance(digest, str) and _is_inside(name) for name, digest in files.items()
    )
    if not well_formed or "process file" not in record:
        raise DataError(
            f"{folder / MANIFEST}: is not as `sciren discover` writes it; run it again"
        )
    return record


def _is_inside(name: str) -> bool:
    """Whether a name is that of a file which can lie in a run."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and has_legal_name(path)


def alterations(folder: Path) -> list[Alteration]:
    """What of a run is not as it was written, empty for runs older than manifests.

    Raises:
        DataError: the manifest itself is missing or unreadable.
    """
    # data.json says whether there was one, so that removing the manifest does not pass
    # for an old run.
    if not (folder / MANIFEST).is_file() and not _has_manifest(folder):
        return []
    record = read_manifest(folder)
    expected = record.get(EXPECTED)
    changes = []
    for name, digest in record["files"].items():
        there = (folder / name).is_file()
        found = file_hash(folder / name) if there else None
        coming = expected.get(name, digest) if isinstance(expected, dict) else digest
        if found not in (digest, coming):
            changes.append(Alteration(name, "changed" if there else "missing"))
    if record.get(OWN) != _own_hash(record):
        changes.insert(0, Alteration(MANIFEST, "changed"))
    return changes + _process_alteration(record["process file"])


def _has_manifest(folder: Path) -> bool:
    """Whether the run was written with a manifest."""
    try:
        record = read_json(folder / "data.json")
    except DataError:  # whoever needs this file says what is wrong with it
        return False
    return isinstance(record, dict) and record.get("manifest") == MANIFEST


def _process_alteration(process_record: Any) -> list[Alteration]:
    """A process file that is gone is no alteration: equations do without it."""
    if not isinstance(process_record, dict):
        return []
    path = Path(str(process_record.get("path")))
    there = has_legal_name(path) and path.is_file()
    if not there or file_hash(path) == process_record.get("sha256"):
        return []
    return [Alteration(str(path), "changed")]


def check_unaltered(folder: Path) -> list[Alteration]:
    """Refuse a run of which a file was changed, unless edits are accepted.

    A missing file is left to the command that needs it: equations predict without the
    network, and a run may be handed on without its pictures.

    Returns:
        What was changed, and edits were accepted.
    Raises:
        DataError: a file of the run, or its process file, is not what was written.
    """
    changes = [change for change in alterations(folder) if change.what == "changed"]
    accepted = _accepted.get()
    if accepted is not None:
        accepted |= {str(folder / change.name): None for change in changes}
    elif changes:
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        raise DataError(
            f"{folder}: {changes[0]}{more} since the run was written, so its numbers are "
            "not those that were verified; run `sciren discover` again, or go on with "
            "--accept-edits, which marks every output as edited"
        )
    return changes


def edited_note(folder: Path) -> str:
    """Return the sentence that marks outputs of an altered run, or an empty one."""
    changes = check_unaltered(folder)
    if not changes:
        return ""
    return f"Edited after the run was written: {', '.join(map(str, changes))}."


def foreign_files(folder: Path) -> list[Path]:
    """Files in a run, relative to it, that no command of ours has written.

    Runs older than manifests have none that could be told apart.
    """
    if not (folder / MANIFEST).is_file():
        return []
    ours = set(read_manifest(folder)["files"])
    return [path for path in owned_files(folder) if path.as_posix() not in ours]
