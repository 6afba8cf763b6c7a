"""Derivatives of every single step, all steps and groups at once.

A step is row-wise, so the gradient of the sum of one output over the rows holds the
derivatives of that output in every row: n + m reverse passes over one recorded step give
all, fewer than the n + P forward ones. The loop over time is never differentiated.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciren.dynamics.solving.simulation import SeriesProcess, Trajectory

BLOCK = 16_384  # rows at once: arrays of a few hundred kB stay in the processor's cache


@dataclass(frozen=True)
class Local:
    """Derivatives of new states and outputs by states and parameters, rows as (G, T).

    Attributes:
        slopes: (n + m, n + P, G, T): ((A_t, B_t), (C_t, D_t)) of every step.
        n_states: number n of states.
    """

    slopes: np.ndarray
    n_states: int

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
        return Local(self.slopes[:, :, groups], self.n_states)


def local_jacobians(process: SeriesProcess, trajectory: Trajectory) -> Local:
    """Return the derivatives of every step along a trajectory.

    Where a latent is a function of a state, the chain through that function is added:
    d new / d state takes (d new / d latent) slope(state). Without it the Jacobian is wrong.
    """
    states = trajectory.states[:, :-1].transpose(0, 2, 1)
    # Groups before rows: the recurrence walks through time within a group.
    shape = states.shape[1:]
    parameters = [
        np.broadcast_to(v.T if v.ndim == 2 else np.reshape(v, (-1, 1)), shape)
        for v in process.parameters_at(trajectory)
    ]
    inputs = [*states, *parameters, *process.forcings.transpose(0, 2, 1)]
    inputs.append(process.intervals.T)
    flat = torch.from_numpy(np.stack([np.asarray(v).reshape(-1) for v in inputs]))
    n, count = len(states), len(states) + len(parameters)
    slopes = flat.new_empty(n + len(process.model.targets), count, flat.shape[1])
    for part, into in zip(flat.split(BLOCK, 1), slopes.split(BLOCK, 2), strict=True):
        _differentiate(process, part, n, into)
    local = Local(slopes.numpy().reshape(-1, count, *shape), n)
    _add_functions(process, trajectory, local)
    return local


def _differentiate(
    process: SeriesProcess, inputs: Tensor, n: int, slopes: Tensor
) -> None:
    """Write the derivatives (n + m, n + P, rows) of one block of rows."""
    count = slopes.shape[1]
    leaves = [value.clone().requires_grad_() for value in inputs[:count].unbind(0)]
    others = list(inputs[count:].unbind(0))
    with torch.enable_grad():
        new, out = process.step(leaves[:n], leaves[n:], others[:-1], others[-1])
        # Rows do not meet within a step, so that the gradient of a sum holds every
        # row's own.
        sums = [v.sum() if isinstance(v, Tensor) else None for v in (*new, *out)]
    for total, rows in zip(sums, slopes, strict=True):
        if total is None or not total.requires_grad:
            rows.zero_()  # the same whatever states and parameters are
            continue
        # The recorded step serves all n + m passes, hence the graph is kept.
        gradient = torch.autograd.grad(
            total, leaves, retain_graph=True, allow_unused=True
        )
        for column, into in zip(gradient, rows, strict=True):
            into.zero_() if column is None else into.copy_(column)


def _add_functions(
    process: SeriesProcess, trajectory: Trajectory, local: Local
) -> None:
    for name, function in trajectory.values.functions.items():
        x = process.input_of(name, trajectory).T
        column = process.parameter_names.index(name)
        state = process.model.parameters[name].state_input
        assert state is not None  # only latents of a state have functions
        place = process.model.state_names.index(state)
        local.by_state[:, place] += local.by_parameter[:, column] * function.slope(x)
