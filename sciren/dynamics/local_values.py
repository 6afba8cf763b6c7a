"""Numbers of every group between the scale they are fitted on and physical values.

The local vector of a group holds its latents on their raw scale, the process constants on
their training scale (positive ones in logs), and the learned starts with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sciren.constants import ConstantScale
from sciren.constraints import HALF_WIDTH, Constraint, HardSigmoid, bounds
from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.solving.directions import Directions
from sciren.dynamics.solving.simulation import (
    SeriesProcess,
    StateFunction,
    Trajectory,
    Values,
    check_finite,
)
from sciren.errors import TrainingError

# Of a step of Gauss and Newton: a latent that jumps onto its bound has no gradient there.
LARGEST_STEP = 2.0
"""In raw units of a latent between two bounds, which span six; twice the size of others."""

FACTORS = (1.0, 1.5, 0.6)
"""Of the declared numbers: a threshold that nothing passes at one may be passed at another."""

# Groups that are asked first whether anything moves them: one nearly always does, and all
# others are asked where none of these does, so that the number is one of cost alone.
ASKED = 8


@dataclass(frozen=True)
class LocalScale:
    """Latents per group and constants of a model, on either scale.

    Args:
        model: process model.
        constraints: of its latents per group.
        functions: latents of a state that are known, which are no numbers of groups.
    """

    model: DynamicModel
    constraints: tuple[Constraint, ...]
    functions: Mapping[str, StateFunction] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the local numbers: latents per group, then constants with the starts."""
        return tuple(p.name for p in (*self.model.group_latents, *self.constants))

    @property
    def constants(self) -> tuple:
        """Constants of the model, learned starts included."""
        return self.model.parameters.constants

    @cached_property
    def _constant_scale(self) -> ConstantScale:
        return ConstantScale(self.constants)

    @cached_property
    def _bounds(self) -> tuple[Tensor, Tensor]:
        return bounds(self.model.group_latents)

    def physical(self, raw: Tensor) -> Tensor:
        """Return physical values (G, Q) of raw ones."""
        count = len(self.constraints)
        low, high = self._bounds
        latents = [
            constraint.forward(raw[:, k], low[k], high[k])
            for k, constraint in enumerate(self.constraints)
        ]
        constants = self._constant_scale.to_physical(raw[:, count:])
        return (
            torch.cat([torch.stack(latents, 1), constants], 1) if latents else constants
        )

    def slope(self, raw: Tensor) -> Tensor:
        """Return the derivative (G, Q) of the physical by the raw values."""
        # Every physical value depends on its own raw value alone, so that the gradient
        # of the sum is the diagonal.
        at = raw.clone().requires_grad_()
        with torch.enable_grad():
            total = self.physical(at).sum()
        return torch.autograd.grad(total, at)[0]

    def raw(self, physical: Tensor) -> Tensor:
        """Return raw values (G, Q) of physical ones inside their bounds."""
        count = len(self.constraints)
        low, high = self._bounds
        latents = [
            constraint.inverse(physical[:, k], low[k], high[k])
            for k, constraint in enumerate(self.constraints)
        ]
        constants = self._constant_scale.to_raw(physical[:, count:])
        return (
            torch.cat([torch.stack(latents, 1), constants], 1) if latents else constants
        )

    def start(self, groups: int) -> Tensor:
        """Return the declared starts of all groups, (G, Q) raw."""
        declared = [p.initial for p in (*self.model.group_latents, *self.constants)]
        row = torch.tensor(declared, dtype=torch.float64)
        return self.raw(row.expand(groups, -1))

    def limits(self) -> tuple[Tensor, Tensor]:
        """Return lowest and highest raw values (Q,): beyond them nothing changes."""
        # A hard sigmoid is flat beyond its half width, relu below its bound; other
        # constraints never end.
        low, high = self.constant_limits()
        inner = [
            (-HALF_WIDTH, HALF_WIDTH)
            if isinstance(constraint, HardSigmoid)
            else (float(p.low), float(p.high))
            if constraint.name == "relu"
            else (-np.inf, np.inf)
            for constraint, p in zip(
                self.constraints, self.model.group_latents, strict=True
            )
        ]
        own = torch.tensor(inner, dtype=torch.float64).reshape(-1, 2)
        return torch.cat([own[:, 0], low]), torch.cat([own[:, 1], high])

    def physical_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the declared bounds (Q,) of all local numbers."""
        parameters = {p.name: p for p in (*self.model.group_latents, *self.constants)}
        low, high = (
            np.array([getattr(parameters[name], end) for name in self.names])
            for end in ("low", "high")
        )
        return low, high

    def constant_limits(self) -> tuple[Tensor, Tensor]:
        """Return the bounds of the constants on their training scale."""
        return self._constant_scale.box()

    def longest(self, raw: Tensor) -> Tensor:
        """Return the longest step allowed for every number, (G, Q)."""
        # Raw values of bounded latents and logs have a natural size; elsewhere it is
        # their own.
        two_sided = [constraint.needs == "both" for constraint in self.constraints]
        logs = self._constant_scale.in_logs.tolist()
        fixed = torch.tensor([*two_sided, *logs], dtype=torch.bool)
        return torch.where(
            fixed, LARGEST_STEP, LARGEST_STEP * raw.abs().clamp_min(1e-6)
        )

    def values(self, physical: np.ndarray) -> Values:
        """Return local numbers (G, Q) as values of the process."""
        values = dict(zip(self.names, physical.T, strict=True))
        # A start that is not learned is the declared one in all groups.
        starts = {
            state.name: values.pop(state.start_name)
            if state.learn_start
            else np.full(len(physical), state.start)
            for state in self.model.states
        }
        return Values(values, starts, self.functions)

    def directions(self) -> Directions:
        """Return the directions of all local numbers, in their order."""
        starts = {s.start_name: s.name for s in self.model.states if s.learn_start}
        # learned starts are the last constants, so the order of the columns is kept
        static = [name for name in self.names if name not in starts]
        return Directions(static, [starts[n] for n in self.names if n in starts])


def check_start(model: DynamicModel, table: SeriesTable) -> None:
    """Refuse a process without numbers at its declared starts, or that nothing moves.

    Derivatives without numbers are left to their fit, whose substeps and windows find a
    start, and so are latents that are functions of a row or a state.

    Raises:
        TrainingError: names the group, the row, and the state or target.
        DataError: rows are irregular in time.
    """
    if model.latents_in_time:
        return
    process, scale = SeriesProcess(model, table), LocalScale(model, ())
    if model.time != "ode":
        check_finite(process, _at_start(process, scale))
    few = process.take(np.arange(min(len(table), ASKED)))
    if _is_moved(few, scale) or _is_moved(process, scale):
        return
    given = ", ".join(model.forcings) or "there is none"
    raise TrainingError(
        f"no latent or constant of process model {model.name!r} moves a target: "
        f"simulations at {', '.join(f'{factor:g}' for factor in FACTORS)} times the "
        f"declared starts are the same in all rows. Look at the forcings ({given}), which "
        "may be zero everywhere, and at the starts of the states"
    )


def _at_start(
    process: SeriesProcess, scale: LocalScale, factor: float = 1.0
) -> Trajectory:
    """Simulate at the declared numbers times a factor."""
    declared = np.array(
        [p.initial for p in (*process.model.group_latents, *scale.constants)]
    )
    # Zero times anything is no other number.
    numbers = np.where(declared == 0, factor - 1, factor * declared)
    numbers = np.clip(numbers, *scale.physical_limits())
    return process.simulate(
        scale.values(np.tile(numbers.astype(float), (len(process.table), 1)))
    )


def _is_moved(process: SeriesProcess, scale: LocalScale) -> bool:
    """Whether some numbers give other outputs than the declared ones."""
    active = process.table.active
    first, *others = FACTORS
    outputs = _at_start(process, scale, first).outputs[:, active]
    return any(
        not np.array_equal(
            outputs, _at_start(process, scale, factor).outputs[:, active]
        )
        for factor in others
    )
