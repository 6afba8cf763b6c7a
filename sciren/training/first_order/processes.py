"""Processes that share the rows of every batch, as torchrun starts them.

Every process holds all rows, draws the same batches and takes its part of each; gradients
and what is measured over the batch are added over the processes, so that all of them take
the step that one would take alone. DistributedDataParallel does the same for modules
whose gradients are torch's; here one vector holds the gradients of a step, some of them
written by hand, and one all-reduce adds it.

Reference: Li et al. 2020, PyTorch distributed (VLDB 13).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.errors import TrainingError
from sciren.kernels.row_share import RowShare
from sciren.losses import TINY
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.rows import Batch
from sciren.training.first_order.objective import GroupObjective, Loss
from sciren.training.member import Member


@dataclass(frozen=True)
class Processes:
    """The processes that train together.

    Attributes:
        rank: number of this one, from 0.
        count: how many there are.
    """

    rank: int
    count: int

    @property
    def first(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0

    def add(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over the processes, in place."""
        from torch import distributed

        # All get the same sum, so that their replicas stay equal to the last bit.
        distributed.all_reduce(tensor)
        return tensor

    def part(self, rows: Tensor) -> Tensor:
        """Return those of rows (U, B) that this process takes; all where they are few."""
        few = rows.shape[1] < self.count  # nobody can take steps on no row
        return rows if few else rows[:, self.rank :: self.count]

    def share(self, rows: Tensor) -> RowShare:
        """Return what there is to know about a batch of rows (U, B)."""
        # Few rows are taken by every process; dividing by the repeats counts them once.
        repeats = self.count if rows.shape[1] < self.count else 1
        return RowShare(rows.shape[1] * repeats, self.count, self.add, repeats)

    def terms(
        self,
        objective: GroupObjective,
        outputs: Tensor,
        constants: Tensor,
        batch: Batch,
    ) -> Loss:
        """Return the part of this process in the terms of the whole batch.

        Args:
            objective: of the members.
            outputs: (M, L, B) and constants: (M, K), as in `GroupObjective.terms`.
            batch: the rows of this process.
        """
        assert batch.share is not None
        weight, total = _weights(batch, objective), batch.share.rows
        if batch.weights is not None:
            total = self.add(weight.clone()).clamp_min(TINY)
        loss = objective.terms(outputs, constants, batch)
        # The mean over the whole batch is the mean of the parts, weighed by their
        # observations.
        share = (weight / total).to(loss.data)
        violation = loss.violation
        if violation is not None:
            mean = objective.config.violation_reduction == "mean"
            rows = batch.rows.shape[1] / batch.share.rows
            violation = violation * (rows if mean else 1 / batch.share.repeats)
        slopes = None if loss.slopes is None else loss.slopes * share.view(-1, 1, 1)
        return Loss(loss.data * share, violation, slopes)


def _weights(batch: Batch, objective: GroupObjective) -> Tensor:
    """Sum of the weights of the observations of each member, (M,); rows without any."""
    if batch.weights is None:
        return torch.full((objective.members,), batch.rows.shape[1]).to(batch.values)
    return batch.weights.sum((-1, -2)).expand(objective.shape).reshape(-1)


def processes_of(member: Member) -> Processes | None:
    """Return the processes that share the rows of a member, None where it has its own.

    Raises:
        TrainingError: its rows cannot be shared.
    """
    from torch import distributed

    if not member.config.share_rows or not distributed.is_initialized():
        return None
    if distributed.get_world_size() == 1:
        return None
    reason = _obstacle(member)
    if reason is not None:
        raise TrainingError(f"share_rows: {reason}; train in one process")
    return Processes(distributed.get_rank(), distributed.get_world_size())


def _obstacle(member: Member) -> str | None:
    if member.config.optimizer == "lbfgs":
        return "optimizer 'lbfgs' chooses its steps on all rows at once"
    if not member.model.decoder.rowwise:
        return f"decoder {member.model.decoder.name!r} does not act row by row"
    if any("BatchNorm" in type(m).__name__ for m in member.model.encoder.modules()):
        return "a batch norm measures the rows of one process only"
    return None


def join_processes(configs: Sequence[TrainConfig]) -> None:
    """Join the processes that torchrun started, where rows are to be shared.

    The group stays open until the process ends: those that meet a second time at the
    address of torchrun can miss each other.

    Args:
        configs: whose ``share_rows`` asks for it; without torchrun nothing happens.
    """
    from torch import distributed

    sharing = [config for config in configs if config.share_rows]
    asked = bool(sharing) and int(os.environ.get("WORLD_SIZE", "1")) > 1
    if asked and not distributed.is_initialized():
        on_gpu = sharing[0].device.startswith("cuda")
        distributed.init_process_group("nccl" if on_gpu else "gloo")


def own_device(config: TrainConfig) -> str:
    """Return the device of this process: with ``cuda`` each has its own GPU."""
    number = os.environ.get("LOCAL_RANK")
    if config.share_rows and config.device == "cuda" and number is not None:
        return f"cuda:{number}"
    return config.device
