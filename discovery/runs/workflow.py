"""run: from a configuration to a folder with everything that was found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from discovery.config.file import train_config
from discovery.config.settings import RunConfig
from discovery.runs.checkpoints import Checkpoints
from discovery.runs.files import write_csv, write_json
from discovery.runs.folder import check_free, clear
from discovery.runs.manifest import process_file, write_manifest
from discovery.tables.head import check_head
from discovery.tables.records import PARTS
from discovery.verdict.record import Reason
from sciren.errors import ConfigError, DataError, TrainingError
from symbolic.options import check_edges, check_families, check_symbols

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from discovery.runs.training import Training
    from discovery.tables.study import SeriesStudy, Study
    from sciren.data import SeriesTable, Table
    from sciren.training import TrainConfig
    from sciren.training.progress import Progress


def run(
    config: RunConfig,
    overwrite: bool = False,
    quiet: bool = False,
    resume: bool = False,
    checked: Callable[[RunConfig], object] = lambda config: None,
) -> Path:
    """Train, find equations, verify, and write the run folder.

    prepare -> train -> baselines -> equations -> verify -> intervals -> report

    Args:
        config: all settings; the folder is ``config.out``.
        overwrite: whether a run that is there may be replaced.
        quiet: no progress on stderr.
        resume: whether to go on with what an interrupted run of the same settings and
            data has finished; the result is that of an uninterrupted run.
        checked: called when everything is checked, before the training.
    Returns:
        The run folder; it appears when everything is written, or not at all.
    Raises:
        SciRenError: settings, data or process model cannot be used, the training fails,
            or the unfinished run was begun with others.
    """
    from discovery.runs.unfinished import CHECKPOINTS, finished_before, unfinished_run

    out = Path(config.out)
    progress = progress_of(quiet)
    clear(out.resolve())
    # A finished run may be there when resuming; `finished_before` says so below.
    if not resume:
        check_free(out, overwrite)
    ready = prepare_run(config, progress.say)
    study = ready.study
    # Only after everything was read: whether it is the same run is a matter of its data
    # too.
    if finished_before(study, resume, overwrite):
        progress.say(f"{out} is finished already")
        return out
    with unfinished_run(study, resume, overwrite, progress.say) as folder:
        checked(config)
        complete(ready, folder, progress, Checkpoints(folder / CHECKPOINTS))
    return out


def complete(
    ready: "ReadyRun", folder: Path, progress: "Progress", keep: "Checkpoints"
) -> None:
    """Do every stage of a run that is not finished yet, and write its files.

    Args:
        ready: data and settings.
        folder: that the files are written into.
        progress: hears what is going on.
        keep: finished stages.
    """
    from discovery.runs.training import train
    from discovery.tables.study import SeriesStudy

    def by_network(study: "Study | SeriesStudy") -> "Discovery":
        training = train(study, ready.training, progress, ready.notes, keep)
        return discover_study(study, training, progress, keep)

    study = ready.study
    if isinstance(study, SeriesStudy):
        # The rooms of the dynamics are loaded where there is something in time.
        from discovery.runs.series_stages import series_stages

        discovery, study = series_stages(
            study, ready.training, progress.say, by_network
        )
    else:
        discovery = by_network(study)
    # Files tell the settings of the user, whatever process they led to.
    write_all(discovery, replace(study, config=ready.study.config), folder, progress)


@dataclass(frozen=True)
class ReadyRun:
    """A run of which everything is checked and nothing is trained.

    Attributes:
        study: its data and process model.
        training: settings of its training.
        notes: what is known about the data already.
    """

    study: "Study | SeriesStudy"
    training: "TrainConfig"
    notes: tuple[str, ...] = ()


def prepare_run(config: RunConfig, say: Callable[[str], None]) -> ReadyRun:
    """Check everything that `run` needs, the cheap first; nothing is written.

    Args:
        config: all settings.
        say: hears how many rows were read, kept and left out.
    Raises:
        SciRenError: settings, data or process model cannot be used.
    """
    # Milliseconds first (settings, head of the file, names), then imports, then the
    # data.
    settings = train_config(config)
    check_head(config)
    check_families(config.discovery)
    # only now, because these load torch and pandas
    from discovery.tables.prepare import prepare
    from sciren.training.devices import device_named

    try:
        device_named(settings.device)
    except TrainingError as error:
        raise ConfigError(f"key 'train.device': {error}") from error
    study = prepare(config, say)
    check_study(study)
    return ready_run(study, settings)


def ready_run(study: "Study | SeriesStudy", settings: "TrainConfig") -> ReadyRun:
    """Return a prepared study with what is known about its data before any training."""
    from discovery.tables.plausible import (
        note_of_sums_in_logs,
        notes_on_outcomes,
        warn_of_copies,
        warn_of_numbers_for_classes,
    )
    from discovery.tables.reach import check_reach, warn_beyond_range
    from discovery.tables.study import SeriesStudy

    if isinstance(study, SeriesStudy):
        warn_beyond_range(study.decoder, study.split.train.forcings)
        return ReadyRun(study, settings)
    # Warnings for whoever watches, notes for whoever reads the report later.
    seen = (
        *warn_of_copies(study),
        *warn_of_numbers_for_classes(study.table),
        *note_of_sums_in_logs(study.decoder, settings.residual),
        *notes_on_outcomes(study.table, study.decoder, settings.noise),
    )
    warn_beyond_range(study.decoder, study.split.train.forcings)
    try:
        shares = check_reach(study.decoder, study.split.train, study.magnitudes.of)
    except DataError as error:
        raise DataError(f"{study.source}: {error}") from error
    sampled = (f"{study.about_sample()}.",) if study.blocks else ()
    unreachable = _unreachable(study, shares)
    notes = (*sampled, *study.magnitudes.notes(), *seen, *unreachable)
    return ReadyRun(study, settings, notes)


def _unreachable(study: "Study", shares: Mapping[str, float]) -> tuple[str, ...]:
    """Say in the report as well what no parameter can explain."""
    return tuple(
        f"{share:.1%} of the training rows of {name} are outside what "
        f"{study.decoder.name} can produce with any parameter; they act as noise."
        for name, share in shares.items()
    )


def progress_of(quiet: bool) -> "Progress":
    """Return who hears the progress: stderr, or nobody."""
    from sciren.training import LineProgress
    from sciren.training.progress import Silence

    return Silence() if quiet else LineProgress()


def check_study(study: "Study | SeriesStudy") -> None:
    """Refuse decisions about edges and symbols that the model cannot have.

    Raises:
        ConfigError: with the key and the closest names.
    """
    config, decoder = study.config, study.decoder
    latents = dict.fromkeys(decoder.latent_names)  # hidden nodes: not known yet
    check_edges(config.discovery, config.features, latents)
    names = (*config.features, *config.forcings.values(), *config.targets)
    printable = (*names, *config.targets.values(), *latents, *decoder.constant_names)
    check_symbols(config.discovery, tuple(dict.fromkeys(printable)))


def discover_study(
    study: "Study | SeriesStudy",
    training: "Training",
    progress: "Progress",
    keep: "Checkpoints | None" = None,
) -> "Discovery":
    """Find and verify the equations of a trained study, after its settings."""
    from discovery.results.stages import discover
    from discovery.tables.study import SeriesStudy

    if isinstance(study, SeriesStudy):
        from discovery.dynamics.discovering import series_discovery, with_time_format

        options, seed = study.config.discovery.options, study.config.seed
        series: dict[str, SeriesTable] = {}
        series.update(zip(PARTS, study.split, strict=True))
        discovery = series_discovery(
            training, series, options, seed, progress.say, keep
        )
        return with_time_format(discovery, study.config)
    split = study.split
    discovery = discover(
        training.model,
        split.train,
        split.valid,
        split.test,
        history=training,
        options=study.config.discovery.options,
        truth=study.truth,
        seed=study.config.seed,
        say=progress.say,
        keep=keep,
    )
    if study.blocks:
        reason = Reason("skilful", "sample", True, study.about_sample(), rank=0)
        discovery.verdict = discovery.verdict.adding(reason)
    return discovery


def write_all(
    discovery: "Discovery",
    study: "Study | SeriesStudy",
    folder: Path,
    progress: "Progress",
) -> None:
    """Write files, pictures and report of a run into a folder."""
    from discovery.report.run_report import write_report
    from discovery.runs.stored import REPLICATES
    from discovery.runs.writing import write_run
    from discovery.tables.study import Study

    progress.say("report: tables and pictures")
    write_run(discovery, study, folder)
    if discovery.replicates is not None:
        write_csv(folder / REPLICATES, discovery.replicates)
    if study.config.controls and isinstance(study, Study):
        _write_controls(discovery, study, folder, progress)
    # the report opens the run as a reader would, so the manifest must be there already
    write_manifest(folder, study.fingerprint, process_file(study.config))
    write_report(folder)


def _write_controls(
    discovery: "Discovery", study: "Study", folder: Path, progress: "Progress"
) -> None:
    """Run placebos and wrong processes, and keep what they say."""
    from discovery.verdict.placebos.controls import CONTROLS, run_controls

    parts: Mapping[str, Table] = dict(zip(PARTS, study.split, strict=True))
    model, seed = discovery.network(), study.config.seed
    controls = run_controls(model, parts, seed=seed, say=progress.say)
    write_json(folder / CONTROLS, controls.to_json())
