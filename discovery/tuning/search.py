"""The search: Optuna proposes trials in generations, whoever runs them.

Trials of a generation are proposed before any of them is run, each by a sampler whose seed
is that of the search and the trial's number. So the search is the same for any number of
workers, and after an interrupt: the journal holds every trial that was proposed, and what
had not ended is run again with the same settings.

Reference: Akiba et al. 2019 (Optuna); Bergstra et al. 2011 (tree-structured Parzen
estimator).
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.settings import RunConfig
from discovery.runs.files import read_json, write_json
from discovery.tuning.space import Space
from discovery.tuning.trial import Score, batches_of, score_batch
from sciren.errors import ConfigError
from sciren.execution import Executor, run_all

if TYPE_CHECKING:
    import optuna

    from sciren.training.progress import Progress

JOURNAL = "trials.journal"
GENERATION = 8
"""Trials proposed at once: eight keep four workers busy and still learn every eight."""
STARTUP = 16
"""Trials at random before the sampler learns, two generations (Optuna's default is 10)."""
SHORT = 0.25
"""Share of the epochs after which hopeless trials are given up."""


@dataclass(frozen=True)
class Trial:
    """A proposal and what it came to; `pruned` where it was given up early."""

    number: int
    changes: dict[str, Any]
    score: Score
    pruned: bool = False


class Search:
    """A search that can be interrupted at any moment.

    Args:
        config: of one run.
        space: what is varied.
        folder: of the journal.
        fingerprint: of the data, which a resumed search must share.
        epochs: of a whole training, None where there are none to save: no pruning then.
    Raises:
        ConfigError: Optuna is not installed, or the folder holds another search.
    """

    def __init__(
        self,
        config: RunConfig,
        space: Space,
        folder: Path,
        fingerprint: str,
        epochs: int | None = None,
    ) -> None:
        self.config, self.space, self.epochs = config, space, epochs
        self.settings: dict[str, Any] = json.loads(config.model_dump_json())
        self.study = _study(folder / JOURNAL)
        self.scores = Scores(folder / "trials")
        fixed_settings = {
            key: value for key, value in self.settings.items() if key != "out"
        }
        asked = {
            "settings": json.dumps(fixed_settings, sort_keys=True),
            "space": repr(space),
            "data": fingerprint,
        }
        stored = self.study.user_attrs
        for key, value in asked.items():
            # A new search has nothing stored and takes what it is asked.
            if stored.get(key, value) != value:
                raise ConfigError(
                    f"{folder}: holds a search with other {key}; choose another folder, "
                    "or remove it"
                )
            self.study.set_user_attr(key, value)

    def run(
        self, count: int, executor: Executor, progress: "Progress | None" = None
    ) -> list[Trial]:
        """Run trials until there are so many, and return all of them in order."""
        while len(finished := self.finished()) < count:
            if finished and progress is not None:
                best = min(trial.score.loss for trial in finished)
                progress.update("trials", len(finished), count, {"best": best})
            self._propose(count)
            self._run_open(executor)
        return finished[:count]

    def finished(self) -> list[Trial]:
        """Return the trials that have ended, by number."""
        return [
            Trial(trial.number, self.space.changes(trial.params), score, pruned)
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.is_finished()
            for score, pruned in [self.scores.read(trial.number)]
        ]

    def _open(self) -> dict[int, dict[str, Any]]:
        """Return number -> changes of the trials that were proposed and have not ended."""
        return {
            trial.number: self.space.changes(trial.params)
            for trial in self.study.get_trials(deepcopy=False)
            if not trial.state.is_finished()
        }

    def _propose(self, count: int) -> None:
        """Fill up the generation; after an interrupt it may be there, whole or in part."""
        from optuna.samplers import TPESampler

        begun = len(self.study.get_trials(deepcopy=False))
        # A whole generation was proposed and not all of it has ended: run it first.
        if begun % GENERATION == 0 and self._open():
            return
        end = min(count, begun - begun % GENERATION + GENERATION)
        for number in range(begun, end):
            # A seed for each trial: what is proposed depends on its number and on
            # earlier trials, not on how the process got there.
            seed = np.random.SeedSequence([self.config.seed, number]).generate_state(1)
            self.study.sampler = TPESampler(
                n_startup_trials=STARTUP, multivariate=True, seed=int(seed[0])
            )
            self.study.ask(self.space.distributions())

    def _run_open(self, executor: Executor) -> None:
        waiting = self._open()
        # 1. Short trainings. 2. Whole ones of those that are left. 3. Scores to the
        # files, then to Optuna, in the order of the numbers: a trial of which Optuna
        # has not heard is run again.
        hopeless = self._hopeless(waiting, executor)
        whole = {k: v for k, v in waiting.items() if k not in hopeless}
        scores = self._scored(whole, executor)
        for number in waiting:
            score = hopeless.get(number) or scores[number]
            self.scores.write(number, score, pruned=number in hopeless)
            self._tell(number, score, pruned=number in hopeless)

    def _hopeless(
        self, waiting: dict[int, dict[str, Any]], executor: Executor
    ) -> dict[int, Score]:
        """Find trials whose short training is worse than the median of earlier ones.

        Only trials of earlier generations count, so that it does not matter which trial
        of this one ends first (the rule of Optuna's MedianPruner otherwise).
        """
        if self.epochs is None or not waiting:
            return {}
        epochs = max(1, round(SHORT * self.epochs))
        # Only trials before this batch count, so that the answer does not depend on
        # which worker ends first.
        earlier = [self.scores.short(number) for number in range(min(waiting))]
        short = self._scored(waiting, executor, epochs)
        for number, score in short.items():
            self.scores.write_short(number, score.loss)
        if len(earlier) < STARTUP:
            return {}
        limit = float(np.median(earlier))
        return {number: score for number, score in short.items() if score.loss > limit}

    def _scored(
        self,
        changes: dict[int, dict[str, Any]],
        executor: Executor,
        epochs: int | None = None,
    ) -> dict[int, Score]:
        batches = batches_of(self.settings, changes, epochs)
        scores: dict[int, Score] = {}
        for part in run_all(score_batch, batches, executor):
            scores |= part
        return scores

    def _tell(self, number: int, score: Score, pruned: bool) -> None:
        from optuna.trial import TrialState

        if pruned:
            self.study.tell(number, state=TrialState.PRUNED)
        elif score.error:
            self.study.tell(number, state=TrialState.FAIL)
        else:
            self.study.tell(number, score.loss)


class Scores:
    """The scores of a search: a file each, written before Optuna hears of it.

    Args:
        folder: of the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, number: int, score: Score, pruned: bool) -> None:
        """Keep the score of a trial."""
        write_json(self._file(number), asdict(score) | {"pruned": pruned})

    def read(self, number: int) -> tuple[Score, bool]:
        """Return the score of a trial, and whether it was given up early."""
        record = read_json(self._file(number))
        pruned = record.pop("pruned")
        # JSON holds no infinity; a failed training was written as null.
        loss = math.inf if record["loss"] is None else record["loss"]
        return Score(**record | {"loss": loss, "parts": tuple(record["parts"])}), pruned

    def write_short(self, number: int, loss: float) -> None:
        """Keep the loss after the short training."""
        write_json(self._file(number, "short"), {"loss": loss})

    def short(self, number: int) -> float:
        """Return the loss after the short training; a failed one is infinite."""
        loss = read_json(self._file(number, "short"))["loss"]
        return math.inf if loss is None else float(loss)

    def _file(self, number: int, kind: str = "score") -> Path:
        return self.folder / f"{number:05d}.{kind}.json"


class _HeldAlready:
    """Lock of a journal that one process writes: `tune` holds the folder alone.

    Optuna's own are files, which a killed search leaves behind for others to wait for.
    """

    def acquire(self) -> bool:
        """Return that the lock is held."""
        return True

    def release(self) -> None:
        """Do nothing: the folder is given free with its process."""


def _study(journal: Path) -> "optuna.Study":
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise ConfigError("a search needs Optuna; install sciren[tune]") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    held: Any = _HeldAlready()
    # A journal survives a kill between two lines. The folder is locked already, so its
    # own lock, which a kill would leave behind, is not taken.
    storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=held))
    return optuna.create_study(
        storage=storage, study_name="sciren", load_if_exists=True, direction="minimize"
    )
