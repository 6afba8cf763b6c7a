"""Early stopping of one training: the best epoch so far, and how long it is ago."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sciren.training.first_order.schedule import Schedule


@dataclass
class Best:
    """The best of the epochs so far.

    Attributes:
        loss: lowest validation loss.  epoch: where, from 0.
        reference: the last loss that was lower by ``min_delta``.
        waited: epochs since then, counted from the peak of the schedule.
        stopped: epoch after which training was done, or -1.
    """

    loss: float = math.inf
    reference: float = math.inf
    epoch: int = -1
    waited: int = 0
    stopped: int = -1

    def judge(self, loss: float, epoch: int, schedule: Schedule, step: int) -> bool:
        """Take note of an epoch; return whether its weights are the best so far."""
        gained = loss < self.reference - schedule.least_gain(self.reference)
        if gained:
            self.reference = loss
        # At high rates the validation loss rises and falls without meaning; waiting
        # starts later.
        falling = schedule.past_the_peak(step)
        self.waited = 0 if gained or not falling else self.waited + 1
        # Any lower loss is kept, though only one lower by min_delta delays the end.
        lower = loss < self.loss
        if lower:
            self.loss, self.epoch = loss, epoch
        return lower

    def is_over(self, epoch: int, schedule: Schedule) -> bool:
        """Whether to stop after this epoch."""
        waited = self.waited >= schedule.patience and self.loss < math.inf
        return waited or epoch + 1 >= schedule.epochs

    def record(self) -> dict[str, Any]:
        """Return what JSON can hold: no infinities."""
        return {k: None if v == math.inf else v for k, v in asdict(self).items()}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Best":
        """Return what `record` wrote."""

        def number(name: str) -> float:
            return math.inf if stored[name] is None else float(stored[name])

        counts = (int(stored[name]) for name in ("epoch", "waited", "stopped"))
        return cls(number("loss"), number("reference"), *counts)
