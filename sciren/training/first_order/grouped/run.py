"""The loop of training by gradients, for a group of members at once."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sciren.errors import TrainingError
from sciren.training.first_order.compiled import CompiledStep
from sciren.training.first_order.full_batch import FullBatch
from sciren.training.first_order.grouped.grouping import Group
from sciren.training.first_order.grouped.rows import Batch
from sciren.training.first_order.grouped.steps import GroupSteps
from sciren.training.first_order.stopping import Best
from sciren.training.progress import Progress

# Feature values times members in one validation step: 32 MB in double precision, times
# the four basis functions of each.
VALID_NUMBERS = 4_000_000
# Feature values of the batches that are gathered at once: with a basis of 34 functions in
# single precision 4 MB, so that they are still in the cache when their step comes.
GATHERED = 30_000


class GroupRun(GroupSteps):
    """One grouped training: epochs, validation, the best weights of every member.

    Args:
        group: who is trained, and on what.
    Raises:
        TrainingError: an unusable device.
    """

    def __init__(self, group: Group) -> None:
        super().__init__(group)
        self.epoch = 0
        self.best = [Best() for _ in self.members]
        self.best_numbers = self.numbers.vector.clone()
        self.best_buffers = self.stack.buffers.vector.clone()
        self.rows: list[list[dict[str, float]]] = [[] for _ in self.members]
        self.keep()
        self._probe()
        self.compiled = self._compiled()
        self.full_batch: FullBatch | None = None
        if self.config.optimizer == "lbfgs":
            self.full_batch = FullBatch(self)
            if self.compiled is not None:
                self._say("Steps are not compiled, because lbfgs chooses their length.")

    def _compiled(self) -> CompiledStep | None:
        if self.config.compile and self.processes is not None:
            self._say("Steps are not compiled, because processes share the rows.")
        asked = self.config.compile and self.processes is None
        return CompiledStep(self) if asked else None

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
        for number, rows in enumerate(self._all_rows(order)):
            moved = self.epoch < self.config.grid_updates
            # The published code moves the knots on the second batch of an epoch.
            if moved and number == min(1, self.batches - 1):
                places = self.train.take(rows).rows
                self.stack.update_grids(self.train.features, places)
            terms = self._step(rows)
            names = list(terms)
            # Summed on the device and read once an epoch: reading a loss each step
            # would wait for it.
            sums = sums + torch.stack(list(terms.values()))
        if self.processes is not None:
            sums = self.processes.add(sums)
        totals = []
        for column in (sums / self.batches).T.tolist():
            means = dict(zip(names, column, strict=True))
            totals.append({"total": sum(column)} | means)
        return totals

    def _order(self) -> Tensor:
        """Order of the rows in this epoch, (U, n); the rows as they are where all are seen."""
        if self.sees_all:
            return self.whole
        orders = [
            torch.randperm(self.train.count, generator=generator)
            for generator in self.generators
        ]
        return torch.stack(orders).to(self.whole.device)

    def _all_rows(self, order: Tensor) -> Iterator[Tensor]:
        """Yield the rows (U, B) of every batch, gathered for many where knots are fixed."""
        parts = [self._rows(order, number) for number in range(self.batches)]
        fixed = self.epoch >= self.config.grid_updates
        # A compiled step gathers by itself, processes take parts, and moving knots
        # change the basis.
        if self.sees_all or self.compiled or self.processes or not fixed:
            yield from parts
            return
        width = len(order) * self.batch * self.train.features.shape[1]
        count = max(1, GATHERED // width)
        for start in range(0, len(parts), count):
            some = parts[start : start + count]
            self.gather(some)
            yield from some

    def _rows(self, order: Tensor, number: int) -> Tensor:
        """Rows (U, B) of one batch; a last one of a single row joins the one before."""
        # By identity: the batch of all rows and its basis are kept under this very
        # tensor.
        if order is self.whole:
            return order
        last = number == self.batches - 1
        end = order.shape[1] if last else (number + 1) * self.batch
        return order[:, number * self.batch : end]

    def _step(self, rows: Tensor) -> dict[str, Tensor]:
        """Take one step on a batch; return the terms of every member."""
        if self.full_batch is not None:
            self.step += 1
            running = [best.stopped < 0 for best in self.best]
            return self.full_batch.step(running)
        fixed = self.epoch >= self.config.grid_updates
        # Compiled for one shape: a last batch of another size goes the ordinary way.
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

    def _descend(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step; return the terms of every member."""
        slopes, terms = self.gradients(batch)
        # One vector, one all-reduce, one kernel call, whatever the number of arrays.
        torch.cat([slope.reshape(-1) for slope in slopes], out=self.gradient)
        if self.processes is not None:
            self.processes.add(self.gradient)
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

    # -- validation and stopping ------------------------------------------------------
    @torch.no_grad()
    def validate(self) -> list[float]:
        """Return the validation loss of every member; keep the weights of the gainers."""
        rows = self.valid.count
        size = rows
        if self.rowwise:
            width = self.valid.features.shape[1] * len(self.members)
            size = max(1, min(rows, VALID_NUMBERS // width))
        # Batches are weighed by their observations, so that the split does not matter.
        total = weight = torch.zeros((), device=self.whole.device)
        for order in self._valid_rows(size):
            batch = self.valid.take(order.unsqueeze(0))
            outputs = self.stack.evaluate(self.valid.features, batch.rows)
            mean, count = self.objective.losses(outputs, self.constants, batch)
            total, weight = total + mean * count, weight + count
        if self.processes is not None:
            shape = (2, len(self.members))
            parts = torch.stack([total.expand(shape[1]), weight.expand(shape[1])])
            total, weight = self.processes.add(parts)
        # No number counts as the worst loss: a member may recover from it while the
        # rate falls.
        losses = (total / weight).nan_to_num(math.inf, math.inf).tolist()
        gained = [self._judge(k, loss) for k, loss in enumerate(losses)]
        if any(gained):
            flags = torch.tensor(gained, device=self.whole.device)
            self.numbers.copy_to(self.best_numbers, flags)
            self.stack.buffers.copy_to(self.best_buffers, flags)
        return losses

    def _valid_rows(self, size: int) -> list[Tensor]:
        """Positions of the validation rows of this process, at most some at once."""
        rows = torch.arange(self.valid.count, device=self.whole.device)
        if self.processes is not None:
            rows = rows[self.processes.rank :: self.processes.count]
        return list(rows.split(size)) if len(rows) else []

    def _judge(self, k: int, loss: float) -> bool:
        """Count the epochs of a member; return whether its weights are the best so far."""
        best, schedule = self.best[k], self.schedules[k]
        if best.stopped >= 0:
            return False
        # Only a member that never had a finite loss, at its last epoch, has failed.
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
            # With line searches the history shows the length that was found in the
            # place of a rate.
            rates = self.full_batch.lbfgs.lengths.tolist()
        for k, means in enumerate(terms):
            if self.best[k].stopped < 0 and not math.isfinite(means["total"]):
                raise self._not_finite(k, "training", means)
        valid = self.validate()
        running = [k for k, best in enumerate(self.best) if best.stopped < 0]
        for k in running:
            row = terms[k] | {"valid": valid[k], "learning_rate": rates[k]}
            self.rows[k].append(row)
            self.members[k].history.append(self.group.stage, self.epoch + 1, row)
        self._tell(progress, running)
        for k in running:
            self._stop(k, progress)
        self.epoch += 1
        if self.epoch == self.config.grid_updates:
            self.keep()

    def _tell(self, progress: Progress, running: Sequence[int]) -> None:
        shown = {
            name: sum(self.rows[k][-1][name] for k in running) / len(running)
            for name in ("total", "data", "valid")
        }
        epochs = max(self.schedules[k].epochs for k in running)
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
        trained = self.best_numbers[cut:].view_as(self.constants)
        for k, member in enumerate(self.members):
            member.model.encoder.load_state_dict(self.stack.encoders[k].state_dict())
            constants = trained[k].double()
            # The model keeps positive constants in logs, however they were trained.
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
