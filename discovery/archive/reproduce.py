"""reproduce: make an archived run again and compare what it says."""

import errno
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.archive.pack import RECORD
from discovery.config.file import load_config, versions
from discovery.runs.files import UNPACKING, file_hash
from discovery.runs.folder import Kind, clear, is_run, run_folder
from discovery.runs.leftovers import is_hidden
from sciren.bounded import MOST_JSON, damage_told, parse_json
from sciren.errors import ConfigError, DataError, DecoderError

if TYPE_CHECKING:
    from discovery.report.compare import Fact

CLOSE = 1e-6
"""Relative difference that counts as rounding, as in `sciren verify`."""
LARGEST = 20_000_000_000
"""Bytes that an archive may unpack to; a small file can hold a disk full of zeros."""
ARCHIVED = "archived"
NO_ARCHIVE = "is no archive of `sciren archive`"
UNPACKED = Kind("archive", lambda folder: (folder / RECORD).is_file())


@dataclass(frozen=True)
class Reproduced:
    """The archived run beside the one that was made again.

    Attributes:
        folder: of the new run.
        lines: one a fact that was compared.
        same: whether all agree.
        other_versions: package -> (archived, here), where these differ.
    """

    folder: Path
    lines: tuple[str, ...]
    same: bool
    other_versions: dict[str, tuple[str, str]]

    def text(self) -> str:
        """Return the comparison, versions first."""
        head = [
            f"{name} {archived} in the archive, {here} here"
            for name, (archived, here) in self.other_versions.items()
        ]
        end = (
            "the run came out the same" if self.same else "the run came out differently"
        )
        return "\n".join([*head, *self.lines, f"{end}; it is in {self.folder}"])


def reproduce(
    packed: Path,
    out: Path,
    data: Path | None = None,
    allow_code: bool = False,
    quiet: bool = False,
) -> Reproduced:
    """Unpack an archive, run its configuration again, and compare the results.

    The same call goes on after an interrupt.

    Args:
        packed: the zip file.
        out: folder for the unpacked archive (``out/archived``) and the new run (``out/run``).
        data: the observations, where the archive does not hold them.
        allow_code: whether the archive's process model, which is code, may be run.
        quiet: no progress on stderr.
    Raises:
        DataError: no archive of ours, or a file of it was altered.
        DecoderError: it holds a process model and ``allow_code`` is false.
        ConfigError: ``out`` holds something else, or the data are missing.
    """
    from discovery.runs.unfinished import unfinished_folder
    from discovery.runs.workflow import run

    record = unpack(packed, out)
    archived = out / ARCHIVED
    changes = _changes(record, archived, data, allow_code)
    config = load_config(
        archived / "run" / "config.yaml", [*changes, f"out={(out / 'run').resolve()}"]
    )
    # An interrupted call goes on where it was.
    begun = is_run(config.out) or unfinished_folder(config.out).is_dir()
    folder = run(config, quiet=quiet, resume=begun)
    return compare_runs(archived / "run", folder, record)


def _changes(
    record: dict[str, Any], archived: Path, data: Path | None, allow_code: bool
) -> list[str]:
    """Return the keys of the configuration that say where things are now."""
    changes = []
    if data is not None:
        changes.append(f"data.path={data.resolve()}")
    elif record["data"] is not None:
        inside = archived / record["data"]
        if not inside.exists():
            raise ConfigError(
                "the archive holds no observations; name the file with --data"
            )
        # Only places change; all other settings are those of the archived run.
        changes.append(f"data.path={inside.resolve()}")
    name = record["decoder"] or ""
    if ":" in name:
        if not allow_code:
            raise DecoderError(
                f"the archive brings a process model, {name.partition(':')[0]}, which is "
                "code; read it, then go on with --allow-code"
            )
        changes.append(f"decoder.name={(archived / 'process' / name).resolve()}")
    return changes


def unpack(packed: Path, out: Path) -> dict[str, Any]:
    """Unpack an archive below ``out/archived`` and check every file against its hash.

    What an earlier call has unpacked of the same archive is checked and stays.

    Returns:
        The record of the archive.
    Raises:
        ConfigError: ``out`` holds something else, or cannot be written.
        DataError: no archive of ours, or a file of it was altered.
    """
    archived = out / ARCHIVED
    if not packed.is_file():
        raise DataError(f"{packed}: no such file; `sciren archive` makes one")
    with _opened(packed) as inside:
        record = _record(packed, inside)
        if not _holds(archived, inside):
            _check_empty(archived, out)
            with run_folder(archived, kind=UNPACKED) as hidden:
                _extract(inside, hidden, out)
                _check_hashes(packed, hidden, record)
    _check_hashes(packed, archived, record)
    return record


