"""Constants of a process model between physical values and the scale they train on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sciren.parameters import Parameter


@dataclass(frozen=True)
class ConstantScale:
    """Positive constants train in logs, others as they are; bounds are held as a box.

    Args:
        parameters: the constants, K of them, in order.
    """

    parameters: tuple[Parameter, ...]

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        object.__setattr__(self, "parameters", tuple(parameters))

    @cached_property
    def in_logs(self) -> Tensor:
        """(K,) bool: trained in logs."""
        return torch.tensor(self._positive, dtype=torch.bool)

    @cached_property
    def _positive(self) -> tuple[bool, ...]:
        return tuple(parameter.positive for parameter in self.parameters)

    @property
    def start(self) -> Tensor:
        """(K,) start values on the training scale."""
        values = [p.initial for p in self.parameters]
        return self.to_raw(torch.tensor(values, dtype=torch.float64))

    def to_raw(self, physical: Tensor) -> Tensor:
        """Physical values (..., K) to the training scale."""
        logs = self.in_logs.to(physical.device)
        # The branch that is not taken must have a number too: its gradient is
        # multiplied by zero, and zero times nan is nan.
        safe = torch.where(logs, physical, torch.ones_like(physical))
        return torch.where(logs, safe.log(), physical)

    def to_physical(self, raw: Tensor) -> Tensor:
        """Training scale (..., K) to physical values."""
        if all(
            self._positive
        ):  # solvers ask a thousand times: no mask where none is needed
            return raw.exp()
        if not any(self._positive):
            return raw
        logs = self.in_logs.to(raw.device)
        safe = torch.where(logs, raw, torch.zeros_like(raw))
        return torch.where(logs, safe.exp(), raw)

    def slope(self, raw: Tensor) -> Tensor:
        """Derivative of the physical value with respect to the training scale."""
        if all(self._positive):
            return raw.exp()
        if not any(self._positive):
            return torch.ones_like(raw)
        logs = self.in_logs.to(raw.device)
        return torch.where(logs, self.to_physical(raw), torch.ones_like(raw))

    def box(self) -> tuple[Tensor, Tensor]:
        """Bounds (K,), (K,) on the training scale; infinite where there are none."""

        def scaled(p: Parameter, value: float) -> float:
            if not p.positive or math.isinf(value):
                return value
            return math.log(value) if value > 0 else -math.inf

        low = [scaled(p, p.low) for p in self.parameters]
        high = [scaled(p, p.high) for p in self.parameters]
        return (
            torch.tensor(low, dtype=torch.float64),
            torch.tensor(high, dtype=torch.float64),
        )
