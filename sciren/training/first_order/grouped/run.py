"""The loop of training by gradients, for a group of members at once."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.errors import TrainingError
from sciren.training.first_order.adamw import Rate
from sciren.training.first_order.compiled import CompiledStep
from sciren.training.first_order.full_batch import FullBatch
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
from sciren.training.first_order.schedule import Schedule
from sciren.training.first_order.stopping import Best
from sciren.training.progress import Progress

VALID_NUMBERS = 4_000_000  # feature values times members that a validation step sees


class GroupRun:
    """State of one grouped training.

    Args:
        group: who is trained, and on what.
    Raises:
        TrainingError: an unusable device.
    """

    def __init__(self, group: Group) -> None:
        self.group, self.members = group, group.members
        self.config = self.members[0].config
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
        self.step = self.epoch = 0
        self.best = [Best() for _ in self.members]
        self.best_numbers = self.numbers.vector.clone()
        self.best_buffers = self.stack.buffers.vector.clone()
        self.rows: list[list[dict[str, float]]] = [[] for _ in self.members]
        self.keep()
        self._probe()
        if self.config.optimizer == "lbfgs":
            self.full_batch = FullBatch(self)
            if self.compiled is not None:
                self._say("Steps are not compiled, because lbfgs chooses their length.")

    # -- start ------------------------------------------------------------------------
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
        whole = self.numbers.vector
        weights.vector = whole[: len(whole) - count]
        weights.views = weights.split(weights.vector)
        self.stack.adopt()
        self.constants = whole[len(whole) - count :].view_as(values)
        self.leaf = self.constants.detach().requires_grad_()

    def _start_steps(self, like: Tensor) -> None:
        first, size = self.members[0], self.train.count
        self.rowwise = first.model.decoder.rowwise
        whole = self.config.optimizer == "lbfgs" or not self.rowwise
        self.batch = size if whole else min(self.config.batch_size, size)
        full, rest = divmod(size, self.batch)
        self.batches = max(1, full + (rest > 1))
        self.schedules = [Schedule(one.config, self.batches) for one in self.members]
        each = len(self.members) // self.group.streams
        self.generators = [seeded(one.config.seed) for one in self.members[::each]]
        self.epochs = max(one.epochs for one in self.schedules)
        self.gradient = torch.zeros_like(self.numbers.vector)
        self.common = len({one.shape for one in self.schedules}) == 1
        configs = [member.config for member in self.members]
        self.full_batch: FullBatch | None = None
        self.optimisers = optimisers_of(
            configs, self.numbers, self.constants.numel(), self.common
        )
        self.compiled = CompiledStep(self) if self.config.compile else None
        self.whole = torch.arange(size, device=like.device).unsqueeze(0)
        self._full: Batch | None = None

    def keep(self) -> None:
        """Keep what the steps share, once the knots no longer move."""
        if self.epoch >= self.config.grid_updates:
            self.stack.keep(self.train.features)
            self.stack.keep(self.valid.features)

    @torch.no_grad()
    def _probe(self) -> None:
        """Let the process model find out on a few rows how it can be evaluated."""
        if self.objective.decoder.way != "rows":
            return
        few = self.train.take(self.whole[:, :8])
        outputs = self.stack.evaluate(self.train.features, few.rows)
        self.objective.probe(outputs, self.constants, few)

    # -- one epoch --------------------------------------------------------------------
    def train_epoch(self) -> list[dict[str, float]]:
        """Take one step a batch; return the mean of every term, member by member."""
        order = self._order()
        names: list[str] = []
        sums = torch.zeros((), device=self.whole.device)
        for number in range(self.batches):
            rows = self._rows(order, number)
            moved = self.epoch < self.config.grid_updates
            if moved and number == min(1, self.batches - 1):
                places = self.batch_of(rows).rows
                self.stack.update_grids(self.train.features, places)
            terms = self._step(rows)
            names = list(terms)
            sums = sums + torch.stack(list(terms.values()))
        found = []
        for column in (sums / self.batches).T.tolist():
            means = dict(zip(names, column, strict=True))
            found.append({"total": sum(column)} | means)
        return found

    def _order(self) -> Tensor:
        """Order of the rows in this epoch, (U, n); the rows as they are where all are seen."""
        if self.sees_all:
            return self.whole
        orders = [
            torch.randperm(self.train.count, generator=generator)
            for generator in self.generators
        ]
        return torch.stack(orders).to(self.whole.device)

    def _rows(self, order: Tensor, number: int) -> Tensor:
        """Rows (U, B) of one batch; a last one of a single row joins the one before."""
        if order is self.whole:
            return order
        last = number == self.batches - 1
        end = order.shape[1] if last else (number + 1) * self.batch
        return order[:, number * self.batch : end]

    @property
    def sees_all(self) -> bool:
        """Whether every step sees all rows, in their order."""
        return self.batch >= self.train.count

    def batch_of(self, rows: Tensor) -> Batch:
        """Return rows (U, B) of every stream."""
        if rows is not self.whole:
            return self.train.take(rows)
        if self._full is None:
            self._full = self.train.take(rows)
        return self._full

    def _step(self, rows: Tensor) -> dict[str, Tensor]:
        """Take one step on a batch; return the terms of every member."""
        if self.full_batch is not None:
            self.step += 1
            return self.full_batch.step()
        fixed = self.epoch >= self.config.grid_updates
        if self.compiled is not None and fixed and rows.shape[1] == self.batch:
            terms = self.compiled.step(rows)
            if terms is not None:
                self._after_step()
                return terms
            self._say(f"Steps are not compiled, because {self.compiled.obstacle}.")
            self.compiled = None
        return self._descend(self.batch_of(rows))

    def _say(self, message: str) -> None:
        for member in self.members:
            member.history.say(message)

    def gradients(self, batch: Batch) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Return the gradients of weights and constants, and the terms (M,) each."""
        result = self.stack.forward(self.train.features, batch.rows)
        terms = self.objective.terms(result.outputs, self.leaf, batch)
        slopes = self.stack.gradients(result, terms, self.leaf)
        return slopes, _named(terms, result.terms)

    def _descend(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step; return the terms of every member."""
        slopes, terms = self.gradients(batch)
        torch.cat([slope.reshape(-1) for slope in slopes], out=self.gradient)
        start, rate = 0, self.rate()
        for optimiser in self.optimisers:
            end = start + len(optimiser.vector)
            optimiser.step(self.gradient[start:end], rate)
            start = end
        self._after_step()
        return terms

    @torch.no_grad()
    def _after_step(self) -> None:
        self.step += 1
        if self.box is not None:
            self.constants.clamp_(*self.box)

    def rate(self) -> Rate:
        """Share of the learning rate at this step, one for all or one a number."""
        if self.common:
            return self.schedules[0].share(self.step)
        shares = [schedule.share(self.step) for schedule in self.schedules]
        return self.gradient.new_tensor(shares)[self.numbers.owner]

    # -- validation and stopping ------------------------------------------------------
    @torch.no_grad()
    def validate(self) -> list[float]:
        """Return the validation loss of every member; keep the weights of the gainers."""
        rows = self.valid.count
        size = rows
        if self.rowwise:
            width = self.valid.features.shape[1] * len(self.members)
            size = max(1, min(rows, VALID_NUMBERS // width))
        total = weight = torch.zeros((), device=self.whole.device)
        for order in torch.arange(rows, device=self.whole.device).split(size):
            batch = self.valid.take(order.unsqueeze(0))
            outputs = self.stack.evaluate(self.valid.features, batch.rows)
            mean, count = self.objective.losses(outputs, self.constants, batch)
            total, weight = total + mean * count, weight + count
        losses = (total / weight).nan_to_num(math.inf, math.inf).tolist()
        gained = [self._judge(k, loss) for k, loss in enumerate(losses)]
        if any(gained):
            flags = torch.tensor(gained, device=self.whole.device)
            self.numbers.copy_to(self.best_numbers, flags)
            self.stack.buffers.copy_to(self.best_buffers, flags)
        return losses

    def _judge(self, k: int, loss: float) -> bool:
        """Count the epochs of a member; return whether its weights are the best so far."""
        best, schedule = self.best[k], self.schedules[k]
        if best.stopped >= 0:
            return False
        if loss == best.loss == math.inf and self.epoch + 1 == schedule.epochs:
            raise self._not_finite(k, "validation", {"data": loss})
        return best.judge(loss, self.epoch, schedule, self.step)

    @property
    def finished(self) -> bool:
        """Whether every member has stopped."""
        return all(best.stopped >= 0 for best in self.best)

    def advance(self, progress: Progress) -> None:
        """Train and validate one epoch."""
        rates = [schedule.rate(self.step) for schedule in self.schedules]
        terms = self.train_epoch()
        if self.full_batch is not None:
            rates = self.full_batch.lbfgs.lengths.tolist()
        for k, means in enumerate(terms):
            if self.best[k].stopped < 0 and not math.isfinite(means["total"]):
                raise self._not_finite(k, "training", means)
        valid = self.validate()
        live = [k for k, best in enumerate(self.best) if best.stopped < 0]
        for k in live:
            row = terms[k] | {"valid": valid[k], "learning_rate": rates[k]}
            self.rows[k].append(row)
            self.members[k].history.append(self.group.stage, self.epoch + 1, row)
        self._tell(progress, live)
        for k in live:
            self._stop(k, progress)
        self.epoch += 1
        if self.epoch == self.config.grid_updates:
            self.keep()

    def _tell(self, progress: Progress, live: Sequence[int]) -> None:
        shown = {
            name: sum(self.rows[k][-1][name] for k in live) / len(live)
            for name in ("total", "data", "valid")
        }
        epochs = max(self.schedules[k].epochs for k in live)
        progress.update(self.group.stage, self.epoch + 1, epochs, shown)

    def _stop(self, k: int, progress: Progress) -> None:
        best, schedule, history = (
            self.best[k],
            self.schedules[k],
            self.members[k].history,
        )
        settled = self.full_batch is not None and bool(self.full_batch.settled[k])
        if not settled and not best.is_over(self.epoch, schedule):
            return
        best.stopped = self.epoch
        history.say(self.lowest(k))
        if self.epoch + 1 < schedule.epochs:
            who = "" if len(self.members) == 1 else f"member {self._number(k)} "
            why = "settled" if settled else f"no gain in {schedule.patience} epochs"
            progress.say(f"{who}stopped in epoch {self.epoch + 1}: {why}")

    def lowest(self, k: int) -> str:
        """Say what the best epoch of a member was."""
        where = f"in epoch {self.best[k].epoch + 1}"
        lowest = f"lowest validation loss {self.best[k].loss:.6g} {where}"
        return f"{self.group.stage}: {lowest}"

    def _number(self, k: int) -> int:
        return (self.group.numbers or list(range(len(self.members))))[k] + 1

    @torch.no_grad()
    def write_back(self) -> None:
        """Store the best weights in the models that the callers hold."""
        count, weights = self.constants.numel(), self.stack.weights
        cut = len(self.best_numbers) - count
        self.stack.unpack(
            weights.split(self.best_numbers[:cut]),
            self.stack.buffers.split(self.best_buffers),
        )
        found = self.best_numbers[cut:].view_as(self.constants)
        for k, member in enumerate(self.members):
            member.model.encoder.load_state_dict(self.stack.encoders[k].state_dict())
            constants = found[k].double()
            if not self.config.constants_in_logs:
                constants = member.model.constant_scale.to_raw(constants)
            member.model.constant_raw.copy_(constants)

    def _not_finite(self, k: int, part: str, terms: dict[str, float]) -> TrainingError:
        wrong = [name for name, value in terms.items() if not math.isfinite(value)]
        who = "" if len(self.members) == 1 else f" of member {self._number(k)}"
        rate = self.members[k].config.learning_rate
        return TrainingError(
            f"the {part} loss{who} is not finite in epoch {self.epoch + 1} (terms: "
            f"{', '.join(wrong)}). Lower learning_rate (now {rate:g}), use precision "
            "'float64', or check the decoder for divisions and logs of zero"
        )


def _named(loss: Loss, penalties: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {"data": loss.data.detach()}
    if loss.violation is not None:
        found["violation"] = loss.violation.detach()
    return found | penalties
