"""The hidden folder in which a run grows, and in which an interrupted one stays."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from discovery.config.file import stored_settings, versions
from discovery.runs.checkpoints import MODEL, TRAINING, Checkpoints
from discovery.runs.files import file_hash, read_json, read_record, write_json
from discovery.runs.folder import check_free, clear, is_run, put_in_place
from discovery.runs.manifest import LOCK, MANIFEST, process_file, read_manifest
from sciren.errors import ConfigError, DataError

if TYPE_CHECKING:
    from discovery.tables.study import Source

CHECKPOINTS, START = "checkpoints", "start.json"
NOTHING_KEPT = "no stage was finished, nothing is kept; the same command starts again"

Say = Callable[[str], None]


def unfinished_folder(out: Path) -> Path:
    """Return the hidden folder in which the run of a path grows."""
    return out.with_name(f".{out.name}.unfinished")


def start_record(study: "Source") -> dict[str, Any]:
    """Return everything that the results of a run depend on."""
    # Other versions may compute other numbers, so that half of a run each would be
    # neither.
    installed = versions()
    return {
        "versions": {name: installed[name] for name in ("sciren", "torch")},
        "data": study.fingerprint,
        "process model": _process_hash(study),
        "settings": stored_settings(study.config),
    }


def _process_hash(study: "Source") -> str | None:
    """Hash of the file with the user's own process model."""
    file = process_file(study.config)
    return None if file is None else file_hash(file)


def finished_before(study: "Source", resume: bool, overwrite: bool) -> bool:
    """Whether this very run is finished, so that nothing is left to resume.

    Raises:
        ConfigError, DataError: it is to be resumed, but is another one.
    """
    out = Path(study.config.out)
    # An unfinished folder means that a later run was begun: that is the one to resume.
    going_on = unfinished_folder(out.resolve()).is_dir()
    if not resume or overwrite or going_on or not is_run(out):
        return False
    from discovery.runs.stored import stored_config

    record = read_record(out / "data.json", "sha256")
    settings = stored_settings(stored_config(out))
    begun = start_record(study) | {"data": record["sha256"], "settings": settings}
    if (out / MANIFEST).is_file():
        process = read_manifest(out)["process file"]
        begun["process model"] = process and process["sha256"]
    _check_same(out, study, begun)
    return True


@contextmanager
def unfinished_run(
    study: "Source", resume: bool, overwrite: bool, say: Say
) -> Iterator[Path]:
    """Give the hidden folder of a run; it takes the place of ``out`` when all is written.

    Whatever ends the work before, its finished stages stay under ``checkpoints`` in the
    hidden folder (an error before the first of them leaves nothing), and ``out`` stays
    as it was.

    Args:
        study: settings and data of the run.
        resume: whether to go on with the stages that an earlier one has finished.
        overwrite: whether a finished run at ``out`` may be replaced.
        say: hears what was found, and how to go on.
    Raises:
        ConfigError: ``out`` may not be replaced or written, another process writes it,
            or the unfinished run has other settings.
        DataError: the unfinished run was made from other data.
    """
    out = Path(study.config.out).resolve()
    clear(out)
    check_free(out, overwrite)
    hidden = unfinished_folder(out)
    try:
        hidden.mkdir(parents=True, exist_ok=True)
        # The folder is shared by all attempts, so only one process may work in it.
        lock = _lock(hidden / LOCK, out)
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be written: {error.strerror}; choose another folder"
        ) from error
    try:
        _begin(hidden, study, resume, say)
        yield hidden
        # The lock file must not become part of the run; the open handle holds the lock
        # until the end.
        (hidden / LOCK).unlink()
        put_in_place(hidden, out, overwrite)
    except KeyboardInterrupt as interrupt:
        # An interrupt is reported by the command line, which shows its notes.
        interrupt.add_note(_kept(hidden) or NOTHING_KEPT)
        raise
    except BaseException:
        if _kept(hidden):
            say(f"stopped; {_kept(hidden)}")
        raise
    finally:
        lock.close()
        # Also after success: then the folder has been renamed and there is nothing to
        # remove.
        if not _stages(hidden):
            shutil.rmtree(hidden, ignore_errors=True)


