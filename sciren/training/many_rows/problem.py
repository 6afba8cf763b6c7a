"""The additive least-squares problem over blocks: a sum of their normal equations."""

import torch
from torch import Tensor

from sciren.solvers.levenberg import Normal, hold
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.many_rows.sums import BlockSums, rowless

BELIEVED = 1.0
"""Share of the loss by which the quadratic model may rise to the sample's minimum: the two
fits differ by edges that add nothing, so a model that doubles the loss does not hold there."""


class BlocksProblem:
    """The loss of all rows of all blocks, for `minimise`.

    Args:
        problem: on a sample: its units, knots and penalty, and which parameters may move.
        sums: over the blocks.
    """

    def __init__(self, problem: AdditiveProblem, sums: BlockSums) -> None:
        self.active, self.penalty = problem.active, problem.penalty
        self.term, self.sums = problem.term, sums
        self.rowless = rowless(problem)
        self._known: tuple[Tensor, Normal] | None = None

    def start(self, theta: Tensor) -> Tensor:
        """Return where to begin: by Newton's step from sums that were begun, or theta.

        The quadratic model of all rows around theta_0, with gradient g and matrix A, has
        its minimum over the parameters that may move, others zero, where
        (A + R) theta = A theta_0 - g; R is the penalty.

        Args:
            theta: (1, P), the minimum of the sample.
        """
        early = self.sums.early()
        if early is None:
            return theta
        origin, normal = early
        matrix, pull = normal.matrix[0], normal.gradient[0]
        # Another minimum of the constants, taken after the sums were begun, lies outside
        # the model; one of the same model costs little more than its origin.
        away = (theta - origin)[0]
        rise = 2 * pull @ away + away @ matrix @ away
        if not bool(rise < BELIEVED * normal.loss[0]):
            return theta
        aim = matrix @ origin[0] - pull
        full = Normal(normal.loss, aim.unsqueeze(0), normal.matrix + self.penalty)
        held = hold(full, self.active)
        size = held.matrix[0].diagonal().clamp_min(1e-300).sqrt()
        scaled = held.matrix[0] / (size.unsqueeze(1) * size)
        there = torch.linalg.solve(scaled, held.gradient[0] / size) / size
        if not bool(there.isfinite().all()):
            return theta
        return self.retract(there.unsqueeze(0), theta, torch.zeros(1, dtype=torch.long))

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Observed loss plus smoothness (1,)."""
        return self.normal(theta, members).loss

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations, in one pass over the blocks."""
        # A trial point that is accepted is asked for again: reading is dearer than sums.
        if self._known is None or not torch.equal(self._known[0], theta):
            self._known = theta.clone(), self._pass(theta)
        return self._known[1]

    def covariance(self, theta: Tensor) -> Tensor:
        """Covariance (P, P) of the parameters at the minimum, rows independent.

        A^-1 S A^-1, S the products of the rows' half gradients: right whatever the noise
        of each row, in one more pass over the blocks. Held parameters have none.
        """
        member = torch.zeros(1, dtype=torch.long)
        matrix = self.normal(theta, member).matrix[0]
        keep = self.active[0].to(matrix.dtype)
        # The bread needs no such cut: `hold` has made rows of held parameters the
        # identity.
        scores = self.sums.scores(self.rowless, theta) * keep.unsqueeze(1) * keep
        size = matrix.diagonal().clamp_min(1e-300).sqrt()
        bread = torch.linalg.inv(matrix / (size.unsqueeze(1) * size))
        bread = bread / (size.unsqueeze(1) * size)
        return bread @ scores @ bread

    def _pass(self, theta: Tensor) -> Normal:
        loss, gradient, matrix = self.sums.normal(self.rowless, theta)
        pull = theta @ self.penalty
        full = Normal(
            loss + (pull * theta).sum(1), gradient + pull, matrix + self.penalty
        )
        # `minimise` takes an infinite loss for a failed step, and a nan for nothing.
        finite = torch.isfinite(full.loss)
        return hold(
            full._replace(loss=torch.where(finite, full.loss, torch.inf)), self.active
        )

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Hold the constants inside their bounds."""
        return self.rowless.retract(trial, theta, members)
