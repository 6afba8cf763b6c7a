"""One pass over all blocks: how many rows count, and a sample of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.data.blocks import RowBlock
from sciren.data.table import Table
from sciren.encoders.base import seeded
from sciren.errors import TrainingError
from sciren.execution.executor import Executor, run_all
from sciren.training.progress import Progress


@dataclass(frozen=True)
class Survey:
    """What all blocks hold.

    Attributes:
        rows: complete rows.
        observations: target -> observed values with weight.
        weights: target -> sum of their weights.
        sample: some rows, with those of the smallest and largest value of every feature in
            each block: knots learned from it span all rows.
    """

    rows: int
    observations: dict[str, int]
    weights: dict[str, float]
    sample: Table


@dataclass(frozen=True)
class _Task:
    block: RowBlock
    share: float
    seed: int


def survey(
    blocks: Sequence[RowBlock],
    count: int,
    seed: int,
    executor: Executor | None,
    progress: Progress,
) -> Survey:
    """Read all blocks once.

    Args:
        blocks: of one table.
        count: rows of the sample, about.
        seed: of the sample, which does not depend on the executor.
        executor: who reads;  progress: hears how far.
    Raises:
        TrainingError: there is no block, or no complete row.
    """
    total = sum(block.rows for block in blocks)
    share = min(1.0, count / max(total, 1))
    # A seed for each block, so that workers and their order change no sample.
    tasks = [_Task(block, share, seed + number) for number, block in enumerate(blocks)]
    samples = run_all(_look, tasks, executor, progress, "rows, blocks")
    parts = [sample for sample in samples if sample is not None]
    if not parts:
        raise TrainingError(
            f"none of the {total:,} rows in {len(blocks)} blocks has all features and "
            "forcings and a target; check the columns"
        )
    names = parts[0].observations
    return Survey(
        sum(part.rows for part in parts),
        {name: sum(part.observations[name] for part in parts) for name in names},
        {name: sum(part.weights[name] for part in parts) for name in names},
        Table.concatenate([part.sample for part in parts]),
    )


def _look(task: _Task) -> Survey | None:
    table = task.block.table()
    if table is None or not len(table):
        return None
    weights = table.observed.to(torch.float64)
    if table.weights is not None:
        weights = weights * table.weights.unsqueeze(1)
    names = table.target_names
    counts = (weights > 0).sum(0).tolist()
    sums = weights.sum(0).tolist()
    # Each row by itself with the same probability: the size of the sample varies
    # little.
    drawn = torch.rand(len(table), generator=seeded(task.seed)) < task.share
    drawn[_extremes(table.features)] = True
    return Survey(
        len(table),
        dict(zip(names, counts, strict=True)),
        dict(zip(names, sums, strict=True)),
        table.take(drawn),
    )


def _extremes(features: Tensor) -> Tensor:
    """Positions of the rows with the smallest and the largest value of a feature."""
    return torch.cat([features.argmin(0), features.argmax(0)]).unique()
