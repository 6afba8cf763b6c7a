"""Folders that a command writes: replaced as a whole or not at all, foreign files kept.

Runs are opened only as they were written.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from discovery.runs.leftovers import NEW, OLD, dead, hidden_beside, remove
from discovery.runs.manifest import edited_note, foreign_files, owned_files
from sciren.errors import ConfigError, DataError

# every finished run holds these; --overwrite touches no folder without them
RUN_FILES = ("config.yaml", "data.json")


def is_run(folder: Path) -> bool:
    """Whether the folder is a finished run."""
    return all((folder / name).is_file() for name in RUN_FILES)


def _not_written_again(old: Path, new: Path) -> list[Path]:
    """Files of an old folder that the new one has not: the user's, where names are fixed."""
    return sorted(set(owned_files(old)) - set(owned_files(new)))


@dataclass(frozen=True)
class Kind:
    """What kind of folder a command writes, and what in it is the user's own.

    Attributes:
        name: for messages.
        ours: folder -> whether it is one.
        foreign: (old folder, new one) -> files of the old one that stay, relative to it.
        replace: how the user asks for it to be replaced.
        place: how the user says where it goes.
    """

    name: str
    ours: Callable[[Path], bool]
    foreign: Callable[[Path, Path], list[Path]] = _not_written_again
    replace: str = "--overwrite"
    place: str = "choose another folder"


RUN = Kind(
    "run",
    is_run,
    lambda old, new: foreign_files(old),
    place="choose another folder (out in the configuration, or --set out=FOLDER)",
)


def open_run(folder: Path | str) -> Path:
    """Return the path of a finished run.

    Raises:
        DataError: there is no such folder, it is none of ours, or a file of it was
            altered and edits are not accepted (`discovery.runs.manifest`).
    """
    return open_edited(folder)[0]


def open_edited(folder: Path | str) -> tuple[Path, str]:
    """Return the path of a finished run, and the note that marks it where it was edited.

    Raises:
        DataError: as `open_run`.
    """
    path = Path(folder)
    # A killed process may have moved the run aside; put back first, it is found below.
    clear(path.resolve())
    if not path.is_dir():
        raise DataError(f"{path}: no such run folder; `sciren discover` makes one")
    missing = [name for name in RUN_FILES if not (path / name).is_file()]
    if missing:
        raise DataError(
            f"{path}: is not a run of sciren, {missing[0]} is missing; "
            "name the folder that `sciren discover` wrote"
        )
    return path, edited_note(path)


def check_free(out: Path, overwrite: bool, kind: Kind = RUN) -> None:
    """Make sure that a run, or another kind of folder, may be written to this path.

    Raises:
        ConfigError: something stands there that may not be replaced, or nothing can.
    """
    check_writable(out)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise ConfigError(f"{out}: is a file; choose a folder for the results")
    if not kind.ours(out):
        raise ConfigError(
            f"{out}: holds files that are no {kind.name} of sciren, so it is left alone; "
            f"{kind.place}"
        )
    if not overwrite:
        raise ConfigError(
            f"{out}: a {kind.name} is there already; {kind.place}, or replace it with "
            f"{kind.replace}"
        )


def check_writable(out: Path) -> None:
    """Refuse a path below something that is read-only or no folder, before hours of work.

    Raises:
        ConfigError: with what stands in the way.
    """
    # The nearest place that exists: everything below it would have to be made.
    above = next(place for place in out.absolute().parents if os.path.lexists(place))
    if not above.is_dir():
        raise ConfigError(
            f"{out}: cannot be written: {above} is no folder; choose another place"
        )
    if not os.access(above, os.W_OK):
        raise ConfigError(
            f"{out}: cannot be written: {above} is read-only; choose another place"
        )


@contextmanager
def run_folder(
    out: Path | str, overwrite: bool = False, kind: Kind = RUN
) -> Iterator[Path]:
    """Give a hidden folder beside ``out`` that takes its place when all is written.

    An error or an interrupt inside removes what was written and leaves ``out`` as it
    was; an old folder is replaced at the very end only, and files of the user stay.

    Args:
        out: folder of the results; its parents are made.
        overwrite: whether an existing one may be replaced.
        kind: of the folder.
    Raises:
        ConfigError: ``out`` may not be replaced, or cannot be written.
    """
    out = Path(out).resolve()
    clear(out, kind)
    check_free(out, overwrite, kind)
    hidden = hidden_beside(out)
    try:
        hidden.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be written: {error.strerror}; choose another folder"
        ) from error
    try:
        yield hidden
        put_in_place(hidden, out, overwrite, kind)
    finally:
        # After success the folder has been renamed and nothing is left to remove.
        shutil.rmtree(hidden, ignore_errors=True)


def clear(out: Path, kind: Kind = RUN) -> None:
    """Finish what a killed process has begun beside a run: nothing hidden stays.

    A run that was moved aside and not replaced comes back; one that was replaced gives
    the user's own files to the new one and goes.
    """
    for old in dead(out, OLD):
        # The old run is in place of ours or the new one is: killed before or after the
        # second rename.
        if out.exists():
            _keep_foreign(old, out, kind)
            remove(old)
        else:
            old.rename(out)
    for new in dead(out, NEW):
        remove(new)


def put_in_place(hidden: Path, out: Path, overwrite: bool, kind: Kind = RUN) -> None:
    """Let a finished hidden folder take the place of ``out``; an old run goes last."""
    check_free(out, overwrite, kind)  # another process may have been faster
    if not out.exists():
        hidden.rename(out)
        return
    # Two renames, because no system replaces a filled folder in one step; between them
    # `clear` of the next command finds the old run.
    old = hidden_beside(out, OLD)
    out.rename(old)
    try:
        hidden.rename(out)
    except OSError:
        old.rename(out)
        raise
    _keep_foreign(old, out, kind)
    shutil.rmtree(old, ignore_errors=True)


def _keep_foreign(old: Path, new: Path, kind: Kind) -> None:
    """Carry over what the user has put into it; a name that is taken gets a number."""
    for name in kind.foreign(old, new):
        place, number = new / name, 1
        while place.exists():
            number += 1
            place = (new / name).with_name(f"{name.stem} ({number}){name.suffix}")
        place.parent.mkdir(parents=True, exist_ok=True)
        (old / name).rename(place)
