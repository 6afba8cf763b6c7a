"""Learning rates and lengths of training by gradients."""

import math
from dataclasses import dataclass

from sciren.training.config import TrainConfig

# What counts is the number of steps, not of epochs: at a peak rate of 0.1 the respiration
# study comes back for every seed from about 1,200 steps on, whatever the batch
# (20 seeds of the study in `case_studies/respiration`).
STEPS, FEWEST_EPOCHS = 1500, 5
FULL_STEPS = 500  # L-BFGS; the simulated soil study needs 400
# One-cycle as torch.optim.lr_scheduler.OneCycleLR has it: pct_start 0.3, div_factor 25,
# final_div_factor 1e4.
WARM_UP = 0.3  # share of the steps in which the rate rises
START_SHARE, END_SHARE = 0.04, 4e-6  # of the peak, at the first and at the last step


def one_cycle(step: int, steps: int) -> float:
    """Return the learning rate at a step, as a share of the peak.

    Rises over the first 30 % of the steps from 0.04 to 1 and falls to about zero, both
    as half a cosine.

    Args:
        step: from 0 to steps - 1.
        steps: length of the cycle.
    Reference: Smith 2018, super-convergence.
    """
    # The peak is at step 0.3 n - 1, counted from zero, as in torch.
    top = max(1.0, WARM_UP * steps - 1)
    if step <= top:
        low, part = START_SHARE, step / top
    else:
        low, part = END_SHARE, (steps - 1 - step) / (steps - 1 - top)
    return low + (1 - low) * (1 - math.cos(math.pi * part)) / 2


@dataclass(frozen=True)
class Schedule:
    """Length of one training, and its rate at every step.

    Args:
        config: settings.
        batches: steps an epoch.
    """

    config: TrainConfig
    batches: int

    @property
    def full_batch(self) -> bool:
        """Whether every step sees all rows and chooses its own length."""
        return self.config.optimizer == "lbfgs"

    @property
    def epochs(self) -> int:
        """Most epochs: few rows need more of them for the same number of steps."""
        if self.full_batch:
            return self.config.epochs or FULL_STEPS
        return self.config.epochs or max(FEWEST_EPOCHS, math.ceil(STEPS / self.batches))

    @property
    def patience(self) -> int:
        """Epochs without gain after which to stop."""
        return self.config.patience or max(10, self.epochs // 5)

    def least_gain(self, loss: float) -> float:
        """Return by how much a validation loss must fall to count as better."""
        least = self.config.min_delta
        # Full-batch losses fall steadily by little and without noise: a thousandth is a
        # gain.
        return min(least, 1e-3 * loss) if self.full_batch else least

    @property
    def shape(self) -> tuple[str, int]:
        """Trainings of one shape have rates in a fixed ratio."""
        cycle = self.config.schedule == "one-cycle" and not self.full_batch
        # Only the one-cycle depends on the length; constant rates are always alike.
        return self.config.schedule, self.epochs * self.batches if cycle else 0

    def share(self, step: int) -> float:
        """Learning rate at a step, as a share of ``config.learning_rate``."""
        if self.config.schedule == "constant" or self.full_batch:
            return 1.0
        return one_cycle(min(step, self.shape[1] - 1), self.shape[1])

    def rate(self, step: int) -> float:
        """Learning rate at a step."""
        return self.config.learning_rate * self.share(step)

    def past_the_peak(self, step: int) -> bool:
        """Whether the rate falls after that many steps, or never rose."""
        steps = self.epochs * self.batches
        constant = self.config.schedule == "constant" or self.full_batch
        return constant or step > WARM_UP * steps
