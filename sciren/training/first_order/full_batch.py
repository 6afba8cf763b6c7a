"""Training on all rows at once by L-BFGS, in the place of AdamW on batches."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sciren.training.first_order.grouped.steps import GroupSteps
from sciren.training.first_order.lbfgs import LBFGS
from sciren.training.first_order.whitening import whitening

# A line search may fail to gain once or twice where the curvature changes; ten steps that
# together gain less than 1e-4 of the loss are the flat end of the valley.
IDLE, GAIN = 10, 1e-4


class FullBatch:
    """The steps of a run that sees all rows at every step.

    Args:
        run: whose weights and constants are moved.
    Attributes:
        settled: (M,) members that do not gain any more.
    """

    def __init__(self, run: GroupSteps) -> None:
        self.run, count = run, len(run.members)
        rows = run.batch_of(run.whole).rows
        metric = whitening(run.stack, run.train.features, rows)
        self.lbfgs = LBFGS(run.numbers.vector, run.numbers.owner, count, metric)
        self.settled = torch.zeros(count, dtype=torch.bool, device=run.whole.device)
        self.losses: list[Tensor] = []
        self._terms: dict[str, Tensor] = {}

    def step(self, running: Sequence[bool]) -> dict[str, Tensor]:
        """Take one step; return the terms of every member at its end.

        Args:
            running: (M,) members that have not stopped.
        """
        moving = torch.tensor(running, device=self.settled.device) & ~self.settled
        self.lbfgs.step(self._evaluate, moving)
        assert self.lbfgs.losses is not None
        self.losses.append(self.lbfgs.losses)
        self._settle()
        return self._terms

    def _evaluate(self) -> tuple[Tensor, Tensor]:
        """Hold the constants inside their bounds; return losses and slopes there."""
        run = self.run
        if run.box is not None:
            # The search measures its step after this, so that a bound shortens it.
            run.constants.clamp_(*run.box)
        with torch.enable_grad():
            slopes, terms = run.gradients(run.batch_of(run.whole))
        torch.cat([slope.reshape(-1) for slope in slopes], out=run.gradient)
        self._terms = {name: term.detach() for name, term in terms.items()}
        return torch.stack(list(self._terms.values())).sum(0), run.gradient

    def _settle(self) -> None:
        """Take note of the members whose last steps gained next to nothing."""
        del self.losses[: -IDLE - 1]
        if len(self.losses) <= IDLE:
            return
        first, last = self.losses[0], self.losses[-1]
        # Negated so that losses without a number count as settled too.
        self.settled |= ~(first - last > GAIN * last.abs())

    def state(self) -> dict[str, Tensor]:
        """Return what the next steps depend on, beside the weights."""
        parts = self.lbfgs.state() | {"settled": self.settled}
        if self.losses:
            parts["history"] = torch.stack(self.losses)
        return {f"lbfgs {name}": part for name, part in parts.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        head = "lbfgs "
        parts = {
            name.removeprefix(head): part
            for name, part in tensors.items()
            if name.startswith(head)
        }
        self.settled.copy_(parts.pop("settled"))
        if "history" in parts:
            self.losses = list(parts.pop("history").to(self.settled.device).unbind(0))
        self.lbfgs.load(parts)
