"""explain: everything after training again, from the stored network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from discovery.config.file import load_config, train_config
from discovery.config.settings import RunConfig
from discovery.results.scoring import EQUATION, NETWORK
from discovery.runs.folder import check_free, open_run, run_folder
from discovery.runs.manifest import edited_note
from discovery.runs.stored import load_discovery, stored_decoder, stored_model
from discovery.runs.workflow import (
    check_study,
    complete,
    discover_study,
    progress_of,
    ready_run,
    write_all,
)
from sciren.errors import ConfigError, DataError
from symbolic.options import SymbolicOptions, check_families

if TYPE_CHECKING:
    from discovery.runs.training import Training
    from discovery.tables.study import SeriesStudy, Study

CHANGEABLE = tuple(SymbolicOptions.model_fields)
"""What comes after training: what a user may decide about equations, all of it."""


def explain(
    run: Path,
    changes: Sequence[str] = (),
    quiet: bool = False,
    name: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Find and verify the equations of a run again, without training; return its path.

    The earlier result stays until the new one is whole, and for good with a ``name``.

    Args:
        run: folder of the discovery; its files are replaced together at the end.
        changes: ``"discovery.pins={ta -> rb: linear}"`` and the like, one a setting;
            only what comes after training can be changed.
        quiet: no progress on stderr.
        name: of the new run, which then stands beside the old one; or the path of its
            folder.
        overwrite: whether another run of this name may be replaced.
    Raises:
        ConfigError: a setting that cannot be changed, or does not exist; or something
            stands where the new run would go.
        DataError: no such run, or its data have changed.
    """
    from discovery.dynamics.functions.closing import closes_functions
    from discovery.dynamics.own import fits_groups_alone
    from discovery.dynamics.state_function import finds_state_function
    from discovery.runs.unfinished import TRAINED, carry_over
    from discovery.tables.prepare import prepare

    folder = open_run(run)
    out = folder if name is None else _named(folder, name, overwrite)
    config = _changed(folder, out, changes)
    check_families(config.discovery)
    progress = progress_of(quiet)
    # Settings, data and process model are checked before anything stored is used.
    stored_decoder(folder)  # refuses code that comes with the run
    study = prepare(config, progress.say)
    check_study(study)
    _check_same_data(folder, study)
    # None of them begins with a network, so there is no training that could be kept.
    alone = (
        finds_state_function(study)
        or fits_groups_alone(study)
        or closes_functions(study)
    )
    training = None if alone else stored_training(folder, study)
    with run_folder(out, overwrite or out == folder) as new:
        # Another formula of a row or a state is another process, which trains anew.
        stages = () if closes_functions(study) else TRAINED
        keep = carry_over(folder, new, study, stages)
        if training is None:  # no network was trained, so that all of the run is again
            complete(ready_run(study, train_config(config)), new, progress, keep)
            return out
        discovery = discover_study(study, training, progress, keep)
        write_all(discovery, study, new, progress)
    return out


def _check_same_data(folder: Path, study: "Study | SeriesStudy") -> None:
    """Refuse data that are not what the run was made from."""
    from discovery.runs.files import read_record

    if study.fingerprint != read_record(folder / "data.json", "sha256")["sha256"]:
        raise DataError(
            f"{study.source}: is not what the run was made from (its SHA-256 differs); "
            "run `sciren discover` again"
        )


def _named(folder: Path, name: str, overwrite: bool) -> Path:
    """Return the folder of a new run: beside the old one, or where a path says.

    Raises:
        ConfigError: it is the old run, or something stands there.
    """
    # A bare name means "beside the old run"; anything with a folder in it is a path.
    path = Path(name)
    out = path if len(path.parts) > 1 or path.is_absolute() else folder.parent / name
    if not name.strip() or out.resolve() == folder.resolve():
        raise ConfigError(
            f"--as {name}: give the new run another name than that of {folder}"
        )
    check_free(out, overwrite)
    return out


def _changed(folder: Path, out: Path, changes: Sequence[str]) -> RunConfig:
    """Return the settings of a run with changes, and the place of the new one."""
    for change in changes:
        group, _, name = change.partition("=")[0].strip().partition(".")
        if group != "discovery" or name.split(".")[0] not in CHANGEABLE:
            raise ConfigError(
                f"--set {change}: without training only "
                f"{', '.join(f'discovery.{name}' for name in CHANGEABLE)} can be changed; "
                "for others run `sciren discover` again"
            )
    config = load_config(folder / "config.yaml", changes)
    return config.model_copy(update={"out": out.resolve()})


def stored_training(folder: Path, study: "Study | SeriesStudy") -> "Training":
    """Return the record of a run's training as its files hold it."""
    from discovery.results.identification import EQUATIONS
    from discovery.runs.training import Training

    discovery, edited = load_discovery(folder), edited_note(folder)
    tried = discovery.candidates.to_dict("records")
    points = discovery.profiles.to_dict("records")
    # Scores of network and equation are computed again; those of the baselines belong
    # to the training.
    simple = {
        part: {n: s for n, s in models.items() if n not in (NETWORK, EQUATION)}
        for part, models in discovery.scores.items()
    }
    return Training(
        stored_model(folder, study.decoder),
        discovery.history,
        tuple(row for row in tried if row["stage"] != "families"),
        tuple(row for row in points if row["model"] != EQUATIONS),
        tuple(row for row in discovery.identification if row.model != EQUATIONS),
        simple,
        any(row["stage"] == "edges" for row in tried),
        (*((edited,) if edited else ()), *discovery.training_notes),
        discovery.noise,
    )
