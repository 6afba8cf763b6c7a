"""Work that a search may do, in seconds of a usual processor.

Work is counted, not timed: the same call does the same steps and gives the same result
on a busy machine as on an idle one.
"""

import time
from dataclasses import dataclass

STEP = 1.8e-4
"""Seconds of one evaluation of a model whatever its size."""

COLUMN, SQUARE, BESIDE = 4.5e-9, 7e-11, 1.3e-10
"""Seconds for each row and constant; pair of constants; constant and projected column."""


@dataclass
class Work:
    """Work done so far, in seconds."""

    seconds: float = 0.0

    def add(self, rows: int, constants: int, projected: int) -> None:
        """Count one evaluation of a model with its normal equations."""
        per_row = COLUMN + SQUARE * constants + BESIDE * projected
        self.seconds += STEP + rows * constants * per_row


class Budget:
    """Limit of the work of a search.

    Args:
        seconds: limit; searches look at it between steps and may end a little later.
        work: counter that the limit is for; a new one counts nothing.
    """

    def __init__(self, seconds: float, work: Work | None = None) -> None:
        self.work = work or Work()
        self.start, self.seconds = self.work.seconds, seconds
        self.began = time.process_time()

    @property
    def spent(self) -> float:
        """Seconds of work since the start."""
        return self.work.seconds - self.start

    @property
    def elapsed(self) -> float:
        """Processor seconds since the start, as they were on this machine."""
        return time.process_time() - self.began

    def over(self, share: float = 1.0) -> bool:
        """Whether a share of the budget is spent."""
        return self.spent > share * self.seconds
