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
        by_state: (n + m, n, G, T); the first n rows are A_t, the others C_t.
        by_parameter: (n + m, P, G, T); B_t and D_t.
    """

    by_state: np.ndarray
    by_parameter: np.ndarray

    @property
    def n_states(self) -> int:
        """Number n of states."""
        return self.by_state.shape[1]


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
    parts = [_differentiated(process, part, n, count) for part in flat.split(BLOCK, 1)]
    slopes = torch.cat(parts, -1).numpy().reshape(-1, count, *shape)
    local = Local(slopes[:, :n].copy(), slopes[:, n:])
    _add_functions(process, trajectory, local)
    return local


def _differentiated(
    process: SeriesProcess, inputs: Tensor, n: int, count: int
) -> Tensor:
    """Return the derivatives (n + m, n + P, rows) of one block of rows."""
    rows = inputs.shape[1]
    leaves = [value.clone().requires_grad_() for value in inputs[:count].unbind(0)]
    others = list(inputs[count:].unbind(0))
    with torch.enable_grad():
        new, out = process.step(leaves[:n], leaves[n:], others[:-1], others[-1])
        # Rows do not meet within a step, so that the gradient of a sum holds every
        # row's own.
        sums = [v.sum() if isinstance(v, Tensor) else None for v in (*new, *out)]
    slopes = inputs.new_zeros(n + len(out), count, rows)
    for number, total in enumerate(sums):
        if total is None or not total.requires_grad:
            continue  # the same whatever states and parameters are
        # The recorded step serves all n + m passes, hence the graph is kept.
        gradient = torch.autograd.grad(
            total, leaves, retain_graph=True, allow_unused=True
        )
        for direction, column in enumerate(gradient):
            if column is not None:
                slopes[number, direction] = column
    return slopes


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
