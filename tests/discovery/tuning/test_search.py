"""A search is the same for any number of workers, and after an interrupt."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("optuna")

from discovery.config.file import config_from_mapping
from discovery.tuning import search as searching
from discovery.tuning.search import Search
from discovery.tuning.space import space_of
from discovery.tuning.trial import Batch, Score
from discovery.tuning.tune import CHOSEN, TRIALS, tune
from sciren.errors import ConfigError
from sciren.execution import InOrder

SPACE = {
    "train.learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    "train.smooth": [1e-3, 1.0],
}


@pytest.fixture
def config(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(size=(120, 2)), columns=["a", "b"])
    frame["y"] = np.sin(3 * frame.a) + 0.1 * rng.normal(size=120)
    frame.to_csv(tmp_path / "data.csv", index=False)
    return config_from_mapping(
        {
            "data": {"path": str(tmp_path / "data.csv")},
            "features": ["a", "b"],
            "targets": {"y": "y"},
            "train": {"engine": "first-order", "epochs": 60, "batch_size": 60},
            "out": str(tmp_path / "search"),
        }
    )


@pytest.fixture
def pretend(monkeypatch) -> Callable[[], list[int]]:
    """Score trials by a formula in place of a training; returns epochs that were asked."""
    asked = []

    def score(batch: Batch) -> dict[int, Score]:
        asked.append(batch.epochs)
        return {
            number: Score(
                loss := math.log10(change["train.learning_rate"] / 0.02) ** 2 + 1,
                (loss, loss),
                10,
            )
            for number, change in batch.changes.items()
        }

    monkeypatch.setattr(searching, "score_batch", score)
    return lambda: asked


def _trials(search: Search, count: int) -> list[tuple[int, dict, float]]:
    return [
        (trial.number, trial.changes, trial.score.loss)
        for trial in search.run(count, InOrder())
    ]


def test_an_interrupted_search_ends_like_an_uninterrupted_one(
    config, pretend, tmp_path
):
    space = space_of(SPACE, "test")
    whole = _trials(Search(config, space, tmp_path / "whole", "data"), 28)

    class Interrupted(InOrder):
        left = 2

        def results(self, function, items):
            for result in super().results(function, items):
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
                yield result

    with pytest.raises(KeyboardInterrupt):
        Search(config, space, tmp_path / "part", "data").run(28, Interrupted())
    assert _trials(Search(config, space, tmp_path / "part", "data"), 28) == whole
    best = min(whole, key=lambda trial: trial[2])
    assert best[2] < 1.02
    assert best[0] >= 16, "the sampler learns nothing"


def test_hopeless_trials_are_given_up_after_a_quarter_of_the_epochs(
    config, pretend, tmp_path
):
    trials = Search(config, space_of(SPACE, "test"), tmp_path, "data", 40).run(
        32, InOrder()
    )
    assert {10, None} == set(pretend())
    pruned = [trial for trial in trials if trial.pruned]
    assert pruned
    assert min(trial.number for trial in pruned) >= 16
    kept = [trial.score.loss for trial in trials if not trial.pruned]
    assert min(kept) < min(trial.score.loss for trial in pruned)


def test_a_folder_of_another_search_is_refused(config, tmp_path):
    space = space_of(SPACE, "test")
    Search(config, space, tmp_path, "data")
    with pytest.raises(ConfigError, match="holds a search with other data"):
        Search(config, space, tmp_path, "other data")
    with pytest.raises(ConfigError, match="with other space"):
        Search(config, space_of({"train.smooth": [1]}, "test"), tmp_path, "data")


def test_a_real_search_writes_table_pictures_and_a_configuration(config, tmp_path):
    space = space_of({"train.learning_rate": [1e-4, 0.05]}, "test")
    result = tune(config, 2, space, quiet=True)
    frame: Any = pd.read_csv(result.folder / TRIALS)
    assert sorted(frame["train.learning_rate"]) in (
        [1e-4, 0.05],
        [0.05, 0.05],
        [1e-4, 1e-4],
    )
    assert frame["loss"].min() < 0.2
    assert int(frame["taken"].sum()) == 1
    text = (result.folder / CHOSEN).read_text()
    assert f"learning_rate: {result.changes['train.learning_rate']}" in text
    assert (
        json.loads((result.folder / "tune.json").read_text())["taken"] == result.taken
    )
    before = (result.folder / TRIALS).read_bytes()
    assert tune(config, 2, space, quiet=True).trials == result.trials
    assert (result.folder / TRIALS).read_bytes() == before
