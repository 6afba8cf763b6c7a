"""tune: a search, its table and pictures, and the configuration that it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.config.settings import RunConfig
from discovery.runs.alone import alone
from discovery.runs.files import write_csv, write_json, write_text
from discovery.tuning.choice import choose
from discovery.tuning.search import Search, Trial
from discovery.tuning.space import Space, changed_settings, default_space
from discovery.tuning.trial import paired_error
from sciren.execution import Executor, InOrder

if TYPE_CHECKING:
    import pandas as pd

TRIALS, RECORD, CHOSEN = "trials.csv", "tune.json", "chosen.yaml"
DPI = 200  # of the picture of the trials, as of those of a run


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        folder: with ``trials.csv``, ``tune.json``, ``chosen.yaml`` and pictures.
        trials: all of them.
        taken: number of the trial whose settings are taken.
        best: number of the trial with the least loss.
    """

    folder: Path
    trials: tuple[Trial, ...]
    taken: int
    best: int

    @property
    def changes(self) -> Mapping[str, Any]:
        """Key -> value of what is taken."""
        return self.trials[self.taken].changes

    def sentence(self) -> str:
        """Return what was taken, and against what."""
        taken, best = self.trials[self.taken], self.trials[self.best]
        settings = ", ".join(f"{key} {value}" for key, value in self.changes.items())
        text = (
            f"{len(self.trials)} trials: {settings}; {taken.score.loss:.4g} of the variance "
            "of the validation rows is not explained"
        )
        if taken.number != best.number:
            error = paired_error(taken.score.parts, best.score.parts)
            text += (
                f" ({best.score.loss:.4g} with {best.score.size} coefficients in place of "
                f"{taken.score.size}, a difference within its error of {error:.2g})"
            )
        return text


def tune(
    config: RunConfig,
    count: int = 40,
    space: Space | None = None,
    executor: Executor | None = None,
    prune: bool = True,
    quiet: bool = False,
) -> Tuned:
    """Search settings of a training by their loss on the validation rows.

    The folder is ``config.out``; a search of the same settings, space and data that lies
    there goes on. Test rows are not looked at.

    Args:
        config: of one run, whose keys the search changes.
        count: trials in all.
        space: what is varied; default: the grids of the published study for first-order
            training, hidden nodes and stiffness for Gauss-Newton.
        executor: who trains; the result does not depend on it.
        prune: whether to give up trials that look hopeless after a quarter of the epochs.
        quiet: no progress on stderr.
    Raises:
        ConfigError: a key or value of the space does not fit, or the folder holds
            something else.
        DataError: the table cannot be used.
        TrainingError: no trial could be trained.
    """
    from discovery.config.build import model_of
    from discovery.config.file import train_config
    from discovery.runs.workflow import progress_of
    from discovery.tables.prepare import prepare_rows
    from sciren.training.engines import choose_engine
    from sciren.training.first_order.schedule import Schedule

    out, progress = Path(config.out), progress_of(quiet)
    _check_folder(out)
    study = prepare_rows(config, "sciren tune", progress.say)
    training = train_config(config)
    engine, _ = choose_engine(model_of(config, study.decoder), training)
    space = space or default_space(config, engine)
    check_space(config, space)
    # Steps of an epoch, rounded up.
    steps = -(-len(study.split.train) // training.batch_size)
    prunes = prune and engine == "first-order"
    # Gauss-Newton solves in a few steps: there is no early part that would tell.
    epochs = Schedule(training, steps).epochs if prunes else None
    with alone(out, "tune"):
        search = Search(config, space, out, study.fingerprint, epochs)
        trials = search.run(count, executor or InOrder(), progress)
    taken, best = choose(
        {trial.number: trial.score for trial in trials if not trial.pruned}
    )
    result = Tuned(out, tuple(trials), taken, best)
    write(result, config)
    return result


def _check_folder(out: Path) -> None:
    """Refuse a folder with anything but a search in it."""
    from discovery.runs.folder import check_free
    from discovery.tuning.search import JOURNAL

    if not (out / JOURNAL).is_file():
        check_free(out, overwrite=False)


def check_space(config: RunConfig, space: Space) -> None:
    """Try both ends of every part of a space before any training.

    Raises:
        ConfigError: a key does not exist, or a value does not fit.
    """
    distributions = space.distributions()
    # One part at a time, the others at a value of theirs: all combinations would be too
    # many.
    middle = {name: _ends(part)[0] for name, part in distributions.items()}
    for name, distribution in distributions.items():
        for value in _ends(distribution):
            changed_settings(config, space.changes(middle | {name: value}))


def _ends(distribution: Any) -> Sequence[Any]:
    choices = getattr(distribution, "choices", None)
    return choices or (distribution.low, distribution.high)


def trial_frame(result: Tuned) -> "pd.DataFrame":
    """Return one row a trial: number, settings, loss, error of the difference, size, ..."""
    import pandas as pd

    best = result.trials[result.best].score.parts
    rows = []
    for trial in result.trials:
        score = trial.score
        # A trial that failed or was stopped early has no blocks to pair with the best.
        comparable = bool(score.parts) and len(score.parts) == len(best)
        rows.append(
            {"number": trial.number, **trial.changes, "loss": score.loss}
            | {"error_se": paired_error(score.parts, best) if comparable else None}
            | {"size": score.size, "seconds": score.seconds, "pruned": trial.pruned}
            | {"taken": trial.number == result.taken, "failure": score.error}
        )
    return pd.DataFrame(rows)


def write(result: Tuned, config: RunConfig) -> None:
    """Write the table, the pictures, the record, and the configuration that is taken."""
    from discovery.config.file import resolved_yaml
    from visualize import plot_trials
    from visualize.paper.both import save_both

    frame: Any = trial_frame(result)
    write_csv(result.folder / TRIALS, frame)
    chosen = changed_settings(config, result.changes)
    run = chosen.model_copy(
        update={"out": result.folder.with_name(f"{result.folder.name}-run")}
    )
    write_text(result.folder / CHOSEN, resolved_yaml(run))
    record = {
        "taken": result.taken,
        "best": result.best,
        "changes": dict(result.changes),
    }
    write_json(result.folder / RECORD, record)
    names = [name for name in result.changes if frame[name].astype(str).nunique() > 1]
    if names:
        figure = plot_trials(frame, names, "loss", taken=result.taken)
        bitmap, vectors = (result.folder / f"trials.{end}" for end in ("png", "pdf"))
        save_both(figure, bitmap, vectors, DPI)
