"""Derivatives of every single step, all steps and groups at once.

A step is row-wise, so the gradient of the sum of one output over the rows holds the
derivatives of that output in every row: n + m reverse passes over one recorded step give
all, fewer than the n + P forward ones. The loop over time is never differentiated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciren.dynamics.solving.simulation import (
    SeriesProcess,
    StateFunction,
    Trajectory,
)

BLOCK = 32_768
"""Rows at once: fewer spend their time in calls (54,750 rows 8.7 ms, in blocks of 16,384 10.2 ms),
more leave the processor's cache (`python -m benchmarks.dynamics jacobian`)."""


@dataclass(frozen=True)
class Local:
    """Derivatives of new states and outputs by states and parameters, rows as (G, T).

    Attributes:
        slopes: (n + m, n + P, G, T): ((A_t, B_t), (C_t, D_t)) of every step.
        n_states: number n of states.
        constants: latent of a state -> where by_parameter holds the constants of its
            function; of models of derivatives only.
    """

    slopes: np.ndarray
    n_states: int
    constants: Mapping[str, slice] = field(default_factory=dict)

    @property
    def by_state(self) -> np.ndarray:
        """(n + m, n, G, T); the first n rows are A_t, the others C_t."""
        return self.slopes[:, : self.n_states]

    @property
    def by_parameter(self) -> np.ndarray:
        """(n + m, P, G, T); B_t and D_t."""
        return self.slopes[:, self.n_states :]

    def take(self, groups: slice) -> "Local":
        """Return the derivatives of some groups."""
        return replace(self, slopes=self.slopes[:, :, groups])


def local_jacobians(
    process: SeriesProcess, trajectory: Trajectory, functions: Sequence[str] = ()
) -> Local:
    """Return the derivatives of every step along a trajectory.

    Where a latent is a function of a state, the chain through that function is added:
    d new / d state takes (d new / d latent) slope(state). Without it the Jacobian is wrong.

    Args:
        functions: latents of a state whose constants are derived by, where the model gives
            derivatives; in steps of a row they follow from the latent (`directions`).
    """
    states = trajectory.states[:, :-1]
    # In the order of the trajectory, time before groups, so that nothing is turned.
    shape = states.shape[1:]
    parameters = [np.broadcast_to(v, shape) for v in process.parameters_at(trajectory)]
    inputs = [*states, *parameters, *process.forcings, process.intervals]
    flat = torch.from_numpy(np.stack(inputs).reshape(len(inputs), -1))
    n, leaves = len(states), len(states) + len(parameters)
    within = process.model.time == "ode"
    followed = dict(trajectory.values.functions) if within else {}
    places, count = _places(process, trajectory, functions if within else (), leaves)
    slopes = flat.new_empty(n + len(process.model.targets), count, flat.shape[1])
    for part, into in zip(flat.split(BLOCK, 1), slopes.split(BLOCK, 2), strict=True):
        asked = {name: Followed(function) for name, function in followed.items()}
        _differentiate(process, part, (n, leaves), asked, places, into)
    own = {name: slice(p.start - n, p.stop - n) for name, p in places.items()}
    by_time = slopes.numpy().reshape(-1, count, *shape)
    local = Local(by_time.transpose(0, 1, 3, 2), n, own)
    if not within:
        _add_functions(process, trajectory, local)
    return local


def _places(
    process: SeriesProcess,
    trajectory: Trajectory,
    functions: Sequence[str],
    first: int,
) -> tuple[dict[str, slice], int]:
    """Return where the columns of every function stand after the first, and all columns."""
    places = {}
    for name in functions:
        at = process.input_of(name, trajectory)[:1, :1]
        width = trajectory.values.functions[name].by_constants(at).shape[-1]
        places[name] = slice(first, first + width)
        first += width
    return places, first


class Followed:
    """A function of a state on tensors, which keeps where it was asked.

    Attributes:
        calls: states (rows,) and a leaf (rows,) whose gradient is that of the value there.
    """

    def __init__(self, function: StateFunction) -> None:
        self.function = function
        self.calls: list[tuple[np.ndarray, Tensor]] = []

    def __call__(self, x: Tensor) -> Tensor:
        """Return the latent at states (rows,)."""
        at = x.detach().numpy()
        if not torch.is_grad_enabled():
            return torch.tensor(self.function.value(at))
        moved = torch.zeros_like(x, requires_grad=True)
        self.calls.append((at, moved))
        return _Value.apply(x, self.function) + moved

    def by_constants(self, slopes: Sequence[Tensor | None]) -> Tensor | float:
        """Return the derivatives (K, rows) for those by the value of every call."""
        parts = [
            torch.from_numpy(self.function.by_constants(x)).T * slope
            for (x, _), slope in zip(self.calls, slopes, strict=True)
            if slope is not None
        ]
        return sum(parts, 0.0)


class _Value(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, function: StateFunction) -> Tensor:
        ctx.x, ctx.function = x.detach().numpy(), function
        return torch.tensor(function.value(ctx.x))  # a copy: formulas give views

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        return grad_outputs[0] * torch.tensor(ctx.function.slope(ctx.x)), None


def _differentiate(
    process: SeriesProcess,
    inputs: Tensor,
    sizes: tuple[int, int],
    functions: Mapping[str, Followed],
    places: Mapping[str, slice],
    slopes: Tensor,
) -> None:
    """Write the derivatives (n + m, n + P, rows) of one block of rows.

    Args:
        sizes: number of states, and of states and parameters that are leaves.
        functions: that the step asks itself;  places: of the constants of some of them.
    """
    n, count = sizes
    leaves = [value.detach().requires_grad_() for value in inputs[:count].unbind(0)]
    others = list(inputs[count:].unbind(0))
    step = replace(process.step, functions=functions) if functions else process.step
    with torch.enable_grad():
        new, out = step(leaves[:n], leaves[n:], others[:-1], others[-1])
        # Rows do not meet within a step, so that the gradient of a sum holds every
        # row's own.
        sums = [v.sum() if isinstance(v, Tensor) else None for v in (*new, *out)]
    asked = [moved for name in places for _, moved in functions[name].calls]
    for total, rows in zip(sums, slopes, strict=True):
        if total is None or not total.requires_grad:
            rows.zero_()  # the same whatever states and parameters are
            continue
        # The recorded step serves all n + m passes, hence the graph is kept.
        gradient = torch.autograd.grad(
            total, [*leaves, *asked], retain_graph=True, allow_unused=True
        )
        for column, into in zip(gradient[:count], rows[:count], strict=True):
            into.zero_() if column is None else into.copy_(column)
        left = list(gradient[count:])
        for name, place in places.items():
            calls = len(functions[name].calls)
            own, left = left[:calls], left[calls:]
            rows[place] = functions[name].by_constants(own)


def _add_functions(
    process: SeriesProcess, trajectory: Trajectory, local: Local
) -> None:
    for name, function in trajectory.values.functions.items():
        x = process.input_of(name, trajectory).T
        column = process.parameter_names.index(name)
        place = process.model.place_of_input(name)
        local.by_state[:, place] += local.by_parameter[:, column] * function.slope(x)
