"""What the steps of a grouped training read and move, and the gradient there."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.training.first_order.adamw import Rate
from sciren.training.first_order.grouped.grouping import Group
from sciren.training.first_order.grouped.networks import stack_of
from sciren.training.first_order.grouped.rows import Batch, GroupRows
from sciren.training.first_order.grouped.start import (
    constants_of,
    empty_like,
    optimisers_of,
)
from sciren.training.first_order.grouped.state import FlatState
from sciren.training.first_order.objective import GroupObjective, Loss
from sciren.training.first_order.processes import Processes, processes_of
from sciren.training.first_order.schedule import Schedule


class GroupSteps:
    """Weights and constants of all members in one vector, their rows and gradients.

    Args:
        group: who is trained, and on what.
    Attributes:
        numbers: weights of all members, then their constants (M, K).
        gradient: (p,) of the last step.
        batches: steps an epoch.
        step: steps taken.
        processes: that share the rows of every batch, or None.
    Raises:
        TrainingError: an unusable device, or rows that cannot be shared.
    """

    def __init__(self, group: Group) -> None:
        self.group, self.members = group, group.members
        self.config = self.members[0].config
        self.processes: Processes | None = processes_of(self.members[0])
        like = empty_like(self.config.device, self.config.precision)
        streams = group.streams
        factors = group.factors or [(None, None)] * len(self.members)
        parts = list(zip(*factors, strict=True))
        self.train = GroupRows.of(
            self.members, streams, lambda member: member.train, like, parts[0]
        )
        self.valid = GroupRows.of(
            self.members, streams, lambda member: member.valid, like, parts[1]
        )
        self.stack = stack_of(self.members, streams, like)
        self.objective = GroupObjective(self.members, streams, like)
        self._start_constants(like)
        self._start_steps(like)
        self.step = 0

    def _start_constants(self, like: Tensor) -> None:
        """Put weights and constants into one vector."""
        constants, low, high = zip(
            *(constants_of(member, like) for member in self.members), strict=True
        )
        values = torch.stack(constants)
        bounds = torch.stack(low), torch.stack(high)
        bounded = bool((torch.isfinite(bounds[0]) | torch.isfinite(bounds[1])).any())
        self.box = bounds if bounded else None
        weights = self.stack.weights
        owner = torch.arange(len(self.members)).unsqueeze(1)
        parts = [torch.cat([weights.vector, values.reshape(-1)])]
        count = values.numel()
        owners = owner.to(like.device).expand_as(values).reshape(-1)
        self.numbers = FlatState(parts, [torch.cat([weights.owner, owners])], like)
        # The stack's vector becomes a part of the whole, so that one step moves both.
        vector = self.numbers.vector
        weights.vector = vector[: len(vector) - count]
        weights.views = weights.split(weights.vector)
        self.stack.adopt()
        self.constants = vector[len(vector) - count :].view_as(values)
        self.leaf = self.constants.detach().requires_grad_()

    def _start_steps(self, like: Tensor) -> None:
        first, size = self.members[0], self.train.count
        self.rowwise = first.model.decoder.rowwise
        # A process model that mixes rows has a meaning on all rows only.
        one_batch = self.config.optimizer == "lbfgs" or not self.rowwise
        self.batch = size if one_batch else min(self.config.batch_size, size)
        full, remainder = divmod(size, self.batch)
        # A remainder of one row joins the batch before (`GroupRun._rows`): its deviation is
        # zero.
        self.batches = max(1, full + (remainder > 1))
        self.schedules = [
            Schedule(member.config, self.batches) for member in self.members
        ]
        each = len(self.members) // self.group.streams
        # One order of rows a stream, the order that its member would draw alone.
        self.generators = [
            seeded(member.config.seed) for member in self.members[::each]
        ]
        self.epochs = max(schedule.epochs for schedule in self.schedules)
        self.gradient = torch.zeros_like(self.numbers.vector)
        self.common = len({schedule.shape for schedule in self.schedules}) == 1
        configs = [member.config for member in self.members]
        self.optimisers = optimisers_of(
            configs, self.numbers, self.constants.numel(), self.common
        )
        self.whole = torch.arange(size, device=like.device).unsqueeze(0)
        self._full: Batch | None = None
        self._gathered: dict[int, Batch] = {}  # by the id of their rows

    @property
    def sees_all(self) -> bool:
        """Whether every step sees all rows, in their order."""
        return self.batch >= self.train.count

    def batch_of(self, rows: Tensor) -> Batch:
        """Return rows (U, B) of every stream, of them those of this process."""
        if rows is not self.whole:
            return self._gathered.get(id(rows)) or self._own(rows)
        if self._full is None:
            self._full = self._own(rows)
        return self._full

    def gather(self, parts: Sequence[Tensor]) -> None:
        """Take the rows (U, B) of the next batches out of the tables in one pass.

        Args:
            parts: of one stretch of the order; `batch_of` knows them until the next call.
        """
        batches = self.train.take(torch.cat(list(parts), dim=1)).split(
            [part.shape[1] for part in parts]
        )
        self.stack.gather(self.train.features, [batch.rows for batch in batches])
        self._gathered = {
            id(part): batch for part, batch in zip(parts, batches, strict=True)
        }

    def _own(self, rows: Tensor) -> Batch:
        if self.processes is None:
            return self.train.take(rows)
        part = self.train.take(self.processes.part(rows))
        return part._replace(share=self.processes.share(rows))

    def gradients(self, batch: Batch) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Return the gradients of weights and constants, and the terms (M,) each.

        Where processes share the rows, both are the part of this process in the sum.
        """
        self.stack.share = batch.share  # evaluation knows of no other rows
        result = self.stack.forward(self.train.features, batch.rows)
        self.stack.share = None
        if self.processes is None:
            terms, penalties = (
                self.objective.terms(result.outputs, self.leaf, batch),
                result.terms,
            )
        else:
            given = (self.objective, result.outputs, self.leaf, batch)
            terms = self.processes.terms(*given)
            # Every process computes the whole penalty; the sum over processes must hold
            # it once.
            penalties = {k: v / self.processes.count for k, v in result.terms.items()}
        slopes = self.stack.gradients(result, terms, self.leaf)
        return slopes, _named(terms, penalties)

    def rate(self) -> Rate:
        """Share of the learning rate at this step, one for all or one a number."""
        if self.common:
            return self.schedules[0].share(self.step)
        shares = [schedule.share(self.step) for schedule in self.schedules]
        return self.gradient.new_tensor(shares)[self.numbers.owner]


def _named(loss: Loss, penalties: dict[str, Tensor]) -> dict[str, Tensor]:
    terms = {"data": loss.data.detach()}
    if loss.violation is not None:
        terms["violation"] = loss.violation.detach()
    return terms | penalties
