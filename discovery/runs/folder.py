"""Run folders: opened only as they were written, replaced as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from discovery.runs.leftovers import NEW, OLD, dead, hidden_beside, remove
from discovery.runs.manifest import check_unaltered, foreign_files
from sciren.errors import ConfigError, DataError

# every finished run holds these; --overwrite touches no folder without them
RUN_FILES = ("config.yaml", "data.json")


def is_run(folder: Path) -> bool:
    """Whether the folder is a finished run."""
    return all((folder / name).is_file() for name in RUN_FILES)


def open_run(folder: Path | str) -> Path:
    """Return the path of a finished run.

    Raises:
        DataError: there is no such folder, it is none of ours, or a file of it was
            altered and edits are not accepted (`discovery.runs.manifest`).
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
    check_unaltered(path)
    return path


def check_free(out: Path, overwrite: bool) -> None:
    """Make sure that a run may be written to this path.

    Raises:
        ConfigError: something stands there that may not be replaced, or nothing can.
    """
    _check_place(out)
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


def _check_place(out: Path) -> None:
    """Refuse a path below something that is no folder, before hours of work."""
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
    clear(out)
    check_free(out, overwrite)
    hidden = hidden_beside(out)
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
        # After success the folder has been renamed and nothing is left to remove.
        shutil.rmtree(hidden, ignore_errors=True)


def clear(out: Path) -> None:
    """Finish what a killed process has begun beside a run: nothing hidden stays.

    A run that was moved aside and not replaced comes back; one that was replaced gives
    the user's own files to the new one and goes.
    """
    for old in dead(out, OLD):
        # The old run is in place of ours or the new one is: killed before or after the
        # second rename.
        if out.exists():
            _keep_foreign(old, out)
            remove(old)
        else:
            old.rename(out)
    for new in dead(out, NEW):
        remove(new)


def put_in_place(hidden: Path, out: Path, overwrite: bool) -> None:
    """Let a finished hidden folder take the place of ``out``; an old run goes last."""
    check_free(out, overwrite)  # another process may have been faster
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
    _keep_foreign(old, out)
    shutil.rmtree(old, ignore_errors=True)


def _keep_foreign(old: Path, new: Path) -> None:
    """Carry over what the user has put into a run; a name that is taken gets a number."""
    for name in foreign_files(old):
        place, number = new / name, 1
        while place.exists():
            number += 1
            place = (new / name).with_name(f"{name.stem} ({number}){name.suffix}")
        place.parent.mkdir(parents=True, exist_ok=True)
        (old / name).rename(place)
