"""Processor time that a search may take."""

import time


class Budget:
    """Clock of processor seconds, so that other load on the machine does not count.

    Args:
        seconds: limit; searches look at it between steps and may end a little later.
    """

    def __init__(self, seconds: float) -> None:
        self.start, self.seconds = time.process_time(), seconds

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.process_time() - self.start

    def over(self, share: float = 1.0) -> bool:
        """Whether a share of the budget is spent."""
        return self.spent > share * self.seconds
