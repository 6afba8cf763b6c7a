"""Everything in a run folder once more, from its network, its data and its settings.

A forger can rewrite the manifest together with a number. What no one can rewrite is what
the data say: the stages after the training, and on request the training too, are run
again, and every file is compared with what they write.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from discovery.config.file import train_config, versions
from discovery.runs.checkpoints import HASHES, MODEL, TRAINING
from discovery.runs.files import file_hash, read_json, write_json
from discovery.runs.leftovers import NEW, dead, hidden_beside, remove
from discovery.runs.manifest import MANIFEST, machine, read_manifest
from discovery.runs.unfinished import CHECKPOINTS, carry_over
from discovery.tables.records import PARTS
from discovery.tables.study import Study
from discovery.verdict.differences import SHOWN, Difference, differences
from discovery.verdict.placebos.controls import CONTROLS, Controls, run_controls
from sciren.errors import ConfigError, SciRenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from discovery.tables.study import SeriesStudy
    from sciren.data import Table
    from sciren.training.progress import Progress

TRAINED = (MODEL, f"{TRAINING}.json", "members.json")
"""Stages that hold a training; `verify` takes them over unless it trains again."""

WORKSPACE = "verify"  # of the hidden temporary folder in which a run is made again


@dataclass(frozen=True)
class Comparison:
    """A run beside the same run computed again.

    Attributes:
        files: how many were compared.
        found: where they differ.
        notes: what a reader should know about the comparison.
    """

    files: int
    found: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[tuple[str, bool]]:
        """Return (text, whether it agrees) for every file that differs, and a count."""
        by_file: dict[str, list[Difference]] = {}
        for difference in self.found:
            by_file.setdefault(difference.file, []).append(difference)
        lines = [(note, True) for note in self.notes]
        for file_differences in by_file.values():
            lines += [
                (str(difference), False) for difference in file_differences[:SHOWN]
            ]
            if len(file_differences) > SHOWN:
                lines.append(
                    (
                        f"{file_differences[0].file}: {len(file_differences) - SHOWN} more",
                        False,
                    )
                )
        same = self.files - len(by_file)
        return [*lines, (f"computed again: {same} of {self.files} files agree", True)]


def compare_again(
    folder: Path,
    study: "Study | SeriesStudy",
    progress: "Progress",
    retrain: bool = False,
) -> Comparison:
    """Compute a run again in a temporary folder and compare every file.

    Args:
        folder: of the run; it is not changed.
        study: its settings and data.
        progress: hears what is going on.
        retrain: whether the network is trained again as well.
    Raises:
        ConfigError: the temporary folder cannot be written, which says nothing of the run.
    """
    with _workspace() as new:
        try:
            write_again(folder, study, new, progress, retrain)
        except SciRenError as error:
            if isinstance(error, ConfigError) and isinstance(error.__cause__, OSError):
                raise
            # That the run cannot be repeated is itself the difference, not a crash of
            # the check.
            lost = Difference(MODEL, "", "a run", f"cannot be computed: {error}")
            return Comparison(1, (lost,))
        return compare_runs(folder, new)


@contextmanager
def _workspace() -> Iterator[Path]:
    """Give a temporary folder; those of verifications that were killed are removed."""
    beside = Path(tempfile.gettempdir()).resolve() / WORKSPACE
    for left in dead(beside, NEW):
        remove(left)
    place = hidden_beside(beside)
    place.mkdir(mode=0o700)  # temporary folders are shared with other users
    try:
        yield place
    finally:
        remove(place)


def write_again(
    folder: Path,
    study: "Study | SeriesStudy",
    new: Path,
    progress: "Progress",
    retrain: bool = False,
) -> None:
    """Write the run that the network, the data and the settings of a run give.

    Raises:
        SciRenError: a stored stage cannot be read, or a stage fails.
    """
    from discovery.runs.workflow import complete, ready_run

    # 1. Take over what is trusted: the trained stages, or nothing. 2. Controls. 3. All
    # other stages by the same code that wrote the run.
    keep = carry_over(folder, new, study, () if retrain else TRAINED)
    controlled = (folder / CONTROLS).is_file() and not study.config.controls
    if controlled and isinstance(study, Study):
        _control_again(folder, study, new, progress)  # first: the report quotes it
    complete(ready_run(study, train_config(study.config)), new, progress, keep)


def _control_again(
    folder: Path, study: "Study", new: Path, progress: "Progress"
) -> None:
    """Run the controls that `sciren control` has added to a run, as many as then."""
    from discovery.runs.stored import stored_model

    stored = Controls.from_json(read_json(folder / CONTROLS))
    # The same number of draws from the same seed gives the same placebos.
    count = max((kind.count for kind in stored.placebos), default=0)
    model, seed = stored_model(folder, study.decoder), study.config.seed
    parts: Mapping[str, Table] = dict(zip(PARTS, study.split, strict=True))
    again = run_controls(model, parts, count, seed, progress.say)
    write_json(new / CONTROLS, again.to_json())


def compare_runs(folder: Path, again: Path) -> Comparison:
    """Compare every file of a run with the same run computed again."""
    ours, theirs = read_manifest(folder), read_manifest(again)
    # These hold hashes of the other files, which differ wherever rounding does; the
    # files themselves are compared instead.
    special = (MANIFEST, f"{CHECKPOINTS}/{HASHES}")
    names = [
        name
        # Files of either run in a fixed order: one that is missing and one too many
        # both count.
        for name in dict.fromkeys([*ours["files"], *theirs["files"]])
        if name not in special and not _replaceable(folder, name)
    ]
    # Bytes repeat only with the same versions on the same kind of machine.
    exact = (ours.get("versions"), ours.get("machine")) == (versions(), machine())
    changed = [
        difference
        for name in names
        for difference in differences(folder, again, name, exact)
    ]
    changed += changed_stages(folder)
    for key in ("data", "process file"):
        # The hashes of data and process say whether both runs saw the same input at
        # all.
        if ours.get(key) != theirs[key]:
            changed.append(
                Difference(MANIFEST, key, str(ours.get(key)), str(theirs[key]))
            )
    # One more for the manifest itself.
    return Comparison(len(names) + 1, tuple(changed), () if exact else (_other(ours),))


def _replaceable(folder: Path, name: str) -> bool:
    """Whether a file may be missing: a run is handed on without its stages."""
    return name.startswith(f"{CHECKPOINTS}/") and not (folder / name).is_file()


def changed_stages(folder: Path) -> list[Difference]:
    """Compare the stored stages with the hashes that were kept when they were written."""
    place = folder / CHECKPOINTS
    hashes = read_json(place / HASHES) if (place / HASHES).is_file() else {}
    return [
        Difference(f"{CHECKPOINTS}/{name}", "", f"SHA-256 {digest}", file_hash(stage))
        for name, digest in hashes.items()
        if (stage := place / name).exists() and file_hash(stage) != digest
    ]


def _other(ours: dict[str, object]) -> str:
    """Say that the comparison is between versions or machines."""
    before = ours.get("versions")
    then = {"machine": ours.get("machine")} | (
        before if isinstance(before, dict) else {}
    )
    changed = [
        f"{name} {then.get(name, '?')} then, {version} now"
        for name, version in ({"machine": machine()} | versions()).items()
        if then.get(name) != version
    ]
    return (
        f"versions or machine differ ({', '.join(changed)}); pictures were not compared, "
        "and numbers may differ by more than rounding"
    )
