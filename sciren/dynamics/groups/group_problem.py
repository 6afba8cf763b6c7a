"""Sum of squares of every group as a function of its own numbers, on any of their scales."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.data.series import SeriesTable
from sciren.dynamics.error_floor import with_learned_floor
from sciren.dynamics.groups.deviations import Deviations, Quadratic
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.residuals import Comparison
from sciren.dynamics.solving.accuracy import accurate
from sciren.dynamics.solving.directions import jacobian_blocks
from sciren.dynamics.solving.simulation import SeriesProcess, Trajectory
from sciren.solvers.levenberg import Normal


@dataclass(frozen=True)
class GroupProblem:
    """Sum of squares of every group as a function of its own numbers.

    Args:
        process: model and series.
        comparison: targets and noise.
        scale: of the local numbers.
        law: of the deviations of groups from what features say.
    """

    process: SeriesProcess
    comparison: Comparison
    scale: LocalScale
    law: Deviations

    def with_noise_of(self, outputs: np.ndarray, spent: float = 0.0) -> "GroupProblem":
        """Return the problem under the noise of simulated outputs (m, T, G).

        Args:
            outputs: near the targets.
            spent: observations that the numbers of groups took up.
        """
        comparison = self.comparison
        if self.process.model.error == "proportional+floor":
            comparison = with_learned_floor(comparison, self.process, outputs)
        comparison = comparison.with_noise_of(outputs, memory=self.process.regular)
        count = float(comparison.counts.sum())
        # at least half of the observations speak of the noise, whatever was spent
        share = count / max(count - spent, 0.5 * count)
        noise = replace(comparison.noise, variance=comparison.noise.variance * share)
        return replace(self, comparison=replace(comparison, noise=noise))

    def losses_near(self, physical: np.ndarray) -> Quadratic:
        """Return the losses of all groups about physical values (G, Q), by t."""
        normal = self.normal_at(physical)
        # Chain rule of t: g_t = g dp/dt. The second derivative of p is left out, as
        # Gauss and Newton leave out that of the residuals.
        slope = self.law.slope(physical)
        return Quadratic(
            self.law.forward(physical),
            normal.gradient.numpy() * slope,
            normal.matrix.numpy() * slope[:, :, None] * slope[:, None],
        )

    def take(self, members: Tensor) -> "GroupProblem":
        """Return the problem of some groups."""
        # Taking all would copy the table and lose what the process has cached.
        if len(members) == len(self.process.table):
            return self
        groups = members.numpy()
        process = self.process.take(groups)
        comparison = self.comparison.take(groups, process.table.rows)
        return replace(self, process=process, comparison=comparison)

    def accurate(self, physical: np.ndarray) -> "GroupProblem":
        """Return the problem with as many substeps as these numbers need."""
        return replace(
            self, process=accurate(self.process, self.scale.values(physical))
        )

    def trajectory(self, theta: Tensor) -> Trajectory:
        """Simulate all groups of the problem."""
        return self.process.simulate(
            self.scale.values(self.scale.physical(theta).numpy())
        )

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (S,) of some groups."""
        part = self.take(members)
        losses = part.comparison.losses(part.trajectory(theta).outputs)
        return torch.from_numpy(losses)

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and Gauss-Newton matrix of some groups, raw scale."""
        part = self.take(members)
        loss, gradient, matrix = part.normal_at(self.scale.physical(theta).numpy())
        slope = self.scale.slope(theta)
        return Normal(
            loss, gradient * slope, matrix * slope.unsqueeze(2) * slope.unsqueeze(1)
        )

    def losses_at(self, physical: np.ndarray) -> np.ndarray:
        """Return the losses (G,) of all groups at physical values (G, Q)."""
        run = self.process.simulate(self.scale.values(physical))
        return self.comparison.losses(run.outputs)

    def normal_at(self, physical: np.ndarray) -> Normal:
        """Loss, half gradient and matrix by physical values (G, Q), all groups."""
        trajectory = self.process.simulate(self.scale.values(physical))
        outputs = trajectory.outputs
        residual, slope = (
            self.comparison.residual(outputs),
            self.comparison.slope(outputs),
        )
        count, size = physical.shape
        loss, gradient = np.empty(count), np.empty((count, size))
        matrix = np.empty((count, size, size))
        blocks = jacobian_blocks(self.process, trajectory, self.scale.directions())
        for part, columns in blocks:
            for place, group in enumerate(range(*part.indices(count))):
                # (Q, m, T): derivative of the transformed outputs of this group.
                moved = columns[:, :, place] * slope[None, ..., group]
                # The residual rides along as one more column, so that it is whitened by
                # the same filter and one product gives matrix, gradient and loss.
                both = np.concatenate([moved, residual[None, ..., group]])
                stack = self.comparison.stacked(both, group)
                gram = stack.T @ stack
                matrix[group], gradient[group] = gram[:-1, :-1], gram[:-1, -1]
                loss[group] = gram[-1, -1]
        return Normal(*map(torch.from_numpy, (loss, gradient, matrix)))

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Shorten a step to the longest allowed, and hold it inside the bounds."""
        # The whole step is shortened, not its largest entry alone: the direction is
        # kept.
        longest = self.scale.longest(theta)
        share = (
            (longest / (trial - theta).abs().clamp_min(1e-300)).amin(1).clamp_max(1.0)
        )
        low, high = self.scale.limits()
        shortened = theta + share.unsqueeze(1) * (trial - theta)
        return torch.minimum(torch.maximum(shortened, low), high)


def replace_series(problem: GroupProblem, series: SeriesTable) -> GroupProblem:
    """Return the problem of other series, compared in the same way under the same noise."""
    process = replace(problem.process, table=series)
    earlier = problem.comparison
    comparison = replace(Comparison.of(process, earlier.scale), noise=earlier.noise)
    return replace(problem, process=process, comparison=comparison)
