"""Loss of one function of a state and of the constants of the process, through simulation.

    loss = sum of whitened squares + c' penalty c

theta (1, K + C) holds the K constants c of the function and the C constants of the process
on their training scale (positive ones in logs, learned starts among them).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from sciren.constants import ConstantScale
from sciren.dynamics.residuals import Comparison
from sciren.dynamics.solving.directions import Directions, jacobian_blocks
from sciren.dynamics.solving.simulation import (
    SeriesProcess,
    StateFunction,
    Trajectory,
    Values,
)
from sciren.parameters import Parameter
from sciren.solvers.levenberg import Normal

LARGEST_STEP = 2.0
"""Of one step in units of the declared start, or of logs: as in `local_values`."""

Build = Callable[[np.ndarray], StateFunction]


@dataclass(frozen=True)
class StateProblem:
    """Loss as a function of the constants of one function of a state and of the process.

    theta (1, K + C): constants of the function, then constants on their training scale.

    Args:
        process: model and series;  comparison: targets and noise.
        latent: the parameter that is a function of a state.
        build: constants (K,) -> the function.
        penalty: (K, K) added as theta' penalty theta.
        sizes: (K,) of the constants of the function, by which long steps are told.
    """

    process: SeriesProcess
    comparison: Comparison
    latent: Parameter
    build: Build
    sizes: np.ndarray
    penalty: np.ndarray
    _last: dict[tuple[float, ...], Trajectory] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def scale(self) -> ConstantScale:
        """Constants of the process, learned starts among them."""
        return ConstantScale(self.process.model.parameters.constants)

    def values(self, theta: Tensor) -> Values:
        """Return the physical values of all parameters."""
        count, groups = len(self.sizes), len(self.process.table)
        constants = self.scale.to_physical(theta[0, count:]).numpy()
        names = self.process.model.constant_names
        values = {n: np.full(groups, v) for n, v in zip(names, constants, strict=True)}
        starts = {
            state.name: values.pop(state.start_name)
            if state.learn_start
            else np.full(groups, state.start)
            for state in self.process.model.states
        }
        function = self.build(theta[0, :count].numpy())
        return Values(values, starts, {self.latent.name: function})

    def trajectory(self, theta: Tensor) -> Trajectory:
        """Simulate; an accepted trial is not run again for its derivatives."""
        # One entry: the minimiser goes on from the trial that it accepted last.
        key = tuple(theta[0].tolist())
        if key not in self._last:
            self._last.clear()
            self._last[key] = self.process.simulate(self.values(theta))
        return self._last[key]

    def _rough(self, theta: Tensor) -> float:
        c = theta[0, : len(self.sizes)].numpy()
        return float(c @ self.penalty @ c)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (1,) with the penalty."""
        squares = self.comparison.losses(self.trajectory(theta).outputs).sum()
        return torch.tensor([squares + self._rough(theta)])

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and Gauss-Newton matrix with the penalty."""
        loss, gradient, matrix = self.data_normal(theta)
        count = len(self.sizes)
        gradient[:count] += self.penalty @ theta[0, :count].numpy()
        matrix[:count, :count] += self.penalty
        parts = (np.array([loss + self._rough(theta)]), gradient[None], matrix[None])
        return Normal(*map(torch.from_numpy, parts))

    def data_normal(self, theta: Tensor) -> tuple[float, np.ndarray, np.ndarray]:
        """Do the same without the penalty."""
        trajectory = self.trajectory(theta)
        residual = self.comparison.residual(trajectory.outputs)
        slope = self.comparison.slope(trajectory.outputs)
        size = theta.shape[1]
        loss, gradient, matrix = 0.0, np.zeros(size), np.zeros((size, size))
        order, scales = self._columns(theta)
        blocks = jacobian_blocks(self.process, trajectory, self._directions())
        for part, columns in blocks:
            for place, group in enumerate(
                range(*part.indices(len(self.process.table)))
            ):
                # Columns in the order of theta; constants by their raw values, dp/draw
                # = scales.
                moved = columns[order, :, place] * slope[None, ..., group]
                both = np.concatenate(
                    [moved * scales[:, None, None], residual[None, ..., group]]
                )
                # Columns and residual whitened side by side: one product gives matrix,
                # gradient and loss.
                stack = self.comparison.stacked(both, group)
                gram = stack.T @ stack
                matrix += gram[:-1, :-1]
                gradient += gram[:-1, -1]
                loss += float(gram[-1, -1])
        return loss, gradient, matrix

    def _directions(self) -> Directions:
        starts = {
            s.start_name: s.name for s in self.process.model.states if s.learn_start
        }
        names = self.process.model.constant_names
        static = [name for name in names if name not in starts]
        return Directions(
            static,
            [starts[n] for n in names if n in starts],
            functions=[self.latent.name],
        )

    def _columns(self, theta: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of the columns of the Jacobian in theta, and their scales."""
        count, names = len(self.sizes), self.process.model.constant_names
        constants = np.arange(len(names))
        # The Jacobian has the constants of the process before those of the function.
        order = np.concatenate([len(names) + np.arange(count), constants])
        raw = self.scale.slope(theta[0, count:]).numpy()
        return order, np.concatenate([np.ones(count), raw])

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Shorten a step to the longest allowed, constants inside their bounds."""
        count, others = len(self.sizes), len(self.scale.parameters)
        # A constant of the function is measured by its typical size, or by half of
        # itself where that is more.
        own = torch.maximum(torch.from_numpy(self.sizes), 0.5 * theta[0, :count].abs())
        longest = LARGEST_STEP * torch.cat([own, torch.ones(others)])
        # The step as a whole gets shorter, so that its direction stays one of descent.
        share = (
            (longest / (trial - theta).abs().clamp_min(1e-300)).amin(1).clamp_max(1.0)
        )
        moved = theta + share.unsqueeze(1) * (trial - theta)
        low, high = self.scale.box()
        moved[:, count:] = torch.minimum(torch.maximum(moved[:, count:], low), high)
        return moved
