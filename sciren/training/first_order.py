"""Training by stochastic gradients: AdamW, early stopping, best weights restored.

Works for any encoder and decoder. Where the Gauss-Newton engine applies it is the better
choice; this one follows `training_recipe` section 4, or the published code.
"""

import copy
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sciren.comparison import Observations, ResidualScale
from sciren.data.table import Table
from sciren.encoders.base import seeded
from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.model import CHUNK, ScIReN
from sciren.training.adamw import AdamW, fused_kernel
from sciren.training.config import TrainConfig
from sciren.training.history import History
from sciren.training.noise import proportional_weights
from sciren.training.objective import Objective, Rows
from sciren.training.progress import Progress, Silence

STEPS, FEWEST_EPOCHS = 1500, 5  # default length: what counts is the number of steps
WARM_UP = 0.3  # share of the steps in which the rate of the one-cycle schedule rises
START_SHARE, END_SHARE = 0.04, 4e-6  # of the peak, at the first and at the last step
SMALLEST = 1e-6  # positive constants are kept above this share of their start


def train_first_order(
    model: ScIReN,
    train: Table,
    valid: Table,
    config: TrainConfig,
    history: History,
    progress: Progress | None = None,
) -> None:
    """Train in place by AdamW on mini-batches; the best weights on `valid` are kept.

    The model works as a copy in ``config.precision`` on ``config.device`` and is written
    back once, in double precision where it was, so that an error leaves it untouched.
    Decoders that mix rows (``rowwise=False``) see all rows at once and in order.

    Args:
        model: with scaling and knots set (done by `fit`).
        train, valid: rows to learn from, and to stop by; targets that are nan are not
            observed; row weights count.
        config: first-order settings, see `TrainConfig`.
        history: gets one row an epoch, with every term of the loss as a mean over the
            batches, and ``valid``, the data term on the validation rows. With
            proportional noise a second pass follows, with weights 1 / prediction^2.
        progress: who wants to hear about it.
    Raises:
        TrainingError: nothing observed, an unusable device, or a loss that is not finite.
    Reference: Loshchilov and Hutter 2019 (AdamW); Smith 2018 (one-cycle).
    """
    listener = Silence() if progress is None else progress
    _one_pass(
        _Run.start(model, train, valid, config), model, history, listener, "train"
    )
    if config.noise == "proportional":
        factors = [proportional_weights(model, table) for table in (train, valid)]
        again = _Run.start(model, train, valid, config, *factors)
        _one_pass(again, model, history, listener, "train, reweighted")


def _one_pass(
    run: "_Run", model: ScIReN, history: History, progress: Progress, stage: str
) -> None:
    for epoch in range(run.epochs):
        rate = run.rate(run.step)
        terms = run.train_epoch(epoch)
        terms["valid"] = run.validate(epoch)
        history.append(stage, epoch + 1, terms | {"learning_rate": rate})
        shown = {name: terms[name] for name in ("total", "data", "valid")}
        progress.update(stage, epoch + 1, run.epochs, shown)
        if run.patience_is_over(epoch):
            waited = f"no gain in {run.patience} epochs"
            progress.say(f"stopped in epoch {epoch + 1}: {waited}")
            break
    run.write_back(model)
    best, where = f"{run.best:.6g}", run.best_epoch + 1
    history.say(f"{stage}: lowest validation loss {best} in epoch {where}")


def one_cycle(step: int, steps: int) -> float:
    """Return the learning rate at a step, as a share of the peak.

    Rises over the first 30 % of the steps from 0.04 to 1 and falls to about zero, both
    as half a cosine.

    Args:
        step: from 0 to steps - 1.
        steps: length of the cycle.
    Reference: Smith 2018, super-convergence.
    """
    top = max(1.0, WARM_UP * steps - 1)
    if step <= top:
        low, part = START_SHARE, step / top
    else:
        low, part = END_SHARE, (steps - 1 - step) / (steps - 1 - top)
    return low + (1 - low) * (1 - math.cos(math.pi * part)) / 2