def _kept(hidden: Path) -> str:
    """Say which stages are finished and how to go on, or nothing where there is none."""
    stages = ", ".join(_stages(hidden))
    return stages and (
        f"finished stages are kept ({stages}); the same command with --resume goes on "
        "after them"
    )


def _begin(hidden: Path, study: "Source", resume: bool, say: Say) -> None:
    """Leave nothing in the folder but what may be used again."""
    checkpoints = hidden / CHECKPOINTS
    stages = _stages(hidden)
    if resume and stages:
        _check_same(hidden, study, read_json(checkpoints / START))
        say(f"resumed after: {', '.join(stages)}")
    elif resume:
        say("nothing to resume; starting from the beginning")
    elif stages:
        say("starting again; the stages of an unfinished run are thrown away")
    # Files outside of the checkpoints may be half of what a killed report wrote.
    for path in hidden.iterdir():
        if path.name != LOCK and not (resume and stages and path == checkpoints):
            _remove(path)
    checkpoints.mkdir(exist_ok=True)
    write_json(checkpoints / START, start_record(study))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _stages(hidden: Path) -> list[str]:
    """Names of the stages that are finished, or of a training under way."""
    folder = hidden / CHECKPOINTS
    if not (folder / START).is_file():
        return []
    # In the order of their work, as the reader of the message thinks of them.
    order = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    known = [path for path in order if path.name != START and path.name[0] != "."]
    # The network belongs to the stage "training" and is no stage of its own.
    return [path.stem.replace("_", " ") for path in known if path.name != MODEL]


def _lock(path: Path, out: Path) -> IO[str]:
    """Hold a file that the system lets go even when the process is killed."""
    stream = path.open("a", encoding="utf-8")
    with suppress(ImportError):  # only where the system has such locks
        import fcntl

        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise ConfigError(
                f"{out}: another process is writing this run; wait for it, or choose "
                "another folder"
            ) from None
    return stream


TRAINED = (MODEL, f"{TRAINING}.json", "members.json", "baselines.json")
"""Stages that hold a training and what it is compared with."""


def carry_over(
    run: Path, new: Path, study: "Source", stages: Sequence[str] = TRAINED
) -> Checkpoints:
    """Take finished stages, by their names, into a run that is computed again."""
    keep = Checkpoints(new / CHECKPOINTS)
    for name in stages:
        source, copy = run / CHECKPOINTS / name, new / CHECKPOINTS / name
        if source.is_dir():
            shutil.copytree(source, copy)
        elif source.is_file():
            shutil.copy(source, copy)
        if copy.exists():
            keep.record(copy)
    write_json(new / CHECKPOINTS / START, start_record(study))
    return keep


# -- is it the same run? ------------------------------------------------------------------
def _check_same(place: Path, study: "Source", begun: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that was begun from something else."""
    # Data first, then code, then settings: each makes what comes after it meaningless.
    wanted = start_record(study)
    if begun["data"] != wanted["data"]:
        raise DataError(
            f"{study.source}: the data have changed since the run began (their SHA-256 "
            f"is {wanted['data'][:12]}..., it was {begun['data'][:12]}...); start again "
            "without --resume"
        )
    for what in ("process model", "versions"):
        if begun[what] != wanted[what]:
            raise ConfigError(
                f"{place}: the {what} changed since the run began "
                f"({_shown(begun[what])}, now {_shown(wanted[what])}); start again "
                "without --resume"
            )
    changed = _differences(begun["settings"], wanted["settings"])
    if changed:
        key, before, now = changed[0]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ConfigError(
            f"{place}: was begun with {key} = {before!r}, now it is {now!r}{more}; set "
            "it back, or start again without --resume"
        )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {entry}" for name, entry in value.items())
    return f"SHA-256 {str(value)[:12]}..."


def _differences(before: Any, now: Any, key: str = "") -> list[tuple[str, Any, Any]]:
    """Return (dotted key, value before, value now) of every setting that differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = dict.fromkeys([*before, *now])
        return [
            difference
            for name in names
            for difference in _differences(
                before.get(name), now.get(name), f"{key}.{name}" if key else name
            )
        ]
    return [] if before == now else [(key, before, now)]
