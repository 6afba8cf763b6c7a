"""Balance: what enters and leaves the stores of a process model with memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Flows = Callable[[Any, Any, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Balance:
    """A conservation law of a process model: growth of storage = inflow - outflow.

    ```python
    Balance(storage=["soil"], inflow=["rain"], outflow=["q", "et"],
            flows=lambda s, p, f: {"et": f.pet * minimum(s.soil / p.smax, 1)})
    ```

    A state that is held at a bound takes or loses what goes beyond it; the balance does
    not count that, so it then shows how much.

    Args:
        storage: states that hold the quantity.
        inflow, outflow: names of forcings, targets or flows, per step (of an ODE: per
            unit of time).
        flows: ``(s, p, f)`` -> name -> value, of what is neither forcing nor target; s
            are the states at the start of the step.
    """

    storage: Sequence[str]
    inflow: Sequence[str]
    outflow: Sequence[str]
    flows: Flows | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """Names of all that flows."""
        return (*self.inflow, *self.outflow)
