"""Trials: train some settings together and score them on the validation rows."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.file import config_from_mapping, train_config
from discovery.tuning.space import changed_settings
from sciren.errors import SciRenError

if TYPE_CHECKING:
    from discovery.tables.study import Study
    from sciren.data import Table
    from sciren.model import ScIReN

BLOCKS = 200
"""Most groups of validation rows whose losses are stored with a trial, for paired errors."""


@dataclass(frozen=True)
class Batch:
    """Trials that are trained together, as plain data that travels to a worker.

    Attributes:
        settings: of the configuration that they change.
        changes: number of the trial -> key -> value.
        epochs: of the training; None as configured.
    """

    settings: dict[str, Any]
    changes: dict[int, dict[str, Any]]
    epochs: int | None = None


@dataclass(frozen=True)
class Score:
    """What a trial came to.

    Attributes:
        loss: share of the validation targets' variance that is not explained, the mean
            over targets; infinite where the training failed.
        parts: (b,) the same for groups of blocks of rows, whose mean is the loss.
        size: coefficients of edges that were kept.
        seconds: of the training of all trials of its batch, a share each.
        error: why it failed, or "".
    """

    loss: float
    parts: tuple[float, ...] = field(default=(), repr=False)
    size: int = 0
    seconds: float = 0.0
    error: str = ""


def score_batch(batch: Batch) -> dict[int, Score]:
    """Train the trials of a batch together and score each of them."""
    from discovery.tables.prepare import prepare_rows

    config = config_from_mapping(batch.settings, "settings of the search")
    study = prepare_rows(config, "sciren tune")
    try:
        return _scores(study, batch)
    except SciRenError as error:
        if len(batch.changes) > 1:  # the fault of one is not that of the others
            single = (
                Batch(batch.settings, {number: changes}, batch.epochs)
                for number, changes in batch.changes.items()
            )
            return {k: v for alone in single for k, v in score_batch(alone).items()}
        text = " ".join(str(error).split())
        return {number: Score(math.inf, error=text) for number in batch.changes}


def _scores(study: "Study", batch: Batch) -> dict[int, Score]:
    from discovery.config.build import model_of
    from sciren.training import fit_ensemble

    models, trainings = [], []
    for changes in batch.changes.values():
        config = changed_settings(study.config, changes)
        models.append(model_of(config, study.decoder))
        training = train_config(config)
        # What does not move the loss is left out of a trial.
        extra: dict[str, Any] = {"bootstrap": 0, "profiles": False, "ladder": False}
        if batch.epochs is not None:
            extra["epochs"] = batch.epochs
        trainings.append(training.replace(**extra))
    began = time.monotonic()
    fit_ensemble(models, study.split.train, study.split.valid, trainings)
    each = (time.monotonic() - began) / len(models)
    return {
        number: _score(model, study.split.valid, each)
        for number, model in zip(batch.changes, models, strict=True)
    }


def _score(model: "ScIReN", valid: "Table", seconds: float) -> Score:
    parts = block_losses(model, valid)
    return Score(float(parts.mean()), tuple(parts.tolist()), size_of(model), seconds)


def block_losses(model: "ScIReN", table: "Table") -> np.ndarray:
    """Return (b,) unexplained shares of variance of groups of blocks; their mean is 1 - R2.

    Every target counts alike; blocks (sites, weeks) stay whole, in at most `BLOCKS` groups.
    """
    targets = table.targets.cpu().numpy()
    misfit = targets - model.predict(table).targets.detach().cpu().numpy()
    spread = np.nanvar(targets, axis=0)
    counted = np.isfinite(targets).sum(axis=0)
    # (n, t): each row's part of 1 - R2 of its target; a target without variance has
    # none.
    share = misfit**2 / np.where(spread > 0, spread, np.nan) / counted
    rows = np.nansum(share, axis=1) / targets.shape[1]
    # Blocks in turns to at most BLOCKS groups.
    groups = table.blocks.cpu().numpy() % BLOCKS
    sums = np.bincount(groups, weights=rows)
    sums = sums[np.bincount(groups) > 0]
    # Scaled so that the mean over groups, not the sum, is the loss.
    return sums * len(sums)


def size_of(model: "ScIReN") -> int:
    """Return the coefficients of the edges that are left, or all of a black box."""
    from sciren.edges import edge_layers

    total = sum(part.numel() for part in model.encoder.parameters())
    masks = [layer.mask != 0 for layer in edge_layers(model.encoder)]
    edges = sum(mask.numel() for mask in masks)
    kept = sum(int(mask.sum()) for mask in masks)
    # Coefficients in proportion to the edges that are left.
    return total if not edges else round(total * kept / edges)


def batches_of(
    settings: dict[str, Any],
    changes: Mapping[int, dict[str, Any]],
    epochs: int | None = None,
) -> list[Batch]:
    """Put trials that differ in training alone together: these train as one model."""
    alike: dict[str, dict[int, dict[str, Any]]] = {}
    for number, change in changes.items():
        # Only models of one shape can be stacked into one.
        other = {k: v for k, v in change.items() if not k.startswith("train.")}
        alike.setdefault(repr(sorted(other.items())), {})[number] = change
    return [Batch(settings, together, epochs) for together in alike.values()]


def paired_error(parts: Sequence[float], best: Sequence[float]) -> float:
    """Return the standard error of the difference of two losses on the same blocks."""
    difference = np.asarray(parts) - np.asarray(best)
    if len(difference) < 2:
        return 0.0
    return float(difference.std(ddof=1) / math.sqrt(len(difference)))