@contextmanager
def _opened(packed: Path) -> Iterator[zipfile.ZipFile]:
    with (
        damage_told(
            DataError, f"{packed}: {NO_ARCHIVE}", "get it again", also=UNPACKING
        ),
        zipfile.ZipFile(packed) as inside,
    ):
        yield inside


def _record(packed: Path, inside: zipfile.ZipFile) -> dict[str, Any]:
    """Return the record of an archive whose names and sizes are those of ours."""
    if inside.getinfo(RECORD).file_size > MOST_JSON:
        raise DataError(f"{packed}: {NO_ARCHIVE}: {RECORD} is too large; get it again")
    record = parse_json(inside.read(RECORD))
    _check_members(packed, inside, record)
    return record


def _holds(archived: Path, inside: zipfile.ZipFile) -> bool:
    """Whether this archive was unpacked there before."""
    known = archived / RECORD
    return known.is_file() and known.read_bytes() == inside.read(RECORD)


def _check_empty(archived: Path, out: Path) -> None:
    clear(archived, UNPACKED)  # what a killed call left half unpacked
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: is not empty; choose another folder with --out")


def _extract(inside: zipfile.ZipFile, folder: Path, out: Path) -> None:
    """Unpack; a place that cannot be written is no fault of the archive."""
    try:
        inside.extractall(folder)
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # offsets that lead out of the file
            raise
        raise ConfigError(
            f"{out}: cannot be written: {error.strerror}; choose another folder with --out"
        ) from error


def _check_hashes(packed: Path, folder: Path, record: dict[str, Any]) -> None:
    # Names and sizes were checked first; hashes can only be checked on the unpacked files.
    for name, digest in record["sha256"].items():
        file = folder / name
        if not file.is_file() or file_hash(file) != digest:
            raise DataError(
                f"{packed}: {name} was changed after the archive was written"
                + ("" if is_hidden(folder) else f"; remove {folder}")
            )


def _check_members(packed: Path, inside: zipfile.ZipFile, record: Any) -> None:
    """Refuse names that lead out of the folder, unlisted runs and floods of bytes."""
    names = inside.namelist()
    listed = record.get("sha256") if isinstance(record, dict) else None
    if not isinstance(listed, dict) or {"data", "decoder"} - set(record):
        raise DataError(f"{packed}: is no archive of `sciren archive` ({RECORD})")
    # "/etc/passwd" or "../x" would be written outside of the folder.
    outside = [
        name for name in names if name.startswith("/") or ".." in Path(name).parts
    ]
    strange = [
        name
        for name in names
        if name.split("/")[0] in ("run", "data", "process") and name not in listed
    ]
    missing = sorted(set(listed) - set(names))
    if problem := [*outside, *strange, *missing]:
        raise DataError(
            f"{packed}: {problem[0]} is not as `sciren archive` writes it; get the archive "
            "again"
        )
    # The sizes that the archive declares, at which unpacking stops.
    size = sum(info.file_size for info in inside.infolist())
    if size > LARGEST:
        raise DataError(
            f"{packed}: unpacks to {size:,} bytes, more than {LARGEST:,}; unpack it by hand"
        )


def compare_runs(archived: Path, again: Path, record: dict[str, Any]) -> Reproduced:
    """Compare what two runs say: verdict, equations, constants, scores."""
    from discovery.report.compare import facts_of
    from discovery.runs.stored import load_discovery

    before, now = (
        {(fact.kind, fact.name): fact for fact in facts_of(load_discovery(folder))}
        for folder in (archived, again)
    )
    lines, same = [], True
    for key in dict.fromkeys([*before, *now]):
        equal = key in before and key in now and _equal(before[key], now[key])
        same &= equal
        texts = [facts[key].text if key in facts else "-" for facts in (before, now)]
        label = " ".join(part for part in key if part)
        said = texts[0] if equal else f"{texts[0]}; now {texts[1]}   DIFFERS"
        lines.append(f"{label}: {said}")
    here = versions()
    other = {
        name: (str(version), here.get(name, "not installed"))
        for name, version in record.get("versions", {}).items()
        if here.get(name) != version
    }
    return Reproduced(again, tuple(lines), same, other)


def _equal(before: "Fact", now: "Fact") -> bool:
    # Equations and words have no number and must be the same text; numbers may differ
    # by rounding, and their printed text with them.
    if math.isnan(before.value) and math.isnan(now.value):
        return before.text == now.text
    pairs = ((before.value, now.value), (before.low, now.low), (before.high, now.high))
    return all(
        (math.isnan(a) and math.isnan(b))
        or math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)
        for a, b in pairs
    )
