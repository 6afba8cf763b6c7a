"""State: a quantity that a process model carries; Balance: what stores of it conserve."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sciren.errors import ParameterError
from sciren.parameters import Parameter


@dataclass(frozen=True)
class State:
    """One state of a dynamic process model.

    Args:
        name: identifier used in the process model, e.g. ``soil`` for ``s.soil``.
        start: value before the first row, in ``unit``; a share of a parameter with ``of``.
        of: parameter (constant or per group) of which ``start`` is the share, such as
            the capacity of a store.
        unit: physical unit of the state.
        low, high: bounds at which the state is held after every step, which adds or
            removes what goes beyond them. None: no bound.
        learn_start: whether the start is learned, as a constant ``{name}_start``.
        meaning: one short phrase for tables and reports.
    Raises:
        ParameterError: name, bounds or start are not usable.
    """

    name: str
    start: float = 0.0
    of: str | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    learn_start: bool = False
    meaning: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ParameterError(
                f"state name {self.name!r} is not an identifier; use letters, digits and "
                "underscores, not starting with a digit"
            )
        if math.isnan(self.start) or math.isinf(self.start):
            raise ParameterError(
                f"state {self.name!r} starts at {self.start}; give a number"
            )
        if self.lower >= self.upper:
            raise ParameterError(
                f"state {self.name!r} has bounds [{self.low}, {self.high}]; low must be "
                "below high"
            )
        # A share is not in the unit of the state: bounds say nothing of it.
        if self.of is None and not self.lower <= self.start <= self.upper:
            raise ParameterError(
                f"state {self.name!r} starts at {self.start:g}, outside [{self.low}, "
                f"{self.high}]; choose a start inside the bounds"
            )
        if self.learn_start and self.start <= 0 and (self.of or self.lower >= 0):
            raise ParameterError(
                f"state {self.name!r} learns a positive start, which goes in logs, but "
                f"begins at {self.start:g}; choose a start above zero"
            )

    @property
    def lower(self) -> float:
        """Lower bound, infinite where there is none."""
        return -math.inf if self.low is None else float(self.low)

    @property
    def upper(self) -> float:
        """Upper bound, infinite where there is none."""
        return math.inf if self.high is None else float(self.high)

    @property
    def bounded(self) -> bool:
        """Whether the state is held at a bound."""
        return self.low is not None or self.high is not None

    @property
    def start_name(self) -> str:
        """Name of the constant that holds a learned start."""
        return f"{self.name}_start"

    def start_parameter(self) -> Parameter:
        """Return the constant that holds a learned start."""
        share = self.of is not None
        return Parameter(
            self.start_name,
            low=0.0 if share else self.lower,
            high=math.inf if share else self.upper,
            unit="" if share else self.unit,
            meaning=f"start of {self.name}"
            + (f" as a share of {self.of}" if share else ""),
            kind="constant",
            start=self.start,
        )


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