@dataclass
class _Run:
    """State of one training."""

    config: TrainConfig
    worker: ScIReN
    objective: Objective
    groups: list[AdamW]
    box: tuple[Tensor, Tensor] | None
    train: Rows
    valid: list[Rows]
    batch: int
    generator: torch.Generator
    step: int = 0
    best: float = math.inf
    reference: float = math.inf  # the last one that was lower by min_delta
    best_epoch: int = -1
    waited: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    best_constants: Tensor = field(default_factory=lambda: torch.empty(0))

    @classmethod
    def start(
        cls,
        model: ScIReN,
        train: Table,
        valid: Table,
        config: TrainConfig,
        train_factor: Tensor | None = None,
        valid_factor: Tensor | None = None,
    ) -> "_Run":
        scale = _checked_scale(train, valid, config)
        worker = _copy_on_device(model, config)
        constants, box = _constants(worker, config.constants_in_logs)
        objective = Objective(
            worker, config, scale, constants, config.constants_in_logs
        )
        rows = Rows.of(model, train, scale, constants, train_factor)
        check = Rows.of(model, valid, scale, constants, valid_factor)
        rowwise = model.decoder.rowwise
        parts = range(0, len(check), CHUNK if rowwise else len(check))
        return cls(
            config, worker, objective, _groups(worker, constants, config), box, rows,
            [check.take(slice(k, k + parts.step)) for k in parts],
            min(config.batch_size, len(rows)) if rowwise else len(rows),
            seeded(config.seed),
        )  # fmt: skip

    @property
    def batches(self) -> int:
        """Mini-batches an epoch; a last one of a single row joins the one before."""
        full, rest = divmod(len(self.train), self.batch)
        return max(1, full + (rest > 1))

    @property
    def epochs(self) -> int:
        """Most epochs: few rows need more of them for the same number of steps."""
        return self.config.epochs or max(FEWEST_EPOCHS, math.ceil(STEPS / self.batches))

    @property
    def patience(self) -> int:
        """Epochs without gain after which to stop."""
        return self.config.patience or max(10, self.epochs // 5)

    def rate(self, step: int) -> float:
        """Learning rate of the encoder at a step."""
        if self.config.schedule == "constant":
            return self.config.learning_rate
        steps = self.epochs * self.batches
        return self.config.learning_rate * one_cycle(step, steps)

    @property
    def past_the_peak(self) -> bool:
        """Whether the rate falls, or never rose."""
        steps = self.epochs * self.batches
        return self.config.schedule == "constant" or self.step > WARM_UP * steps

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Take one step a batch; return the mean of every term."""
        rows = self._shuffled()
        self.worker.train()
        names: list[str] = []
        sums = torch.zeros(())
        for number in range(self.batches):
            last = number == self.batches - 1
            end = len(rows) if last else (number + 1) * self.batch
            part = rows.take(slice(number * self.batch, end))
            if number == min(1, self.batches - 1) and epoch < self.config.grid_updates:
                self._update_grids(part)
            terms = self.objective.terms(part)
            self._descend(terms["total"])
            names = list(terms)
            sums = sums.to(part.values) + torch.stack(list(terms.values())).detach()
        means = dict(zip(names, (sums / self.batches).tolist(), strict=True))
        if not math.isfinite(means["total"]):
            raise _not_finite("training", means, epoch, self.config)
        return means

    def validate(self, epoch: int) -> float:
        """Return the validation loss; keep the weights if it is the lowest so far."""
        loss = self.objective.data_loss(self.valid)
        if math.isnan(loss):
            loss = math.inf
        if loss == self.best == math.inf and epoch + 1 == self.epochs:
            raise _not_finite("validation", {"data": loss}, epoch, self.config)
        gained = loss < self.reference - self.config.min_delta
        if gained:
            self.reference = loss
        self.waited = 0 if gained or not self.past_the_peak else self.waited + 1
        if loss < self.best:
            self.best, self.best_epoch = loss, epoch
            state = self.worker.encoder.state_dict()
            self.best_weights = {name: part.clone() for name, part in state.items()}
            self.best_constants = self.objective.constants.detach().clone()
        return loss

    def patience_is_over(self, epoch: int) -> bool:
        """Whether to stop early."""
        return (
            self.waited >= self.patience
            and epoch + 1 < self.epochs
            and self.best < math.inf
        )

    @torch.no_grad()
    def write_back(self, model: ScIReN) -> None:
        """Store the best weights in the model that the caller holds."""
        model.encoder.load_state_dict(self.best_weights)
        constants = self.best_constants.double()
        if not self.config.constants_in_logs:
            constants = self.worker.constant_scale.to_raw(constants)
        model.constant_raw.copy_(constants)

    def _shuffled(self) -> Rows:
        if not self.worker.decoder.rowwise:
            return self.train
        order = torch.randperm(len(self.train), generator=self.generator)
        return self.train.take(order.to(self.train.features.device))

    def _update_grids(self, part: Rows) -> None:
        if isinstance(self.worker.encoder, KANEncoder):
            self.worker.encoder.update_grids(part.features)

    def _descend(self, loss: Tensor) -> None:
        rate = self.rate(self.step)
        leaves = [leaf for group in self.groups for leaf in group.parameters]
        slopes = torch.autograd.grad(
            loss, leaves, allow_unused=True, materialize_grads=True
        )
        for group in self.groups:
            mine, slopes = (
                slopes[: len(group.parameters)],
                slopes[len(group.parameters) :],
            )
            group.step(mine, rate)
        self.step += 1
        if self.box is not None:
            with torch.no_grad():
                self.objective.constants.clamp_(*self.box)


def _checked_scale(train: Table, valid: Table, config: TrainConfig) -> ResidualScale:
    scale = ResidualScale.fit(train.targets, config.residual, config.offset)
    for part, table in (("training", train), ("validation", valid)):
        if Observations.of(table, scale).count == 0:
            raise TrainingError(
                f"the {part} rows hold no observed target with weight; check the split, "
                "the targets and the weights"
            )
    return scale


def _copy_on_device(model: ScIReN, config: TrainConfig) -> ScIReN:
    dtype = getattr(torch, config.precision)
    try:
        device = torch.device(config.device)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"device {config.device!r} cannot be used here ({reason}); use 'cpu'"
        ) from error
    # The decoder is shared: it holds no weights, and may hold what cannot be copied.
    worker = copy.deepcopy(model, {id(model.decoder): model.decoder})
    return worker.to(device=device, dtype=dtype)


def _constants(
    model: ScIReN, in_logs: bool
) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
    """Return the constants as a leaf and their bounds, on the scale of the training."""
    scale, raw = model.constant_scale, model.constant_raw
    low, high = (bound.to(raw) for bound in scale.box())
    if in_logs:
        bounded = bool((torch.isfinite(low) | torch.isfinite(high)).any())
        return raw, ((low, high) if bounded else None)
    physical = scale.to_physical(raw.detach())
    start = scale.to_physical(scale.start.to(raw))
    logs = scale.in_logs.to(raw.device)
    low, high = scale.to_physical(low), scale.to_physical(high)
    low = torch.where(logs, low.clamp_min(SMALLEST * start.abs()), low)
    return nn.Parameter(physical), (low, high)


def _groups(model: ScIReN, constants: Tensor, config: TrainConfig) -> list[AdamW]:
    """Encoder with weight decay, constants without and with their own rate."""
    kernel = fused_kernel()
    weights = [leaf for leaf in model.encoder.parameters() if leaf.requires_grad]
    groups = [AdamW(weights, config.weight_decay, 1.0, kernel)]
    if len(constants):
        groups.append(AdamW([constants], 0.0, config.constant_rate_factor, kernel))
    return groups


def _not_finite(
    part: str, terms: dict[str, float], epoch: int, config: TrainConfig
) -> TrainingError:
    wrong = [name for name, value in terms.items() if not math.isfinite(value)]
    return TrainingError(
        f"the {part} loss is not finite in epoch {epoch + 1} (terms: "
        f"{', '.join(wrong)}). Lower learning_rate (now {config.learning_rate:g}), use "
        "precision 'float64', or check the decoder for divisions and logs of zero"
    )
