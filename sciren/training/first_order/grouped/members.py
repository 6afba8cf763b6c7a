"""Many models trained by gradients, those that can in one grouped loop."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from sciren.comparison import Observations
from sciren.errors import TrainingError
from sciren.training.first_order.grouped.grouping import UNREAD, groups_of
from sciren.training.first_order.grouped.run import GroupRun
from sciren.training.first_order.processes import processes_of
from sciren.training.first_order.run_state import restore, state_of
from sciren.training.member import Member
from sciren.training.noise import noise_weights
from sciren.training.progress import Progress, Silence
from sciren.training.resume import (
    Checkpoint,
    hash_table,
    hash_tensors,
    read_settings,
)


def train_members(members: Sequence[Member], progress: Progress | None = None) -> None:
    """Train every member in place by AdamW on mini-batches, as many as possible at once.

    Each member keeps its own rates, penalties, constants, early stopping and best
    weights, and ends as it would alone. Members with one shape of encoder, one process
    model and as many rows take their steps as one model; those that share seed and rows
    also share their batches. The models work as copies in ``config.precision`` on
    ``config.device`` and are written back once, so that an error leaves them untouched.
    With proportional noise a second pass follows, with weights 1 / prediction^2.

    Args:
        members: with scaling, knots and starting values set. Their histories get one row
            an epoch, with every term of the loss as a mean over the batches, and
            ``valid``, the data term on the validation rows.
        progress: who wants to hear about it; numbers are means over the members.
    Raises:
        TrainingError: nothing observed, an unusable device, or a loss that is not finite.
    Reference: Loshchilov and Hutter 2019 (AdamW); Smith 2018 (one-cycle).
    """
    listener = Silence() if progress is None else progress
    if not _speaks(members):
        listener = Silence()
    for member in members:
        _check_observed(member)
    _train_all(members, "train", {}, listener)
    # Weights of proportional noise need predictions, hence a second training from the
    # first.
    again = [number for number, member in enumerate(members) if member.config.reweights]
    factors = {id(members[k]): _factors(members[k]) for k in again}
    _train_all([members[k] for k in again], "train, reweighted", factors, listener)


def _speaks(members: Sequence[Member]) -> bool:
    """Whether this process is the one that reports for all that share the rows."""
    shared = [processes_of(member) for member in members]
    return all(shared_by is None or shared_by.first for shared_by in shared)


def _factors(member: Member) -> tuple[Tensor, Tensor]:
    law = member.config.noise
    train, valid = (
        noise_weights(member.model, table, law)
        for table in (member.train, member.valid)
    )
    assert train is not None
    assert valid is not None
    return train, valid


def _train_all(
    members: Sequence[Member],
    stage: str,
    factors: dict[int, tuple[Tensor, Tensor]],
    progress: Progress,
) -> None:
    runs = []
    for number, group in enumerate(groups_of(members, stage), start=1):
        none = (None, None)
        group.factors = [factors.get(id(member), none) for member in group.members]
        run = GroupRun(group)
        _run(run, _checkpoint(run, f"{stage.replace(', ', '-')}-{number}"), progress)
        runs.append(run)
    # After all runs: an error in a later group leaves every model as it was.
    for run in runs:
        run.write_back()


def _run(run: GroupRun, checkpoint: Checkpoint | None, progress: Progress) -> None:
    """Train from the start or from a checkpoint until every member has stopped."""
    stored = None if checkpoint is None else checkpoint.load()
    if stored is not None:
        restore(run, *stored)
        progress.say(f"resumed after epoch {run.epoch}")
    while not run.finished:
        run.advance(progress)
        writes = run.processes is None or run.processes.first
        # All processes hold the same numbers; one writes them.
        if checkpoint is not None and writes and (run.finished or checkpoint.due()):
            checkpoint.save(*state_of(run))


def _checkpoint(run: GroupRun, name: str) -> Checkpoint | None:
    config = run.config
    if config.checkpoint is None:
        return None
    tables = [(member.train, member.valid) for member in run.members]
    # A checkpoint belongs to its settings, data and start; one of another training is
    # refused. Members often share tables, which are hashed once.
    hashes = {id(table): hash_table(table) for pair in tables for table in pair}
    data = [[hashes[id(table)] for table in pair] for pair in tables]
    factors = [hash_tensors(*pair) for pair in run.group.factors]
    start = hash_tensors(run.numbers.vector, run.stack.buffers.vector)
    identity = {
        "settings": [read_settings(member.config, UNREAD) for member in run.members],
        "data": [data, factors],
        "start": start,
    }
    folder = Path(config.checkpoint)
    return Checkpoint(folder, name, identity, config.checkpoint_seconds)


def _check_observed(member: Member) -> None:
    for part, table in (("training", member.train), ("validation", member.valid)):
        if Observations.of(table, member.scale).count == 0:
            raise TrainingError(
                f"the {part} rows hold no observed target with weight; check the split, "
                "the targets and the weights"
            )
